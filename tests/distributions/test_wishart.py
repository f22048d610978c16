"""The Wishart distribution: PyTorch's draws, SciPy's density and entropy, moments, gradients, errors."""

import numpy as np
import pytest
from scipy import stats

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
C = T([[2.0, 0.5], [0.5, 1.0]])
SCIPYS = stats.wishart(4, C.numpy(force=True))


def test_draws_and_densities_are_those_of_pytorch():
    law = D.Wishart(4.0, C)
    torch.manual_seed(1)
    drawn = law.sample((2,))
    expected = [3.0389, -1.8048, -1.8048, 3.0053, 9.0946, 1.9260, 1.9260, 2.9976]
    assert drawn.flatten().tolist() == pytest.approx(expected, abs=1e-3)
    assert law.log_prob(drawn).tolist() == pytest.approx([-6.5592, -6.5249], abs=1e-3)


@pytest.mark.parametrize("form", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_the_covariance_is_given_in_three_forms(form):
    given = {"covariance_matrix": C, "precision_matrix": torch.inverse(C), "scale_tril": torch.linalg.cholesky(C)}
    law = D.Wishart(4.0, **{form: given[form]})
    for name, matrix in given.items():
        assert torch.allclose(getattr(law, name), matrix, atol=1e-5)
    value = T([[3.0, 1.0], [1.0, 2.0]])
    assert law.log_prob(value).item() == pytest.approx(SCIPYS.logpdf(value.numpy(force=True)), rel=1e-4)
    assert law.entropy().item() == pytest.approx(SCIPYS.entropy(), rel=1e-5)
    assert repr(law) == f"Wishart({form}: minigrad.Size([2, 2]), df: 4.0)"


def test_moments_and_mode():
    law = D.Wishart(T([2.0, 5.0]), C)
    assert torch.equal(law.mean[1], 5 * C) and law.mode[0].isnan().all() and torch.allclose(law.mode[1], 2 * C)
    np.testing.assert_allclose(
        law.variance[1].numpy(force=True), stats.wishart(5, C.numpy(force=True)).var(), rtol=1e-5
    )


def test_divergence_is_zero_of_itself_and_that_of_gammas_in_one_dimension():
    p, q = D.Wishart(4.0, C), D.Wishart(5.0, torch.eye(2))
    assert D.kl_divergence(p, p).item() == pytest.approx(0.0, abs=1e-6)
    assert D.kl_divergence(p, q).item() == pytest.approx(0.7768, abs=1e-4)  # PyTorch's
    one, other = D.Wishart(3.0, T([[2.0]])), D.Wishart(4.0, T([[0.5]]))
    gammas = D.kl_divergence(D.Gamma(1.5, 0.25), D.Gamma(2.0, 1.0))
    assert D.kl_divergence(one, other).item() == pytest.approx(gammas.item(), rel=1e-5)


def test_draws_and_densities_have_gradients():
    factor = torch.linalg.cholesky(C).double().requires_grad_()
    value = T([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: D.Wishart(4.0, scale_tril=f.tril()).log_prob(value), factor)
    law = D.Wishart(T([3.0, 4.0]), scale_tril=factor.float())
    assert law.rsample((3,)).requires_grad and not law.sample().requires_grad
    assert law.expand((5, 2)).sample((3,)).shape == (3, 5, 2, 2, 2)


def test_few_degrees_are_told():
    with pytest.warns(UserWarning, match=r"Low df values detected. Singular samples are highly likely"):
        D.Wishart(1.5, torch.eye(2))


test_refused = refusals({
    "too few degrees": (lambda: D.Wishart(1.0, torch.eye(2)), ValueError, "greater than ndim - 1 = 1"),
    "no matrix": (lambda: D.Wishart(3.0), AssertionError, "Exactly one of covariance_matrix"),
    "two matrices": (lambda: D.Wishart(3.0, C, C), AssertionError, "Exactly one of covariance_matrix"),
    "a vector": (lambda: D.Wishart(3.0, torch.ones(2)), ValueError, "must be at least two-dimensional"),
    "a negative matrix": (lambda: D.Wishart(3.0, -C), ValueError, "parameter covariance_matrix"),
    "a value that is not definite": (
        lambda: D.Wishart(3.0, C).log_prob(-C), ValueError, "within the support .PositiveDefinite"),
})  # fmt: skip


def test_a_whole_batch_is_drawn_anew_as_in_pytorch():
    torch.manual_seed(0)
    drawn = D.Wishart(T([3.0, 50.0]), C).sample((2,))
    upper = [6.4568, -0.8333, 4.8381, 102.5277, 20.8889, 58.3782, 4.5770, 1.6913, 1.0367, 102.5302, 16.9366, 49.9327]
    rows, columns = torch.triu_indices(2, 2)
    assert drawn[..., rows, columns].flatten().tolist() == pytest.approx(upper, rel=1e-4)


def test_no_values_are_drawn_for_an_empty_shape():
    assert D.Wishart(3.0, C).sample((0,)).shape == (0, 2, 2)
    assert D.Wishart(T([3.0, 4.0]), C).sample((2, 0)).shape == (2, 0, 2, 2, 2)
