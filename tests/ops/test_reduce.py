"""Reductions: dtypes, edge cases, difficult gradients, errors."""

from functools import partial

import numpy as np
import pytest
from scipy import special

import minigrad as torch
import minigrad.nn.functional as F
from tests.marks import mark_each
from tests.refusals import refusals


def test_numpys_keywords_are_accepted():
    x = torch.tensor([[1.0, 5.0, 3.0], [4.0, 2.0, 4.0]], requires_grad=True)
    assert x.sum(axis=[0, 1]).item() == 19.0
    assert x.mean(axis=1, keepdims=True).shape == (2, 1)
    out = torch.zeros(2)
    assert torch.sum(x.detach(), 1, out=out) is out
    assert out.tolist() == [9.0, 10.0]


def test_sums_of_integers_are_int64_and_of_halves_are_rounded_once():
    assert torch.tensor([True, True]).sum().dtype is torch.int64
    assert torch.tensor([1, 2], dtype=torch.uint8).cumsum(0).dtype is torch.int64
    halves = torch.full((5000,), 0.1, dtype=torch.float16)
    assert abs(halves.sum().item() - 5000 * float(np.float16(0.1))) < 0.3
    assert torch.full((70000,), 1.0, dtype=torch.float16).mean().item() == 1.0


def test_logsumexp_does_not_overflow():
    x = np.array([[1000.0, 1000.0], [-np.inf, -np.inf]])
    np.testing.assert_allclose(torch.logsumexp(torch.from_numpy(x), 1).numpy(), special.logsumexp(x, 1))


def test_any_of_bytes_is_a_byte_and_all_takes_several_dims():
    assert torch.tensor([1, 0], dtype=torch.uint8).any().dtype is torch.uint8
    assert torch.tensor([[1.0, 0.0]]).all(dim=(0, 1)).item() is False
    assert torch.count_nonzero(torch.tensor([[1, 0], [2, 3]]), 0).tolist() == [2, 1]


REFUSED = {
    "a mean of integers": (
        lambda: torch.tensor([1]).mean(), RuntimeError, "mean\\(\\).*Got: int64.*\\.float\\(\\)"),
    "a mean as integers": (
        lambda: torch.ones(2).mean(dtype=torch.int64), RuntimeError, "Optional dtype .*int64"),
    "a dimension that is not there": (
        lambda: torch.ones(2).sum(1),
        IndexError, r"expected to be in range of \[-1, 0\], but got 1"),
    "an axis to keep of all": (lambda: torch.ones(2).max(keepdim=True), TypeError, "keepdim needs a dim"),
    "a dimension twice": (
        lambda: torch.ones(2, 2).sum((0, -2)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    "a dimension that is no int": (
        lambda: torch.ones(2).sum("a"), TypeError, "argument 'dim' must be int, not str"),
    "the greatest of nothing": (
        lambda: torch.ones(0).max(),
        RuntimeError, r"max\(\): Expected reduction dim .* \(shape \(0,\)\)"),
    "the greatest along nothing": (
        lambda: torch.ones(2, 0).argmax(1),
        IndexError, r"argmax\(\): .*dim 1 to have non-zero size"),
    "the place of the greatest bool": (
        lambda: torch.tensor([True]).argmax(), NotImplementedError, "argmax.*Bool"),
    "too many of the top": (
        lambda: torch.topk(torch.ones(2), 3),
        RuntimeError, r"k out of range: k=3, dimension 0 of shape \(2,\)"),
    "a nuclear norm of a vector": (
        lambda: torch.norm(torch.ones(2), "nuc"), (RuntimeError, IndexError), "nuc|range"),
    "a result of another type": (
        lambda: torch.amax(torch.ones(2), 0, out=torch.tensor(1)),
        RuntimeError, "Expected out tensor"),
    "an array": (
        lambda: torch.sum(np.ones(2)), TypeError, "sum\\(\\): argument 'input'.*from_numpy"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_areas_of_large_numbers_do_not_overflow_between_two_of_them():
    assert torch.trapezoid(torch.tensor([3e38, 3e38])).item() == np.float32(3e38)
    halves = torch.tensor([6e4, 6e4, -6e4], dtype=torch.float16)
    assert torch.cumulative_trapezoid(halves).tolist() == [6e4, 6e4]


SUMS_OF_ROWS = {  # beside float64 each is to err by a few roundings, not by one for each row
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(0),
    "of the middle axis": lambda x: x.view(1, -1, 3).sum((0, 1)),
    "in columns": lambda x: x.t().contiguous().t().sum(0),
    "var": lambda x: x.var(0),
    "std": lambda x: x.std(0),
    "norm": lambda x: x.norm(dim=0),
    "norm(1)": lambda x: x.norm(1, dim=0),
    "logsumexp": lambda x: x.logsumexp(0),
    "logcumsumexp": lambda x: x.view(-1).logcumsumexp(0),
}


@pytest.mark.parametrize("name", SUMS_OF_ROWS)
def test_sums_of_many_rows_round_little(name):
    x = torch.from_numpy(np.random.default_rng(8).standard_normal((20011, 3)) + 3).float()
    exact = SUMS_OF_ROWS[name](x.double()).numpy()
    np.testing.assert_allclose(SUMS_OF_ROWS[name](x).numpy(), exact, rtol=1e-6)


def test_nan_and_inf_stay_in_their_column_of_a_sum():
    x = torch.ones(1000, 3)
    x[700, 1], x[999, 2] = float("nan"), float("inf")
    assert str(x.sum(0).tolist()) == "[1000.0, nan, inf]"


def test_a_product_of_halves_is_summed_in_float32():
    x = torch.tensor([[2048.0, 1.0, 1.0, -2048.0]], dtype=torch.float16)
    assert (x @ torch.ones(4, 1, dtype=torch.float16)).item() == 2.0


TRANSPOSED = {
    **{name: partial(getattr(torch, name), dim=1) for name in (
        "sum", "mean", "prod", "amax", "all", "any", "std", "var", "norm", "logsumexp", "count_nonzero", "nansum",
    )},
    "sums of halves": lambda x: x.half().mean(1),
    "median's place": lambda x: torch.median(x, 1).indices,
    "cummax's places": lambda x: torch.cummax(x, 1).indices,
    "logcumsumexp": lambda x: torch.logcumsumexp(x, 1),
    "masked_fill": lambda x: x.masked_fill(x > 0, 1.0),
    "one_hot": lambda x: F.one_hot((x > 0).long()),
    "logsigmoid": F.logsigmoid,
    "batches of products": lambda x: x @ x.mT,
    "distances": lambda x: F.pairwise_distance(x, x + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", mark_each(TRANSPOSED, {"logsigmoid": "on a GPU it lies as its input, in PyTorch too"}))
def test_results_of_transposed_tensors_are_in_row_major_order(name):
    x = torch.randn(4, 3, 5, 2).permute(3, 1, 0, 2)
    result = TRANSPOSED[name](x)
    assert result.is_contiguous() and result.view(-1).shape == (result.numel(),)


@pytest.mark.parametrize("name", ["mean", "std", "amax", "norm", "logsumexp"])
def test_an_operand_minus_its_reduction_keeps_its_strides(name):
    x = torch.randn(4, 3, 5, 2).permute(3, 1, 0, 2)
    for dim in range(4):
        assert (x - getattr(torch, name)(x, dim=dim, keepdim=True)).stride() == x.stride()


@pytest.mark.parametrize(("name", "shown", "value", "slope"), [("sum", "Sum", 6.0, 1.0), ("mean", "Mean", 1.0, 1 / 6)])
def test_a_reduction_of_all_with_keepdim_has_pytorchs_name_of_one_over_dimensions(name, shown, value, slope):
    x, reduce = torch.ones(2, 3, dtype=torch.float64, requires_grad=True), getattr(torch, name)
    assert reduce(x).grad_fn.name() == f"{shown}Backward0"
    kept = reduce(x, dim=None, keepdim=True)
    assert (kept.grad_fn.name(), kept.shape, kept.item()) == (f"{shown}Backward1", (1, 1), value)
    kept.backward()
    assert x.grad.tolist() == [[slope] * 3] * 2


@pytest.mark.parametrize("name", ["mean", "nanmean"])
def test_a_mean_of_integers_is_refused_whatever_receives_it(name):
    with pytest.raises(RuntimeError, match="Input dtype must be either a floating point or complex dtype"):
        getattr(torch, name)(input=torch.tensor([1, 2]), dim=0, out=torch.empty(()))
    assert torch.sum(torch.tensor([1, 2]), 0, out=torch.empty(())).item() == 3.0
