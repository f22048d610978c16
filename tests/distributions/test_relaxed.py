"""Relaxed Bernoulli and categorical distributions: PyTorch's draws, densities, gradients, shapes, and errors."""

import math

import numpy as np
import pytest

import minigrad as torch
from tests.distributions.tables import draws_and_densities_with_seed_1
from tests.refusals import refusals

D, T = torch.distributions, torch.tensor
ROW = T([0.2, 0.6, 0.3])

# What PyTorch 2.13 draws after manual_seed(1), and the logarithms of the densities there.
test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "rows": (
        lambda: D.RelaxedOneHotCategorical(T(0.7), ROW),
        [pytest.approx(row, abs=1e-4) for row in (
            [0.5343, 0.2905, 0.1752], [0.2515, 0.0371, 0.7114], [0.0325, 0.8500, 0.1175], [0.0667, 0.7644, 0.1689])],
        [-0.2522, -0.6248, 2.0801, 1.3471],
    ),
})  # fmt: skip


def test_relaxed_coins_are_those_of_pytorch():
    torch.manual_seed(1)
    law = D.RelaxedBernoulli(T(0.7), T([0.2, 0.6]))
    drawn = law.sample((2,))
    assert drawn.flatten().tolist() == pytest.approx([0.4128, 0.3154, 0.0730, 0.8843], abs=1e-4)
    densities = law.log_prob(drawn).flatten().tolist()
    assert densities == pytest.approx([-0.6344, -0.4269, 0.9117, 0.2883], abs=1e-4)


def test_the_gradient_of_draws_is_that_of_pytorch():
    torch.manual_seed(0)
    chances = ROW.clone().requires_grad_()
    (D.RelaxedOneHotCategorical(T(0.7), chances).rsample((2,)) * torch.arange(3)).sum().backward()
    assert chances.grad.tolist() == pytest.approx([-0.7471, -0.4222, 1.3424], abs=1e-4)


def test_the_density_of_a_coin_adds_up_to_one():
    grid = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    law = D.RelaxedBernoulli(T(1.5).double(), T(0.3).double())
    assert law.log_prob(grid).exp().mean().item() == pytest.approx(1.0, abs=1e-3)
    logits = D.RelaxedBernoulli(T(1.5).double(), logits=law.logits)
    assert np.allclose(logits.log_prob(grid), law.log_prob(grid)) and logits.temperature.item() == 1.5


def test_two_outcomes_are_a_coin():
    grid, chance = torch.linspace(0.05, 0.95, 7, dtype=torch.float64), T(0.3).double()
    rows = D.RelaxedOneHotCategorical(T(0.8).double(), torch.stack([1 - chance, chance]))
    coin = D.RelaxedBernoulli(T(0.8).double(), chance)
    # in the simplex the density is one of both coordinates' logarithms, and along one coordinate of its log-odds
    assert np.allclose(rows.log_prob(torch.stack([1 - grid, grid], -1)), coin.log_prob(grid))


def test_low_temperatures_give_what_the_discrete_laws_draw():
    torch.manual_seed(0)
    drawn = D.RelaxedOneHotCategorical(T(1e-3), ROW).sample((4000,))
    assert (drawn.max(-1)[0] > 0.99).float().mean() > 0.98
    assert drawn.mean(0).tolist() == pytest.approx((ROW / ROW.sum()).tolist(), abs=0.03)


def test_expanded_laws_keep_their_temperature():
    rows = D.RelaxedOneHotCategorical(T([0.7]), ROW).expand((2,))
    assert rows.sample((5,)).shape == (5, 2, 3) and rows.temperature.shape == (1,)
    assert D.RelaxedBernoulli(0.7, ROW).expand((2, 3)).log_prob(T(0.5)).shape == (2, 3)
    assert rows.logits.exp().sum().item() == pytest.approx(2.0) and math.isclose(
        rows.probs[0].sum().item(), 1, rel_tol=1e-6
    )


test_refused = refusals({
    "neither": (lambda: D.RelaxedBernoulli(T(1.0)), ValueError, "Either `probs` or `logits` must be specified"),
    "both": (lambda: D.RelaxedOneHotCategorical(T(1.0), ROW, ROW), ValueError, "Either `probs` or `logits`"),
    "a chance above 1": (lambda: D.RelaxedBernoulli(T(1.0), T(1.5)), ValueError, "parameter probs .* Interval"),
    "a mean": (lambda: D.RelaxedBernoulli(T(1.0), T(0.5)).mean, NotImplementedError, "RelaxedBernoulli has no mean"),
    "a row of another sum": (
        lambda: D.RelaxedOneHotCategorical(T(1.0), ROW).log_prob(T([0.5, 0.5, 0.5])), ValueError, "Simplex"),
})  # fmt: skip
