"""`linear`: ``x @ weight.T + bias``."""

from __future__ import annotations

from math import prod

from minigrad.autograd.core import plain_classes
from minigrad.autograd.overriding import ask, never_overriding
from minigrad.nn.functional.parts import check_factor_types, check_parts, does_not_project, no_weight
from minigrad.ops.affine import affine, project
from minigrad.ops.arguments import require_tensors
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Shapes: input (..., in), weight (out, in) or (in,), bias (out,), output (..., out).
    Raises RuntimeError for shapes and dtypes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.linear(torch.ones(2), torch.ones(1, 2), torch.ones(1))
    tensor([3.])
    """
    ours = input.__class__ in plain_classes and weight.__class__ in plain_classes and bias.__class__ in never_overriding
    if not ours and (answer := ask(linear, (input, weight, bias))) is not NotImplemented:
        return answer
    require_tensors("linear", "input weight bias?", input, weight, bias)
    x, w = input.array, weight.array
    if w.ndim != 2 or x.ndim == 0:
        return _multiply_by_vector(input, weight, bias)
    if x.shape[-1] != w.shape[1]:
        raise does_not_project(x, w)
    if x.dtype is not w.dtype:
        check_factor_types(input, weight)
    if x.dtype.kind == "b":
        raise not_implemented_for("linear", x.dtype)
    if bias is not None and (bias.array.shape != w.shape[:1] or bias.array.dtype is not w.dtype):
        shape = bias.array.shape if bias.array.size == 1 else w.shape[:1]
        check_parts("linear", input, shape, f"one for each row of the weight {tuple(w.shape)}", bias=bias)
    if x.ndim == 2:
        return project(input, weight) if bias is None else affine(bias, input, weight)
    rows = prod(x.shape[:-1])
    flat = input.reshape(rows, x.shape[-1])
    flat = project(flat, weight) if bias is None else affine(bias, flat, weight)
    whole = flat.reshape((*x.shape[:-1], w.shape[0]))
    shown = "UnsafeViewBackward0" if x.ndim > 1 else "SqueezeBackward4"
    return name_last_call(whole, shown) if bias is None else whole


def _multiply_by_vector(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``input @ weight`` for a vector `weight`, plus a bias of one number."""
    if weight.array.ndim > 2:
        raise no_weight(weight.array.shape)
    if bias is None or not input.array.ndim:  # a product refuses an input without axes
        return input @ weight
    if bias.array.ndim or input.array.ndim == 2:
        shape = weight.array.shape
        raise RuntimeError(f"linear: mat2 must be a matrix, got 1-D tensor: weight of shape {shape}, with a bias")
    return input @ weight + bias
