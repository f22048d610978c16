"""Adam and its variants under a constant gradient g; `test_trajectories.py` compares them with PyTorch.

Both running means are then exact once their start at zero is undone: m^ = g and v^ = g^2.
"""

import numpy as np
import pytest

import minigrad
from minigrad import optim

GRADIENT = np.array([1e-3, -2.0, 5e4])


def walk(kind, steps, **options):
    """The path of three numbers that begin at 1."""
    w = minigrad.ones(3, dtype=minigrad.float64, requires_grad=True)
    optimizer, path = kind([w], lr=0.1, eps=0.0, **options), [np.ones(3)]
    for _ in range(steps):
        w.grad = minigrad.tensor(GRADIENT)
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"betas": (0.5, 0.7)}])
def test_each_step_of_adam_has_the_length_of_the_rate_whatever_the_scale_of_the_gradient(options):
    np.testing.assert_allclose(np.diff(walk(optim.Adam, 7, **options), axis=0), [-0.1 * np.sign(GRADIENT)] * 7)


def test_adamw_shrinks_the_weight_apart_from_the_gradient():
    path = walk(optim.AdamW, 5, weight_decay=0.5)
    np.testing.assert_allclose(path[1:], (1 - 0.1 * 0.5) * path[:-1] - 0.1 * np.sign(GRADIENT))


def test_adamax_divides_by_the_largest_gradient():
    np.testing.assert_allclose(np.diff(walk(optim.Adamax, 7), axis=0), [-0.1 * np.sign(GRADIENT)] * 7)


def test_the_first_five_steps_of_radam_are_plain_descent_and_later_ones_know_no_scale():
    steps = np.diff(walk(optim.RAdam, 7), axis=0)
    np.testing.assert_allclose(steps[:5], [-0.1 * GRADIENT] * 5, rtol=1e-9)
    np.testing.assert_allclose(abs(steps[5:]).max(axis=1), abs(steps[5:]).min(axis=1), rtol=1e-6)
    assert (abs(steps[5:]) < 0.1).all()
