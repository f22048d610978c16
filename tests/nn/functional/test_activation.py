"""Nonlinearities against SciPy and their formulas, and their in-place forms."""

import inspect

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
    "mish": lambda x: x * np.tanh(np.where(x > 20, x, np.logaddexp(0, x))),
    "softplus": lambda x: np.where(x > 20, x, np.logaddexp(0, x)),
    "logsigmoid": special.log_expit,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "celu": lambda x: np.where(x > 0, x, special.expm1(np.minimum(x, 0))),
    "hardshrink": lambda x: np.where(np.abs(x) <= 0.5, 0, x),
    "softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_each_activation_is_its_formula(name):
    result = getattr(F, name)(minigrad.tensor(X))
    np.testing.assert_allclose(result.numpy(), FORMULAS[name](X), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "celu", "selu", "softshrink", "silu", "mish"])
def test_an_activation_keeps_the_sign_of_zero(name):
    assert np.signbit(getattr(F, name)(minigrad.tensor([-0.0, 0.0])).numpy()).tolist() == [True, False]


def test_softshrink_of_a_small_number_is_a_zero_of_its_sign():  # recorded from PyTorch
    result = F.softshrink(minigrad.tensor([-0.3, 0.3, -0.5, float("nan"), -float("inf")]))
    np.testing.assert_array_equal(result.numpy(), [-0.0, 0.0, -0.0, np.nan, -np.inf])
    assert np.signbit(result.numpy()[:3]).tolist() == [True, False, True]


def test_gelu_by_tanh_is_its_formula():
    inner = np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)
    result = F.gelu(minigrad.tensor(X), approximate="tanh")
    np.testing.assert_allclose(result.numpy(), 0.5 * X * (1 + np.tanh(inner)), atol=1e-12)


INPLACE = ["relu", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "silu", "mish",
           "hardsigmoid", "hardswish"]  # fmt: skip


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_writes_and_has_the_same_gradient(name):
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
def test_functions_with_an_underscore_write_into_their_argument(name):
    x = minigrad.tensor([-2.0, 3.0])
    assert getattr(F, name)(x) is x
    assert minigrad.equal(x, getattr(F, name[:-1])(minigrad.tensor([-2.0, 3.0])))


def test_integers_are_clipped_and_stay_integers():
    x = minigrad.tensor([-7, 0, 9])
    assert F.relu6(x).tolist() == [0, 0, 6]
    assert F.hardtanh(x, -1.5, 2.5).tolist() == [-1, 0, 2]
    assert F.relu(x).dtype is minigrad.int64


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_refuses_an_array(name):
    with pytest.raises(TypeError, match=r"position 1\) must be Tensor, not numpy\.ndarray; turn it into one"):
        getattr(F, name)(np.ones(2, np.float32), inplace=True)


@pytest.mark.parametrize("name", ["relu_", "elu_", "selu_", "celu_", "leaky_relu_", "rrelu_", "hardtanh_"])
def test_functions_with_an_underscore_take_the_same_options(name):
    function, in_place = getattr(F, name[:-1]), getattr(F, name)
    options = [p for p in inspect.signature(function).parameters.values() if p.name != "inplace"]
    assert list(inspect.signature(in_place).parameters.values()) == options
    assert in_place.__name__ == name and in_place.__doc__.startswith(f"`{name[:-1]}`, written into")
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray; turn it into one"):
        in_place(np.ones(2, np.float32))


NAN, INF = float("nan"), float("inf")
# The gradient at NaN for a cotangent of 1, as PyTorch 2.13 gives it for a single number.
AT_NAN = {
    "relu": 1.0, "relu6": 1.0, "hardtanh": 1.0, "leaky_relu": 0.01, "hardsigmoid": 0.0, "selu": 1.0507009873554805,
    "elu": 1.0, "celu": 1.0, "hardshrink": 1.0, "softshrink": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("name", AT_NAN)
def test_the_gradient_at_nan_is_pytorchs(name):
    x = minigrad.tensor([NAN], dtype=minigrad.float64, requires_grad=True)
    result = getattr(F, name)(x)
    result.backward()
    assert result.isnan().all()
    assert x.grad.item() == AT_NAN[name]


@pytest.mark.parametrize("dtype", [minigrad.float16, minigrad.float32, minigrad.float64])
@pytest.mark.parametrize("name", ["relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink"])
def test_flat_pieces_give_zero_gradients_for_infinity_and_nan(name, dtype):
    flat = 0.25 if "shrink" in name else -4.0
    for arriving in (INF, NAN):
        x = minigrad.tensor([flat, 0.75], dtype=dtype, requires_grad=True)
        getattr(F, name)(x).backward(minigrad.tensor([arriving, 1.0], dtype=dtype))
        assert x.grad[0].item() == 0 and x.grad[1].item() != 0, name


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.5, 2.0])
def test_infinity_passes_leaky_relu_whatever_its_slope(slope):
    for function in (F.leaky_relu, lambda x, w: F.rrelu(x, w, w), lambda x, w: F.prelu(x, minigrad.tensor([w]))):
        assert function(minigrad.tensor([INF, 3.0, -2.0]), slope).tolist() == [INF, 3.0, -2.0 * slope]


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "hardshrink", "softshrink"])
def test_the_second_derivative_of_a_piecewise_linear_function_is_zero(name):
    x = minigrad.tensor([-4.0, 0.25, 0.75], requires_grad=True)
    (slope,) = minigrad.autograd.grad(getattr(F, name)(x).sum(), x, create_graph=True)
    (second,) = minigrad.autograd.grad(slope.sum(), x)
    assert second.tolist() == [0.0, 0.0, 0.0]


def test_softmax_without_dim_warns_and_names_its_choice():
    for function in (F.softmax, F.log_softmax, F.softmin):
        with pytest.warns(UserWarning, match="Implicit dimension choice for .* include dim=X .* took dim=1"):
            function(minigrad.ones(2, 3))
        with pytest.warns(UserWarning, match="took dim=0"):
            function(minigrad.ones(2, 3, 2))
    with pytest.raises(TypeError, match="'dim'"):
        minigrad.softmax(minigrad.ones(2, 3))
    assert minigrad.softmax(minigrad.zeros(2, 4), axis=1)[0, 0].item() == 0.25


def test_rrelu_draws_its_slopes_in_training():
    x = -minigrad.ones(1000, requires_grad=True)
    slopes = -F.rrelu(x, 0.25, 0.75, training=True)
    assert slopes.min() >= 0.25 and slopes.max() <= 0.75 and len(set(slopes.tolist())) > 900
    assert F.rrelu(minigrad.tensor([3.0]), training=True).item() == 3.0
    with pytest.raises(RuntimeError, match="Lower bound should be less than or equal to the upper bound"):
        F.rrelu(x, 0.75, 0.25)


def test_hard_gumbel_softmax_draws_one_class_with_its_probability():
    logits = minigrad.tensor([0.0, 1.0, 2.0]).expand(4000, 3).clone().requires_grad_()
    drawn = F.gumbel_softmax(logits, hard=True)
    assert drawn.sum(1).tolist() == [1.0] * 4000
    shares = drawn.detach().mean(0).numpy()
    np.testing.assert_allclose(shares, special.softmax([0.0, 1.0, 2.0]), atol=0.04)
    (drawn * minigrad.tensor([0.0, 1.0, 5.0])).sum().backward()
    assert logits.grad.abs().sum() > 0  # that of the soft result
    soft = F.gumbel_softmax(minigrad.zeros(5, 3), tau=2.0)
    np.testing.assert_allclose(soft.sum(1).numpy(), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.prelu(minigrad.ones(2, 3), minigrad.ones(2)), "parameter numbers = 2 and channel size = 3"),
        (lambda: F.glu(minigrad.ones(3)), "Halving dimension must be even, but dimension -1 is size 3"),
        (lambda: F.glu(minigrad.tensor(1.0)), "0-dimensional"),
        (lambda: F.celu(minigrad.ones(1), 0.0), "alpha cannot be 0"),
        (lambda: F.softshrink(minigrad.ones(1), -1.0), "greater or equal to 0, but found to be -1.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


@pytest.mark.parametrize("name", ["elu", "celu", "softshrink"])
def test_options_beside_halves_are_float32_and_the_result_is_rounded_once(name):
    x = minigrad.tensor(np.random.default_rng(3).normal(size=500).astype(np.float16) * 3)
    function, cotangent = getattr(F, name), minigrad.linspace(-1, 1, 500).half()
    for option in (1 / 3, 1.7, 1000.3):
        half, single = x.clone().requires_grad_(), x.float().requires_grad_()
        out, expected = function(half, option), function(single, option)
        assert minigrad.equal(out, expected.half())
        out.backward(cotangent)
        expected.backward(cotangent.float())
        assert minigrad.equal(half.grad, single.grad.half())


def test_the_slope_of_mish_of_very_negative_numbers_keeps_its_digits():
    for dtype, rtol in ((minigrad.float32, 1e-6), (minigrad.float64, 1e-14)):
        x = minigrad.tensor([-20.0, -30.0], dtype=dtype, requires_grad=True)
        F.mish(x).sum().backward()
        numbers = np.array([-20.0, -30.0])
        wanted = np.exp(numbers) * (1 + numbers)  # what mish tends to: x e^x; the rest is smaller by a factor e^x
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=rtol + np.exp(-20) * 20)


def test_threshold_writes_to_out():
    out = minigrad.empty(3)
    x = minigrad.tensor([1.0, -1.0, 3.0])
    assert minigrad.threshold(x, 0.0, 9.0, out=out) is out and out.tolist() == [1.0, 9.0, 3.0]
