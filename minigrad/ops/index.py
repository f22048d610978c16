"""Reading by index, ``x[i, j]``, and its adjoint, which adds gradients at the elements read. `setitem.py` writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, View, wrap
from minigrad.autograd.recording import operation
from minigrad.backend import array_module
from minigrad.half_precision import widen
from minigrad.ops.arguments import axis, takes_out
from minigrad.ops.complaints import no_such_element
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.keys import is_basic, read_key, step_too_small


def _read(x: Any, *, key: tuple[Any, ...]) -> Any:
    found = x[key]
    base = found.base
    if base is not None and (base is x or base is x.base):  # a view
        return found
    if found.flags.c_contiguous or is_basic(key):
        return found
    return found.copy()  # NumPy puts the axes of arrays first in memory; PyTorch's copies are in row-major order


def _put_forward(g: Any, *, shape: tuple[int, ...], key: tuple[Any, ...]) -> Any:
    xp, dtype, basic = array_module(g), g.dtype, is_basic(key)
    if not basic:  # CuPy adds no small integers at indices
        g = widen(g) if xp is np or g.dtype.kind == "f" else g.astype(np.int64)
    whole = xp.zeros(shape, g.dtype)
    if basic:
        whole[key] = g
    elif xp is np:  # one flat index is five times quicker than rows
        places = np.arange(whole.size).reshape(shape)[key]
        np.add.at(whole.reshape(-1), places.reshape(-1), np.broadcast_to(g, places.shape).reshape(-1))
    else:
        xp.add.at(whole, key, g)  # an element that was read twice gets the sum of both gradients
    return whole if whole.dtype is dtype else whole.astype(dtype)


read_at = operation("select", _read, lambda g, x_shape, key: put_at(g, shape=x_shape, key=key), view=True)
put_at: Any = operation("index_put", _put_forward, lambda g, key: read_at(g, key=key))
# PyTorch's name depends on the last part of a key: an int, a slice, a new axis, none of these; or an array.
_sliced, _indexed = shown_as(read_at, "SliceBackward0"), shown_as(read_at, "IndexBackward0")
_widened, _whole = shown_as(read_at, "UnsqueezeBackward0"), shown_as(read_at, "AliasBackward0")

_PLAIN = (int, type(None), type(Ellipsis))  # types of a key's parts beside slices: an int is an index, None a new axis


def plain_key(key: Any) -> tuple[Any, ...] | None:
    """`key` as a tuple if it contains only ints, slices of ints, None and ..., for the fast path; else None."""
    parts = key if type(key) is tuple else (key,)
    for p in parts:
        if p.__class__ is slice:
            start, stop, step = p.start, p.stop, p.step
            has_plain_ends = (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int)
            if not (has_plain_ends and (step is None or step.__class__ is int)):
                return None
            if step is not None and step <= 0:
                raise step_too_small(step)
        elif p.__class__ not in _PLAIN:
            return None
    # With an int for every axis NumPy returns a scalar; with an Ellipsis it returns a view
    return parts if Ellipsis in parts else (*parts, Ellipsis)


def _choose_reader(parts: tuple[Any, ...]) -> Any:
    """`read_at` with the `grad_fn` name that PyTorch prints for this key of ints, slices, None and ..."""
    for part in reversed(parts):
        if type(part) is int:
            return read_at
        if part is None:
            return _widened
        if type(part) is slice and (part.start or part.stop is not None or part.step is not None):
            return _sliced
    return _sliced if len(parts) == 2 and type(parts[0]) is slice else _whole  # x[:] of all keys that keep everything


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: a view for ints and slices, a copy for tensors and lists of indices."""
    parts, basic = plain_key(key), True
    if parts is None:
        parts, basic, steps = read_key(input.array, key)
        if steps is not None:
            return getitem(getitem(input, steps[0]), steps[1])
    try:
        if basic and input.node is None and input.view_of is None:
            # Fast path: the view that `read_at` makes of a tensor outside the graph.
            view = wrap(input.array[parts], None, input.cause, input.writes)
            view.view_of = View(input, read_at, {"key": parts})
            return view
        if input.node is None:
            reader = read_at
        else:
            reader = _choose_reader(parts) if basic else _indexed
        return reader.call((input,), (parts,), {"key": parts}, input.array.__getitem__ if basic else None)
    except IndexError as error:
        raise no_such_element(error, f"indexing a tensor of shape {tuple(input.array.shape)}") from None


def look_at(made: Any, input: Any, key: tuple[Any, ...]) -> Any:
    """What `made`, `read_at` or the same under another name, makes of a tensor by a key of ints and slices: a view."""
    return made.call((input,), (key,), {"key": key}, input.array.__getitem__)


# ---- unbind -----------------------------------------------------------------------
_unbound = shown_as(read_at, "UnbindBackward0")


def mark_several(views: list[Any]) -> tuple[Any, ...]:
    """Views that one call made: autograd lets none of them be written to, as in PyTorch."""
    for view in views:
        if view.view_of is not None:
            view.view_of.several = True
    return tuple(views)


@takes_out
def unbind(input: Tensor, dim: int = 0) -> tuple[Any, ...]:
    """All entries of one axis as views.

    >>> import minigrad as torch
    >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    d = axis(dim, input.array.ndim)
    if not input.array.ndim:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    before = (slice(None),) * d
    keys = [(*before, i, Ellipsis) for i in range(input.array.shape[d])]
    return mark_several([look_at(_unbound, input, key) for key in keys])
