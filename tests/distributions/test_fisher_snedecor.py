"""The distribution of Fisher and Snedecor: PyTorch's draws, SciPy's density and moments, gradients, errors."""

from scipy import stats

import minigrad as torch
from tests.distributions.tables import closed_forms, draws_and_densities_with_seed_1
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor
LAW, SCIPYS = D.FisherSnedecor(T(3.0), T(9.0)), stats.f(3, 9)

test_draws_and_densities_are_those_of_pytorch = draws_and_densities_with_seed_1({
    "FisherSnedecor": (
        lambda: D.FisherSnedecor(3.0, 5.0), [3.4682, 1.7134, 0.6551, 1.6067], [-3.0175, -1.6974, -0.6759, -1.6013]),
})  # fmt: skip

test_closed_forms = closed_forms({
    "density": (lambda: LAW.log_prob(T(1.5)), SCIPYS.logpdf(1.5)),
    "mean": (lambda: LAW.mean, SCIPYS.mean()),
    "variance": (lambda: LAW.variance, SCIPYS.var()),
    "mode": (lambda: LAW.mode, 1 / 3 * 9 / 11),
})  # fmt: skip


def test_moments_exist_from_three_and_five_degrees_on():
    law = D.FisherSnedecor(T([1.0, 2.0, 3.0]), T([2.0, 4.0, 6.0]))
    assert law.mean.isnan().tolist() == [True, False, False] and law.variance.isnan().tolist() == [True, True, False]
    assert law.mode.isnan().tolist() == [True, True, False]


def test_parameters_get_gradients():
    point = T([3.0, 5.0], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: D.FisherSnedecor(*p).log_prob(T(1.5, dtype=torch.float64)), point)
    assert D.FisherSnedecor(*point).rsample().requires_grad
    assert D.FisherSnedecor(1.0, 1.0).expand((2, 3)).sample().shape == (2, 3)


test_refused = refusals({
    "no degrees": (lambda: D.FisherSnedecor(0.0, 1.0), ValueError, "parameter df1 .* GreaterThan"),
    "a negative number": (lambda: LAW.log_prob(T(-1.0)), ValueError, "within the support .GreaterThan"),
})  # fmt: skip


def test_numbers_stay_above_zero():
    assert D.FisherSnedecor(1e-3, 1.0).sample((1000,)).min().item() >= torch.finfo(torch.float32).tiny
