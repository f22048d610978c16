"""Reductions, norms and sorting: dtypes, edge cases, difficult gradients, errors."""

import math
from functools import partial

import numpy as np
import pytest
from scipy import special

import minigrad as torch
import minigrad.nn.functional as F
from tests.any_device import without_device
from tests.marks import mark_each
from tests.refusals import refusals


def make_rows():
    return torch.tensor([[1.0, 5.0, 3.0], [4.0, 2.0, 4.0]], requires_grad=True)


def test_numpys_keywords_are_accepted():
    x = make_rows()
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


def test_var_and_std_are_numpys_in_every_spelling():
    x = np.array([[1.0, 2.0, 4.0], [0.0, 5.0, 5.0]])
    t = torch.from_numpy(x)
    np.testing.assert_allclose(t.var().item(), x.var(ddof=1))
    np.testing.assert_allclose(t.var(False).item(), x.var())
    np.testing.assert_allclose(t.var(1, unbiased=False).numpy(), x.var(1))
    np.testing.assert_allclose(t.std(0, correction=0, keepdim=True).numpy(), x.std(0, keepdims=True))
    with pytest.warns(UserWarning, match=r"var\(\): degrees of freedom is <= 0: the spread of 1 values"):
        assert math.isnan(torch.ones(1).var().item())


def test_the_gradient_of_a_deviation_of_zero_is_zero():
    x = torch.ones(3, requires_grad=True)
    (x.std() + x.norm() * 0).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_products_with_zeros_have_exact_gradients_of_both_orders():
    x = torch.tensor([0.0, 2.0, 3.0, 5.0, 7.0], requires_grad=True)
    (first,) = torch.autograd.grad(x.prod(), x, create_graph=True)
    assert first.tolist() == [210.0, 0.0, 0.0, 0.0, 0.0]
    (second,) = torch.autograd.grad(first[0], x)
    assert second.tolist() == [0.0, 105.0, 70.0, 42.0, 30.0]
    assert torch.ones(0).prod().item() == 1.0


def test_logsumexp_does_not_overflow():
    x = np.array([[1000.0, 1000.0], [-np.inf, -np.inf]])
    np.testing.assert_allclose(torch.logsumexp(torch.from_numpy(x), 1).numpy(), special.logsumexp(x, 1))


def test_ties_share_the_gradient_of_amax_and_the_first_takes_that_of_max():
    x = make_rows()
    x.amax(1).sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]
    x.grad = None
    values, indices = x.max(1)
    assert indices.tolist() == [1, 0]
    values.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_named_results_print_as_pytorchs():
    found = torch.tensor([3, 1]).max(0)
    assert found.values.item() == 3
    assert without_device(repr(found)) == "minigrad.return_types.max(\nvalues=tensor(3),\nindices=tensor(0))"


def test_norms_of_every_order_are_numpys():
    x = np.array([[3.0, -4.0], [0.0, 1.0]])
    t = torch.from_numpy(x)
    for p in (1, 2, 3, 0.5):
        np.testing.assert_allclose(torch.norm(t, p).item(), (np.abs(x) ** p).sum() ** (1 / p))
    assert torch.norm(t, 0).item() == 3
    assert torch.norm(t, math.inf).item() == 4
    assert torch.norm(t, -math.inf, dim=1).tolist() == [3.0, 0.0]
    np.testing.assert_allclose(torch.norm(t, "nuc").item(), np.linalg.norm(x, "nuc"))
    np.testing.assert_allclose(torch.norm(t, dim=0).numpy(), np.linalg.norm(x, axis=0))


@pytest.mark.parametrize("shape", [(), (1,), (3, 1)])
def test_the_norm_of_one_number_is_its_absolute_value_however_large(shape):
    x = torch.full(shape, -1e38, requires_grad=True)
    y = torch.linalg.vector_norm(x, dim=-1 if shape else None)
    y.sum().backward()
    assert y.unique().tolist() == [torch.tensor(1e38).item()]
    assert x.grad.unique().tolist() == [-1.0]


@pytest.mark.parametrize("p", [2, 1, 0.5, math.inf])
def test_a_nan_cotangent_stays_nan_at_a_norm_of_zero(p):
    x = torch.zeros(2, requires_grad=True)
    (g,) = torch.autograd.grad(x.norm(p), x, torch.tensor(math.nan))
    assert g.isnan().all()


def test_sorting_is_stable_both_ways_and_nan_is_greatest():
    x = torch.tensor([1.0, float("nan"), 2.0, 1.0])
    assert torch.argsort(x).tolist() == [0, 3, 2, 1]
    assert torch.argsort(x, descending=True).tolist() == [1, 2, 0, 3]
    top = torch.topk(torch.tensor([[1, 9, 4]]), 2)
    assert top.values.tolist() == [[9, 4]]
    assert torch.topk(torch.tensor([3.0, 1.0, 2.0]), 2, largest=False).indices.tolist() == [1, 2]


def test_unique_with_inverse_and_counts():
    values, inverse, counts = torch.unique(torch.tensor([[2, 1], [2, 2]]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 2], [[1, 0], [1, 1]], [1, 3])
    assert torch.unique(torch.tensor([[1, 1], [1, 1]]), dim=0).tolist() == [[1, 1]]


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
        lambda: torch.ones(2, 2).sum((0, -2)), RuntimeError, "dim .* more than once"),
    "a dimension that is no int": (
        lambda: torch.ones(2).sum("a"), TypeError, "dim must be an int, got str"),
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


def test_a_histogram_of_the_largest_numbers_counts_them_all():
    for dtype, most in ((torch.float16, 6e4), (torch.float32, 3e38)):
        assert torch.histc(torch.tensor([most, most, -most], dtype=dtype), 4).tolist() == [1.0, 0.0, 0.0, 2.0]


def test_bincount_counts_and_weighs():
    classes = torch.tensor([0, 2, 2, 5])
    assert classes.bincount().tolist() == np.bincount([0, 2, 2, 5]).tolist()
    weighed = torch.bincount(classes[:2], torch.tensor([0.5, 0.25]), minlength=4)
    assert weighed.tolist() == [0.5, 0, 0.25, 0] and weighed.dtype == torch.float32
    with pytest.raises(RuntimeError, match=r"1-d non-negative .*: got shape \(1,\) with the least entry -1"):
        torch.bincount(torch.tensor([-1]))
    with pytest.raises(TypeError, match=r"histogram.*'weight' .*must be Tensor, not list"):
        torch.histogram(torch.ones(1), 2, weight=[1.0])
    with pytest.raises(NotImplementedError, match=r"bincount.*Float.*convert"):
        torch.bincount(torch.tensor([1.0]))


@pytest.mark.parametrize("multiply", [torch.prod, lambda x: x.prod(0), lambda x: x.cumprod(0)])
def test_backward_refuses_a_product_that_was_written_to(multiply):
    x = torch.tensor([[2.0, 3.0], [0.0, 5.0]], requires_grad=True)
    y = multiply(x)
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 0.*version 1"):
        y.sum().backward()


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


@pytest.mark.parametrize("p", [3, 1.5, -1, 0.5])
def test_a_norm_along_an_axis_of_length_1_is_the_absolute_value(p):
    assert torch.tensor([[-1e30], [88.8]]).norm(p, 1).tolist() == torch.tensor([1e30, 88.8]).tolist()


def test_rows_that_renorm_leaves_as_they_are_pass_their_gradient_also_beside_nan():
    x = torch.tensor([[torch.nan, 0.02], [0.1, 0.2], [0.0, 3.0]], requires_grad=True)
    x.renorm(2, 0, 1.0).backward(torch.tensor([[1.0, 2.0]] * 3))
    assert x.grad[:2].tolist() == [[1.0, 2.0]] * 2 and x.grad[2].isfinite().all()
    half = torch.arange(16.0).view(4, 4).half().requires_grad_().renorm(2, 0, 3.0)  # numbers recorded from PyTorch
    np.testing.assert_allclose(half[1].tolist(), [1.0693, 1.3369, 1.6035, 1.8711], atol=5e-5)
    assert (half.dtype, half.grad_fn.name()) == (torch.float16, "RenormBackward0")
