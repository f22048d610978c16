"""Draws of gamma, beta and Dirichlet move as the quantiles of their distributions, which SciPy finds.

The oracle: a number x with the share F below it is SciPy's inverse of F, whose derivatives along a parameter are taken
by differences of five points.
"""

import numpy as np
import pytest
from scipy import special

import minigrad as torch
from minigrad.distributions.implicit import LARGE, draw_dirichlet, draw_gamma

D = torch.distributions
SHARES = np.array([1e-4, 0.05, 0.3, 0.5, 0.8, 0.99, 0.9999])
CONCENTRATIONS = (0.2, 0.7, 1.0, 3.0, 40.0, 1000.0, 2 * LARGE)
PAIRS = [(0.3, 0.4), (1.0, 1.0), (2.5, 0.8), (0.8, 2.5), (1.0, 60.0), (60.0, 1.0), (30.0, 30.0), (700.0, 500.0)]
PAIRS += [(2 * LARGE, 3 * LARGE), (3 * LARGE, 2 * LARGE), (2.0, 2 * LARGE)]
OF_NUMPY = pytest.mark.cpu("the drawn numbers are NumPy's, or SciPy's")


def differentiate(function, at):
    """The first and the second derivative, by differences of five points."""
    h = 2e-3 * at
    below2, below, here, above, above2 = [function(at + k * h) for k in (-2, -1, 0, 1, 2)]
    first = (below2 - 8 * below + 8 * above - above2) / (12 * h)
    return first, (-below2 + 16 * below - 30 * here + 16 * above - above2) / (12 * h * h)


def differentiate_twice(draw, parameter):
    """The gradient of the sum of `draw(parameter)`, and that of the gradient."""
    parameter = torch.tensor(parameter, dtype=torch.float64).requires_grad_()
    (first,) = torch.autograd.grad(draw(parameter).sum(), parameter, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), parameter)
    return first.detach().numpy(), second.numpy()


@OF_NUMPY
@pytest.mark.parametrize("c", CONCENTRATIONS)
def test_a_draw_of_gamma_moves_as_the_quantile_of_its_share(c):
    x = special.gammaincinv(c, SHARES)
    first, second = differentiate_twice(lambda t: draw_gamma(t, drawn=x), np.full(x.shape, c))
    expected, bend = differentiate(lambda t: special.gammaincinv(t, SHARES), c)
    np.testing.assert_allclose(first, expected, rtol=2e-6)
    np.testing.assert_allclose(second, bend, rtol=1e-4, atol=1e-6 / c)


@OF_NUMPY
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_draw_of_beta_moves_as_the_quantile_of_its_share(a, b):
    x = special.betaincinv(a, b, SHARES)
    whole = np.stack([x, 1 - x], -1)
    expected = differentiate(lambda t: special.betaincinv(t, b, SHARES), a)[0]
    other = differentiate(lambda t: special.betaincinv(a, t, SHARES), b)[0]
    c = torch.tensor([[a, b]] * len(x), dtype=torch.float64, requires_grad=True)
    draw_dirichlet(c, drawn=whole)[:, 0].sum().backward()
    np.testing.assert_allclose(c.grad.numpy(), np.stack([expected, other], -1), rtol=2e-6, atol=1e-12)


@OF_NUMPY
@pytest.mark.parametrize(("a", "b"), PAIRS[:7])
def test_the_gradient_of_a_draw_of_beta_has_right_derivatives(a, b):
    x = special.betaincinv(a, b, SHARES)
    whole = np.stack([x, 1 - x], -1)

    def draw(t):  # a moves, b stays
        return draw_dirichlet(torch.stack([t, t * 0 + b], -1), drawn=whole)[:, 0]

    bend = differentiate(lambda t: special.betaincinv(t, b, SHARES), a)[1]
    np.testing.assert_allclose(differentiate_twice(draw, np.full(x.shape, a))[1], bend, rtol=1e-4, atol=1e-6)


@OF_NUMPY
def test_a_chance_that_moves_leaves_the_others_in_their_proportions():
    c = np.array([0.5, 2.0, 3.0])
    x = np.array([0.2, 0.3, 0.5])
    leaf = torch.tensor(c, requires_grad=True)
    moved = torch.autograd.functional.jacobian(lambda t: draw_dirichlet(t, drawn=x), leaf).numpy()  # (of, along)
    for j in range(3):
        share = special.betainc(c[j], c.sum() - c[j], x[j])
        alone = differentiate(lambda t, j=j, share=share: special.betaincinv(t, c.sum() - c[j], share), c[j])[0]
        expected = -alone * x / (1 - x[j])
        expected[j] = alone
        np.testing.assert_allclose(moved[:, j], expected, rtol=1e-7)


def test_the_mean_of_the_gradients_is_the_gradient_of_the_mean():
    torch.manual_seed(0)
    c = torch.tensor([0.6, 2.0, 5.0], dtype=torch.float64, requires_grad=True)
    drawn = D.Gamma(c, 2.0).rsample((2000,))
    (slope,) = torch.autograd.grad((drawn**2).mean(0).sum(), c)  # E[x^2] = c (c + 1) / 4
    assert slope.tolist() == pytest.approx(((2 * c + 1) / 4).tolist(), rel=0.15)
    (slope,) = torch.autograd.grad(D.Dirichlet(c).rsample((2000,))[:, 1].mean(), c)  # c1 / (c0 + c1 + c2)
    assert slope.tolist() == pytest.approx([-2 / 7.6**2, 5.6 / 7.6**2, -2 / 7.6**2], rel=0.15)


@OF_NUMPY
def test_gradients_of_float32_are_those_of_float64_rounded():
    x = special.gammaincinv(3.0, SHARES).astype(np.float32)
    single, double = (torch.full((len(x),), 3.0, dtype=d, requires_grad=True) for d in (torch.float32, torch.float64))
    draw_gamma(single, drawn=x).sum().backward()
    draw_gamma(double, drawn=x.astype(np.float64)).sum().backward()
    assert single.grad.tolist() == double.grad.float().tolist()


def test_gradients_are_close_to_pytorchs():
    """PyTorch's own are right to three or four digits."""
    torch.manual_seed(0)
    c = torch.tensor([0.5, 2.0, 3.0], requires_grad=True)
    D.Chi2(c).rsample((2,)).sum().backward()
    assert c.grad.tolist() == pytest.approx([0.2272, 0.9078, 2.1238], rel=1e-3)
    c.grad = None
    (D.Dirichlet(c).rsample((4,)) * torch.arange(3.0)).sum().backward()
    assert c.grad.tolist() == pytest.approx([-0.9511, -0.3997, 0.4098], rel=1e-3)
