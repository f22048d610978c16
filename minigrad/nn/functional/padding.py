"""`pad`: a border around an image, of a constant or of the image's own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.failed_calls import names_options
from minigrad.layout import contiguous_format
from minigrad.ops.arguments import as_number, require_tensors
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.copies import clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.lengths import is_length
from minigrad.ops.padding import pad_constant, rows_at
from minigrad.shown_values import shorten, show_value
from minigrad.tensor import Tensor

MODES = ("constant", "reflect", "replicate", "circular")


@names_options
def pad(input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """`input` with a border of ``pad = (left, right, top, bottom, ...)``, last axis first.

    Modes: 'constant' (of `value`, 0 unless given), 'reflect' (mirrored without the edge),
    'replicate' (the edge repeated), 'circular' (from the other side). Negative amounts crop.
    Raises RuntimeError for amounts that do not fit, NotImplementedError for others.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html

    >>> import minigrad as torch
    >>> torch.nn.functional.pad(torch.ones(1, 2), (1, 0))
    tensor([[0., 1., 1.]])
    """
    require_tensors("pad", "input", input)
    size = list(input.array.shape)
    pairs = _read_pairs(pad, len(size))
    if not isinstance(mode, str):
        raise TypeError(f"pad(): argument 'mode' must be str, not {show_value(mode)}; use one of {MODES}")
    if mode not in MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}: use one of {MODES}")
    if mode != "constant":
        _check_border(input, pairs, mode, value)
    full = ((0, 0),) * (len(size) - len(pairs)) + tuple(reversed(pairs))
    _check_output_size(size, full, len(pairs), mode)
    if mode == "constant":
        unseen = value is None or max(map(max, full), default=0) <= 0
        return pad_constant(input, full, 0 if unseen else _read_value("pad", value, input.array.dtype))
    for dim, (before, after) in enumerate(full):
        if before or after:
            input = rows_at(input, dim=dim, places=_find_places(size[dim], before, after, mode))
    if not any(map(any, pairs)):
        return clone(input, memory_format=contiguous_format)
    kind = {"reflect": "Reflection", "replicate": "Replication"}.get(mode)
    return name_last_call(input, f"{kind}Pad{len(pairs)}DBackward0" if kind else "CopySlices")


def _read_pairs(pad: Any, ndim: int) -> list[tuple[int, int]]:
    """(left, right, top, bottom) -> pairs (before, after) for the padded axes, starting with the last."""
    if not isinstance(pad, (tuple, list)) or not all(type(n) is int or is_length(n) for n in pad):
        raise TypeError(
            f"pad(): argument 'pad' must be a tuple of ints, (left, right, top, bottom, ...), not {shorten(pad)}"
        )
    amounts = [int(n) for n in pad]
    if len(amounts) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2: a pair for each axis, got {len(amounts)} numbers")
    if len(amounts) > 2 * ndim:
        got = f"padding length {len(amounts)} and input of dimension {ndim}"
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got {got}"
        )
    return list(zip(amounts[::2], amounts[1::2], strict=True))


def _check_output_size(size: list[int], pairs: Any, padded: int, mode: str) -> None:
    """Raises if negative amounts, on the last `padded` axes, crop more than there is."""
    if 0 not in size and min(map(min, pairs), default=0) >= 0:
        return
    shape = [n + before + after for n, (before, after) in zip(size, pairs, strict=True)]
    left = [n + min(before, 0) + min(after, 0) for n, (before, after) in zip(size, pairs, strict=True)]
    of_padded = shape[len(size) - padded :]
    nothing = max(of_padded, default=1) < 1 if mode in ("reflect", "replicate") else min(left, default=0) < 0
    if nothing or min(shape, default=0) < 0:
        amounts = [n for pair in reversed(pairs[len(size) - padded :]) for n in pair]
        detail = f"resulted in a negative output size {shape}, too small for mode {mode!r}"
        raise RuntimeError(f"The input size {size}, plus negative padding {amounts}, {detail}")


def _check_border(input: Tensor, pairs: Any, mode: str, value: Any) -> None:
    """Raises for images and amounts for which the border modes are not defined."""
    size, ndim = list(input.array.shape), input.array.ndim
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument, got value={value}')
    if not pairs or ndim not in (len(pairs) + 1, len(pairs) + 2):
        counts = sorted({2 * max(ndim - 2, 1), 2 * max(ndim - 1, 1)})
        raise NotImplementedError(
            f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported: an input of {ndim} axes, {size}, "
            f"takes {' or '.join(map(str, counts))} amounts, got {2 * len(pairs)}"
        )
    if input.array.dtype.kind == "b" and mode != "circular":
        raise not_implemented_for(f"pad ({mode})", input.array.dtype)
    if 0 in size[ndim - len(pairs) - 1 :] and mode != "circular":
        raise RuntimeError(f"pad: expected an input whose axes are not empty, except that of a batch, got {size}")
    for dim, amounts in enumerate(pairs, 1):
        most = size[-dim] - 1 if mode == "reflect" else size[-dim]  # the last pixel is not reflected itself
        if mode != "replicate" and max(amounts) > most:
            raise RuntimeError(
                f"Padding size should be {'less than' if mode == 'reflect' else 'at most'} the corresponding input "
                f"dimension, but got: padding {amounts} at dimension {ndim - dim} of input {size} ({mode})"
            )


def _find_places(length: int, before: int, after: int, mode: str) -> Any:
    """For each pixel of the padded axis, the index of the original pixel."""
    places = np.arange(-before, length + after)
    if mode == "replicate":
        return places.clip(0, length - 1)
    if mode == "circular":  # negative amounts crop first, then the rest is repeated
        start, kept = max(-before, 0), length - max(-before, 0) - max(-after, 0)
        if max(before, after) > kept:
            detail = f"padding {(before, after)} leaves {kept} of an axis of length {length}"
            raise RuntimeError(f"Padding value causes wrapping around more than once: {detail}")
        return start + (places - start) % max(kept, 1)
    mirrored = np.abs(places)  # reflect: -1 -> 1, length -> length - 2
    return np.where(mirrored < length, mirrored, 2 * (length - 1) - mirrored)


def _read_value(name: str, value: Any, numpy_dtype: Any) -> Any:
    """`value` as a scalar of that dtype, which must be able to hold it."""
    return dtypes.scalar(float(as_number(name, "value", value)), numpy_dtype).item()
