"""Attributes that PyTorch's tensors have and ours have not."""

import inspect

import pytest

import minigrad as torch
from minigrad.missing import read_pytorch_names
from minigrad.tensor.absent import NAMES as ABSENT
from minigrad.tensor.absent import Absent


def test_missing_tensor_attributes_raise_a_clear_error():
    x = torch.ones(2)
    with pytest.raises(AttributeError, match=r"PyTorch has torch.Tensor.stft, minigrad does not; docs/supported.md"):
        x.stft(3)
    assert not hasattr(x, "to_sparse") and "to_sparse" not in dir(x)
    x.angle = "mine"
    assert x.angle == "mine"


def test_no_tensor_attribute_is_both_there_and_absent():
    assert {type(inspect.getattr_static(torch.Tensor, name)) for name in ABSENT} == {Absent}
    assert not any(hasattr(torch.Tensor, name) for name in ABSENT)
    assert set(ABSENT) <= set(read_pytorch_names()["torch.Tensor"].split())
