"""Nonlinearities under PyTorch's names, with their `inplace` option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.ops import activation, functions
from minigrad.ops.inplace import assign
from minigrad.tensor import Tensor


def _result(function: Callable[..., Any], input: Any, *options: Any, inplace: bool) -> Tensor:
    result: Tensor = function(input, *options)
    return assign(input, result, f"{function.__name__}_") if inplace else result  # type: ignore[no-any-return]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``, elementwise.

    >>> import minigrad as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _result(activation.relu, input, inplace=inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``, elementwise."""
    return _result(activation.hardtanh, input, 0.0, 6.0, inplace=inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` cut to ``[min_val, max_val]``; no gradient flows where it is cut."""
    if min_val > max_val:
        raise ValueError(f"min_val cannot be larger than max_val: {min_val} > {max_val}")
    return _result(activation.hardtanh, input, min_val, max_val, inplace=inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """`x` where positive, ``negative_slope * x`` elsewhere."""
    return _result(activation.leaky_relu, input, negative_slope, inplace=inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    return _result(activation.elu, input, alpha, 1.0, 1.0, inplace=inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the constants that keep mean and variance. Source: Klambauer et al., 2017."""
    return _result(activation.elu, input, 1.6732632423543772, 1.0507009873554805, 1.0, inplace=inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, ``alpha * (exp(x / alpha) - 1)`` elsewhere."""
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")
    return _result(activation.elu, input, alpha, 1.0, 1.0 / alpha, inplace=inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """`x` where above `threshold`, `value` elsewhere."""
    return _result(activation.threshold, input, threshold, value, inplace=inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x Phi(x)`` with the normal distribution function Phi; ``approximate="tanh"`` for the quicker form."""
    return activation.gelu(input, approximate)  # type: ignore[no-any-return]


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x sigmoid(x)``, also called swish."""
    return _result(activation.silu, input, inplace=inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x tanh(softplus(x))``."""
    return _result(lambda x: x * softplus(x).tanh(), input, inplace=inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``, and `x` itself where ``beta x`` is above `threshold`."""
    return activation.softplus(input, beta, threshold)  # type: ignore[no-any-return]


def logsigmoid(input: Tensor) -> Tensor:
    """``log(1 / (1 + exp(-x)))``, without overflow."""
    return activation.logsigmoid(input)  # type: ignore[no-any-return]


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return functions.sigmoid(input)  # type: ignore[no-any-return]


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return functions.tanh(input)  # type: ignore[no-any-return]


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``."""
    return input / (1 + functions.abs(input))  # type: ignore[no-any-return]


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``."""
    return input - functions.tanh(input)  # type: ignore[no-any-return]


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``x / 6 + 1 / 2`` cut to ``[0, 1]``."""
    return _result(lambda x: activation.hardtanh(x + 3, 0.0, 6.0) / 6, input, inplace=inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x hardsigmoid(x)``."""
    return _result(lambda x: x * hardsigmoid(x), input, inplace=inplace)


softmax, log_softmax = activation.softmax, activation.log_softmax


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of ``-x``."""
    return softmax(-input, dim, dtype=dtype)  # type: ignore[no-any-return]


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of an axis times the sigmoid of its second half."""
    if input.array.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.array.shape[dim]}")
    first, second = input.chunk(2, dim)
    return first * second.sigmoid()  # type: ignore[no-any-return]


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """`x` where positive, ``weight * x`` elsewhere, with one learned slope or one for each channel."""
    if weight.array.size > 1:
        if input.array.ndim < 2 or input.array.shape[1] != weight.array.size:
            channels = input.array.shape[1] if input.array.ndim > 1 else 1
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.array.size} and "
                f"channel size = {channels}."
            )
        weight = weight.reshape([-1 if d == 1 else 1 for d in range(input.array.ndim)])
    return input.clamp(min=0) + weight * input.clamp(max=0)  # type: ignore[no-any-return]
