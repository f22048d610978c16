"""The incomplete gamma functions against SciPy, at their edges, and their gradients."""

import math
from importlib import import_module

import numpy as np
import pytest
from scipy import special

import minigrad as torch
from tests.refusals import refusals

T = torch.tensor
A, X = np.meshgrid([1e-3, 0.5, 1.0, 3.7, 30.0, 1e3, 1e5], [1e-8, 0.1, 1.0, 3.0, 31.0, 1e3, 1.003e5])


@pytest.mark.parametrize(("name", "expected"), [("gammainc", special.gammainc), ("gammaincc", special.gammaincc)])
def test_values_are_scipys(name, expected):
    found = getattr(torch.special, name)(T(A), T(X))
    np.testing.assert_allclose(found.numpy(force=True), expected(A, X), rtol=1e-9, atol=1e-300)
    single = getattr(torch.special, name)(T(A).float(), T(X).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(force=True), expected(A, X), rtol=1e-2, atol=1e-6)


def test_steps_end_where_all_numbers_have_converged(monkeypatch):
    steps = []
    counted = lambda *ends: (steps.append(n) or n for n in range(*ends))  # noqa: E731
    file = import_module("minigrad.ops.incomplete_gamma")  # from the package it is a stand-in until it is used
    monkeypatch.setattr(file, "range", counted, raising=False)
    torch.manual_seed(0)
    torch.igamma(torch.rand(10_000) * 5, torch.rand(10_000) * 5)
    assert 10 < max(steps) < 300


@pytest.mark.parametrize("a", [1.1e6, 1e8, 1e12])
def test_values_of_large_operands_are_scipys_on_both_sides_of_the_middle(a):
    x = a + np.linspace(-4, 4, 9) * a**0.5  # SciPy's own values are exact to so many deviations
    for name, expected in (("gammainc", special.gammainc), ("gammaincc", special.gammaincc)):
        found = getattr(torch.special, name)(T(a, dtype=torch.float64), T(x))
        np.testing.assert_allclose(found.numpy(force=True), expected(a, x), rtol=1e-8)
    far = T([0.5 * a, 2 * a], dtype=torch.float64)
    assert torch.igamma(T(a, dtype=torch.float64), far).tolist() == [0.0, 1.0]


def test_the_edges_are_those_of_pytorch():
    a, x = (
        T([0.0, 0.0, 2.0, 2.0, math.inf, math.inf, -1.0, 1.0]),
        T([1.0, 0.0, 0.0, math.inf, 1.0, math.inf, 1.0, -1.0]),
    )
    lower = [1.0, math.nan, 0.0, 1.0, 0.0, math.nan, math.nan, math.nan]
    np.testing.assert_array_equal(torch.igamma(a, x).numpy(force=True), lower)
    np.testing.assert_array_equal(torch.igammac(a, x).numpy(force=True), 1 - np.array(lower))


def test_the_slope_is_the_density():
    a, x = T([1.5, 3.0], dtype=torch.float64), T([0.7, 9.0], dtype=torch.float64, requires_grad=True)
    for function in (torch.igamma, torch.igammac):
        assert torch.autograd.gradcheck(lambda x, f=function: f(a, x), x)
        assert torch.autograd.gradgradcheck(lambda x, f=function: f(a, x), x)


def test_methods_and_distributions():
    x = T([0.5, 2.0])
    assert torch.equal(x.igamma(x), torch.igamma(x, x)) and torch.equal(x.igammac(x), torch.igammac(x, x))
    law = torch.distributions.Gamma(T(2.0), T(3.0))
    assert torch.equal(law.cdf(x), torch.special.gammainc(T(2.0), 3 * x))
    assert torch.distributions.Chi2(2.0).cdf(T(2.0)).item() == pytest.approx(1 - math.exp(-1))
    assert torch.distributions.InverseGamma(1.0, 1.0).cdf(T(1.0)).item() == pytest.approx(math.exp(-1), rel=1e-6)
    assert x.clone().igamma_(x).tolist() == torch.igamma(x, x).tolist()


test_refused = refusals({
    "integers": (lambda: torch.igamma(T([1]), T([1])), NotImplementedError, "igamma.*not implemented for 'Long'"),
    "a gradient of the first operand": (
        lambda: torch.igamma(T(1.0, requires_grad=True), T(1.0)).backward(), NotImplementedError,
        "derivative for igamma: input is not implemented: detach"),
})  # fmt: skip
