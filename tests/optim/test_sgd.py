"""SGD against closed forms; `test_trajectories.py` compares it with PyTorch."""

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim


def make_edges():
    """The lesson's 6x8 image, white with a black bar, and its edges."""
    image = minigrad.ones(1, 1, 6, 8)
    image[:, :, :, 2:6] = 0
    return image, image[:, :, :, :-1] - image[:, :, :, 1:]


def test_sgd_follows_the_closed_form_of_the_quadratic_loss():
    """The summed squared error is quadratic in the kernel: w_t = w* + (I - lr H)^t (w_0 - w*)."""
    image, target = make_edges()
    image, target = image.double(), target.double()
    layer = nn.Conv2d(1, 1, (1, 2), bias=False, dtype=minigrad.float64)
    left, right = (image.numpy()[0, 0, :, s].ravel() for s in (slice(0, 7), slice(1, 8)))
    columns = np.stack([left, right], axis=1)  # (42, 2): the windows under the kernel
    hessian = 2 * columns.T @ columns
    assert np.linalg.eigvalsh(hessian).max() == pytest.approx(60)
    best = np.array([1.0, -1.0])
    w0 = layer.weight.detach().numpy().ravel().copy()
    lr = 0.03
    optimizer = optim.SGD(layer.parameters(), lr=lr)
    for step in range(1, 11):
        optimizer.zero_grad()
        ((layer(image) - target) ** 2).sum().backward()
        optimizer.step()
        expected = best + np.linalg.matrix_power(np.eye(2) - lr * hessian, step) @ (w0 - best)
        np.testing.assert_allclose(layer.weight.tolist()[0][0][0], expected, rtol=1e-12)


def test_sgd_with_momentum_follows_the_recurrence_in_the_eigenvectors():
    """On w^2 a/2 the pair (w, v) is multiplied by one matrix at each step."""
    a, lr, momentum = 2.0, 0.1, 0.9
    w = minigrad.tensor(1.0, dtype=minigrad.float64, requires_grad=True)
    optimizer = optim.SGD([w], lr=lr, momentum=momentum)
    matrix = np.array([[1 - lr * a, -lr * momentum], [a, momentum]])
    pair = np.array([1.0, 0.0])
    for _ in range(20):
        optimizer.zero_grad()
        (a / 2 * w * w).backward()
        optimizer.step()
        pair = matrix @ pair
        assert float(w) == pytest.approx(pair[0], rel=1e-12)


def test_a_weight_decay_in_a_tensor_may_be_written_to():
    w = minigrad.ones(2, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, weight_decay=minigrad.tensor(0.5))
    w.grad = minigrad.zeros(2)
    optimizer.step()
    optimizer.param_groups[0]["weight_decay"].fill_(0.25)
    optimizer.step()
    assert w.tolist() == [0.375, 0.375]  # 1 - 0.5, then 0.5 (1 - 0.25)
