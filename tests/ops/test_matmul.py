"""Products: what they refuse, in words, and gradients of few rows."""

import numpy as np
import pytest

import minigrad as torch

A = torch.ones(2, 3)
REFUSED = {
    "lengths": (lambda: A @ A, RuntimeError, r"\(2, 3\) and \(2, 3\); the last axis of the first \(3\)"),
    "types": (lambda: A @ A.t().double(), RuntimeError, r"float32 != float64.*\.to"),
    "bools": (lambda: A.bool() @ A.t().bool(), NotImplementedError, "matmul.*Bool.*convert"),
    "a number": (lambda: torch.matmul(A, 2), TypeError, "argument 'other'"),
    "no axes": (lambda: torch.matmul(A, torch.tensor(2.0)), RuntimeError, "at least 1D.*2D and 0D"),
    "a vector for a matrix": (lambda: torch.mm(A, torch.ones(3)), RuntimeError, "argument 2 must have 2"),
    "a vector's trace": (lambda: torch.trace(torch.ones(3)), RuntimeError, "trace: expected a matrix"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("rows", [1, 2])
def test_gradients_of_few_rows(rows):
    rng = np.random.default_rng(rows)
    x, w = (torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((5, rows), (3, 5)))
    g = torch.tensor(rng.standard_normal((rows, 3)))
    (x.T @ w.T).backward(g)
    np.testing.assert_allclose(w.grad.numpy(), g.numpy().T @ x.detach().numpy().T, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), (g.numpy() @ w.detach().numpy()).T, rtol=1e-12)
