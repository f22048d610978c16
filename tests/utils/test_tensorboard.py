"""`SummaryWriter`: tensorboardX writes what it is given; a reader finds the numbers of the tensors."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

import minigrad as torch
from minigrad.utils.tensorboard import SummaryWriter


def read_events(folder):
    """The events in the only file of a folder, after the one that begins it."""
    (file,) = [path for path in Path(folder).iterdir() if path.is_file()]
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])  # then 4 bytes check the length, 4 more the event
        found.append(Event.FromString(data[at + 12 : at + 12 + length]))
        at += length + 16
    assert found[0].file_version == "brain.Event:2"
    return found[1:]


def write(folder, method, *arguments, **options):
    """The value that one call writes, and its step."""
    with SummaryWriter(folder) as writer:
        getattr(writer, method)(*arguments, **options)
    (event,) = read_events(folder)
    (value,) = event.summary.value
    return value, event.step


@pytest.mark.parametrize(
    "number", [0.5, np.float32(0.5), torch.tensor(0.5), torch.tensor([0.5], requires_grad=True)], ids=repr
)
def test_a_scalar_is_a_number_or_a_tensor_of_one(number, tmp_path):
    value, step = write(tmp_path, "add_scalar", "loss", number, 3)
    assert (value.tag, value.simple_value, step) == ("loss", 0.5, 3)


@pytest.mark.parametrize(("several", "shape"), [(torch.ones(2, 3), "(2, 3)"), ([], "(0,)")], ids=["six", "none"])
def test_a_scalar_of_several_numbers_is_refused(several, shape, tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.raises(AssertionError, match="takes one number, got shape") as said:
        writer.add_scalar("loss", several)
    assert f"got shape {shape}; take its .mean()" in str(said.value) and read_events(tmp_path) == []


def test_options_may_be_tensors_too(tmp_path):
    value, step = write(tmp_path, "add_scalar", tag="loss", scalar_value=torch.tensor(2.0), global_step=torch.tensor(7))
    assert (value.simple_value, step) == (2.0, 7)


def test_curves_of_one_picture_take_a_dict_of_tensors(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("loss", {"train": 1.0, "test": torch.tensor(2.0)}, 7)
    for run, number in (("train", 1.0), ("test", 2.0)):
        (event,) = read_events(tmp_path / "loss" / run)
        assert event.summary.value[0].simple_value == number


def test_a_histogram_counts_the_numbers_of_a_parameter(tmp_path):
    weight = torch.nn.Parameter(torch.tensor([[0.5, 2.0], [2.0, -1.0]]))
    value, _ = write(tmp_path, "add_histogram", "weights", weight, 1)
    assert (value.histo.min, value.histo.max, value.histo.num, value.histo.sum) == (-1.0, 2.0, 4.0, 3.5)
    assert sum(value.histo.bucket) == 4


def read_pixels(value):
    return np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))


def test_an_image_of_a_tensor_is_drawn_from_0_to_255(tmp_path):
    pixels = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(3, 2, 2)
    value, _ = write(tmp_path, "add_image", "image", pixels)
    assert read_pixels(value).tolist() == [[[0] * 3, [255] * 3], [[255] * 3, [0] * 3]]


def test_images_of_a_batch_lie_side_by_side(tmp_path):
    value, _ = write(tmp_path, "add_images", "images", torch.ones(2, 1, 4, 4))
    assert read_pixels(value).shape == (4, 8, 3) and read_pixels(value).min() == 255


def test_add_graph_says_that_it_writes_nothing(tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.warns(UserWarning, match=r"add_graph writes nothing.*viz\.graph"):
        writer.add_graph(torch.nn.Linear(1, 1), torch.ones(1, 1))
    assert read_events(tmp_path) == []


def test_the_folder_is_named_after_time_machine_and_comment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr_0.1") as writer:
        writer.add_scalar("x", 1.0)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("_lr_0.1") and Path(writer.log_dir) == Path("runs") / folder.name
    assert writer.get_logdir() == writer.log_dir


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("add_scalar", (3, 1.0), TypeError, r"add_scalar\(\): argument 'tag' must be a str, not int 3"),
        (
            "add_histogram",
            ([], np.ones(3)),
            TypeError,
            r"add_histogram\(\): argument 'tag' must be a str, not list \[\]",
        ),
        ("add_text", ("a", 3), AttributeError, r"add_text\(\): argument 'text_string' must be a str, not int 3"),
        ("add_text", ("a", torch.ones(1)), AttributeError, r"'text_string' must be a str, not minigrad.Tensor tensor"),
        ("add_scalar", ("a", "high"), ValueError, "could not convert string to float: 'high'"),
        ("add_scalar", ("a", None), NotImplementedError, "NoneType"),
    ],
)
def test_an_argument_that_should_be_a_text_or_a_number_is_named(tmp_path, name, arguments, error, words):
    with SummaryWriter(tmp_path) as writer, pytest.raises(error, match=words):
        getattr(writer, name)(*arguments)


def test_a_text_is_read_as_a_number(tmp_path):
    value, _ = write(tmp_path, "add_scalar", "loss", "1.5", 1)
    assert value.simple_value == 1.5


def test_without_tensorboardx_the_import_says_what_to_install():
    program = "import sys; sys.modules['tensorboardX'] = None; import minigrad.utils.tensorboard"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "torch.utils.tensorboard needs the tensorboardX library, which is not here: pip install" in done.stderr
