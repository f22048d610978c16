"""Padding: an image with a border around it, of a constant or of its own pixels."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.core import TensorBase
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.join import cat, narrow
from minigrad.ops.padding import pad_constant
from minigrad.ops.select import flip
from minigrad.tensor import Tensor


def pad(input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """`input` with a border of ``pad = (left, right, top, bottom, ...)``, from the last axis backwards.

    Modes: 'constant' (of `value`, 0 unless given; negative amounts cut away), 'reflect' (mirrored without the
    edge), 'replicate' (the edge repeated), 'circular' (from the other side).
    Raises RuntimeError or ValueError for amounts that do not fit, NotImplementedError for other modes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html

    >>> import minigrad as torch
    >>> torch.nn.functional.pad(torch.ones(1, 2), (1, 0))
    tensor([[0., 1., 1.]])
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("pad", "input", 1, input)
    amounts = [int(n) for n in pad]
    ndim = input.array.ndim
    if len(amounts) % 2 or len(amounts) > 2 * ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and at most twice the number of dimensions of the input. Padding length: "
            f"{len(amounts)}, input dimensions: {ndim}"
        )
    # (left, right, top, bottom) -> one (before, after) for each axis, from the last
    pairs = [(amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)]
    if mode == "constant":
        full = ((0, 0),) * (ndim - len(pairs)) + tuple(reversed(pairs))
        shape = [n + b + a for n, (b, a) in zip(input.array.shape, full, strict=True)]
        if min(shape, default=0) < 0:
            raise RuntimeError(f"The input size {list(input.array.shape)}, plus negative padding {amounts}, resulted in a negative output size {shape}")
        return pad_constant(input, full, 0 if value is None else value)  # type: ignore[no-any-return]
    border = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}.get(mode)
    if border is None:
        raise NotImplementedError(f"Unrecognised padding mode {mode}: use 'constant', 'reflect', 'replicate' or 'circular'")
    if value:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if ndim not in (len(pairs) + 1, len(pairs) + 2):
        raise NotImplementedError(
            f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: an input of {ndim} axes takes "
            f"{2 * max(ndim - 2, 1)} or {2 * max(ndim - 1, 1)} amounts, got {len(amounts)}"
        )
    if 0 in input.array.shape[1:]:
        raise RuntimeError(f"Expected an input whose axes are not empty, except the first, but got {list(input.array.shape)}")
    for i, (before, after) in enumerate(pairs):
        if before or after:
            input = _bordered(input, ndim - 1 - i, before, after, border, mode)
    return input


def _bordered(input: Any, dim: int, before: int, after: int, border: Any, mode: str) -> Any:
    length = input.array.shape[dim]
    limit = length - 1 if mode == "reflect" else length
    if mode != "replicate" and max(before, after) > limit:
        raise RuntimeError(
            f"Padding size should be {'less than' if mode == 'reflect' else 'at most'} the corresponding input dimension, but got: "
            f"padding ({before}, {after}) at dimension {dim} of input {list(input.array.shape)} (mode {mode!r})"
        )
    cut = narrow(input, dim, max(-before, 0), length - max(-before, 0) - max(-after, 0))
    if mode == "replicate":
        input = cut
    parts = [border(input, dim, before, True)] if before > 0 else []
    parts.append(cut)
    if after > 0:
        parts.append(border(input, dim, after, False))
    return cat(parts, dim)


def _reflected(x: Any, dim: int, count: int, front: bool) -> Any:
    length = x.array.shape[dim]
    return flip(narrow(x, dim, 1 if front else length - 1 - count, count), dim)


def _replicated(x: Any, dim: int, count: int, front: bool) -> Any:
    edge = narrow(x, dim, 0 if front else x.array.shape[dim] - 1, 1)
    return edge.expand([count if i == dim else -1 for i in range(x.array.ndim)])


def _wrapped(x: Any, dim: int, count: int, front: bool) -> Any:
    return narrow(x, dim, x.array.shape[dim] - count if front else 0, count)
