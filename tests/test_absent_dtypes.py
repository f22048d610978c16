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


SAID = (
    "PyTorch has tensors of bfloat16, minigrad does not: torch.bfloat16 is a name to compare with; use float32, which "
    "holds every bfloat16, in the same range and with 16 bits more, docs/supported.md lists what is here"
)
INSTEAD = "minigrad does not; float32 holds every bfloat16, in the same range and with 16 bits more"
test_refused = refusals({
    "creation": (lambda: torch.ones(2, dtype=torch.bfloat16), TypeError, SAID),
    "conversion": (lambda: torch.ones(2).to(torch.bfloat16), TypeError, SAID),
    "a layer": (lambda: torch.nn.Linear(2, 2).to(torch.bfloat16), TypeError, SAID),
    "the default": (lambda: torch.set_default_dtype(torch.bfloat16), TypeError, SAID),
    "a method": (lambda: torch.ones(2).bfloat16(), AttributeError, INSTEAD),
    "a layer's method": (lambda: torch.nn.Linear(2, 2).bfloat16(), AttributeError, INSTEAD),
    "a type": (lambda: torch.BFloat16Tensor, AttributeError, INSTEAD),
    "integers": (lambda: torch.ones(2).to(torch.uint16), TypeError, "uint16 is a name to compare with; use int64"),
    "complex": (
        lambda: torch.ones(2).sum(dtype=torch.complex64), TypeError,
        "has tensors of complex64.* use two tensors of float32, the real and the imaginary part",
    ),
    "complex, wide": (lambda: torch.ones(2, dtype=torch.complex128), TypeError, "two tensors of float64"),
})  # fmt: skip


KINDS = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex32", "complex64", "complex128",
]  # fmt: skip
# Recorded from PyTorch 2.13: promote_types of a name with each of KINDS; "-" where PyTorch refuses.
PROMOTED = {
    "bfloat16": "9*bfloat16 float32 bfloat16 float32 float64 2*complex64 complex128",
    "complex32": "6*complex32 3*- complex32 2*complex64 complex128 complex32 complex64 complex128",
    "complex64": "6*complex64 3*- 3*complex64 complex128 2*complex64 complex128",
    "complex128": "6*complex128 3*- 7*complex128",
    "uint16": "6*- uint16 2*- float16 bfloat16 float32 float64 3*-",
    "uint32": "7*- uint32 - float16 bfloat16 float32 float64 3*-",
    "uint64": "8*- uint64 float16 bfloat16 float32 float64 3*-",
}


@pytest.mark.parametrize("name", PROMOTED)
def test_a_name_is_promoted_as_in_pytorch(name):
    due = []
    for run in PROMOTED[name].split():
        count, _, kind = run.rpartition("*")
        due += [kind] * int(count or 1)
    for other, wanted in zip(KINDS, due, strict=True):
        pair = getattr(torch, name), getattr(torch, other)
        for a, b in (pair, pair[::-1]):
            if wanted == "-":
                with pytest.raises(RuntimeError, match=f"is not supported, .* promote {a.name} and {b.name}; convert"):
                    torch.promote_types(a, b)
            else:
                assert torch.promote_types(a, b) is getattr(torch, wanted)
    assert torch.promote_types(float, torch.bfloat16) is torch.float64


def test_a_cast_may_not_go_down_a_category_with_names_too():
    kinds = {name: getattr(torch, name) for name in KINDS}
    categories = [["bool"], KINDS[1:9], KINDS[9:13], KINDS[13:]]  # bool, integers, floats, complex numbers
    for low, lower in enumerate(categories):
        for high, higher in enumerate(categories):
            for a in lower:
                assert all(torch.can_cast(kinds[a], kinds[b]) is (low <= high) for b in higher)
