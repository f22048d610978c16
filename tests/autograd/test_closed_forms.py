"""The engine against formulas on paper: the squared error of the lesson's convolution is a quadratic in its kernel."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd
from tests.examples.closed_form import HESSIAN, TARGET, after

X = np.ones((1, 1, 6, 8))
X[..., 2:6] = 0
FIRST = np.array([0.4, -0.3])


def compute_loss(kernel):
    """The summed squared error of a kernel of two numbers."""
    x = mg.tensor(X, dtype=kernel.dtype, device=kernel.device)
    true = mg.tensor(TARGET, dtype=kernel.dtype, device=kernel.device)
    errors = F.conv2d(x, kernel.reshape(1, 1, 1, 2)) - F.conv2d(x, true.reshape(1, 1, 1, 2))
    return (errors**2).sum()


def make_kernel(device=None):
    return mg.tensor(FIRST, device=device, requires_grad=True)


def test_the_gradient_is_the_hessian_times_the_error(device):
    w = make_kernel(device)
    compute_loss(w).backward()
    np.testing.assert_allclose(w.grad.cpu().numpy(), HESSIAN @ (FIRST - TARGET), rtol=1e-12, atol=1e-12)


def test_the_hessian_and_its_largest_eigenvalue_are_those_on_paper():
    found = autograd.functional.hessian(compute_loss, mg.tensor(FIRST)).numpy()
    np.testing.assert_allclose(found, HESSIAN, rtol=1e-12)
    assert np.linalg.eigvalsh(found)[-1] == pytest.approx(60)


def test_power_iteration_with_hessian_products_finds_the_largest_eigenvalue(device):
    w = make_kernel(device)
    (first,) = autograd.grad(compute_loss(w), w, create_graph=True)
    v = mg.tensor([1.0, 0.3], dtype=mg.float64, device=device)
    for _ in range(40):
        v = v / (v * v).sum().sqrt()
        (Hv,) = autograd.grad(first, w, v, retain_graph=True)
        v, curvature = Hv, float((v * Hv).sum())
    assert curvature == pytest.approx(60, rel=1e-10)


@pytest.mark.parametrize("lr", [1e-3, 1e-2, 0.03, 2 / 60])
def test_sgd_follows_its_closed_form(lr, device):
    """w_n = w* + (I - lr H)^n (w_0 - w*), also at the edge of stability."""
    w = make_kernel(device)
    optimizer = mg.optim.SGD([w], lr=lr)
    for step in range(1, 21):
        optimizer.zero_grad()
        compute_loss(w).backward()
        optimizer.step()
        expected = after(FIRST, lr, step)
        np.testing.assert_allclose(w.detach().cpu().numpy(), expected, rtol=1e-9, atol=1e-12)


def test_gradient_descent_beyond_the_edge_of_stability_diverges():
    w = make_kernel()
    for _ in range(200):
        (g,) = autograd.grad(compute_loss(w), w)
        with mg.no_grad():
            w -= 0.034 * g  # the edge is at 2 / 60
    assert abs(w.detach().numpy()).max() > 10


def test_one_newton_step_reaches_the_minimum():
    w = make_kernel()
    (g,) = autograd.grad(compute_loss(w), w)
    H = autograd.functional.hessian(compute_loss, w.detach())
    step = np.linalg.solve(H.numpy(), g.numpy())
    np.testing.assert_allclose(w.detach().numpy() - step, TARGET, atol=1e-12)


def test_a_step_is_differentiable_in_its_learning_rate():
    """d loss(w - lr * g) / d lr = -g' . g: the graph of a step is differentiable itself."""
    w, lr = make_kernel(), mg.tensor(0.01, dtype=mg.float64, requires_grad=True)
    (g,) = autograd.grad(compute_loss(w), w, create_graph=True)
    after_one = w - lr * g
    (slope,) = autograd.grad(compute_loss(after_one), lr)
    H, error = HESSIAN, FIRST - TARGET
    g0 = H @ error
    g1 = H @ (error - 0.01 * g0)
    assert slope.item() == pytest.approx(-g1 @ g0, rel=1e-12)


def test_unrolled_training_is_differentiable_in_its_start():
    """d w_n / d w_0 = (I - lr H)^n, along one direction."""
    start = make_kernel()
    w = start
    for _ in range(5):
        (g,) = autograd.grad(compute_loss(w), w, create_graph=True)
        w = w - 0.02 * g
    v = np.array([0.3, -1.2])
    (found,) = autograd.grad(w, start, mg.tensor(v))
    expected = np.linalg.matrix_power(np.eye(2) - 0.02 * HESSIAN, 5) @ v
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)
