"""`clamp`: its limits, its gradient at them, and its errors."""

import numpy as np

import minigrad as torch
from tests.refusals import refusals


def test_the_gradient_passes_at_both_limits():
    x = torch.tensor([1.0], requires_grad=True)
    x.clamp(1.0, 1.0).sum().backward()
    assert x.grad.item() == 1.0


def test_the_upper_limit_of_clamp_wins():
    assert torch.clamp(torch.tensor([0.0]), 3, 2).tolist() == [2.0]
    assert torch.clamp(torch.tensor([1, 5]), max=2.5).dtype is torch.float32


test_refused = refusals({
    "a clamp without limits": (
        lambda: torch.clamp(torch.ones(1)), RuntimeError, "At least one of 'min' or 'max'"),
    "a clamp of bools between tensors of bools": (
        lambda: torch.clamp(torch.tensor([True]), torch.tensor(True), torch.tensor([True])),
        NotImplementedError, '"clamp" not implemented for \'Bool\''),
    "a clamp of bools": (
        lambda: torch.clamp(torch.tensor([True]), False, True),
        NotImplementedError, '"clamp" not implemented for \'Bool\''),
    "a clamp by a tensor that does not fit": (
        lambda: torch.clamp(torch.ones(2), torch.ones(3)),
        RuntimeError, r"clamp_min got shapes \(2,\) and \(3,\)"),
    "an array for a tensor": (
        lambda: torch.clamp(np.ones(1), 0), TypeError, "from_numpy"),
})  # fmt: skip
