"""`SummaryWriter`: its files hold the bytes that PyTorch's hold, and a reader finds what was given."""

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad.utils.tensorboard import SummaryWriter
from tests.refusals import refusals

RECORD = json.loads((Path(__file__).parents[1] / "data" / "tensorboard.json").read_text())


def read_records(folder):
    """The records of the only file of a folder."""
    (file,) = [path for path in Path(folder).iterdir() if path.is_file()]
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        found.append(data[at : at + length + 16])
        at += length + 16
    return found


def read_fields(data):
    """The fields of a message: number -> its values."""
    fields, at = {}, 0

    def read_varint():
        nonlocal at
        shift = value = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        tag = read_varint()
        kind, length = tag & 7, 0
        if kind == 0:
            value = read_varint()
        else:
            length = read_varint() if kind == 2 else {1: 8, 5: 4}[kind]
            value, at = data[at : at + length], at + length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def read_value(written):
    """The one value of the summary of a record."""
    (summary,) = read_fields(written[12:-4])[5]
    (value,) = read_fields(summary)[1]
    return read_fields(value)


def read_png(data):
    """The pixels of an image whose rows are not filtered: (H, W, 3)."""
    wide, high = struct.unpack(">II", data[16:24])
    (length,) = struct.unpack(">I", data[33:37])
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8).reshape(high, 1 + 3 * wide)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(high, wide, 3)


@pytest.mark.parametrize("call", RECORD)
def test_each_call_writes_what_pytorch_writes(call, tmp_path):
    with SummaryWriter(tmp_path) as writer:
        eval(f"writer.{call[:-1]}, walltime=1.5)", {"writer": writer, "torch": torch, "np": np})
    head, written = read_records(tmp_path)
    assert read_fields(head[12:-4])[3] == [b"brain.Event:2"]
    if isinstance(RECORD[call], str):
        assert written.hex() == RECORD[call]
        return
    tag, high, wide, channels, pixels = RECORD[call]
    value = read_value(written)
    (image,) = value[4]
    fields = read_fields(image)
    assert [value[1], fields[1], fields[2], fields[3]] == [[tag.encode()], [high], [wide], [channels]]
    assert read_png(fields[4][0]).tolist() == pixels


def test_curves_of_one_picture_are_runs_of_their_own(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("loss/all", {"train": 1.0, "test": torch.tensor(2.0)}, 7)
    for run, number in (("train", 1.0), ("test", 2.0)):
        value = read_value(read_records(tmp_path / f"loss_all_{run}")[1])
        assert value[1] == [b"loss/all"] and struct.unpack("<f", value[2][0]) == (number,)


def test_a_later_run_hides_the_steps_that_it_repeats(tmp_path):
    SummaryWriter(tmp_path, purge_step=5, filename_suffix=".mine").close()
    start = read_fields(read_records(tmp_path)[1][12:-4])
    assert start[2] == [5] and read_fields(start[7][0]) == {1: [1]}
    assert [path.suffix for path in tmp_path.iterdir()] == [".mine"]


def test_a_writer_that_was_closed_opens_another_file(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.close()
    writer.add_scalar("x", 1.0)
    writer.flush()
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2 and writer.get_logdir() == str(tmp_path)


def test_the_folder_is_named_after_time_machine_and_comment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr_0.1") as writer:
        pass
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.*_lr_0\.1", folder.name)
    assert Path(writer.log_dir) == Path("runs") / folder.name


def test_figures_become_images(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("two", [pyplot.figure(figsize=(1, 2), dpi=10, facecolor=c) for c in ("#ff0000", "#0000ff")])
    image = read_fields(read_value(read_records(tmp_path)[1])[4][0])
    pixels = read_png(image[4][0])
    assert pixels.shape == (20, 20, 3)
    assert pixels[0, 0].tolist() == [255, 0, 0] and pixels[19, 19].tolist() == [0, 0, 255]
    assert not pyplot.get_fignums()


def test_add_graph_says_that_it_writes_nothing(tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.warns(UserWarning, match=r"add_graph writes nothing.*viz\.graph"):
        writer.add_graph(torch.nn.Linear(1, 1), torch.ones(1, 1))
    assert len(read_records(tmp_path)) == 1


def write(method, *args, **options):
    """A call whose writer has a folder in memory alone: it is refused before anything is written."""
    writer = object.__new__(SummaryWriter)
    writer.log_dir, writer._files = "unused", {}
    return lambda: getattr(writer, method)(*args, **options)


test_refusals_say_what_to_give = refusals({
    "several numbers": (write("add_scalar", "x", torch.ones(2)), ValueError, ["one number, got 2", "(2,)", ".mean()"]),
    "no number": (write("add_histogram", "x", torch.ones(0)), ValueError, ["at least one number", "(0,)"]),
    "values outside": (write("add_histogram", "x", [5.0], bins=[0, 1]), ValueError, ["no value lies in a bin"]),
    "other axes": (write("add_image", "x", torch.ones(2, 2)), ValueError, ["(C, H, W)", "'CHW'", "(2, 2)"]),
    "letters": (write("add_image", "x", torch.ones(2, 2), dataformats="XY"), ValueError, ["by these letters", "'XY'"]),
    "channels": (write("add_image", "x", torch.ones(2, 4, 4)), ValueError, ["1, 3 or 4 channels, got 2", "'CHW'"]),
})  # fmt: skip
