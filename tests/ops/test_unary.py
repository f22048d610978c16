"""Functions of one tensor against SciPy and NumPy, dtypes, and errors."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from tests.refusals import refusals


def test_integers_become_the_default_float_where_the_function_is_real():
    ints = torch.tensor([1, 4])
    assert torch.sqrt(ints).tolist() == [1.0, 2.0]
    assert torch.exp(ints).dtype is torch.float32
    assert torch.floor(ints).dtype is torch.int64
    assert torch.square(torch.tensor([True])).dtype is torch.int64


def test_halves_round_to_even_and_decimals_shift():
    assert torch.round(torch.tensor([0.5, 1.5, -2.5])).tolist() == [0.0, 2.0, -2.0]
    assert torch.round(torch.tensor([1234.0]), decimals=-2).tolist() == [1200.0]


def test_the_sign_of_nan_is_zero_as_in_pytorch():
    assert torch.sign(torch.tensor([float("nan"), -2.0, 0.0])).tolist() == [0.0, -1.0, 0.0]
    assert torch.sign(torch.tensor([True, False])).tolist() == [True, False]


REFUSED = {
    "minus a mask": (
        lambda: -torch.tensor([True]), RuntimeError,
        "^Negation, the `-` operator, on a bool tensor is not supported. If .*invert a mask, use the `~`"),
    "plus a mask": (
        lambda: +torch.tensor([True]), RuntimeError, "`\\+` operator, on a bool tensor"),
    "decimals of integers": (
        lambda: torch.round(torch.tensor([12]), decimals=1), NotImplementedError, "round.*Long"),
    "decimals that are no int": (
        lambda: torch.round(torch.ones(1), decimals=True), TypeError, "argument 'decimals' must be int"),
    "no tensor": (lambda: torch.exp(2.0), TypeError, "exp\\(\\): argument 'input'.*not float"),
    "no tensor for plus": (lambda: torch.positive(None), TypeError, "return statement"),
    "floor of bools": (lambda: torch.floor(torch.tensor([True])), NotImplementedError, "floor"),
}  # fmt: skip


test_refused = refusals(REFUSED)


LEAST_HALF = 6e-8
HALVES = [-17.0, -15.0, -13.0, -11.7, -5.0, -1.0, 0.3, 0.999, 1.001, 3.14, 9.5, 300.0, 2e4]


@pytest.mark.parametrize(
    "call",
    [
        torch.sigmoid, torch.sinc, F.silu, F.mish, F.gelu, F.softplus, F.logsigmoid, F.hardswish, F.hardsigmoid,
        lambda x: F.gelu(x, approximate="tanh"), lambda x: F.softmax(x.clamp(-9, 9), 0), lambda x: x.abs().rsqrt(),
    ],
)  # fmt: skip
def test_halves_are_computed_in_single_and_rounded_once(call):
    half = torch.tensor(HALVES).half().requires_grad_()
    wide = half.detach().float().requires_grad_()
    y, z = call(half), call(wide)
    np.testing.assert_allclose(
        y.detach().float().numpy(), z.detach().half().float().numpy(), rtol=2e-3, atol=6e-8
    )  # the least half
    y.backward(torch.ones_like(y))
    z.backward(torch.ones_like(z))
    if call is not torch.sinc:  # whose rule reads the rounded result
        np.testing.assert_allclose(half.grad.float().numpy(), wide.grad.half().float().numpy(), rtol=4e-3, atol=2e-3)


@pytest.mark.parametrize("step", [torch.floor, torch.ceil, torch.round, torch.trunc, torch.sign])
def test_the_gradient_of_a_step_is_constant(step):
    x, w = torch.tensor([1.5, -2.5], requires_grad=True), torch.ones(2, requires_grad=True)
    (slope,) = torch.autograd.grad((w * step(x)).sum(), x, create_graph=True)
    assert slope.tolist() == [0.0, 0.0] and not slope.requires_grad
