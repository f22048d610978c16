"""Differences of neighbours: `torch.gradient` beside NumPy's."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck

X = np.random.default_rng(3).standard_normal((4, 5, 3))
PLACES = [np.array([0.0, 1, 3, 4]), np.array([0.0, 2, 3, 5, 9]), np.array([-1.0, 0, 4])]


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("dim", [None, 1, (0, 2), -1])
def test_gradient_is_numpys(edge_order, dim):
    over = range(3) if dim is None else (dim,) if isinstance(dim, int) else dim
    for spacing, numpys in (
        (2.0, [2.0] * len(over)),
        ([0.5 + d for d in range(len(over))], [0.5 + d for d in range(len(over))]),
        ([torch.tensor(PLACES[d]) for d in over], [PLACES[d] for d in over]),
    ):
        found = torch.gradient(torch.tensor(X), spacing=spacing, dim=dim, edge_order=edge_order)
        expected = np.gradient(X, *numpys, axis=tuple(over), edge_order=edge_order)
        for ours, theirs in zip(found, [expected] if len(over) == 1 else expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12, atol=1e-13)


def test_gradient_passes_gradgradcheck_and_takes_integers():
    x = torch.tensor(X[:3, :3, 0]).requires_grad_()
    for call in (lambda x: torch.gradient(x, spacing=0.5), lambda x: torch.gradient(x, edge_order=2)):
        assert gradcheck(call, x) and gradgradcheck(call, x)
    assert torch.gradient(torch.tensor([1, 2, 4]))[0].tolist() == [1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edge_order": 3}, "only supports edge_order=1 and edge_order=2"),
        ({"spacing": [1.0, 2.0]}, "a scalar or a list of 1"),
        ({"spacing": [torch.ones(2)]}, "expected 3 coordinates for dimension 0, got \\[2\\]"),
    ],
)
def test_refused(options, message):
    with pytest.raises(RuntimeError, match=message):
        torch.gradient(torch.ones(3), **options)
    with pytest.raises(RuntimeError, match="at least edge_order\\+1, got 1 along dimension 0"):
        torch.gradient(torch.ones(1))
    for area in (torch.trapezoid, torch.cumulative_trapezoid):
        with pytest.raises(RuntimeError, match="only support dx as a real number, got True"):
            area(torch.ones(3), dx=True)
    with pytest.raises(RuntimeError, match="does not support uint8 input"):
        torch.gradient(torch.ones(3, dtype=torch.uint8))


def test_no_differences_of_no_elements():
    x = torch.empty(0, 3, requires_grad=True)
    assert torch.diff(x, dim=0) is x and torch.diff(x, n=2, dim=0) is x
    assert torch.diff(x).shape == (0, 2)
    assert torch.diff(torch.ones(3), n=100).shape == (0,)
