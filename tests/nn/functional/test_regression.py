"""Losses of pairs of numbers."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

generator = np.random.default_rng(16)
X, Y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))


D = np.abs(X - Y)


PAIRS = {
    "mse_loss": D**2,
    "l1_loss": D,
    "smooth_l1_loss": np.where(D < 1, D**2 / 2, D - 0.5),
    "huber_loss": np.where(D < 1, D**2 / 2, D - 0.5),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_loss_of_pairs_is_its_formula_in_each_reduction(name):
    loss, expected = getattr(F, name), PAIRS[name]
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    np.testing.assert_allclose(loss(x, y, reduction="none").numpy(), expected, rtol=1e-13)
    assert loss(x, y, reduction="sum").item() == pytest.approx(expected.sum(), rel=1e-13)
    assert loss(x, y).item() == pytest.approx(expected.mean(), rel=1e-13)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_losses_of_pairs_are_averaged_as_in_pytorch(name):
    weight = np.abs(X) + 0.1
    result = getattr(F, name)(minigrad.tensor(X), minigrad.tensor(Y), weight=minigrad.tensor(weight))
    # PyTorch divides the first two by the weights' sum, and Huber's by the number of pairs.
    total = X.size if name == "huber_loss" else weight.sum()
    assert result.item() == pytest.approx((PAIRS[name] * weight).sum() / total, rel=1e-12)


def test_beta_and_delta_say_where_the_line_begins():
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    bent = np.where(D < 0.4, D**2 / 0.8, D - 0.2)
    np.testing.assert_allclose(F.smooth_l1_loss(x, y, reduction="none", beta=0.4).numpy(), bent)
    np.testing.assert_allclose(F.huber_loss(x, y, "none", 0.4).numpy(), bent * 0.4)
    assert F.smooth_l1_loss(x, y, beta=0.0).item() == pytest.approx(D.mean())


@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_huber_and_smooth_l1_have_slope_1_at_infinity(loss):
    x = minigrad.tensor([np.inf, -np.inf, 2.0], requires_grad=True)
    loss(x, minigrad.zeros(3), reduction="sum").backward()
    assert x.grad.tolist() == [1.0, -1.0, 1.0]


@pytest.mark.usefixtures("fresh_advice")
@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_the_second_derivative_of_a_parabola_and_a_line_is_0_on_the_line_and_at_nan(loss):
    x = minigrad.tensor([0.5, 1.0, 3.0, -4.0, float("nan"), float("inf")], requires_grad=True)
    target = minigrad.tensor([0.0, 0.0, 0.0, 0.0, 0.0, float("inf")])
    (slope,) = minigrad.autograd.grad(loss(x, target, reduction="sum"), x, create_graph=True)
    assert slope[:4].tolist() == [0.5, 1.0, 1.0, -1.0] and slope[4:].isnan().all()
    assert minigrad.autograd.grad(slope.sum(), x)[0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("delta", [3.0, 6e4, 65504.0, 1e6])
def test_huber_of_halves_takes_a_delta_beyond_them(delta):
    x = minigrad.tensor([1.0, -300.0], dtype=minigrad.float16, requires_grad=True)
    loss = F.huber_loss(x, minigrad.tensor([3.0, 0.0]).half(), "none", delta)
    loss.sum().backward()
    far = [44992.0, -300.0] if delta > 300 else [895.5, -3.0]
    assert loss.tolist() == [2.0, far[0]]
    assert x.grad.tolist() == [-2.0, far[1]]
