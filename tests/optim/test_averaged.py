"""The average that ASGD keeps; `test_trajectories.py` compares its steps with PyTorch."""

import numpy as np

import minigrad
from minigrad import optim


def test_ax_is_the_weight_up_to_step_t0_plus_2_and_then_the_mean_of_all_since():
    w = minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    optimizer = optim.ASGD([w], lr=0.1, t0=3)
    path = [None]
    for step in range(1, 10):
        w.grad = w.detach() * step
        optimizer.step()
        path.append(w.detach().numpy().copy())
        expected = path[-1] if step <= 5 else np.mean(path[5:], axis=0)
        np.testing.assert_allclose(optimizer.state[w]["ax"].numpy(), expected, rtol=1e-6)  # the weights are float32


def test_the_power_of_the_decay_may_be_negative():
    assert optim.ASGD([minigrad.ones(1, requires_grad=True)], alpha=-0.5).defaults["alpha"] == -0.5
