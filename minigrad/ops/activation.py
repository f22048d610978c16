"""Activation functions: each entry is a forward and its derivative, some with options."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import TensorBase, is_array
from minigrad.autograd.recording import operation
from minigrad.ops.arguments import as_number, axis, not_a_tensor, require_kind, takes_out
from minigrad.ops.copies import cast, clone, in_rows
from minigrad.ops.elementwise import SAME, elementwise, rename, unary
from minigrad.ops.functions import erf, error_function, logistic, sigmoid
from minigrad.ops.piecewise import gate, keep_where, tie, zeros_of
from minigrad.ops.shape import reshape
from minigrad.side_by_side import map_slices

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


def _with_options(
    name: str, forward: Callable[..., Any], rule: Callable[..., Any], takes: str = "f", single: bool = False
) -> Callable[..., Any]:
    """A nonlinearity with the options that `forward` names; `takes` names its kinds of types in NumPy's letters."""
    made = elementwise(name, lambda x, *, options: forward(x, *options), rule, single=single)

    def call(input: Any, *options: Any) -> Any:
        if not isinstance(input, TensorBase):
            raise not_a_tensor(name, "input", 1, input)
        require_kind(name, input.array.dtype, takes)
        if type(options[0]) is not float or type(options[-1]) is not float:
            options = tuple(map(as_number, repeat(name), forward.__code__.co_varnames[1:], options))
        return made(input, options=options)

    return rename(call, name)


def _smooth(name: str, forward: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """A nonlinearity without options, of floats alone."""
    return unary(name, forward, rule, result=SAME, refuses="iub", single=True)


# ---- piecewise linear: the gradient is selected --------------------------------------------------
_FEW = 1000  # numbers, so few that a call costs more than they do
_ZERO = {char: np.zeros((), char) for char in "efd"}  # NumPy takes twice as long to begin with Python's 0


def _positive(x: Any) -> Any:
    """``max(x, 0)``: `clip` takes longer to begin, and a third of the time per element."""
    if type(x) is np.ndarray and x.size <= _FEW:
        return np.maximum(x, _ZERO.get(x.dtype.char, 0))
    return x.clip(0, np.inf) if x.size > _FEW and x.dtype.kind == "f" else np.maximum(x, 0)


def _above_zero(x: Any) -> Any:
    """True above 0 and for NaN, which passes its gradient on."""
    below = x <= 0
    return np.logical_not(below, out=below) if type(below) is np.ndarray else ~below


def _relu_rule(g: Any, out: Any) -> Any:
    if type(g) is np.ndarray and g.size <= _FEW:
        kept = g.copy()
        np.putmask(kept, out <= _ZERO[g.dtype.char], 0)
        return kept
    if type(g) is np.ndarray:
        return keep_where(_above_zero(out), g)
    return gate(g, out, passes=_above_zero)


# Only the sign of the result matters to the gradient, so nothing else is kept.
relu = unary(
    "relu", _positive, _relu_rule, result=SAME, refuses="b", formula="max(0, input)", example="[-1.0, 2.0] -> [0., 2.]"
)


def _between(low: float, high: float) -> Callable[[Any], Any]:
    return lambda x: ~((x <= low) | (x >= high))


def _beyond(low: float, high: float) -> Callable[[Any], Any]:
    return lambda x: ~((x >= low) & (x <= high))


hardtanh = _with_options(
    "hardtanh",
    lambda x, min_val, max_val: np.clip(x, x.dtype.type(min_val), x.dtype.type(max_val)),
    lambda g, x, options: gate(g, x, passes=_between(*options)),
    takes="fiu",
)
threshold = _with_options(
    "threshold",
    lambda x, limit, value: np.where(x <= limit, x.dtype.type(value), x),
    lambda g, x, options: gate(g, x, passes=lambda x: ~(x <= options[0])),
    takes="fiu",
)
hardshrink = _with_options(
    "hardshrink",
    lambda x, lambd: np.where((x >= -lambd) & (x <= lambd), x.dtype.type(0), x),
    lambda g, x, options: gate(g, x, passes=_beyond(-options[0], options[0])),
)
softshrink = _with_options(
    "softshrink",
    lambda x, lambd: x - np.clip(x, -lambd, lambd),
    lambda g, x, options: gate(g, x, passes=_beyond(-options[0], options[0])),
    single=True,
)
_SIXTH = float(np.float32(1 / 6))  # the slope is rounded to single in PyTorch's kernel
hardsigmoid = _smooth(
    "hardsigmoid",
    lambda x: np.clip(x + 3, 0, 6) / 6,
    lambda g, x: gate(g, x, passes=lambda x: (x > -3) & (x < 3)) * _SIXTH,
)


def _leaky_slope(g: Any, x: Any, *, slope: float) -> Any:
    above = x > 0
    return keep_where(above, g) + keep_where(~above, g * g.dtype.type(slope))


_leak: Any = elementwise(
    "leaky_relu_backward",
    _leaky_slope,
    lambda g, x, slope: _leak(g, x, slope=slope),
    lambda g, x: zeros_of(x),
    single=True,
)
leaky_relu = _with_options(
    "leaky_relu",
    lambda x, negative_slope: (np.maximum if negative_slope <= 1 else np.minimum)(x, x * negative_slope),
    lambda g, x, options: _leak(g, x, slope=options[0]),
    single=True,
)


# x where positive, else w * x; w is (C,) or one number, brought to the shape of x before.
def _scale_below_zero(x: Any, w: Any) -> Any:
    return np.where(x > 0, x, w * x)


def _scale_below_zero_rule(g: Any, x: Any, w: Any) -> Any:
    return tie(np.where(x > 0, g, w * g), x)


prelu = elementwise("prelu_kernel", _scale_below_zero, _scale_below_zero_rule, lambda g, x: np.where(x > 0, 0.0, x) * g)
rrelu = elementwise("rrelu_with_noise", _scale_below_zero, _scale_below_zero_rule, None)  # w was drawn, as x is shaped


# ---- exponential ---------------------------------------------------------------------------------
def _elu_forward(x: Any, alpha: float, scale: float, rate: float) -> Any:
    return scale * np.maximum(x, 0) + (scale * alpha) * np.expm1(rate * np.minimum(x, 0))


def _elu_rule(g: Any, x: Any, options: Any) -> Any:
    alpha, scale, rate = options
    below = x <= 0
    return np.where(below, g * (scale * alpha * rate) * np.exp(rate * np.where(x < 0, x, 0.0)), g * scale)


elu = _with_options("elu", _elu_forward, _elu_rule, single=True)
celu = _with_options("celu", _elu_forward, _elu_rule, single=True)


def is_plain(z: Any) -> bool:
    """True for an array, and for the scalar that NumPy's arithmetic makes of one without axes; not for a Tensor."""
    return is_array(z) or isinstance(z, np.generic)


def sigmoid_of(z: Any) -> Any:
    """1 / (1 + e^-z) for arrays and Tensors."""
    return logistic(z) if is_plain(z) else sigmoid(z)


def _log1p_exp(z: Any) -> Any:
    """log(1 + e^z) = max(z, 0) + log1p(e^-|z|), which never overflows, of an array."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _softplus_rule(g: Any, x: Any, options: Any) -> Any:
    beta, limit = options
    z = x * beta
    return np.where(z > limit, g, g * sigmoid_of(z))


softplus = _with_options(
    "softplus",
    lambda x, beta, threshold: np.where(x * beta > threshold, x, _log1p_exp(x * beta) / beta),
    _softplus_rule,
    single=True,
)
logsigmoid = _smooth(
    "log_sigmoid", lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), lambda g, x: g * sigmoid_of(-x)
)


# ---- x times what lets it pass -------------------------------------------------------------------
def _silu_rule(g: Any, x: Any) -> Any:
    s = sigmoid_of(x)
    return g * (s * (1 + x * (1 - s)))


def _mish_gate(s: Any) -> Any:
    """tanh(log(1 + e^x)) of s = 1 / (1 + e^-x)."""
    q = (1 - s) * (1 - s)
    return (1 - q) / (1 + q)


def _mish_rule(g: Any, x: Any) -> Any:
    s = sigmoid_of(x)
    t = _mish_gate(s)
    return g * (t + x * s * (1 - t * t))


def _hardswish_rule(g: Any, x: Any) -> Any:
    return np.where(x <= -3, 0.0, np.where(x < 3, g * (x / 3 + 0.5), g))


silu = _smooth("silu", lambda x: x * sigmoid_of(x), _silu_rule)
mish = _smooth("mish", lambda x: x * np.tanh(_log1p_exp(x)), _mish_rule)
hardswish = _smooth("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, _hardswish_rule)


def _erf(z: Any) -> Any:
    """The error function for arrays and Tensors."""
    return error_function(z) if is_plain(z) else erf(z)


def _gelu_rule(g: Any, x: Any) -> Any:
    density = np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return g * (0.5 * (1 + _erf(x * math.sqrt(0.5))) + x * density)


def _inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))


def _gelu_by_tanh_rule(g: Any, x: Any) -> Any:
    t = np.tanh(_inner(x))
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * (x * x))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


_GELU = {
    "none": _smooth("gelu", lambda x: x * (0.5 * (1 + error_function(x * math.sqrt(0.5)))), _gelu_rule),
    "tanh": _smooth("gelu", lambda x: 0.5 * x * (1 + np.tanh(_inner(x))), _gelu_by_tanh_rule),
}


def gelu(input: Any, approximate: str = "none") -> Any:
    """``x Phi(x)`` with the normal distribution function Phi, or its approximation by tanh.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    if approximate not in _GELU:
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return _GELU[approximate](input)


# ---- softmax --------------------------------------------------------------------------------------
def _softmax_forward(x: Any, *, dim: int) -> Any:
    if x.dtype == np.float16:  # summed in float32, rounded once
        return _softmax_forward(x.astype(np.float32), dim=dim).astype(np.float16)
    e = x - x.max(axis=dim, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=dim, keepdims=True)
    return e


def _log_softmax_forward(x: Any, *, dim: int) -> Any:
    if x.dtype == np.float16:
        return _log_softmax_forward(x.astype(np.float32), dim=dim).astype(np.float16)
    shifted = x - x.max(axis=dim, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return shifted


def _softmax_rule(g: Any, out: Any, dim: int) -> Any:
    if is_array(g) and g.dtype == np.float16:
        return _softmax_rule(g.astype(np.float32), out.astype(np.float32), dim).astype(np.float16)
    return (g - (g * out).sum(axis=dim, keepdims=True)) * out


def _log_softmax_rule(g: Any, out: Any, dim: int) -> Any:
    if is_array(g) and g.dtype == np.float16:
        return _log_softmax_rule(g.astype(np.float32), out.astype(np.float32), dim).astype(np.float16)
    return g - np.exp(out) * g.sum(axis=dim, keepdims=True)


softmax_operation = operation(
    "softmax",
    lambda x, *, dim: in_rows(map_slices(lambda x: _softmax_forward(x, dim=dim), (dim,), x)),
    lambda g, out, dim: map_slices(lambda g, out: _softmax_rule(g, out, dim), (dim,), g, out),
)
log_softmax_operation = operation(
    "log_softmax",
    lambda x, *, dim: in_rows(map_slices(lambda x: _log_softmax_forward(x, dim=dim), (dim,), x)),
    lambda g, out, dim: map_slices(lambda g, out: _log_softmax_rule(g, out, dim), (dim,), g, out),
)


def _along(made: Any, input: Any, dim: Any, dtype: Any) -> Any:
    """`made`, softmax or its logarithm, along `dim` of a tensor of any number of axes, computed in `dtype`."""
    x: Any = input if dtype is None else cast(input, dtypes.as_numpy(dtype))
    position = axis(dim, x.array.ndim)  # a wrong dim is reported before a wrong type
    require_kind(f"{made.name}_lastdim_kernel_impl", x.array.dtype)
    if not x.array.ndim:
        return reshape(made(reshape(x, 1), dim=0), ())
    return made(x, dim=position) if x.array.size else clone(x)


@takes_out
def softmax(input: Tensor, dim: Any, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along `dim`: positive numbers that sum to 1.

    `dtype` is what `input` is converted to before. Raises IndexError for a `dim` that is not there, and
    NotImplementedError for integers.

    >>> import minigrad as torch
    >>> torch.softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _along(softmax_operation, input, dim, dtype)


@takes_out
def log_softmax(input: Tensor, dim: Any, dtype: Any = None) -> Tensor:
    """``x - log(sum(exp(x)))`` along `dim`: the logarithm of `softmax`, without overflow.

    Options and errors as for `softmax`.

    >>> import minigrad as torch
    >>> torch.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _along(log_softmax_operation, input, dim, dtype)
