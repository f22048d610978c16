"""The transforms that are one formula: their inverses, their slopes against autograd, errors."""

import math

import pytest

import minigrad as torch
from minigrad.distributions.transforms import identity_transform
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


X = T([0.3, 1.2, 0.7], dtype=torch.float64)

ELEMENTWISE = {
    "exp": D.ExpTransform(), "sigmoid": D.SigmoidTransform(), "tanh": D.TanhTransform(),
    "softplus": D.SoftplusTransform(), "power": D.PowerTransform(2.0), "affine": D.AffineTransform(1.0, -2.5),
    "affine of tensors": D.AffineTransform(T([0.0, 1, 2]), T([1.0, -2, 3])), "identity": identity_transform,
    "three in turn": D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0), D.ExpTransform().inv]),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_transform_is_undone_by_its_inverse_and_knows_its_slope(name):
    transform, x = ELEMENTWISE[name], X.clone().requires_grad_()
    y = transform(x)
    assert transform.inv(y).tolist() == pytest.approx(x.tolist())
    assert transform.inv.inv is transform and transform == transform and transform.inv == transform.inv
    slopes = torch.autograd.grad(y.sum(), x)[0]
    expected = slopes.abs().log().tolist()
    assert transform.log_abs_det_jacobian(x, y).tolist() == pytest.approx(expected)
    assert transform.inv.log_abs_det_jacobian(y, x).tolist() == pytest.approx([-s for s in expected])
    signs = torch.broadcast_to(torch.as_tensor(transform.sign), x.shape)
    assert signs.tolist() == slopes.sign().tolist() and transform.bijective
    assert transform.with_cache().inv(transform.with_cache()(x)).tolist() == pytest.approx(x.tolist())


def test_values_of_several_numbers_have_one_slope():
    x = X.reshape(1, 3)
    scale = T([2.0, -3, 0.5], dtype=torch.float64)
    together = D.AffineTransform(0.0, scale, event_dim=1)
    assert together.log_abs_det_jacobian(x, together(x)).tolist() == pytest.approx([math.log(3)])
    joined = D.IndependentTransform(D.ExpTransform(), 1)
    assert joined.log_abs_det_jacobian(x, joined(x)).tolist() == pytest.approx([2.2]) and joined.event_dim == 1
    reshaped = D.ReshapeTransform((3,), (3, 1))
    assert reshaped(x).shape == (1, 3, 1) and reshaped.inv(reshaped(x)).shape == (1, 3)
    assert reshaped.log_abs_det_jacobian(x, reshaped(x)).tolist() == [0.0]
    mixed = D.ComposeTransform([D.ExpTransform(), together])
    assert mixed.log_abs_det_jacobian(x, mixed(x)).tolist() == pytest.approx([2.2 + math.log(3)])
    assert mixed.domain.event_dim == mixed.codomain.event_dim == 1


def test_transforms_that_lose_something_have_a_pseudo_inverse():
    assert D.AbsTransform()(T([-2.0, 1])).tolist() == [2, 1] and D.AbsTransform().inv(T([2.0])).tolist() == [2]
    softmax = D.SoftmaxTransform()
    assert softmax(softmax.inv(softmax(X))).tolist() == pytest.approx(softmax(X).tolist())
    assert softmax.forward_shape((2, 3)) == softmax.inverse_shape((2, 3)) == (2, 3)
    with pytest.raises(ValueError, match="Too few dimensions on input: 0, SoftmaxTransform needs an axis"):
        softmax.forward_shape(())
    assert not softmax.bijective and not D.AbsTransform().bijective


def test_transforms_of_equal_parameters_are_equal():
    affine = D.AffineTransform(T([1.0, 2.0]), 3.0)
    assert affine == D.AffineTransform(T([1.0, 2.0]), 3.0) and affine != D.AffineTransform(T([1.0, 0.0]), 3.0)
    assert affine.inv == D.AffineTransform(T([1.0, 2.0]), 3.0).inv and affine != affine.inv != D.ExpTransform()
    assert D.ReshapeTransform((2,), (2, 1)) == D.ReshapeTransform((2,), (2, 1)) != D.ReshapeTransform((2,), (1, 2))
    chain = D.ComposeTransform([D.ExpTransform(), D.PowerTransform(2.0)])
    assert chain == D.ComposeTransform([D.ExpTransform(), D.PowerTransform(2.0)])
    assert chain != D.ComposeTransform([D.ExpTransform(), D.PowerTransform(3.0)])


REFUSED = {
    "other elements": (lambda: D.ReshapeTransform((2,), (3,)), ValueError, "different numbers of elements"),
    "another shape": (lambda: D.ReshapeTransform((2,), (2, 1))(torch.ones(3)), ValueError, "Shape mismatch"),
    "no slope": (lambda: D.AbsTransform().log_abs_det_jacobian(1, 1), NotImplementedError, "no log_abs_det_jacobian"),
    "no sign": (lambda: D.AbsTransform().sign, NotImplementedError, "AbsTransform has no sign"),
}  # fmt: skip

test_refused = refusals(REFUSED)
