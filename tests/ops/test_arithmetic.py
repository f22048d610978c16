"""Arithmetic: dtypes, rounding, in-place versions, and errors."""

import math

import numpy as np
import pytest

import minigrad as torch
from tests.refusals import refusals


def test_types_follow_the_category_then_the_width():
    ints, floats = torch.tensor([1, 2]), torch.tensor([1.0, 2.0])
    assert (ints + 1).dtype is torch.int64
    assert (ints + 1.5).dtype is torch.float32
    assert (ints / 2).dtype is torch.float32
    assert (floats + torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float32
    assert (floats + torch.ones(2, dtype=torch.float64)).dtype is torch.float64
    assert (torch.tensor([True]) + True).dtype is torch.bool


def test_an_int_beside_a_tensor_of_int64_is_one_of_it():
    x = torch.tensor([2**63 - 1, -7, 0])
    assert (x + 1).tolist() == [-(2**63), -6, 1]
    assert (x // -2).tolist() == [-(2**62), 3, 0]
    assert (x == 0).tolist() == [False, False, True]
    assert (x * 0).dtype == (x * 2**40).dtype == torch.int64
    assert (x + 1.5).dtype == torch.float32


def test_a_byte_wraps_around_as_in_pytorch():
    assert (torch.tensor([250], dtype=torch.uint8) + 10).tolist() == [4]
    assert (torch.tensor([1], dtype=torch.uint8) == 257).tolist() == [True]


def test_negative_powers_of_integers_are_truncated():
    x = torch.tensor([1, -1, -1, 2])
    assert (x ** torch.tensor([-2, -3, -2, -1])).tolist() == [1, -1, 1, 0]


@pytest.mark.parametrize("exponent", [1, 2, 3, 4.0])
def test_a_power_is_differentiated_until_it_is_0(exponent):
    x = torch.tensor([2.0, -3.0], dtype=torch.float64, requires_grad=True)
    y, slope = x**exponent, 1.0
    for power in range(int(exponent) - 1, -1, -1):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        slope *= power + 1
        assert y.tolist() == [slope * 2.0**power, slope * (-3.0) ** power]
    (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert y.tolist() == [0.0, 0.0] and not y.requires_grad


def test_gradient_of_a_power_at_zero():
    x = torch.tensor([0.0, 2.0], requires_grad=True)
    y = torch.tensor([0.0, 3.0], requires_grad=True)
    (x**y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 12.0])
    np.testing.assert_allclose(y.grad.numpy(), [0.0, 8 * np.log(2)], rtol=1e-6)


def test_ties_share_the_gradient_of_maximum():
    x = torch.tensor([1.0], requires_grad=True)
    torch.maximum(x, torch.ones(1)).sum().backward()
    assert x.grad.item() == 0.5


def test_in_place_functions_keep_the_values_that_gradients_need():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    y.pow_(3).sin_()
    y.sum().backward()
    x0 = np.array([1.0, 2.0])
    np.testing.assert_allclose(x.grad.numpy(), np.cos(x0**3) * 3 * x0**2, rtol=1e-6)


def test_in_place_keeps_the_type_and_refuses_to_lose_the_category():
    x = torch.tensor([1, 2])
    assert x.add_(1) is x
    with pytest.raises(RuntimeError, match=r"^result type Float can't be cast to the desired output type Long"):
        x.mul_(1.5)
    with pytest.raises(RuntimeError, match="can't be cast"):
        x /= 2


def test_operators_refuse_operands_that_are_no_numbers():
    x = torch.tensor([1.0])
    assert (x == None) is False  # noqa: E711 - what a user may write
    assert (x != "1") is True
    with pytest.raises(TypeError, match="not supported between instances"):
        _ = x < "1"


HALF = [0.5]
test_an_operator_of_a_tensor_and_something_else_says_what_to_do = refusals({
    "a None to the right": (
        lambda: torch.ones(2) + None, TypeError,
        ("operand type(s) for +: 'Tensor' and 'NoneType'; a function", "gives None, and so does .grad before")),
    "a None to the left": (lambda: None - torch.ones(2), TypeError, "for -: 'NoneType' and 'Tensor'; a function"),
    "a list": (lambda: HALF * torch.ones(2), TypeError, "for .: 'list' and 'Tensor'; wrap it with minigrad.tensor"),
    "a text": (lambda: torch.ones(2) + "1", TypeError, "'Tensor' and 'str'; a text holds no numbers; float"),
    "a dict": (lambda: {} / torch.ones(2), TypeError, "for /: 'dict' and 'Tensor'; pass one of its values"),
    "a function": (lambda: torch.ones(2) ** max, TypeError, ("for ** or pow(): 'Tensor' and", "max is a function")),
    "a method": (lambda: torch.ones(2) // torch.ones(2).sum, TypeError, "'method'; sum is a function: call it"),
    "a layer": (lambda: torch.ones(2) - torch.nn.ReLU(), TypeError, "'Tensor' and 'ReLU'; a module is no tensor: call"),
    "a module": (lambda: torch.ones(2) % torch, TypeError, "for %: 'Tensor' and 'module'; give a tensor or a number"),
    "tensors": (lambda: [torch.ones(2)] & torch.ones(2), TypeError, "for &: 'list' and 'Tensor'; it holds tensors"),
    "a shift": (lambda: torch.tensor([1]) << [1], TypeError, "for <<: 'Tensor' and 'list'; wrap it with"),
    "a product": (lambda: torch.ones(2) @ HALF, TypeError, "for @: 'Tensor' and 'list'; wrap it with"),
    "a product to the left": (lambda: HALF @ torch.ones(2), TypeError, "for @: 'list' and 'Tensor'; wrap it with"),
    "a product with a number": (
        lambda: 2 @ torch.ones(2), TypeError, "for @: 'int' and 'Tensor'; a product with a number is written x . 2$"),
    "a product with a number of NumPy": (
        lambda: torch.ones(2) @ np.float32(2), TypeError, "for @: 'Tensor' and 'float32'; a product with a number is"),
    "a set": (lambda: torch.add(torch.ones(2), {1}), TypeError, "must be Tensor, not set; wrap it"),
    "a function of tensors": (lambda: torch.add(torch.ones(2), None), TypeError, "^add..: argument 'other' "),
})  # fmt: skip


REFUSED = {
    "a bool subtracted": (
        lambda: torch.tensor([True]) - torch.tensor([True]),
        RuntimeError, "`-` operator, with two bool tensors is not supported. Use the `\\^`"),
    "an integer power": (
        lambda: torch.tensor([2]) ** -1,
        RuntimeError, "negative integer powers.* exponent -1.*float"),
    "a float alpha for integers": (
        lambda: torch.add(torch.tensor([2]), 1, alpha=0.5),
        RuntimeError, "alpha must not be .* add got 0.5"),
    "a number for maximum": (
        lambda: torch.maximum(torch.ones(1), 2),
        TypeError, "argument 'other' \\(position 2\\) must be Tensor, not int"),
    "shapes that do not broadcast": (
        lambda: torch.ones(2, 3) + torch.ones(2),
        RuntimeError, r"tensor a \(3\) must match .* tensor b \(2\)"),
    "rsub of a number": (
        lambda: torch.rsub(1, torch.ones(1)), TypeError, "'input' \\(position 1\\)"),
    "two numbers": (lambda: torch.pow(2, 3), TypeError, "must be Tensor, not int"),
}  # fmt: skip


test_refused = refusals(REFUSED)


@pytest.mark.parametrize("call", [lambda x: True - x, lambda x: torch.rsub(x, True), lambda x: x - True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_subtraction_of_bools_raises(call, dtype):
    with pytest.raises(RuntimeError, match=r"Subtraction, the `-` operator, with (a|two) bool tensor"):
        call(torch.ones(2, dtype=dtype))


# A number becomes a half beside halves; as the factor or divisor on the right it stays a single. As in PyTorch.
@pytest.mark.parametrize("number", [1 / 3, 0.1, 1000.3, 2049.0, 70000.0])
def test_a_number_becomes_a_half_beside_halves_unless_it_scales(number):
    halves = np.random.default_rng(0).normal(size=200).astype(np.float16) * 20
    x, wide, single = torch.tensor(halves), halves.astype(np.float32), np.float32(number)
    with np.errstate(all="ignore"):
        as_half, small = np.float16(number).astype(np.float32), np.float16(0.3).astype(np.float32)
        cases = [
            (x + number, wide + as_half), (x - number, wide - as_half), (number - x, as_half - wide),
            (torch.fmod(x, number), np.fmod(wide, as_half)), (torch.add(x, number, alpha=2), wide + 2 * as_half),
            (abs(x) ** 0.3, abs(wide) ** small),
            (x * number, wide * single), (x / number, wide / single), (x // number, np.floor_divide(wide, single)),
            (x * torch.tensor(number), wide * single), (x.clone().mul_(torch.tensor(number).double()), wide * single),
            (x / torch.tensor(number), wide / single), (x * torch.tensor(number).half(), wide * as_half),
        ]  # fmt: skip
        for got, expected in cases:
            np.testing.assert_array_equal(got.numpy(), expected.astype(np.float16))


def test_a_number_beyond_halves_is_infinite_among_them_unless_it_scales():
    x = torch.tensor([-65504.0, -math.inf], dtype=torch.float16)
    assert str((x + 70000).tolist()) == "[inf, nan]" and str((70000 - x).tolist()) == "[inf, inf]"
    assert (x[:1] / torch.tensor([[131008]])).tolist() == [[-0.5]]  # an int in a tensor, too
    assert (x / 131008).tolist() == [-0.5, -math.inf] and (x[:1] / 2 * 4).tolist() == [-math.inf]


@pytest.mark.parametrize("weight", [0.3, torch.tensor(0.3)])
def test_gradients_of_halves_scaled_by_a_number_are_halves(weight):
    x = torch.tensor([1.0, 1000.0], dtype=torch.float16, requires_grad=True)
    (x * weight / 0.7).sum().backward()
    assert x.grad.dtype == torch.float16 and torch.allclose(x.grad.float(), torch.tensor(0.3 / 0.7), rtol=2e-3)


@pytest.mark.parametrize("name", ["__radd__", "__rmul__", "__rtruediv__", "__rpow__"])
def test_a_reflected_operator_is_a_method_of_tensors(name):
    x, method = torch.tensor([2.0]), getattr(torch.Tensor, name)
    assert method(x, 3).tolist() == [{"__radd__": 5.0, "__rmul__": 6.0, "__rtruediv__": 1.5, "__rpow__": 9.0}[name]]
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        method(3, x)


def test_a_number_keeps_its_sign_at_zero_and_is_rounded_to_the_type_of_its_tensor():
    x = torch.tensor([1.0, -1.0])
    assert [torch.signbit(x * zero).tolist() for zero in (0.0, -0.0, 0)] == [
        [False, True],
        [True, False],
        [False, True],
    ]
    assert (x / -0.0).tolist() == [-math.inf, math.inf] and (x / 0).tolist() == [math.inf, -math.inf]
    assert (x + 16777217).tolist() == [16777216.0, 16777216.0 - 1]  # 2^24 + 1 is no float32
    assert (x.double() + 16777217).tolist() == [16777218.0, 16777216.0]
    assert (x * 1e39).tolist() == [math.inf, -math.inf] and (x * 2).tolist() == (x * 2.0).tolist() == [2.0, -2.0]
