"""The dtypes that only have a name: programs compare with them."""

import copy
import pickle

import pytest

import minigrad as torch
from minigrad.absent_dtypes import NAMES
from minigrad.missing import read_pytorch_names
from tests.refusals import refusals


@pytest.mark.parametrize("name", NAMES)
def test_no_tensor_has_a_dtype_that_only_has_a_name(name):
    kind = getattr(torch, name)
    assert isinstance(kind, torch.dtype) and kind is getattr(torch, name) and kind not in (torch.float16, torch.int64)
    assert torch.ones(2).dtype != kind and torch.ones(2, dtype=torch.float64).dtype not in (kind, torch.float16)
    assert pickle.loads(pickle.dumps(kind)) is kind and copy.deepcopy(kind) is kind
    assert name in read_pytorch_names()["torch"].split() and name not in dir(torch)


def test_its_facts_are_those_of_the_name():
    assert (torch.bfloat16.is_floating_point, torch.bfloat16.is_complex, torch.bfloat16.itemsize) == (True, False, 2)
    assert (torch.complex64.is_floating_point, torch.complex64.is_complex, torch.complex64.itemsize) == (False, True, 8)
    assert torch.uint16.is_signed is False and torch.bfloat16.is_signed and torch.cdouble is torch.complex128
    assert repr(torch.bfloat16) == "minigrad.bfloat16"


def test_a_mean_is_told_from_a_sum_of_integers_as_libraries_do():
    floats = [torch.float16, torch.float32, torch.float64, torch.bfloat16]
    assert torch.ones(2).dtype in floats and torch.ones(2).long().dtype not in floats


def test_autocast_takes_its_name_because_it_casts_nothing():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


SAID = "PyTorch has tensors of bfloat16, minigrad does not: torch.bfloat16 is a name to compare with; use float32"
test_refused = refusals({
    "creation": (lambda: torch.ones(2, dtype=torch.bfloat16), TypeError, SAID),
    "conversion": (lambda: torch.ones(2).to(torch.bfloat16), TypeError, SAID),
    "a layer": (lambda: torch.nn.Linear(2, 2).to(torch.bfloat16), TypeError, SAID),
    "the default": (lambda: torch.set_default_dtype(torch.bfloat16), TypeError, SAID),
    "limits": (lambda: torch.finfo(torch.bfloat16), TypeError, SAID),
    "promotion": (lambda: torch.promote_types(torch.bfloat16, torch.float32), TypeError, SAID),
    "integers": (lambda: torch.ones(2).to(torch.uint16), TypeError, "uint16 is a name to compare with; use int64"),
    "complex": (lambda: torch.ones(2).sum(dtype=torch.complex64), TypeError, "has tensors of complex64"),
})  # fmt: skip
