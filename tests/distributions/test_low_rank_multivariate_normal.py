"""Normal vectors with a covariance of low rank beside a diagonal: against PyTorch's draws and the full covariance."""

import pytest

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
LOC, W, DIAGONAL = T([0.0, 1.0]), T([[1.0], [2.0]]), T([1.0, 2.0])
LAW, FULL = D.LowRankMultivariateNormal(LOC, W, DIAGONAL), D.MultivariateNormal(LOC, W @ W.mT + torch.diag(DIAGONAL))


def test_draws_and_densities_are_those_of_pytorch():
    torch.manual_seed(1)
    drawn = LAW.sample((2,))
    assert drawn.flatten().tolist() == pytest.approx([0.7230, 3.2014, -0.1850, 1.2989], abs=1e-4)
    assert LAW.log_prob(drawn).tolist() == pytest.approx([-3.2815, -2.9154], abs=1e-4)


@pytest.mark.parametrize("name", ["mean", "mode", "variance", "covariance_matrix", "precision_matrix", "scale_tril"])
def test_it_is_the_normal_law_with_the_full_covariance(name):
    assert torch.allclose(getattr(LAW, name), getattr(FULL, name), atol=1e-6)


def test_density_entropy_and_divergence_are_those_of_the_full_law():
    x = T([[0.3, -1.0], [5.0, 2.0]])
    assert torch.allclose(LAW.log_prob(x), FULL.log_prob(x)) and torch.allclose(LAW.entropy(), FULL.entropy())
    other = D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2))
    full = D.MultivariateNormal(torch.zeros(2), other.covariance_matrix)
    expected = D.kl_divergence(FULL, full).item()
    for p, q in ((LAW, other), (FULL, other), (LAW, full)):
        assert D.kl_divergence(p, q).item() == pytest.approx(expected, rel=1e-5)


def test_batches_expand_and_get_gradients():
    factor = torch.ones(3, 2, 1, requires_grad=True)
    law = D.LowRankMultivariateNormal(torch.zeros(2), factor, torch.ones(2))
    assert law.batch_shape == (3,) and law.rsample((4,)).shape == (4, 3, 2) and law.entropy().shape == (3,)
    assert law.expand((5, 3)).log_prob(torch.zeros(2)).shape == (5, 3)
    law.log_prob(torch.ones(2)).sum().backward()
    assert factor.grad.shape == (3, 2, 1)
    point = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    loc, diagonal = LOC.double(), DIAGONAL.double()
    assert torch.autograd.gradcheck(lambda w: D.LowRankMultivariateNormal(loc, w, diagonal).log_prob(loc + 1), point)


test_refused = refusals({
    "a number": (lambda: D.LowRankMultivariateNormal(T(0.0), W, DIAGONAL), ValueError, "loc must be at least one-dim"),
    "a vector as factor": (
        lambda: D.LowRankMultivariateNormal(LOC, LOC, DIAGONAL), ValueError, "cov_factor must be at least two-dim"),
    "a factor with three rows": (
        lambda: D.LowRankMultivariateNormal(LOC, torch.ones(3, 1), DIAGONAL), ValueError, "with shape 2 x m, got"),
    "a diagonal of three": (
        lambda: D.LowRankMultivariateNormal(LOC, W, torch.ones(3)), ValueError, r"with shape \(2,\), got \(3,\)"),
    "batches of two lengths": (
        lambda: D.LowRankMultivariateNormal(torch.zeros(3, 2), torch.ones(2, 2, 1), DIAGONAL), ValueError,
        "Incompatible batch shapes: loc"),
    "a negative diagonal": (
        lambda: D.LowRankMultivariateNormal(LOC, W, -DIAGONAL), ValueError, "parameter cov_diag .*GreaterThan"),
    "another length": (
        lambda: D.kl_divergence(LAW, D.LowRankMultivariateNormal(torch.zeros(1), torch.ones(1, 1), torch.ones(1))),
        ValueError, "different event shapes"),
    "another length, of full rank": (
        lambda: D.kl_divergence(*[D.MultivariateNormal(torch.zeros(n), torch.eye(n)) for n in (1, 2)]),
        ValueError, "different event shapes"),
})  # fmt: skip
