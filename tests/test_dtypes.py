"""Dtypes: names, promotion, limits, and error messages."""

import copy
import math
import pickle

import numpy as np
import pytest

import minigrad as torch
from minigrad import dtypes
from tests.refusals import refusals

DTYPES = [
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.float32,
    torch.float64,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_a_dtype_is_one_object(dtype):
    assert copy.deepcopy(dtype) is dtype and pickle.loads(pickle.dumps(dtype)) is dtype
    assert repr(dtype).startswith("minigrad.") and torch.zeros(1, dtype=dtype).dtype is dtype
    assert dtype.is_signed == (dtype not in (torch.bool, torch.uint8))
    assert dtype.is_floating_point == (dtype in DTYPES[6:])


def test_a_dtype_may_have_two_names():
    assert torch.float is torch.float32 and torch.double is torch.float64 and torch.half is torch.float16
    assert torch.long is torch.int64 and torch.int is torch.int32 and torch.short is torch.int16


def test_promotion_takes_the_category_first():
    assert torch.promote_types(torch.int64, torch.float16) is torch.float16
    assert torch.promote_types(torch.uint8, torch.int8) is torch.int16
    assert torch.result_type(torch.ones(2, dtype=torch.int8), 1.5) is torch.float32
    assert (
        torch.result_type(torch.ones(2, dtype=torch.float16), torch.tensor(1.0, dtype=torch.float64)) is torch.float16
    )


def test_the_default_dtype_is_that_of_python_floats():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor([1.0]).dtype is torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


REFUSED = {
    "integers by default": (
        lambda: torch.set_default_dtype(torch.int64), TypeError, "only floating-point types.*int64"),
    "a name by default": (lambda: torch.set_default_dtype("float32"), TypeError, "minigrad.float32"),
    "the limits of integers as floats": (
        lambda: torch.finfo(torch.int8), TypeError, "requires a floating point type, got minigrad.int8"),
    "the limits of floats as integers": (
        lambda: torch.iinfo(torch.float32), TypeError, "requires an integer type, got minigrad.float32"),
}  # fmt: skip


test_refused = refusals(REFUSED)


@pytest.mark.parametrize(
    ("value", "name", "want"),
    [(255, "uint8", 255), (-1, "uint8", 255), (-128, "int8", -128), (2.9, "int16", 2), (1e400, "float16", np.inf)],
)
def test_a_number_becomes_a_scalar_of_a_dtype(value, name, want):
    got = dtypes.scalar(value, np.dtype(name))
    assert got == want
    assert got.dtype == name


@pytest.mark.parametrize(
    ("value", "name"),
    [(256, "uint8"), (-256, "uint8"), (-1.5, "uint8"), (300, "int8"), (math.nan, "int64"), (math.inf, "int32"),
     (2**63, "int64"), (65520.0, "float16"), (1e39, "float32")],
)  # fmt: skip
def test_a_number_that_a_dtype_does_not_hold_is_refused(value, name):
    with pytest.raises(RuntimeError, match=f"value cannot be converted to type {name} without overflow"):
        dtypes.scalar(value, np.dtype(name))


@pytest.mark.parametrize("compute", [torch.mul, torch.add, torch.eq, torch.bitwise_and, torch.fmod])
@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_a_number_makes_bools_int64_only_if_int64_holds_it(compute, number):
    for bools in (torch.tensor([True]), torch.tensor(True)):
        with pytest.raises(RuntimeError, match="value cannot be converted to type int64 without overflow"):
            compute(bools, number)
    assert torch.tensor([True]).mul(2**63 - 1).tolist() == [2**63 - 1]
    assert torch.tensor([1]).mul(2**63).tolist() == [-(2**63)]  # integers wrap around, as in PyTorch


def test_bools_take_no_integer_beyond_64_bits_either():
    with pytest.raises(OverflowError, match="an integer of 65 bits is too large"):
        torch.tensor([True]).fill_(2**64)
    assert torch.tensor([False]).fill_(2**63).tolist() == [True]
    assert torch.tensor([False]).fill_(float("nan")).tolist() == [True]


def test_an_integer_beyond_64_bits_is_refused():
    for name in ("int64", "float64"):
        with pytest.raises(OverflowError, match="an integer of 2001 bits is too large"):
            dtypes.scalar(2**2000, np.dtype(name))


FILLS = {
    "masked_fill": lambda x, v: x.masked_fill(torch.tensor([True, False]), v),
    "masked_fill_": lambda x, v: x.masked_fill_(torch.tensor([True, False]), v),
    "index_fill": lambda x, v: x.index_fill(0, torch.tensor([0]), v),
    "scatter": lambda x, v: x.scatter(0, torch.tensor([0]), v),
    "fill_": lambda x, v: x.fill_(v),
    "full": lambda x, v: torch.full((1,), v, dtype=x.dtype),
    "pad": lambda x, v: torch.nn.functional.pad(x, (1, 0), value=v),
}


@pytest.mark.parametrize("number", [np.float32(0.5), np.float16(-np.inf), np.float64(2.5), np.int8(-3), np.uint8(200)])
@pytest.mark.parametrize("name", FILLS)
def test_numpys_numbers_are_written_as_pythons(name, number):
    for dtype in (torch.float32, torch.float64, torch.float16):
        x = torch.tensor([1.0, 3.0], dtype=dtype)
        assert FILLS[name](x.clone(), number).tolist() == FILLS[name](x, number.item()).tolist()
        assert FILLS[name](x, number).ravel()[0].item() == number


@pytest.mark.parametrize(
    "number",
    [np.float16(1.5), np.float64(1.5), np.longdouble(1.5), np.int8(3), np.uint64(2**63), np.bool_(True)],
    ids=repr,
)
def test_a_number_of_numpy_becomes_one_of_python(number):
    plain = dtypes.as_python(number)
    assert type(plain) in (bool, int, float) and plain == number
    assert dtypes.as_python(plain) is plain


def test_a_long_double_is_an_exponent_and_a_choice_as_any_float_is():
    x = torch.tensor([0.1, 0.7, 1.3])
    assert (x ** np.longdouble(3)).tolist() == (x**3.0).tolist()
    assert torch.where(x > 0.5, x, np.longdouble(0.1)).tolist() == torch.where(x > 0.5, x, 0.1).tolist()
