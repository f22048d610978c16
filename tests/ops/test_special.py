"""`lerp`: the weighted way from one tensor to another."""

import numpy as np

import minigrad as torch


def test_lerp_is_the_start_plus_weight_times_the_difference():
    x = torch.zeros(2).lerp_(torch.ones(2), 0.25)
    assert x.tolist() == [0.25, 0.25]
    assert torch.lerp(x, x * 5, torch.tensor([0.5, 1.0])).tolist() == [0.75, 1.25]
    assert torch.lerp(x, torch.ones(2), np.float64(1)).dtype is torch.float32


def test_lerp_by_a_number_saves_nothing():
    x = torch.zeros(2, requires_grad=True)
    y = x.lerp(torch.ones(2), 0.25)
    for _ in range(2):
        y.sum().backward()
    assert x.grad.tolist() == [1.5, 1.5]
