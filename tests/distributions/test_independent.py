"""Axes of a batch as parts of a value, mixtures of components, and the divergences that follow: PyTorch's numbers."""

import math

import pytest
from scipy import stats

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor

JOINED = D.Independent(D.Normal(torch.zeros(2, 3), torch.ones(3)), 1)


def test_joined_axes_add_up():
    assert JOINED.batch_shape == (2,) and JOINED.event_shape == (3,) and JOINED.has_rsample
    assert JOINED.log_prob(torch.ones(3)).tolist() == pytest.approx([-4.2568] * 2, abs=1e-4)
    assert JOINED.entropy().tolist() == pytest.approx([4.2568] * 2, abs=1e-4)
    assert JOINED.sample((4,)).shape == JOINED.rsample((4,)).shape == (4, 2, 3)
    assert JOINED.mean.shape == JOINED.mode.shape == JOINED.variance.shape == (2, 3)
    assert JOINED.expand((5, 2)).log_prob(torch.ones(3)).shape == (5, 2)
    assert repr(JOINED).endswith("scale: minigrad.Size([2, 3])), 1)") and repr(JOINED).startswith("Independent(Normal(")


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


DIVERGENCES = {
    "log-normal": (D.LogNormal(0.0, 1.0), D.LogNormal(1.0, 2.0), 0.4431),
    "Laplace": (D.Laplace(0.0, 1.0), D.Laplace(1.0, 3.0), 0.5546),
    "uniform": (D.Uniform(0.0, 1.0), D.Uniform(-1.0, 3.0), 1.3863),
    "uniform outside": (D.Uniform(0.0, 1.0), D.Uniform(0.5, 3.0), math.inf),
    "Poisson": (D.Poisson(2.0), D.Poisson(3.0), 0.1891),
    "geometric": (D.Geometric(0.2), D.Geometric(0.3), 0.1287),
    "rows": (D.OneHotCategorical(T([0.2, 0.8])), D.OneHotCategorical(T([0.5, 0.5])), 0.1927),
}


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergences_are_those_of_pytorch(name):
    p, q, expected = DIVERGENCES[name]
    assert D.kl_divergence(p, q).item() == pytest.approx(expected, abs=1e-4)


def test_divergences_of_joined_axes_add_up():
    other = D.Independent(D.Normal(torch.ones(2, 3), torch.ones(3) * 2), 1)
    assert D.kl_divergence(JOINED, other).tolist() == pytest.approx([1.3294] * 2, abs=1e-4)


def test_the_nearest_registered_divergence_is_taken():
    class Wide(D.Normal):
        pass

    @D.register_kl(Wide, D.Normal)
    def divergence(p, q):
        return "wide"

    assert D.kl_divergence(Wide(0.0, 1.0), Wide(0.0, 1.0)) == "wide"
    assert D.kl_divergence(D.Normal(0.0, 1.0), Wide(0.0, 1.0)).item() == 0


def test_counts_and_rows_are_drawn_as_in_pytorch():
    torch.manual_seed(1)
    rows = D.OneHotCategorical(T([0.2, 0.3, 0.5]))
    assert rows.sample((3,)).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert D.Geometric(0.3).sample((4,)).tolist() == [2, 0, 1, 2] and D.Poisson(2.5).sample((4,)).tolist() == [
        1,
        4,
        2,
        1,
    ]
    assert rows.sample((5,)).sum(-1).tolist() == [1.0] * 5
    assert rows.log_prob(T([0.0, 1.0, 0.0])).item() == pytest.approx(math.log(0.3)) and rows.mode.tolist() == [0, 0, 1]
    assert rows.mean.tolist() == rows.probs.tolist() and rows.variance[0].item() == pytest.approx(0.16)
    assert rows.entropy().item() == pytest.approx(stats.entropy([0.2, 0.3, 0.5])) and rows.param_shape == (3,)
    assert rows.expand((2,)).sample().shape == (2, 3)
    coin, scipys = D.Geometric(0.3), stats.geom(0.3, loc=-1)
    found = [coin.mean, coin.variance, coin.mode, coin.entropy(), coin.log_prob(T(2.0))]
    assert [f.item() for f in found] == pytest.approx(
        [scipys.mean(), scipys.var(), 0, 2.0362, scipys.logpmf(2)], abs=1e-4
    )
    assert D.Geometric(logits=0.3).logits.item() == pytest.approx(0.3)
    assert D.Geometric(1.0).log_prob(T(0.0)).item() == 0
    law = D.Poisson(2.5)
    assert [law.mean.item(), law.variance.item(), law.mode.item()] == [2.5, 2.5, 2]
    assert law.log_prob(T(3.0)).item() == pytest.approx(stats.poisson(2.5).logpmf(3))


REFUSED = {
    "axes that are not there": (
        lambda: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "reinterpreted_batch_ndims <= .* actual 1 vs 0"),
    "no choice": (
        lambda: D.MixtureSameFamily(3, D.Normal(torch.zeros(2), 1.0)), ValueError, "must be a Categorical, got 3"),
    "no components": (lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), 3), ValueError, "Distribution, got 3"),
    "other numbers of components": (
        lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(3), 1.0)), ValueError,
        r"component` \(2\) does not equal .* \(3\)"),
    "other batches": (
        lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2, 3)), D.Normal(torch.zeros(4, 3), 1.0)), ValueError,
        "not compatible"),
    "divergence of other axes": (
        lambda: D.kl_divergence(JOINED, D.Independent(D.Normal(torch.zeros(2, 3), 1.0), 2)), NotImplementedError,
        "different numbers of axes"),
    "divergence of other transforms": (
        lambda: D.kl_divergence(D.Gumbel(0.0, 1.0), D.Gumbel(1.0, 1.0)), NotImplementedError, "transforms or shapes"),
    "half a row": (
        lambda: D.OneHotCategorical(T([0.5, 0.5])).log_prob(T([1.0, 1.0])), ValueError, "one 1 among zeros"),
    "a coin that never succeeds": (lambda: D.Geometric(0.0), ValueError, r"must lie in \(0, 1\]"),
    "half a failure": (lambda: D.Geometric(0.5).log_prob(T(0.5)), ValueError, "a number of failures"),
    "a negative rate": (lambda: D.Poisson(-1.0), ValueError, "the rate must be 0 or more"),
    "half a count": (lambda: D.Poisson(1.0).log_prob(T(0.5)), ValueError, "must be a count"),
    "a scale of Laplace's": (lambda: D.Laplace(0.0, -1.0), ValueError, "the scale must be positive"),
    "a scale of Cauchy's": (lambda: D.Cauchy(0.0, -1.0), ValueError, "the scale must be positive"),
}  # fmt: skip

test_refused = refusals(REFUSED)
