"""Comparisons, logic and closeness."""

import pytest

import minigrad as torch
from tests.refusals import refusals


def test_comparisons_give_bools_and_no_gradient():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x > 1.5
    assert y.dtype is torch.bool
    assert not y.requires_grad
    assert (2 > x).tolist() == [True, False]  # noqa: SIM300 - the reflected spelling
    assert torch.tensor([1, 2]).lt(1.5).tolist() == [True, False]


def test_logical_functions_combine_truth_and_bitwise_functions_bits():
    a, b = torch.tensor([5, 0]), torch.tensor([3, 0])
    assert torch.logical_and(a, b).tolist() == [True, False]
    assert (a & b).tolist() == [1, 0]
    assert (a ^ b).tolist() == [6, 0]
    assert (~torch.tensor([True])).tolist() == [False]
    assert (1 << torch.tensor([3])).tolist() == [8]
    mask = torch.tensor([True, False])
    mask |= torch.tensor([False, True])
    assert mask.all()


def test_isclose_allclose_and_equal_answer_as_pytorch():
    x = torch.tensor([1.0, float("inf"), float("nan")])
    assert torch.isclose(x, x).tolist() == [True, True, False]
    assert torch.allclose(x, x, equal_nan=True)
    assert torch.isclose(torch.tensor([100]), torch.tensor([101]), rtol=0.1).item()
    assert torch.equal(torch.ones(2), torch.ones(2))
    assert not torch.equal(torch.ones(2), torch.ones(2, 1))


REFUSED = {
    "different types": (
        lambda: torch.isclose(torch.ones(1), torch.tensor([1])),
        RuntimeError, r"^Float did not match Long: compare tensors of one type, converted with \.to"),
    "a negative tolerance": (
        lambda: torch.isclose(torch.ones(1), torch.ones(1), rtol=-1.0),
        RuntimeError, "rtol must be .* -1"),
    "bits of floats": (
        lambda: torch.ones(1) & torch.ones(1), NotImplementedError, "bitwise_and.*'Float'"),
    "a power written as in mathematics": (
        lambda: torch.ones(1) ^ 2, NotImplementedError, "bitwise_xor.*; a power is written x \\*\\* y"),
    "a number for logic": (
        lambda: torch.logical_or(torch.ones(1), 1), TypeError, "'other' \\(position 2\\)"),
    "a number first": (lambda: torch.eq(1, torch.ones(1)), TypeError, "'input' \\(position 1\\)"),
    "no tensors": (
        lambda: torch.equal(torch.ones(1), 1), TypeError, "equal\\(\\): argument 'other'"),
    "a relative tolerance that is no number": (
        lambda: torch.isclose(torch.ones(2), torch.ones(2), None), TypeError, "'rtol' must be a number, not NoneType"),
    "an absolute tolerance that is no number": (
        lambda: torch.allclose(torch.ones(2), torch.ones(2), atol="a"), TypeError, "'atol' must be a number, not str"),
}  # fmt: skip


test_refused = refusals(REFUSED)


@pytest.mark.parametrize(
    ("compare", "number", "expected"),
    [
        (torch.eq, 1e30, [True, False, False]),
        (torch.ne, -1e30, [True, True, False]),
        (torch.eq, 65519.0, [False, True, False]),
        (torch.le, 70000, [True, True, True]),
        (torch.gt, 65520.0, [False, False, False]),
        (torch.lt, -(2**40), [False, False, False]),
    ],
)
def test_a_number_is_compared_as_a_half(compare, number, expected):
    halves = torch.tensor([float("inf"), 65504.0, -float("inf")], dtype=torch.float16)
    assert compare(halves, number).tolist() == expected


def test_tolerances_are_floats_as_large_as_any():
    assert torch.allclose(torch.zeros(1), torch.ones(1), 10**20) and torch.isclose(
        torch.zeros(1), torch.ones(1), atol=10**20
    )


def test_integers_beyond_float64_are_close_without_tolerance_only_if_they_are_equal():
    x = torch.tensor([2**53, 2**53 + 1])
    assert torch.isclose(x, x.flip((0,)), rtol=0, atol=0).tolist() == [False, False]
    assert torch.allclose(x, x, rtol=0, atol=0)
