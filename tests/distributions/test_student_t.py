"""Student's t-distribution: PyTorch's draws, SciPy's density and moments, gradients, errors."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.distributions.tables import closed_forms, draws_with_seed_0
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
LAW, SCIPYS = D.StudentT(T(5.0), T(1.0), T(0.5)), stats.t(5, 1, 0.5)

# As PyTorch 2.13 prints them, with the seed 0.
test_draws_with_a_seed_are_those_of_pytorch = draws_with_seed_0({
    "one law": (lambda: D.StudentT(4.0).rsample((4,)), [2.7632, -0.6294, -3.2482, 0.7344]),
    "two laws": (
        lambda: D.StudentT(T([3.0, 5.0]), T(1.0), T([2.0, 0.5])).sample((3,)).flatten(),
        [3.9307, 0.8786, -5.7047, 1.2873, -3.4904, 0.2791]),
})  # fmt: skip

test_closed_forms = closed_forms({
    "density": (lambda: LAW.log_prob(T(2.0)), SCIPYS.logpdf(2.0)),
    "density far out": (lambda: LAW.log_prob(T(100.0)), SCIPYS.logpdf(100.0)),
    "entropy": (lambda: LAW.entropy(), SCIPYS.entropy()),
    "mean": (lambda: LAW.mean, 1.0),
    "mode": (lambda: LAW.mode, 1.0),
    "variance": (lambda: LAW.variance, SCIPYS.var()),
    "the Cauchy density": (lambda: D.StudentT(1.0).log_prob(T(0.0)), -math.log(math.pi)),
})  # fmt: skip


def test_moments_exist_from_one_and_two_degrees_on():
    law = D.StudentT(T([0.5, 1.0, 1.5, 2.0, 2.5]))
    assert law.variance[2:].tolist() == [math.inf, math.inf, 5.0] and law.variance[:2].isnan().all()
    assert law.mean.isnan().tolist() == [True, True, False, False, False]


def test_parameters_get_gradients():
    df, loc = T(3.0, requires_grad=True), T(0.0, requires_grad=True)
    torch.manual_seed(0)
    D.StudentT(df, loc).rsample((3,)).sum().backward()
    assert df.grad.item() == pytest.approx(0.3833, abs=1e-3) and loc.grad.item() == 3.0  # PyTorch's
    point = T([3.0, 0.5, 2.0], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: D.StudentT(*p).log_prob(T(1.5, dtype=torch.float64)), point)
    assert torch.autograd.gradcheck(lambda p: D.StudentT(*p).entropy(), point)


def test_a_batch_expands():
    law = D.StudentT(T([3.0, 5.0]), 1.0).expand((3, 2))
    assert law.sample().shape == law.sample((1,))[0].shape == (3, 2)
    assert str(law) == "StudentT(df: minigrad.Size([3, 2]), loc: minigrad.Size([3, 2]), scale: minigrad.Size([3, 2]))"


test_refused = refusals({
    "no degrees of freedom": (lambda: D.StudentT(-1.0), ValueError, "parameter df .* GreaterThan.lower_bound=0.0"),
    "no scale": (lambda: D.StudentT(1.0, 0.0, 0.0), ValueError, "parameter scale .* GreaterThan.lower_bound=0.0"),
    "a quantile": (lambda: LAW.cdf(T(1.0)), NotImplementedError, "StudentT has no cdf"),
})  # fmt: skip
