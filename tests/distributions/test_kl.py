"""The Kullback-Leibler divergences: PyTorch's numbers, limits, the search for a rule, errors."""

import math

import pytest

import minigrad as torch
from tests.distributions.tables import VECTORS, batches
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


# Batches whose shapes differ broadcast; the numbers are PyTorch's, rounded.
BATCHES = {
    "KL of vectors": (lambda: D.kl_divergence(*VECTORS), (2,), [1.3249, 1.1633]),
    "KL of rows": (
        lambda: D.kl_divergence(D.Categorical(T([[0.5, 0.5, 0.0], [1, 0, 0]])), D.Categorical(T([0.2, 0.8, 0.0]))),
        (2,), [0.2231, 1.6094]),
    "KL of normals": (
        lambda: D.kl_divergence(D.Normal(T([0.0, 1.0]), T([1.0, 3.0])), D.Normal(T([1.0, -1.0]), T([2.0, 1.0]))),
        (2,), [0.4431, 4.9014]),
    "KL of exponentials": (
        lambda: D.kl_divergence(D.Exponential(T([1.0, 3.0])), D.Exponential(T([2.0, 1.0]))), (2,), [0.3069, 0.4319]),
    "KL of coins that may be certain": (
        lambda: D.kl_divergence(D.Bernoulli(T([0.0, 1.0, 0.5])), D.Bernoulli(0.5)), (3,), [0.6931, 0.6931, 0.0]),
    "KL to coins that are certain": (
        lambda: D.kl_divergence(D.Bernoulli(T([0.5, 0.5, 0.0, 1.0])), D.Bernoulli(T([0.0, 1.0, 0.0, 1.0]))),
        (4,), [math.inf, math.inf, 0.0, 0.0]),
}  # fmt: skip

test_batches_broadcast_and_have_pytorchs_values = batches(BATCHES)


DIVERGENCES = {
    "log-normal": (D.LogNormal(0.0, 1.0), D.LogNormal(1.0, 2.0), 0.4431),
    "Laplace": (D.Laplace(0.0, 1.0), D.Laplace(1.0, 3.0), 0.5546),
    "uniform": (D.Uniform(0.0, 1.0), D.Uniform(-1.0, 3.0), 1.3863),
    "uniform outside": (D.Uniform(0.0, 1.0), D.Uniform(0.5, 3.0), math.inf),
    "Poisson": (D.Poisson(2.0), D.Poisson(3.0), 0.1891),
    "geometric": (D.Geometric(0.2), D.Geometric(0.3), 0.1287),
    "rows": (D.OneHotCategorical(T([0.2, 0.8])), D.OneHotCategorical(T([0.5, 0.5])), 0.1927),
    "normal": (D.Normal(0.0, 1.0), D.Normal(1.0, 2.0), 0.4431),
    "exponential": (D.Exponential(1.0), D.Exponential(2.0), 0.3069),
    "outcomes": (D.Categorical(T([0.5, 0.5])), D.Categorical(T([0.1, 0.9])), 0.5108),
    "counts": (D.Binomial(4, T(0.5)), D.Binomial(4, T(0.25)), 0.5754),
    "counts beyond those of the other": (D.Binomial(5, T(0.5)), D.Binomial(4, T(0.25)), math.inf),
    "coins": (D.Bernoulli(0.3), D.Bernoulli(0.5), 0.0823),
    "gamma": (D.Gamma(2.0, 3.0), D.Gamma(1.0, 0.5), 0.5479),
    "beta": (D.Beta(2.0, 3.0), D.Beta(1.0, 0.5), 0.6364),
    "Dirichlet": (D.Dirichlet(T([1.0, 2.0])), D.Dirichlet(T([3.0, 0.2])), 4.125),
    "vectors": (
        D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.MultivariateNormal(torch.ones(2), 2 * torch.eye(2)),
        math.log(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergences_are_those_of_pytorch(name):
    p, q, expected = DIVERGENCES[name]
    assert D.kl_divergence(p, q).item() == pytest.approx(expected, abs=1e-4)


JOINED = D.Independent(D.Normal(torch.zeros(2, 3), torch.ones(3)), 1)


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


def test_outcomes_of_probability_zero_have_the_right_limits():
    half, one = D.Categorical(T([0.5, 0.5])), D.Categorical(T([1.0, 0.0]))
    assert D.kl_divergence(half, one).item() == math.inf
    assert D.kl_divergence(one, half).item() == pytest.approx(0.6931, abs=1e-4)
    never, often = D.Bernoulli(T([0.0, 0.25])), D.Bernoulli(T([0.25, 0.0]))
    assert D.kl_divergence(never, often).tolist() == pytest.approx([-math.log(0.75), math.inf])


REFUSED = {
    "divergence of other axes": (
        lambda: D.kl_divergence(JOINED, D.Independent(D.Normal(torch.zeros(2, 3), 1.0), 2)), NotImplementedError,
        "different numbers of axes"),
    "divergence of other transforms": (
        lambda: D.kl_divergence(D.LogNormal(0.0, 1.0), D.HalfNormal(1.0)), NotImplementedError, "transforms or shapes"),
    "KL to more trials": (
        lambda: D.kl_divergence(D.Binomial(3, 0.5), D.Binomial(4, 0.5)), NotImplementedError, "q has more trials than"),
    "KL of two kinds": (
        lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Cauchy(0.0, 1.0)), NotImplementedError, "q type Cauchy"),
}  # fmt: skip

test_refused = refusals(REFUSED)


def test_of_two_rules_that_are_as_near_the_one_nearer_to_p_is_taken_with_a_warning(monkeypatch):
    monkeypatch.setattr("minigrad.distributions.kl._RULES", {})

    class Own(D.Normal):
        pass

    D.register_kl(Own, D.Normal)(lambda p, q: "near p")
    D.register_kl(D.Normal, Own)(lambda p, q: "near q")
    with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Own, Own\). Please register_kl\(Own, Own\)"):
        assert D.kl_divergence(Own(0.0, 1.0), Own(0.0, 1.0)) == "near p"
    D.register_kl(Own, Own)(lambda p, q: "both")
    assert D.kl_divergence(Own(0.0, 1.0), Own(0.0, 1.0)) == "both"


@pytest.mark.parametrize(("pair", "name"), [((3, D.Normal), "type_p"), ((D.Normal, int), "type_q")])
def test_a_rule_is_one_of_two_classes_of_distributions(pair, name):
    with pytest.raises(TypeError, match=f"Expected {name} to be a Distribution subclass but got"):
        D.register_kl(*pair)
