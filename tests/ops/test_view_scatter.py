"""Copies in which one view is replaced: values and gradients."""

import pytest

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck

X = torch.arange(12.0).reshape(3, 4).double()
CASES = {
    "select": (lambda x, s: torch.select_scatter(x, s, 1, -2), (3,), lambda x: x[:, -2]),
    "slice": (lambda x, s: torch.slice_scatter(x, s, 1, 1, None, 2), (3, 2), lambda x: x[:, 1::2]),
    "slice of rows": (lambda x, s: x.slice_scatter(s, start=-2), (2, 4), lambda x: x[-2:]),
    "diagonal": (lambda x, s: torch.diagonal_scatter(x, s, 1), (3,), lambda x: x.diagonal(1)),
    "as_strided": (
        lambda x, s: torch.as_strided_scatter(x, s, (2, 2), (5, 1), 1), (2, 2),
        lambda x: x.as_strided((2, 2), (5, 1), 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_view_is_replaced_in_a_copy(name):
    call, shape, view = CASES[name]
    src = -torch.ones(shape).double() - torch.arange(torch.ones(shape).numel()).reshape(shape)
    result = call(X, src)
    expected = X.clone()
    view(expected).copy_(src)
    assert torch.equal(result, expected) and torch.equal(view(result), src) and not torch.equal(X, result)
    leaves = (X.clone().requires_grad_(), src.requires_grad_())
    assert gradcheck(call, leaves) and gradgradcheck(call, leaves)
    with pytest.raises(RuntimeError, match="expected src to have a size equal to that of the view"):
        call(X, torch.ones(7))


def test_slice_scatter_requires_a_positive_step():
    with pytest.raises(RuntimeError, match="slice step must be positive, got 0"):
        torch.slice_scatter(X, X, step=0)


def test_slice_scatter_writes_to_out():
    x = torch.zeros(4)
    assert torch.slice_scatter(x, torch.ones(2), 0, 1, 3, out=x) is x and x.tolist() == [0.0, 1.0, 1.0, 0.0]
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype float32, but got float64"):
        torch.slice_scatter(x, torch.ones(2), 0, 1, 3, out=torch.empty(0).double())
