"""Transforms side by side, and by a cdf: values, inverses, volume changes, sets, errors."""

import pytest

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
X, M = T([0.5, -1.0, 2.0]), T([[1.0, 2.0], [0.5, -1.0]])
PARTS = D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], 0, [1, 2])
ENTRIES = D.StackTransform([D.ExpTransform(), D.TanhTransform()], 1)


def test_parts_are_transformed_each_by_its_own():
    assert torch.allclose(PARTS(X), T([X[0].exp(), -1.0, 5.0])) and torch.allclose(PARTS.inv(PARTS(X)), X)
    assert torch.allclose(PARTS.log_abs_det_jacobian(X, PARTS(X)), T([0.5, 0.6931, 0.6931]), atol=1e-4)
    assert PARTS.bijective and PARTS.length == 3 and PARTS.domain.check(X).all()
    assert PARTS.codomain.check(T([-1.0, -1.0, 1.0])).tolist() == [False, True, True]


def test_parts_of_one_value_add_their_volume_changes():
    transform = D.CatTransform([D.IndependentTransform(D.ExpTransform(), 1), D.ExpTransform()], -1, [2, 1])
    assert transform.event_dim == 1
    assert transform.log_abs_det_jacobian(X, transform(X)).item() == pytest.approx(X.sum().item())


def test_volume_changes_of_parts_that_grow_are_refused():
    transform = D.CatTransform([D.StickBreakingTransform(), D.ExpTransform()], -1, [2, 1])
    y = transform(X)
    assert y.shape == (4,)
    with pytest.raises(AssertionError, match="must equal length 3"):
        transform.log_abs_det_jacobian(X, y)


def test_entries_are_transformed_each_by_its_own():
    y = ENTRIES(M)
    assert torch.allclose(y, torch.stack([M[:, 0].exp(), M[:, 1].tanh()], 1)) and torch.allclose(ENTRIES.inv(y), M)
    assert torch.allclose(ENTRIES.log_abs_det_jacobian(M, y)[:, 0], M[:, 0]) and ENTRIES.bijective
    assert ENTRIES.domain.check(M).all() and ENTRIES.codomain.check(y).all()


def test_a_cdf_makes_numbers_uniform():
    transform = D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))
    assert torch.allclose(transform(X), D.Normal(0.0, 1.0).cdf(X)) and torch.allclose(transform.inv(transform(X)), X)
    assert torch.equal(transform.log_abs_det_jacobian(X, transform(X)), D.Normal(0.0, 1.0).log_prob(X))
    assert transform.sign == 1 and transform.domain is D.Normal.support
    copula = D.TransformedDistribution(D.MultivariateNormal(torch.zeros(2), torch.eye(2)), [transform])
    assert copula.log_prob(T([0.3, 0.6])).item() == pytest.approx(0.0, abs=1e-5)


def test_caches_keep_the_last_pair():
    for transform, x in ((PARTS, X), (ENTRIES, M), (D.CumulativeDistributionTransform(D.Normal(0.0, 1.0)), X)):
        cached = transform.with_cache()
        assert cached.inv(cached(x)) is x and transform.with_cache(0) is transform


test_refused = refusals({
    "no transform": (lambda: D.CatTransform([3]), AssertionError, "must be Transform instances"),
    "two lengths for one": (
        lambda: D.CatTransform([D.ExpTransform()], 0, [1, 2]), AssertionError, r"lengths \(2\) must match transforms"),
    "another length": (lambda: PARTS(X[:2]), AssertionError, r"x.size\(0\) = 2 must equal length 3"),
    "no axis": (lambda: ENTRIES(X), AssertionError, "dim 1 out of range for tensor with 1 dimensions"),
})  # fmt: skip
