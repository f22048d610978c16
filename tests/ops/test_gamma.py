"""The gamma function's logarithm, its derivatives and the Bessel functions beside SciPy's."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck

X = np.concatenate([np.linspace(-9.7, 12, 200), [1, 2, 0.5, 1e-8, -1e-8, 1e10, 1e300, 100.5, -50.3, 0.0, math.inf]])
FUNCTIONS = {
    "lgamma": (torch.lgamma, special.gammaln), "digamma": (torch.digamma, special.digamma),
    **{f"polygamma {n}": (lambda x, n=n: torch.polygamma(n, x), lambda x, n=n: special.polygamma(n, x))
       for n in (0, 1, 2, 4)},
    "mvlgamma": (lambda x: torch.mvlgamma(x.abs() + 2, 3), lambda x: [special.multigammaln(v, 3) for v in abs(x) + 2]),
}  # fmt: skip
BESSEL = {name: getattr(special, name) for name in ("i0", "i0e", "i1", "i1e")}


@pytest.mark.parametrize("times", [1, 6], ids=["few numbers", "many numbers"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_scipys(name, times):
    ours, theirs = FUNCTIONS[name]
    x = np.tile(X[np.isfinite(X)] if name == "mvlgamma" else X, times)
    np.testing.assert_allclose(ours(torch.tensor(x)).numpy(), theirs(x), rtol=1e-12, atol=1e-13)
    single = torch.tensor([0.7, 1.5, 7.25])
    np.testing.assert_allclose(ours(single).numpy(), theirs(single.double().numpy()), rtol=1e-6)
    assert ours(single).dtype == torch.float32 and ours(single.half()).dtype == torch.float16


@pytest.mark.parametrize("name", BESSEL)
def test_bessel_functions_are_scipys(name):
    x = np.concatenate([np.linspace(-40, 40, 101), [0, 1e-9, 29.99, 30.01, 600.0, -700.0, 1e5]])
    ours = getattr(torch.special, name)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours, BESSEL[name](x), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("call", [f for f, _ in FUNCTIONS.values()] + [getattr(torch.special, n) for n in BESSEL])
def test_derivatives_pass_gradgradcheck(call):
    x = torch.tensor([0.3, 1.7, 4.2, -1.3]).double().requires_grad_()
    assert gradcheck(call, x) and gradgradcheck(call, x)


def test_poles_are_infinite_and_wrong_orders_refused():
    assert torch.lgamma(torch.tensor([0.0, -1.0, -math.inf])).tolist() == [math.inf] * 3
    assert torch.digamma(torch.tensor([0.0, -0.0])).tolist() == [-math.inf, math.inf]
    assert torch.digamma(torch.tensor([-1.0])).isnan().all()
    assert torch.lgamma(torch.arange(1, 5)).exp().round().tolist() == [1.0, 1.0, 2.0, 6.0]
    with pytest.raises(RuntimeError, match="does not support negative n"):
        torch.polygamma(-1, torch.ones(1))
    with pytest.raises(RuntimeError, match="p has to be greater than or equal to 1"):
        torch.mvlgamma(torch.ones(1), 0)
    assert torch.ones(2).lgamma_().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("n", [10, 30, 100, 170, 171, 300])
@pytest.mark.parametrize("x", [0.5, 9.5, 10.0, 15.5])
def test_polygamma_of_high_orders_is_its_sum(n, x):
    terms = sum(Fraction(1, Fraction(x) + k) ** (n + 1) for k in range(40 if n > 10 else 2000))
    expected = (-1) ** (n + 1) * math.factorial(n) * terms
    found = torch.polygamma(n, torch.tensor(x, dtype=torch.float64)).item()
    if abs(expected) < 1e308:
        assert found == pytest.approx(float(expected), rel=1e-13)
    else:
        assert found == math.inf * (-1) ** (n + 1)


def test_lgamma_of_denormals_is_minus_their_logarithm():
    for number in (5e-324, 1e-310, -1e-310):
        assert torch.lgamma(torch.tensor(number, dtype=torch.float64)).item() == pytest.approx(-math.log(abs(number)))


@pytest.mark.parametrize("name", ["i1", "i1e"])
def test_the_slope_of_a_bessel_function_at_denormals_is_that_at_zero(name):
    x = torch.tensor([1e-45, -1e-40, 0.0], requires_grad=True)
    (slope,) = torch.autograd.grad(getattr(torch.special, name)(x).sum(), x, create_graph=True)
    assert slope.tolist() == [0.5] * 3
    assert torch.autograd.grad(slope.sum(), x)[0].isfinite().all()


@pytest.mark.parametrize("name", ["i1", "i1e"])
def test_an_odd_bessel_function_of_minus_zero_is_zero_as_in_pytorch(name):
    assert not torch.signbit(getattr(torch.special, name)(torch.tensor([-0.0, 0.0]))).any()


def test_polygamma_as_a_method_takes_its_order_last():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    x.polygamma(n=1).sum().backward()
    assert x.grad.tolist() == pytest.approx([-2.404114, -0.404114], rel=1e-5)
    y = torch.tensor([1.0, 2.0])
    assert y.polygamma_(0) is y and y.tolist() == pytest.approx([-0.577216, 0.422784], rel=1e-5)
