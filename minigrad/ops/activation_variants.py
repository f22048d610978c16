"""The other activation functions: each entry is a forward and its derivative, some with options."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import names_options
from minigrad.dtypes import check_numbers
from minigrad.half_precision import round_once, widen
from minigrad.ops.arguments import as_number, require_floats, require_kind, require_tensors, takes_out
from minigrad.ops.complaints import check_same_dtype, not_a_tensor
from minigrad.ops.copies import in_rows
from minigrad.ops.describe import rename
from minigrad.ops.elementwise import SAME, elementwise, unary
from minigrad.ops.error_function import erf, error_function, for_either
from minigrad.ops.piecewise import gate, tie, zeros_of
from minigrad.ops.scaled_sums import check_factor
from minigrad.ops.shape import reshape
from minigrad.ops.unary import logistic, sigmoid
from minigrad.ops.writes import Manner
from minigrad.passes import keep_where


def _make_with_options(
    name: str, forward: Callable[..., Any], rule: Callable[..., Any], takes: str = "f", in_float32: bool = False,
    wide_options: bool = False
) -> Callable[..., Any]:  # fmt: skip
    """Makes an activation with the options that `forward` names; `takes` lists the kinds of dtypes, in NumPy's letters.

    Float16 and the options meet in float32, which holds larger options, if `in_float32` or `wide_options`.
    """
    made = elementwise(name, lambda x, *, options: forward(x, *options), rule, in_float32=in_float32)
    wide = in_float32 or wide_options

    def call(input: Any, *options: Any) -> Any:
        if not isinstance(input, TensorBase):
            raise not_a_tensor(name, "input", 1, input)
        require_kind(name, input.array.dtype, takes)
        if type(options[0]) is not float or type(options[-1]) is not float:
            names = forward.__code__.co_varnames[1:]
            options = tuple(map(as_number, repeat(name), names, options))
        fit_float16 = -65504 <= options[0] <= 65504 and -65504 <= options[-1] <= 65504  # so they fit every dtype
        if not fit_float16 and input.array.dtype.kind == "f":
            for number in options:
                if wide:
                    check_factor(number, input.array.dtype)
                else:
                    check_numbers([input.array, number])
        return made(input, options=options)

    return rename(call, name)


def _make_smooth(name: str, forward: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an activation of floats, without options."""
    return unary(name, forward, rule, result=SAME, refuses="iub", in_float32=True)


# ---- piecewise linear: the gradient is selected --------------------------------------------------
def _between(low: float, high: float) -> Callable[[Any], Any]:
    return lambda x: ~((x <= low) | (x >= high))


def _beyond(low: float, high: float) -> Callable[[Any], Any]:
    return lambda x: ~((x >= low) & (x <= high))


_SIXTH = float(np.float32(1 / 6))  # PyTorch's kernel rounds the slope to float32
# fmt: off
hardtanh = _make_with_options("hardtanh",
    lambda x, min_val, max_val: np.clip(x, x.dtype.type(min_val), x.dtype.type(max_val)),
    lambda g, x, options: gate(g, x, is_open=_between(*options)), takes="fiu")
threshold = _make_with_options("threshold",
    lambda x, limit, value: np.where(widen(x) <= limit, x.dtype.type(value), x),
    lambda g, x, options: gate(g, x, is_open=lambda x: ~(widen(x) <= options[0])), takes="fiu", wide_options=True)
_hardshrink = _make_with_options("hardshrink",
    lambda x, lambd: np.where((x >= -lambd) & (x <= lambd), x.dtype.type(0), x),
    lambda g, x, options: gate(g, x, is_open=_beyond(-options[0], options[0])))
softshrink = _make_with_options("softshrink",
    lambda x, lambd: np.where(np.abs(x) <= lambd, x * 0, x - np.clip(x, -lambd, lambd)),  # -0.0 below zero
    lambda g, x, options: gate(g, x, is_open=_beyond(-options[0], options[0])), in_float32=True)
hardsigmoid = _make_smooth("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6,
    lambda g, x: gate(g, x, is_open=lambda x: (x > -3) & (x < 3)) * _SIXTH)
# fmt: on
threshold.manner = Manner(in_part=True)  # type: ignore[attr-defined]  # a second time it changes nothing


def _leaky_slope(g: Any, x: Any, *, slope: float) -> Any:
    above = x > 0
    return keep_where(above, g) + keep_where(~above, g * g.dtype.type(slope))


_leak: Any = elementwise(
    "leaky_relu_backward",
    _leaky_slope,
    lambda g, x, slope: _leak(g, x, slope=slope),
    lambda g, x: zeros_of(x),
    in_float32=True,
)


def _leak_forward(x: Any, negative_slope: float) -> Any:
    if negative_slope != negative_slope:  # NaN
        return np.where(x > 0, x, x.dtype.type(negative_slope))
    below = x if negative_slope else np.minimum(x, 0)  # 0 times infinity is NaN
    return (np.maximum if negative_slope <= 1 else np.minimum)(x, below * negative_slope)


leaky_relu = _make_with_options(
    "leaky_relu", _leak_forward, lambda g, x, options: _leak(g, x, slope=options[0]), in_float32=True
)


# x where positive, else w * x; w is already broadcast to the shape of x.
def _scale_below_zero(x: Any, w: Any) -> Any:
    return np.where(x > 0, x, w * x)


def _scale_below_zero_rule(g: Any, x: Any, w: Any) -> Any:
    return tie(np.where(x > 0, g, w * g), x)


_prelu = elementwise(
    "prelu_kernel", _scale_below_zero, _scale_below_zero_rule, lambda g, x: np.where(x > 0, 0.0, x) * g
)
rrelu = elementwise("rrelu_with_noise", _scale_below_zero, _scale_below_zero_rule, None)  # w: random slopes


# ---- exponential ---------------------------------------------------------------------------------
def _elu_forward(x: Any, alpha: float, scale: float, rate: float) -> Any:
    return np.where(x < 0, (scale * alpha) * np.expm1(rate * np.minimum(x, 0)), scale * x)  # -0.0 stays -0.0


def _elu_rule(g: Any, x: Any, options: Any) -> Any:
    alpha, scale, rate = options
    below = x <= 0
    return np.where(below, g * (scale * alpha * rate) * np.exp(rate * np.where(x < 0, x, 0.0)), g * scale)


elu = _make_with_options("elu", _elu_forward, _elu_rule, in_float32=True)
celu = _make_with_options("celu", _elu_forward, _elu_rule, in_float32=True)


sigmoid_of = for_either(sigmoid, round_once(logistic))  # 1 / (1 + e^-z) for arrays and Tensors


def _log1p_exp(z: Any) -> Any:
    """log(1 + e^z) = max(z, 0) + log1p(e^-|z|), which never overflows, of an array."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _softplus_rule(g: Any, x: Any, options: Any) -> Any:
    beta, limit = options
    z = x * beta
    return np.where(z > limit, g, g * sigmoid_of(z))


softplus = _make_with_options(
    "softplus",
    lambda x, beta, threshold: np.where(x * beta > threshold, x, _log1p_exp(x * beta) / beta),
    _softplus_rule,
    in_float32=True,
)


def log_of_sigmoid(x: Any) -> Any:
    """``-log(1 + exp(-x))`` of an array."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


logsigmoid = _make_smooth(  # on a CPU in row-major order, as in PyTorch
    "log_sigmoid",
    lambda x: in_rows(log_of_sigmoid(x)) if type(x) is np.ndarray else log_of_sigmoid(x),
    lambda g, x: g * sigmoid_of(-x),
)


# ---- x times what lets it pass -------------------------------------------------------------------
def _silu_rule(g: Any, x: Any) -> Any:
    s = sigmoid_of(x)
    return g * (s * (1 + x * (1 - s)))


def _mish_gate(s: Any) -> Any:
    """tanh(log(1 + e^x)) of s = 1 / (1 + e^-x)."""
    return s * (2 - s) / (1 + (1 - s) * (1 - s))


def _mish_rule(g: Any, x: Any) -> Any:
    s = sigmoid_of(x)
    t = _mish_gate(s)
    return g * (t + x * s * (1 - t * t))


def _hardswish_rule(g: Any, x: Any) -> Any:
    return np.where(x <= -3, 0.0, np.where(x < 3, g * (x / 3 + 0.5), g))


silu = _make_smooth("silu", lambda x: x * sigmoid_of(x), _silu_rule)
mish = _make_smooth("mish", lambda x: x * np.tanh(_log1p_exp(x)), _mish_rule)
hardswish = _make_smooth("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, _hardswish_rule)


def _gelu_rule(g: Any, x: Any) -> Any:
    density = np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return g * (0.5 * (1 + for_either(erf, error_function)(x * math.sqrt(0.5))) + x * density)


def _inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))


def _gelu_by_tanh_rule(g: Any, x: Any) -> Any:
    t = np.tanh(_inner(x))
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * (x * x))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


_GELU = {
    "none": _make_smooth("gelu", lambda x: x * (0.5 * (1 + error_function(x * math.sqrt(0.5)))), _gelu_rule),
    "tanh": _make_smooth("gelu", lambda x: 0.5 * x * (1 + np.tanh(_inner(x))), _gelu_by_tanh_rule),
}


def gelu(input: Any, approximate: str = "none") -> Any:
    """``x Phi(x)`` with the normal distribution function Phi, or its approximation by tanh.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    if approximate not in _GELU:
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return _GELU[approximate](input)


# ---- functions that are methods, too ----------------------------------------------------------------
@takes_out
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """`x`, but 0 between ``-lambd`` and ``lambd``.

    >>> import minigrad as torch
    >>> torch.nn.functional.hardshrink(torch.tensor([-1.0, 0.25, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return _hardshrink(input, lambd)


@names_options
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """`x` where positive, ``weight * x`` elsewhere; `weight` is learned, one number or one for each channel.

    Shapes: input (N, C, ...), weight (1,) or (C,). Raises RuntimeError for other counts and for dtypes that
    differ. Source: He et al., "Delving Deep into Rectifiers", 2015.

    >>> import minigrad as torch
    >>> torch.nn.functional.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    require_tensors("prelu", "input weight", input, weight)
    require_floats("prelu", input)
    check_same_dtype("prelu", input, "weight", weight)
    shape, count = input.array.shape, weight.array.size
    channels = shape[1] if len(shape) > 1 else 1
    if weight.array.ndim > 1 or count not in (1, channels):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
            f"size = {channels}: prelu takes one slope, or one for each of the {channels} channels of {shape}"
        )
    if count != 1:
        weight = reshape(weight, (count, *[1] * (len(shape) - 2)))
    elif weight.array.ndim and not shape:
        weight = reshape(weight, ())
    return _prelu(input, weight)
