"""The other activation functions, such as `leaky_relu` and `gelu`, with their `inplace` option."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import names_options
from minigrad.creation.drawn import draw_in_order
from minigrad.half_precision import HALF
from minigrad.nn.functional.activation import relu
from minigrad.ops import activation_variants as variants
from minigrad.ops import unary
from minigrad.ops.arguments import as_number, require_bools, require_floats, require_number, require_tensors, takes_out
from minigrad.ops.composed import recorded_as
from minigrad.ops.inplace import in_place
from minigrad.ops.split import chunk
from minigrad.random import source_of
from minigrad.tensor import Tensor


def _compute(function: Callable[..., Any], input: Any, *options: Any, inplace: bool = False) -> Tensor:
    """``function(input, *options)``, written into `input` if `inplace`."""
    return (_to_write(function) if inplace else function)(input, *options)


_to_write = functools.cache(in_place)


def _make_inplace(function: Callable[..., Tensor], operands: str = "x") -> Callable[..., Tensor]:
    """The in-place version of `function`, which writes into its argument: ``elu`` -> ``elu_``.

    Its docstring calls both with these `operands`.
    """
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def write(input: Tensor, *options: Any, **named: Any) -> Tensor:
        return function(input, *options, inplace=True, **named)

    signature = inspect.signature(function)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name != "inplace"]
    write.__name__ = write.__qualname__ = name
    write.__module__ = __name__  # where pickle finds it
    write.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    formula = (function.__doc__ or "").split("\n")[0]
    write.__doc__ = f"""`{function.__name__}`, written into `input` itself: {formula}

    >>> import minigrad as torch
    >>> x = torch.tensor([-1.0, 2.0])
    >>> y = torch.nn.functional.{function.__name__}({operands})
    >>> torch.nn.functional.{name}({operands}) is x, torch.equal(x, y)
    (True, True)
    """
    return write


# ---- piecewise linear ----------------------------------------------------------------------------
@names_options
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``, elementwise. Source: Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.

    >>> import minigrad as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


@names_options
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` clamped to ``[min_val, max_val]``; the gradient is 0 where it is clamped.

    Integers are clamped to the integer parts of the limits. Raises ValueError for min_val above max_val, and
    RuntimeError for negative limits of unsigned numbers.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    require_tensors("hardtanh", "input", input)
    if type(min_val) is not float or type(max_val) is not float:
        require_number("hardtanh", "min_val", min_val)
        require_number("hardtanh", "max_val", max_val)
    if min_val > max_val:
        raise ValueError(f"min_val cannot be larger than max_val: {min_val} > {max_val}")
    if input.array.dtype.kind == "u" and min_val <= -1:
        raise RuntimeError(f"cannot do hardtanh on an unsigned type with negative limits: {min_val}, {max_val}")
    if input.array.dtype.kind != "f":
        limits = as_number("hardtanh", "min_val", min_val), as_number("hardtanh", "max_val", max_val)
        whole = [dtypes.scalar(limit, np.dtype(np.int64)) for limit in limits]
        min_val, max_val = [dtypes.scalar(limit, input.array.dtype).item() for limit in whole]
    return _compute(variants.hardtanh, input, min_val, max_val, inplace=inplace)


@names_options
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """`x` where positive, ``negative_slope * x`` elsewhere.

    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.

    >>> import minigrad as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return _compute(variants.leaky_relu, input, negative_slope, inplace=inplace)


@names_options
def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """`leaky_relu` with slopes drawn from ``U(lower, upper)`` in training, and their mean otherwise.

    Raises RuntimeError for lower above upper.
    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.rrelu(torch.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])
    """
    require_tensors("rrelu", "input", input)
    require_bools("rrelu", training=training)
    lower, upper = as_number("rrelu", "lower", lower), as_number("rrelu", "upper", upper)
    for name, bound in (("lower", lower), ("upper", upper)):
        if not math.isfinite(bound):
            raise RuntimeError(f"rrelu: {name} bound must be finite, got {bound}")
    if not lower <= upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    require_floats("rrelu", input)
    return _compute(_scale_negatives, input, lower, upper, inplace=inplace)


def _scale_negatives(x: Any, lower: float, upper: float) -> Any:
    """`x` with each element <= 0 times its own random slope; on a CPU other elements draw no random number."""
    array = x.array
    if type(array) is not np.ndarray:
        slopes = draw_in_order(array, lambda source, shape: source.uniform(shape, array.dtype, lower, upper))
    else:
        below = array <= 0
        slopes = np.ones_like(array)
        low, high = [float(array.dtype.type(bound)) for bound in (lower, upper)]
        slopes[below] = source_of(None).uniform((int(np.count_nonzero(below)),), np.float64, low, high)
    return variants.rrelu(x, wrap(slopes))


@takes_out
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """`x` where it is above `threshold`, `value` elsewhere. Raises RuntimeError for numbers out of range.

    >>> import minigrad as torch
    >>> torch.nn.functional.threshold(torch.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    require_tensors("threshold", "input", input)
    dtype, limit = input.array.dtype, as_number("threshold", "threshold", threshold)
    limit = limit if dtype == HALF else dtypes.scalar(limit, dtype).item()  # halves are compared in float32
    value = dtypes.scalar(as_number("threshold", "value", value), dtype).item()
    return _compute(variants.threshold, input, limit, value, inplace=inplace)


@takes_out
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """`x` moved towards 0 by `lambd`, and 0 where |x| <= lambd. Raises RuntimeError for a negative lambd.

    Source: Donoho, "De-Noising by Soft-Thresholding", 1995.

    >>> import minigrad as torch
    >>> torch.nn.functional.softshrink(torch.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if not as_number("softshrink", "lambd", lambd) >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    found = variants.softshrink(input, lambd)
    most = dtypes.limits(input.array.dtype)[1]
    if lambd > most:
        kind = dtypes.SCALAR_TYPES[input.array.dtype.name]
        raise RuntimeError(f"lambda must be in range [0, {most:g}] for input dtype {kind}, but found {lambd:g}")
    return found


@names_options
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``x / 6 + 1 / 2`` clamped to ``[0, 1]``. Source: Howard et al., "Searching for MobileNetV3", 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-4.0, 0.0, 1.0]))
    tensor([0.0000, 0.5000, 0.6667])
    """
    return _compute(variants.hardsigmoid, input, inplace=inplace)


@names_options
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x hardsigmoid(x)``. Source: Howard et al., "Searching for MobileNetV3", 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000,  0.6667,  4.0000])
    """
    return _compute(variants.hardswish, input, inplace=inplace)


# ---- exponential ---------------------------------------------------------------------------------
@names_options
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, ``alpha * (exp(x) - 1)`` elsewhere. Source: Clevert et al., 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _compute(variants.elu, input, alpha, 1.0, 1.0, inplace=inplace)


@names_options
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the constants that keep mean and variance. Source: Klambauer et al., 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.selu(torch.tensor([1.0]))
    tensor([1.0507])
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return _compute(variants.elu, input, alpha, scale, 1.0, inplace=inplace)


@names_options
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, ``alpha * (exp(x / alpha) - 1)`` elsewhere: its slope at 0 is 1 for every alpha.

    Raises RuntimeError for an alpha of 0. Source: Barron, "Continuously Differentiable Exponential Linear
    Units", 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.celu(torch.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.0000])
    """
    if not alpha:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _compute(variants.celu, input, alpha, 1.0, 1.0 / alpha, inplace=inplace)


@takes_out
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """``x Phi(x)`` with the normal distribution function Phi; ``approximate="tanh"``: quicker.

    Raises RuntimeError for another text, TypeError for what is none. Source: Hendrycks and Gimpel, 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    require_tensors("gelu", "input", input)
    if not isinstance(approximate, str):
        raise TypeError(f"gelu(): argument 'approximate' must be str, not {type(approximate).__name__}")
    return variants.gelu(input, approximate)


@names_options
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x sigmoid(x)``, also called swish. Source: Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units", 2018.

    >>> import minigrad as torch
    >>> torch.nn.functional.silu(torch.tensor([1.0]))
    tensor([0.7311])
    """
    return _compute(variants.silu, input, inplace=inplace)


@names_options
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x tanh(softplus(x))``. Source: Misra, 2019.

    >>> import minigrad as torch
    >>> torch.nn.functional.mish(torch.tensor([1.0]))
    tensor([0.8651])
    """
    return _compute(variants.mish, input, inplace=inplace)


@names_options
@recorded_as("GluBackward0")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a sigmoid(b)`` of the two halves a and b of `x` along `dim`.

    Raises RuntimeError for an odd length or a tensor without axes.
    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.glu(torch.tensor([3.0, 0.0]))
    tensor([1.5000])
    """
    require_floats("glu", input)
    if not input.array.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    length = input.size(dim)
    if length % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {length}")
    value, gate = chunk(input, 2, dim)
    return value * unary.sigmoid(gate)


@takes_out
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``, and `x` itself where ``beta x`` is above `threshold`.

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge", 2001.

    >>> import minigrad as torch
    >>> torch.nn.functional.softplus(torch.tensor([0.0]))
    tensor([0.6931])
    """
    return variants.softplus(input, beta, threshold)


@takes_out
def logsigmoid(input: Tensor) -> Tensor:
    """``log(1 / (1 + exp(-x)))``, without overflow.

    >>> import minigrad as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([-1000.0]))
    tensor([-1000.])
    """
    return variants.logsigmoid(input)


@names_options
def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> import minigrad as torch
    >>> torch.nn.functional.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (1 + unary.abs(input))


@names_options
def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> import minigrad as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([-1.0, 3.0]))
    tensor([-0.2384,  2.0049])
    """
    return input - unary.tanh(input)


relu_, elu_, selu_, celu_ = [_make_inplace(f) for f in (relu, elu, selu, celu)]
leaky_relu_, rrelu_, hardtanh_ = [_make_inplace(f) for f in (leaky_relu, rrelu, hardtanh)]
threshold_ = _make_inplace(threshold, "x, 0.5, 0.0")
