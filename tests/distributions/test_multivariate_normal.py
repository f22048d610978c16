"""The multivariate normal distribution: PyTorch's draws and broadcasting, SciPy's densities, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import VECTORS, batches, closed_forms, draws_with_seed_0
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


# As PyTorch 2.13 prints them, with the seed 0.
DRAWS = {
    "MultivariateNormal": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.eye(2)).sample((2,)).flatten(),
        [1.5410, -0.2934, -2.1788, 0.5684],
    ),
}  # fmt: skip

test_draws_with_a_seed_are_those_of_pytorch = draws_with_seed_0(DRAWS)


CLOSED_FORMS = {
    "MultivariateNormal": (
        lambda: D.MultivariateNormal(T([1.0, 0.0]), T([[2.0, 0.5], [0.5, 1.0]])).log_prob(T([0.3, 0.4])),
        stats.multivariate_normal([1, 0], [[2, 0.5], [0.5, 1]]).logpdf([0.3, 0.4]),
    ),
    "MultivariateNormal entropy": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=T([[2.0, 0.0], [1.0, 3.0]])).entropy(),
        1 + math.log(2 * math.pi) + math.log(6),
    ),
}  # fmt: skip

test_densities_and_entropies_have_their_closed_forms = closed_forms(CLOSED_FORMS)


# Batches whose shapes differ broadcast; the numbers are PyTorch's, rounded.
BATCHES = {
    "variances of one matrix for two vectors": (lambda: VECTORS[0].variance, (2, 2), [2.0, 1.0, 2.0, 1.0]),
    "variances of two matrices for one vector": (lambda: VECTORS[1].variance, (2, 2), [3.0, 2.0, 1.0, 4.0]),
    "precisions": (lambda: VECTORS[1].precision_matrix[0], (2, 2), [0.4, 0.2, 0.2, 0.6]),
    "means of two matrices for one vector": (lambda: VECTORS[1].mean, (2, 2), [1.0, -1.0, 1.0, -1.0]),
    "entropies of two matrices": (lambda: VECTORS[1].entropy(), (2,), [3.6426, 3.5310]),
    "densities by two matrices": (lambda: VECTORS[1].log_prob(T([0.3, 0.4])), (2,), [-3.1326, -3.0210]),
}  # fmt: skip

test_batches_broadcast_and_have_pytorchs_values = batches(BATCHES)


def test_its_shapes_and_matrices():
    vectors = D.MultivariateNormal(torch.zeros(4, 2), torch.eye(2))
    assert vectors.batch_shape == (4,) and vectors.event_shape == (2,) and vectors.sample((3,)).shape == (3, 4, 2)
    assert vectors.log_prob(torch.zeros(4, 2)).shape == (4,) and vectors.mode is vectors.loc
    assert vectors.precision_matrix.tolist() == [[[1, 0], [0, 1]]] * 4


@pytest.mark.parametrize("form", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_the_matrix_that_is_given_is_kept_and_the_others_fit_it(form):
    matrix = T([[2.0, 0.0], [0.5, 1.0]]) if form == "scale_tril" else T([[2.0, 0.5], [0.5, 1.0]])
    law = D.MultivariateNormal(torch.zeros(2), **{form: matrix})
    assert getattr(law, form).tolist() == matrix.tolist()
    assert repr(law) == f"MultivariateNormal(loc: minigrad.Size([2]), {form}: minigrad.Size([2, 2]))"
    torch.testing.assert_close(law.scale_tril @ law.scale_tril.mT, law.covariance_matrix)
    torch.testing.assert_close(law.precision_matrix @ law.covariance_matrix, torch.eye(2))


REFUSED = {
    "a location that is NaN": (
        lambda: D.MultivariateNormal(T([0.0, math.nan]), torch.eye(2)), ValueError,
        "Expected parameter loc .* the constraint IndependentConstraint"),
    "two covariances": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.eye(2), torch.eye(2)), ValueError, "Exactly one of"),
    "not positive": (
        lambda: D.MultivariateNormal(torch.zeros(2), -torch.eye(2)), ValueError, "PositiveDefinite()"),
    "not symmetric": (
        lambda: D.MultivariateNormal(torch.zeros(2), T([[1.0, 0.2], [0.1, 1.0]])), ValueError, "PositiveDefinite()"),
    "a factor that is not triangular": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=T([[1.0, 0.2], [0.1, 1.0]])), ValueError,
        "scale_tril .* LowerCholesky()"),
    "a factor with a negative diagonal": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=-torch.eye(2)), ValueError, "LowerCholesky()"),
    "a vector for a matrix": (
        lambda: D.MultivariateNormal(torch.zeros(2), torch.ones(2)), ValueError,
        "covariance_matrix must be at least two-dim"),
    "a vector for a factor": (
        lambda: D.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2)), ValueError,
        "scale_tril must be at least two-dim"),
    "a number for a vector": (lambda: D.MultivariateNormal(T(0.0), torch.eye(2)), ValueError, "one-dimensional"),
}  # fmt: skip

test_refused = refusals(REFUSED)


def test_values_may_have_another_dtype_and_the_densities_have_that_of_the_parameters():
    law = D.MultivariateNormal(torch.zeros(2), T([[2.0, 0.5], [0.5, 1.0]]))
    found = law.log_prob(T([[1.0, 1.0], [0.0, 2.0]], dtype=torch.float64))
    assert found.dtype is torch.float32  # as in PyTorch 2.13
    assert found.tolist() == pytest.approx([-2.6891134, -4.4033995], abs=1e-6)
