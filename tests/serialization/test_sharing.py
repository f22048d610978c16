"""Tensors that share memory still share it after loading; and views that `save` would never write."""

import io
import json
import zipfile

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.serialization import SerializationError, load, save


def round_trip(value):
    save(value, file := io.BytesIO())
    return load(file)


def test_a_tensor_and_its_views_share_memory_after_loading():
    a = minigrad.zeros(2, 3)
    loaded = round_trip({"a": a, "row": a[1], "column": a[:, 2]})
    loaded["row"].fill_(1)
    loaded["column"].mul_(5)
    assert loaded["a"].tolist() == [[0, 0, 0], [1, 1, 5]]


def test_each_kind_of_view_keeps_its_values_and_strides():
    x = minigrad.arange(24, dtype=minigrad.int16).reshape(2, 3, 4)
    views = [x, x.permute(2, 0, 1), x[:, 1:, ::2], x.view(minigrad.uint8), x[1, 2, 3], x.flatten()]
    loaded = round_trip(views)
    assert [v.tolist() for v in loaded] == [v.tolist() for v in views]
    assert [v.stride() for v in loaded] == [v.stride() for v in views]
    assert loaded[0].dtype is minigrad.int16 and loaded[3].dtype is minigrad.uint8
    loaded[-1][-1] = 0
    assert loaded[4].item() == 0 == loaded[0][1, 2, 3].item()


def test_overlapping_views_are_saved_in_any_order():
    x = minigrad.arange(10.0)
    late, early, apart = x[4:8], x[2:6], x[8:]
    late2, early2, apart2 = round_trip([late, early, apart])
    early2[3] = -1
    assert late2.tolist() == [4, -1, 6, 7]
    assert apart2.tolist() == [8, 9]


def test_a_parameter_and_its_view_share_memory_after_loading():
    layer = nn.Linear(2, 2)
    state = {"weight": layer.weight, "first": layer.weight.detach()[0]}
    loaded = round_trip(state)
    assert isinstance(loaded["weight"], nn.Parameter)
    loaded["first"].zero_()
    assert loaded["weight"][0].tolist() == [0, 0]


def test_expanded_views_are_saved_as_copies():
    x = minigrad.ones(1)
    wide, own = round_trip([x.expand(3), x])
    own.fill_(5)
    assert wide.tolist() == [1, 1, 1]


def test_views_that_do_not_overlap_are_saved_alone():
    x = minigrad.zeros(1_000_000)
    save([x[:2], x[-2:], x[500_000:500_010]], file := io.BytesIO())
    assert len(file.getvalue()) < 3000
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("structure.json"))["format"] == "minigrad 2"


def test_20_000_views_of_one_tensor_share_memory_after_loading():
    x = minigrad.zeros(20_000)
    loaded = round_trip([x, *x.split(1)])
    loaded[0].fill_(2.0)
    assert loaded[-1].item() == 2


def test_views_share_memory_on_a_gpu_after_loading(stand_in):
    x = minigrad.arange(4.0)
    save([x, x[2:]], file := io.BytesIO())
    whole, part = load(file, map_location="cuda")
    assert part.tolist() == [2, 3] and part.device.type == "cuda"
    part.fill_(7.0)
    assert whole.tolist() == [0, 1, 7, 7]


def make_file_with(view):
    """A file of two tensors: the first has 16 bytes of its own, and the second is this view."""
    structure = {
        "format": "minigrad 3",
        "storages": [["|u1", [16], "cpu"], None],
        "views": {"1": view},
        "root": ["Tensor", 1, False],
    }
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("structure.json", json.dumps(structure))
        archive.writestr("storage/0", np.arange(4, dtype="<f4").tobytes())
    return file


@pytest.mark.parametrize(
    "view",
    [
        [0, "<f4", 0, [5], [4]],
        [0, "<f4", 4, [4], [4]],
        [0, "<f4", 12, [4], [-8]],
        [0, "<f4", -4, [1], [4]],
        [0, "<f4", 0, [0], [4]],
        [0, "<f4", 0, [2**62], [0]],
        [0, "<f4", 0, [5], [0]],
        [0, "<f4", 0, [2], [2**70]],
        [0, "<f4", 0, [2, 2], [4]],
        [0, "<f4", 0, [2.0], [4]],
        [0, "<f4", 0, [True], [4]],
        [0, "<f4", 0, [1] * 100, [4] * 100],
        [0, "|O", 0, [1], [8]],
        [0, "float32", 0, [1], [4]],
        [0, "<f4", 0, 4, 4],
        [1, "<f4", 0, [1], [4]],
        [7, "<f4", 0, [1], [4]],
        ["0", "<f4", 0, [1], [4]],
        [0, "<f4", 0, [1]],
        [],
        None,
    ],
    ids=str,
)
def test_load_refuses_views_that_save_would_not_write(view):
    with pytest.raises(SerializationError, match="cannot be loaded: it is damaged"):
        load(make_file_with(view))
    assert load(make_file_with([0, "<f4", 4, [3], [4]])).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("home", "text"),
    [(1, "storage 1, which is none"), (7, "storage 7, of 2"), (-1, "storage -1, of 2"), ("0", "'0', of 2")],
)
def test_a_view_names_the_storage_that_it_cannot_have(home, text):
    with pytest.raises(SerializationError, match=f"tensor 1 is a view of.* {text}"):
        load(make_file_with([home, "<f4", 0, [1], [4]]))


@pytest.mark.parametrize(
    "turn", [lambda x: x.to(memory_format=minigrad.channels_last), lambda x: x.permute(3, 1, 0, 2)]
)
def test_a_tensor_keeps_the_order_of_its_axes_in_memory(turn):
    x = turn(minigrad.arange(120.0).reshape(2, 3, 4, 5))
    save({"x": x, "row": minigrad.ones(2, 3)[:, 0]}, file := io.BytesIO())
    got = load(file)
    assert got["x"].stride() == x.stride() and got["x"].tolist() == x.tolist()
    assert got["row"].tolist() == [1.0, 1.0] and got["row"].stride() == (1,)  # what lies between is not carried
