"""How the terms of a loss are reduced to one number, and the gradient of each term."""

import pytest

import minigrad
import minigrad.nn.functional as F


def test_losses_of_halves_are_summed_in_float32():
    x = minigrad.full((70_000,), 2.0, dtype=minigrad.float16)
    assert F.mse_loss(x, x * 0).item() == 4.0
    assert F.smooth_l1_loss(x, x * 0).item() == 1.5
    logs = minigrad.full((70_000, 2), -2.0, dtype=minigrad.float16)
    assert F.nll_loss(logs, minigrad.zeros(70_000, dtype=minigrad.int64)).item() == 2.0


@pytest.mark.parametrize("dtype", [minigrad.float16, minigrad.float64])
def test_0d_inputs_have_0d_gradients(dtype):
    x, y, w = (minigrad.tensor(v, dtype=dtype, requires_grad=True) for v in (0.5, 0.25, 2.0))
    for loss in (
        F.binary_cross_entropy_with_logits(x, y, w, pos_weight=w),
        F.binary_cross_entropy(x, y, w),
        F.smooth_l1_loss(x, y),
        F.huber_loss(x, y),
        F.mse_loss(x, y),
        F.gelu(x) + F.mish(y) + F.softplus(x),
    ):
        for slope in minigrad.autograd.grad(loss, (x, y)):
            assert slope.shape == () and slope.dtype is dtype and slope.isfinite()
