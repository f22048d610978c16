"""A constant border around a tensor, and its adjoint, the crop."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.operation import operation
from minigrad.backend import array_module


def _pad_forward(x: Any, *, pairs: Any, value: Any) -> Any:
    shape = tuple([n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True)])
    xp = array_module(x)
    padded = xp.zeros(shape, x.dtype) if value == 0 else xp.full(shape, value, x.dtype)
    padded[_inside(x.shape, pairs)] = x[_kept(x.shape, pairs)]
    return padded


def _inside(shape: Any, pairs: Any) -> tuple[slice, ...]:
    """Where the original stands in the padded tensor."""
    return tuple([slice(max(b, 0), max(b, 0) + n + min(b, 0) + min(a, 0)) for n, (b, a) in zip(shape, pairs, strict=True)])


def _kept(shape: Any, pairs: Any) -> tuple[slice, ...]:
    """What of the original is kept: negative padding cuts away."""
    return tuple([slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(shape, pairs, strict=True)])


def _pad_rule(g: Any, pairs: Any) -> Any:
    return _pad(g, pairs=tuple([(-b, -a) for b, a in pairs]), value=0)


_pad = operation("constant_pad_nd", _pad_forward, _pad_rule)


def pad_constant(input: Any, pairs: tuple[tuple[int, int], ...], value: Any = 0) -> Any:
    """`input` with (before, after) numbers of `value` added on each axis; negative ones cut away."""
    return _pad(input, pairs=pairs, value=value)
