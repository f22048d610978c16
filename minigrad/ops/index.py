"""Reading by index, ``x[i, j]``, and its adjoint, which adds gradients at the elements read. `setitem.py` writes."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase, View, is_array, wrap
from minigrad.autograd.node import Watched
from minigrad.autograd.recording import operation
from minigrad.backend import array_module, device_of, to_device
from minigrad.devices import CPU, device
from minigrad.half_precision import widen
from minigrad.ops.arguments import axis, takes_out
from minigrad.ops.grad_fn_names import shown_as

if TYPE_CHECKING:
    from minigrad.tensor import Tensor


class Key(tuple[Any, ...]):
    """An index that contains arrays, with the tensors whose memory these arrays may share.

    A node that keeps a Key checks it before its rules run: if the index was written to after the
    forward, gradients would be added at wrong places.
    """

    watched: tuple[Watched, ...] = ()


# Watched where a key holds no tensor: never written to, but with it backward frees the indices that the node keeps.
_UNCHANGED: Watched = ([0], 0, ())


def watch(key: tuple[Any, ...], *tensors: Any) -> Key:
    """`key` as a `Key` that also watches `tensors`."""
    made = Key(key)
    seen = tuple([(t.writes, t.writes[0], t.array.shape) for t in tensors if isinstance(t, TensorBase)])
    made.watched = getattr(key, "watched", ()) + seen or (_UNCHANGED,)
    return made


def is_basic(key: tuple[Any, ...]) -> bool:
    """True if `key` contains only ints, slices, None and ...: reading by it gives a view."""
    return not any(is_array(k) or isinstance(k, (list, bool)) for k in key)


# Reading, and its adjoint, which adds gradients where the elements were read.
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
    g = g if basic else widen(g)
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

# Adds values at indices, which may repeat.
add_at = operation(
    "index_put",
    lambda x, values, *, key: x + _put_forward(values, shape=x.shape, key=key),
    lambda g: g,
    lambda g, key: read_at(g, key=key),
    in_float32=True,
)


def first_out_of_range(places: Any, size: int) -> int | None:
    """The first index outside [0, size), or None. Not checked on a GPU, where every step would wait."""
    if type(places) is not np.ndarray or not places.size:
        return None
    low, high = int(places.min()), int(places.max())
    return low if low < 0 else high if high >= size else None


def array_key(array: Any, key: Any) -> tuple[Any, ...]:
    """An index as NumPy takes it: tensors and lists become arrays on the device of `array`."""
    where = device_of(array)
    given = key if isinstance(key, tuple) else (key,)
    parts = tuple([_convert_part(k, where) for k in given])
    if not is_basic(parts):
        return watch(parts, *given) if not isinstance(key, Key) else key
    return (*parts, Ellipsis) if Ellipsis not in parts else parts


_OF_A_TUPLE = (TensorBase, np.ndarray, list, tuple, slice, type(None), type(Ellipsis))


def tuple_of_lists(key: list[Any]) -> Any:
    """Reads a list of lists, tensors or slices as a tuple, one entry for each axis, as older PyTorch does."""
    if len(key) >= 32 or not any(isinstance(k, _OF_A_TUPLE) for k in key):
        return key
    hint = "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq]"
    warn(f"{hint}, or x[torch.tensor(seq)] for one index")
    return tuple(key)


_as_mask = operation("to_bool", lambda x: x.astype(bool), None)


def _convert_part(part: Any, where: device) -> Any:
    """One part of an index as NumPy takes it, with arrays on the device `where`."""
    if isinstance(part, TensorBase):
        return _convert_tensor(part, where)
    if isinstance(part, slice):
        return _convert_slice(part)
    if isinstance(part, np.integer):
        return int(part)
    if is_array(part):
        return _bring(part, where)
    if isinstance(part, (int, np.bool_, type(None), type(Ellipsis))):
        return part
    if isinstance(part, str):
        raise TypeError(f"a tensor is indexed by position, not by name: got {part!r}")
    if hasattr(part, "__getitem__") and hasattr(part, "__len__") and not isinstance(part, dict):  # as list or Subset
        return _convert_list(part, where)
    known = "integers, slices (`:`), ellipsis (`...`), None, and tensors or lists of integers or booleans"
    raise IndexError(f"only {known} are valid indices, got {type(part).__name__} {part!r}")


def _convert_tensor(part: TensorBase, where: device) -> Any:
    """A tensor as an array of indices, a mask, or an int."""
    array = part.array
    if array.ndim == 0 and array.dtype.kind == "i":
        return int(array)
    if array.dtype.kind == "f" or array.dtype in (np.int8, np.int16):
        hint = f"got {array.dtype}; convert with .long()"
        raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, {hint}")
    return _bring(array, where)


def _bring(index: Any, where: device) -> Any:
    """An array of indices or a mask (uint8 too), moved to the GPU of the tensor if it is on the CPU, as in PyTorch."""
    if index.dtype == np.uint8:
        hint = "as a mask, use x[mask.bool()]; as places, .long()"
        warn(f"indexing with dtype torch.uint8 is now deprecated: {hint}")
        index = _as_mask(wrap(index)).array
    return to_device(index, where) if type(index) is np.ndarray and where is not CPU else index


def _convert_list(part: Any, where: device) -> Any:
    """A list as an array of indices or a mask."""
    inside = [_as_plain(p) for p in part]
    try:
        return _bring(np.asarray(inside) if inside else np.zeros(0, np.int64), where)
    except ValueError:
        raise ValueError(f"a list of indices must not be ragged, got {part}") from None


def _convert_slice(part: slice) -> slice:
    """A slice whose bounds may be tensors of one integer."""
    start, stop, step = map(_as_plain, (part.start, part.stop, part.step))
    if isinstance(step, int) and step <= 0:
        raise _step_too_small(step)
    return slice(start, stop, step)


def _as_plain(x: Any) -> Any:
    return index(x) if isinstance(x, TensorBase) else x  # type: ignore[arg-type]


def _step_too_small(step: int) -> ValueError:
    return ValueError(f"step must be greater than zero, got {step}; use flip to reverse an axis")


def in_two_steps(parts: tuple[Any, ...]) -> tuple[Any, Any] | None:
    """Splits a key of ints and arrays into two keys: first the ints, slices and new axes, then the arrays.

    This is PyTorch's order. NumPy treats ints as arrays, and moves the axes of arrays to the front if an
    int and an array are not adjacent. None if the key need not be split.
    """
    many = [is_array(p) or isinstance(p, bool) for p in parts]  # parts that read several elements, or none
    if not any(many) or int not in map(type, parts):
        return None
    first: list[Any] = []
    then: list[Any] = []
    for part, is_many in zip(parts, many, strict=True):
        if is_many:
            first += [slice(None)] * _count_axes(part)
            then.append(part)
        else:
            first.append(part)
            if type(part) is not int:
                then.append(part if part is Ellipsis else slice(None))
    arrays_alone = Key(then if Ellipsis in first else (*then, Ellipsis))
    arrays_alone.watched = getattr(parts, "watched", ())
    return (tuple(first) if Ellipsis in first else (*first, Ellipsis)), arrays_alone


def _count_axes(part: Any) -> int:
    """The number of axes that an array of indices, a mask or a bool reads."""
    if isinstance(part, bool):
        return 0
    return part.ndim if part.dtype.kind == "b" else 1


_BOUNDS = (int, type(None))  # types of a slice's bounds; as part of a key, an int is an index and None a new axis


def plain_key(key: Any) -> tuple[Any, ...] | None:
    """`key` as a tuple if it contains only ints, slices of ints, None and ..., for the fast path; else None."""
    parts = key if type(key) is tuple else (key,)
    whole = False
    for p in parts:
        if type(p) is slice:
            if not (type(p.start) in _BOUNDS and type(p.stop) in _BOUNDS and type(p.step) in _BOUNDS):
                return None
            if p.step is not None and p.step <= 0:
                raise _step_too_small(p.step)
        elif p is Ellipsis:
            whole = True
        elif type(p) not in _BOUNDS:
            return None
    # With an int for every axis NumPy returns a scalar; with an Ellipsis it returns a view
    return parts if whole else (*parts, Ellipsis)


def read_key(array: Any, key: Any) -> tuple[tuple[Any, ...], bool, tuple[Any, Any] | None]:
    """Reads an index that is not plain: as NumPy takes it, whether it gives a view, and its two steps if split."""
    parts = array_key(array, tuple_of_lists(key) if type(key) is list else key)
    return parts, is_basic(parts), in_two_steps(parts)


def _reader(parts: tuple[Any, ...]) -> Any:
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
            view = wrap(input.array[parts])
            view.writes, view.view_of = input.writes, View(input, read_at, {"key": parts})
            view.cause = input.cause
            return view
        reader = read_at if input.node is None else _reader(parts) if basic else _indexed
        return reader.call((input,), (input.array,), {"key": parts})
    except IndexError as error:
        words, shape = str(error), tuple(input.array.shape)  # CuPy's words begin with a capital
        raise IndexError(f"{words[:1].lower()}{words[1:]} (indexing a tensor of shape {shape})") from None


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
    return mark_several([_unbound(input, key=(*before, i, Ellipsis)) for i in range(input.array.shape[d])])
