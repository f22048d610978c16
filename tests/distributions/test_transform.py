"""The base of all transforms, and those that are made of others: caches, modules, printing, errors."""

import pytest

import minigrad as torch
from minigrad.distributions import constraints
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


X = T([0.3, 1.2, 0.7], dtype=torch.float64)

TRANSFORMS = [
    D.ExpTransform(), D.PowerTransform(2.0), D.AffineTransform(1.0, -2.5), D.ReshapeTransform((3,), (3, 1)),
    D.IndependentTransform(D.ExpTransform(), 1),
    D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0), D.ExpTransform().inv]),
]  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda x: type(x).__name__)
def test_a_cache_gives_back_what_was_put_in(transform):
    kept = transform.with_cache()
    assert kept.inv(kept(X)) is X and kept(X) is kept(X) and kept.with_cache(1) is kept
    assert transform(X) is not transform(X)


def test_transforms_are_printed_by_their_names():
    assert repr(D.ExpTransform().inv) == "_InverseTransform(ExpTransform())"
    assert repr(D.ComposeTransform([D.ExpTransform()])) == "ComposeTransform(\n    ExpTransform()\n)"
    assert repr(D.IndependentTransform(D.TanhTransform(), 2)) == "IndependentTransform(TanhTransform(), 2)"


class Planar(D.Transform, torch.nn.Module):
    """A lesson's flow: y = x + u tanh(w x + b)."""

    domain = codomain = constraints.real_vector
    bijective = True

    def __init__(self):
        D.Transform.__init__(self)
        self.w, self.u = torch.nn.Parameter(T([1.0, -1.0])), torch.nn.Parameter(T([0.5, 0.5]))

    def _call(self, z):
        return z + self.u * torch.tanh(z @ self.w).unsqueeze(-1)

    def log_abs_det_jacobian(self, z, y):
        return (1 + (1 - torch.tanh(z @ self.w) ** 2) * (self.w @ self.u)).abs().log()


def test_a_transform_may_be_a_module():
    flow = Planar()
    assert [name for name, _ in flow.named_parameters()] == ["w", "u"]
    z = torch.ones(4, 2)
    assert flow(z).shape == (4, 2) and flow.log_abs_det_jacobian(z, flow(z)).shape == (4,)
    kept = flow.with_cache()
    assert kept(z) is kept(z) and flow(z) is not flow(z) and next(iter(kept.parameters())) is flow.w
    whole = D.ComposeTransform([flow, Planar()])
    whole.log_abs_det_jacobian(z, whole(z)).sum().backward()
    assert flow.u.grad is not None


REFUSED = {
    "a cache": (lambda: D.Transform(2), ValueError, "cache_size must be 0 or 1, got 2"),
    "no axis to join": (
        lambda: D.IndependentTransform(D.ExpTransform(), 1)(T(1.0)), ValueError, "Too few dimensions on input: 0"),
    "no axis to part": (
        lambda: D.IndependentTransform(D.ExpTransform(), 1).inv(T(1.0)), ValueError, "Too few dimensions on input: 0"),
    "two numbers of axes": (lambda: D.ReshapeTransform((2,), (2, 1)).event_dim, ValueError, "Please use either"),
    "no call": (lambda: D.Transform()(T(1.0)), NotImplementedError, "has no _call"),
    "no inverse": (lambda: Planar().inv(T([1.0, 1.0])), NotImplementedError, "Planar has no _inverse"),
    "another cache": (lambda: Planar().with_cache(2), ValueError, "cache_size must be 0 or 1, got 2"),
}  # fmt: skip

test_refused = refusals(REFUSED)
