"""Mixtures of components: PyTorch's draws, numbers and shapes, errors."""

import pytest
from scipy import stats

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


def test_a_mixture_of_normals():
    parts = D.Normal(T([-1.0, 0.0, 4.0]), T([1.0, 0.5, 2.0]))
    law = D.MixtureSameFamily(D.Categorical(T([0.2, 0.3, 0.5])), parts)
    assert [law.mean.item(), law.variance.item(), law.stddev.item()] == pytest.approx([1.8, 7.235, 2.6898], abs=1e-4)
    assert law.log_prob(T([0.0, 1.0])).tolist() == pytest.approx([-1.1998, -2.5827], abs=1e-4)
    scipys = [stats.norm(m, s).cdf(0.3) for m, s in ((-1, 1), (0, 0.5), (4, 2))]
    assert law.cdf(T(0.3)).item() == pytest.approx(0.2 * scipys[0] + 0.3 * scipys[1] + 0.5 * scipys[2], abs=1e-5)
    torch.manual_seed(0)
    assert law.sample((3,)).tolist() == pytest.approx([4.3208, 6.1243, 0.5333], abs=1e-4)
    assert repr(law).startswith("MixtureSameFamily(\n  Categorical(probs: ")


def test_a_batch_of_mixtures_of_vectors():
    parts = D.Independent(D.Normal(torch.arange(24.0).view(2, 3, 4), 1.0), 1)
    law = D.MixtureSameFamily(D.Categorical(torch.ones(2, 3)), parts)
    assert law.batch_shape == (2,) and law.event_shape == (4,) and law.sample((5,)).shape == (5, 2, 4)
    assert law.mean.tolist() == [[4, 5, 6, 7], [16, 17, 18, 19]]
    assert law.variance.flatten().tolist() == pytest.approx([11.6667] * 8, abs=1e-3)
    assert law.log_prob(torch.ones(4)).tolist() == pytest.approx([-7.7744, -319.7744], abs=1e-3)
    assert law.expand((5, 2)).sample().shape == (5, 2, 4)
    one = D.MixtureSameFamily(D.Categorical(torch.ones(3)), parts)  # one choice for both
    assert one.sample((5,)).shape == (5, 2, 4)


REFUSED = {
    "no choice": (
        lambda: D.MixtureSameFamily(3, D.Normal(torch.zeros(2), 1.0)), ValueError, "must be a Categorical, got 3"),
    "no components": (lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), 3), ValueError, "Distribution, got 3"),
    "other numbers of components": (
        lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(3), 1.0)), ValueError,
        r"component` \(2\) does not equal .* \(3\)"),
    "other batches": (
        lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2, 3)), D.Normal(torch.zeros(4, 3), 1.0)), ValueError,
        "not compatible"),
}  # fmt: skip

test_refused = refusals(REFUSED)
