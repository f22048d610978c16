"""Printed tensors against the text that PyTorch printed (`tests/oracle/record_printing.py`)."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import dtypes
from minigrad.print_options import set_printoptions
from minigrad.printing import format_array, format_element, format_tensor
from tests.any_device import without_device

CASES = json.loads((Path(__file__).parent / "data" / "printing.json").read_text())


@pytest.fixture(autouse=True)
def restored():
    yield
    set_printoptions(profile="default")
    dtypes.set_default_dtype(dtypes.float32)


def test_recorded_texts_are_pytorchs():
    wrong = []
    for case in CASES:
        set_printoptions(profile="default")
        set_printoptions(**case["options"])
        dtypes.set_default_dtype(getattr(dtypes, case["default"]))
        array = np.frombuffer(base64.b64decode(case["bytes"]), case["dtype"])
        origin = {"node": ["grad_fn=<AbsBackward0>"]}.get(case["gradient"], ["requires_grad=True"])
        text = format_array(array.reshape(case["shape"]), last=origin if case["gradient"] else [])
        if text != case["text"]:
            wrong.append((text, case["text"]))
    assert len(CASES) > 250
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32([1, 2.5]), "tensor([1.0000, 2.5000])"),
        (np.float32([[0, -1], [20, 3]]), "tensor([[ 0., -1.],\n        [20.,  3.]])"),
        (np.array([True, False]), "tensor([ True, False])"),
        (np.array([1.5]), "tensor([1.5000], dtype=minigrad.float64)"),
        (np.zeros((0, 3), np.float32), "tensor([], size=(0, 3))"),
        (np.zeros(0, np.int64), "tensor([], dtype=minigrad.int64)"),
        (np.array(5e-324), "tensor(4.9407e-324, dtype=minigrad.float64)"),
        (np.array([1e308, 5e-324]), "tensor([1.0000e+308, 4.9407e-324], dtype=minigrad.float64)"),
        (np.float32(["nan", 1]), "tensor([nan, 1.])"),
        (np.arange(12, dtype=np.int64).reshape(3, 4).T[:2], "tensor([[0, 4, 8],\n        [1, 5, 9]])"),
    ],
)
def test_arrays_are_printed_as_on_paper(array, text):
    assert format_array(array) == text


def test_lines_break_where_pytorchs_do_though_our_name_is_longer():
    # Counted with our own name, the first would be broken too.
    one_line = format_array(np.zeros(17, np.int8))
    assert one_line == f"tensor([{'0, ' * 16}0], dtype=minigrad.int8)"
    two_lines = format_array(np.zeros(18, np.int8))
    assert two_lines == f"tensor([{'0, ' * 17}0],\n       dtype=minigrad.int8)"


def test_a_tensor_prints_grad_fn_requires_grad_and_device():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    assert without_device(format_tensor(x)) == "tensor([1., 2.], requires_grad=True)"
    assert without_device(format_tensor(x.exp())) == "tensor([2.7183, 7.3891], grad_fn=<ExpBackward0>)"
    assert without_device(format_tensor(x.detach())) == "tensor([1., 2.])"
    array = np.ones(2, np.float32)
    assert format_array(array, ["device='cuda:0'"]) == "tensor([1., 1.], device='cuda:0')"


def test_a_tensor_of_a_users_class_prints_the_name_of_the_class():
    class Image(minigrad.Tensor): ...

    image = minigrad.arange(16.0).as_subclass(Image)
    lines = ["Image([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,", "       14., 15.])"]
    assert without_device(repr(image)) == "\n".join(lines)
    assert without_device(repr(minigrad.nn.Buffer(minigrad.ones(1)))) == "tensor([1.])"


def test_an_element_takes_any_format():
    x = minigrad.tensor(1.23456)
    assert format_element(x, ".3f") == "1.235"
    assert format_element(x, "") == "1.2345600128173828"
    assert format_element(minigrad.tensor(7), "5d") == "    7"
    assert format_element(minigrad.tensor(True), "") == "True"
    assert format_element(minigrad.tensor([[1.5]]), ".2f") == "1.50"
    weight = minigrad.nn.Parameter(x)
    assert f"{x} {weight:.1f} {weight}" == f"{x.item()} 1.2 {weight!r}"
    assert format_element(minigrad.tensor([1.5], device="cpu"), "") == "tensor([1.5000])"
    with pytest.raises(TypeError, match=r"shape \(2,\) has no format '\.2f'.*its elements"):
        format_element(minigrad.tensor([1.0, 2.0]), ".2f")


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (minigrad.Size([2]), "Size"),
        (minigrad.float32, "dtype"),
        (minigrad.device("cpu"), "device"),
        (minigrad.strided, "layout"),
        (minigrad.channels_last, "memory_format"),
        (minigrad.finfo(minigrad.float32), "finfo"),
        (minigrad.iinfo(minigrad.int8), "iinfo"),
        (minigrad.ones(2), "Tensor"),
        (minigrad.ones(2).max(0), "return_types.max"),
        (minigrad.ones(2).sort(), "return_types.sort"),
    ],
)
def test_a_class_prints_its_public_path(thing, name):
    assert str(type(thing)) == f"<class 'minigrad.{name}'>"
