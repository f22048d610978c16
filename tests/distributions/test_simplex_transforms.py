"""Transforms to chances, Cholesky factors and definite matrices: values, inverses, volume changes, shapes, errors."""

import pytest

import minigrad as torch
from minigrad.autograd.functional import jacobian
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
X, M = T([0.5, -1.0, 2.0], dtype=torch.float64), T([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
TRANSFORMS = {
    "StickBreaking": (D.StickBreakingTransform(), X),
    "CorrCholesky": (D.CorrCholeskyTransform(), X),
    "LowerCholesky": (D.LowerCholeskyTransform(), M),
    "PositiveDefinite": (D.PositiveDefiniteTransform(), M),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_gives_what_lies_in_its_set_and_back(name):
    transform, x = TRANSFORMS[name]
    y = transform(x)
    assert transform.codomain.check(y).all() and transform.domain.check(x).all()
    assert torch.allclose(transform(transform.inv(y)), y) and transform == type(transform)()
    if transform.bijective:
        assert torch.allclose(transform.inv(y), x)
        assert transform.forward_shape(x.shape) == y.shape and transform.inverse_shape(y.shape) == x.shape
    assert torch.allclose(transform(torch.stack([x, x]))[1], y)


def test_values_are_those_of_pytorch():
    expected = [0.3547, 0.1002, 0.4801, 0.0650]
    assert D.StickBreakingTransform()(X).tolist() == pytest.approx(expected, abs=1e-4)
    expected = [1.0, 0.0, 0.0, 0.4621, 0.8868, 0.0, -0.7616, 0.6247, 0.1723]
    assert D.CorrCholeskyTransform()(X).flatten().tolist() == pytest.approx(expected, abs=1e-4)
    assert D.LowerCholeskyTransform()(M)[1].tolist() == pytest.approx([0.5, 0.3679], abs=1e-4)


def test_volume_changes_are_determinants_of_jacobians():
    stick = D.StickBreakingTransform()
    expected = torch.linalg.slogdet(jacobian(lambda x: stick(x)[:-1], X)).logabsdet
    assert torch.allclose(stick.log_abs_det_jacobian(X, stick(X)), expected)
    factor = D.CorrCholeskyTransform()
    expected = torch.linalg.slogdet(jacobian(lambda x: factor(x)[[1, 2, 2], [0, 0, 1]], X)).logabsdet
    assert torch.allclose(factor.log_abs_det_jacobian(X, factor(X)), expected)


test_refused = refusals({
    "a number": (lambda: D.StickBreakingTransform().forward_shape(()), ValueError, "Too few dimensions on input"),
    "no triangle": (lambda: D.CorrCholeskyTransform().forward_shape((2,)), ValueError, "2 is not n .n - 1. / 2"),
    "a vector": (lambda: D.CorrCholeskyTransform().inverse_shape((2,)), ValueError, "Too few dimensions on input"),
    "no square": (lambda: D.CorrCholeskyTransform().inverse_shape((2, 3)), ValueError, r"not square: \(2, 3\)"),
    "a volume": (
        lambda: D.PositiveDefiniteTransform().log_abs_det_jacobian(M, M), NotImplementedError, "no log_abs_det"),
})  # fmt: skip
