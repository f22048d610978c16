"""Rounded division and remainders: signs, rounding, zero divisors, and errors."""

import math

import pytest

import minigrad as torch
from tests.marks import NOT_ASKED, mark
from tests.refusals import refusals


@pytest.mark.parametrize(("mode", "expected"), [("floor", [3, -4, -4, 3]), ("trunc", [3, -3, -3, 3])])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_division_rounds_down_or_toward_zero(mode, expected, dtype):
    x = torch.tensor([7, -7, 7, -7], dtype=dtype)
    y = torch.tensor([2, 2, -2, -2], dtype=dtype)
    assert torch.div(x, y, rounding_mode=mode).tolist() == expected
    assert torch.div(x, 2, rounding_mode=mode)[:2].tolist() == expected[:2]


def test_remainder_has_the_sign_of_the_divisor_and_fmod_of_the_dividend():
    x = torch.tensor([5.0, -5.0])
    assert (x % 3).tolist() == [2.0, 1.0]
    assert torch.fmod(x, 3).tolist() == [2.0, -2.0]
    assert (7 % torch.tensor([4])).tolist() == [3]


def test_integers_are_divided_by_zero_only_where_there_are_none():
    nothing = torch.zeros(0, dtype=torch.int64)
    for result in (nothing // 0, nothing % 0, torch.fmod(nothing, 0), nothing.clone().floor_divide_(0)):
        assert result.shape == (0,)
    with pytest.raises(RuntimeError, match="integers are divided by zero"):
        torch.ones(1, dtype=torch.int64) // 0


def test_the_second_derivative_of_fmod_is_0_also_where_it_divides_by_0():
    for divisor in (0.0, 3.0, math.nan):
        x, y = torch.tensor([5.0], requires_grad=True), torch.tensor([divisor], requires_grad=True)
        (slope,) = torch.autograd.grad(torch.fmod(x, y), y, create_graph=True)
        assert [g.item() for g in torch.autograd.grad(slope, [x, y])] == [0.0, 0.0]


REFUSED = {
    "division of integers by zero": (
        lambda: torch.tensor([2]) // 0, RuntimeError, "ZeroDivisionError.*\\.float\\(\\)"),
    "a remainder by zero": (
        lambda: torch.tensor([2]) % torch.tensor([0]), RuntimeError, "ZeroDivisionError"),
    "an unknown rounding": (
        lambda: torch.div(torch.ones(1), 2, rounding_mode="up"),
        RuntimeError, "None, 'trunc', or 'floor'.*'up'"),
    "a remainder of bools": (
        lambda: torch.tensor([True]) % torch.tensor([True]),
        NotImplementedError, "remainder.*Bool"),
}  # fmt: skip


test_refused = refusals(REFUSED, mark(REFUSED, NOT_ASKED, ["a remainder by zero"]))
