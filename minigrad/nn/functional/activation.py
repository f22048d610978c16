"""Nonlinearities under PyTorch's names, with their `inplace` option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.nn.functional.checks import floats, tensors
from minigrad.ops import activation, functions
from minigrad.ops.elementwise import of_tensor, require_number
from minigrad.ops.inplace import assign, in_place
from minigrad.tensor import Tensor


def _result(function: Callable[..., Any], input: Any, *options: Any, inplace: bool) -> Tensor:
    return (_writing(function) if inplace else function)(input, *options)


def _writing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The twin of `function` that writes its result into its argument."""
    return of_tensor(in_place(function))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``, elementwise.

    >>> import minigrad as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    result: Tensor = activation.relu(input)  # its gradient needs only this, so nothing is copied
    return assign(input, result, "relu_") if inplace else result


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``, elementwise.

    >>> import minigrad as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` cut to ``[min_val, max_val]``; no gradient flows where it is cut.

    Integers are cut to the limits' whole parts. Raises ValueError for min_val above max_val, and
    RuntimeError for negative limits of unsigned numbers.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    tensors("hardtanh", "input", input)
    if type(min_val) is not float or type(max_val) is not float:
        require_number("hardtanh", "min_val", min_val)
        require_number("hardtanh", "max_val", max_val)
    if min_val > max_val:
        raise ValueError(f"min_val cannot be larger than max_val: {min_val} > {max_val}")
    if input.array.dtype.kind == "u" and min_val <= -1:
        raise RuntimeError(f"cannot do hardtanh on an unsigned type with negative limits: {min_val}, {max_val}")
    return _result(activation.hardtanh, input, min_val, max_val, inplace=inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """`x` where positive, ``negative_slope * x`` elsewhere.

    >>> import minigrad as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return _result(activation.leaky_relu, input, negative_slope, inplace=inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, ``alpha * (exp(x) - 1)`` elsewhere. Source: Clevert et al., 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _result(activation.elu, input, alpha, 1.0, 1.0, inplace=inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the constants that keep mean and variance. Source: Klambauer et al., 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.selu(torch.tensor([1.0]))
    tensor([1.0507])
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return _result(activation.elu, input, alpha, scale, 1.0, inplace=inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x Phi(x)`` with the normal distribution function Phi; ``approximate="tanh"``: quicker.

    Raises RuntimeError for another `approximate`. Source: Hendrycks and Gimpel, 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    tensors("gelu", "input", input)
    return activation.gelu(input, approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x sigmoid(x)``, also called swish.

    >>> import minigrad as torch
    >>> torch.nn.functional.silu(torch.tensor([1.0]))
    tensor([0.7311])
    """
    return _result(activation.silu, input, inplace=inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x tanh(softplus(x))``. Source: Misra, 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.mish(torch.tensor([1.0]))
    tensor([0.8651])
    """
    return _result(_mish, input, inplace=inplace)


def _mish(input: Any) -> Any:
    floats("mish", input)
    return input * softplus(input).tanh()


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``, and `x` itself where ``beta x`` is above `threshold`.

    >>> import minigrad as torch
    >>> torch.nn.functional.softplus(torch.tensor([0.0]))
    tensor([0.6931])
    """
    return activation.softplus(input, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """``log(1 / (1 + exp(-x)))``, without overflow.

    >>> import minigrad as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([-1000.0]))
    tensor([-1000.])
    """
    return activation.logsigmoid(input)


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``.

    >>> import minigrad as torch
    >>> torch.nn.functional.sigmoid(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 0.7311])
    """
    return functions.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    >>> import minigrad as torch
    >>> torch.nn.functional.tanh(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.0000,  0.7616])
    """
    return functions.tanh(input)


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> import minigrad as torch
    >>> torch.nn.functional.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (1 + functions.abs(input))


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> import minigrad as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([-1.0, 3.0]))
    tensor([-0.2384,  2.0049])
    """
    return input - functions.tanh(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``x / 6 + 1 / 2`` cut to ``[0, 1]``.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-4.0, 0.0, 1.0]))
    tensor([0.0000, 0.5000, 0.6667])
    """
    return _result(_hardsigmoid, input, inplace=inplace)


def _hardsigmoid(input: Any) -> Any:
    floats("hardsigmoid", input)
    return activation.hardtanh(input + 3, 0.0, 6.0) / 6


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x hardsigmoid(x)``. Source: Howard et al., 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000, 0.6667, 4.0000])
    """
    return _result(_hardswish, input, inplace=inplace)


def _hardswish(input: Any) -> Any:
    return input * _hardsigmoid(input)


relu_, elu_, selu_, leaky_relu_, hardtanh_ = [_writing(f) for f in (relu, elu, selu, leaky_relu, hardtanh)]
softmax, log_softmax = activation.softmax, activation.log_softmax


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of ``-x``.

    >>> import minigrad as torch
    >>> torch.nn.functional.softmin(torch.zeros(1, 4), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return softmax(functions.neg(input), dim, dtype=dtype)
