"""Nonlinearities against SciPy and their formulas, and their in-place forms."""

import numpy as np
import pytest
from scipy import special

import minigrad
import minigrad.nn.functional as F

X = np.concatenate([np.linspace(-30, 30, 241), [-1e4, -1e-8, 1e-8, 1e4]])
FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, special.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * special.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * special.ndtr(x),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.where(x > 20, x, special.softplus(x))),
    "softplus": lambda x: np.where(x > 20, x, special.softplus(x)),
    "logsigmoid": special.log_expit,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_is_its_formula_from_one_end_to_the_other(name):
    result = getattr(F, name)(minigrad.tensor(X))
    np.testing.assert_allclose(result.numpy(), FORMULAS[name](X), rtol=1e-12, atol=1e-13)


def test_gelu_by_tanh():
    inner = np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)
    result = F.gelu(minigrad.tensor(X), approximate="tanh")
    np.testing.assert_allclose(result.numpy(), 0.5 * X * (1 + np.tanh(inner)), atol=1e-12)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_and_its_logarithm_are_scipys(dim):
    x = np.random.default_rng(12).standard_normal((3, 4, 5)) * 100
    t = minigrad.tensor(x)
    np.testing.assert_allclose(F.softmax(t, dim).numpy(), special.softmax(x, dim), atol=1e-14)
    np.testing.assert_allclose(F.log_softmax(t, dim).numpy(), special.log_softmax(x, dim), rtol=1e-12)
    np.testing.assert_allclose(F.softmin(t, dim).numpy(), special.softmax(-x, dim), atol=1e-14)


def test_softmax_survives_what_would_overflow_and_converts_first():
    assert F.softmax(minigrad.tensor([1e30, 1e30]), 0).tolist() == [0.5, 0.5]
    assert F.softmax(minigrad.tensor([1, 1]), 0, dtype=minigrad.float64).dtype is minigrad.float64


INPLACE = ["relu", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "silu", "mish",
           "hardsigmoid", "hardswish"]  # fmt: skip


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_writes_and_has_the_same_gradient(name):
    function, numbers = getattr(F, name), minigrad.tensor([-2.0, -0.3, 0.4, 3.5])
    leaf, other = numbers.clone().requires_grad_(), numbers.clone().requires_grad_()
    inner = leaf * 2
    result = function(inner, inplace=True)
    assert result is inner
    plain = function(other * 2)
    assert minigrad.equal(result, plain)
    (result * numbers).sum().backward()
    (plain * numbers).sum().backward()
    assert minigrad.equal(leaf.grad, other.grad)


@pytest.mark.parametrize("name", ["relu_", "elu_", "selu_", "leaky_relu_", "hardtanh_"])
def test_names_with_an_underscore_write_into_their_argument(name):
    x = minigrad.tensor([-2.0, 3.0])
    assert getattr(F, name)(x) is x
    assert minigrad.equal(x, getattr(F, name[:-1])(minigrad.tensor([-2.0, 3.0])))


def test_integers_are_cut_and_stay_integers():
    x = minigrad.tensor([-7, 0, 9])
    assert F.relu6(x).tolist() == [0, 0, 6]
    assert F.hardtanh(x, -1.5, 2.5).tolist() == [-1, 0, 2]
    assert F.relu(x).dtype is minigrad.int64


@pytest.mark.parametrize("name", [*INPLACE, "relu_", "elu_"])
def test_in_place_needs_a_tensor_too(name):
    with pytest.raises(TypeError, match=r"position 1\) must be Tensor, not numpy\.ndarray; turn it into one"):
        getattr(F, name)(np.ones(2, np.float32), inplace=True)
