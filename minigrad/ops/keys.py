"""Keys that hold tensors, arrays, lists or masks: read as NumPy takes them, checked as PyTorch does.

`index.py` and `setitem.py` read other keys, of ints, slices, None and ..., by themselves.
"""

from __future__ import annotations

from itertools import islice
from operator import getitem, index
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.autograd.core import TensorBase, is_array
from minigrad.autograd.failed_calls import leave_out_inner_calls
from minigrad.autograd.node import Watched
from minigrad.backend import device_of, quiet, to_device
from minigrad.devices import CPU, device
from minigrad.ops.complaints import no_such_element
from minigrad.ops.shape import reshape
from minigrad.ops.write_complaints import does_not_fit_region
from minigrad.ops.writes import check_memory, have_one_base
from minigrad.shown_values import shorten, show_value
from minigrad.size import broadcasts


class Key(tuple[Any, ...]):
    """An index that contains arrays, with the tensors whose memory these arrays may share.

    A node that keeps a Key checks it before its rules run: if the index was written to after the
    forward, gradients would be added at wrong places.
    """

    watched: tuple[Watched, ...] = ()
    own: tuple[int, ...] = ()  # parts that the call made beside those it was given


# Watched where a key holds no tensor: never written to, but with it backward frees the indices that the node keeps.
_UNCHANGED: Watched = ([0], 0, ())


def watch(key: tuple[Any, ...], *tensors: Any, own: tuple[int, ...] = ()) -> Key:
    """`key` as a `Key` that also watches `tensors`; the parts `own` are not shown to hooks on what is saved."""
    made = Key(key)
    made.own = own
    seen = tuple([(t.writes, t.writes[0], t.array.shape) for t in tensors if isinstance(t, TensorBase)])
    made.watched = getattr(key, "watched", ()) + seen or (_UNCHANGED,)
    return made


_OF_VIEWS = {int, slice, type(None), type(Ellipsis)}


def is_basic(key: tuple[Any, ...]) -> bool:
    """True if `key` contains only ints, slices, None and ...: reading by it gives a view."""
    if _OF_VIEWS.issuperset(map(type, key)):  # nearly always
        return True
    return not any(is_array(part) or isinstance(part, (list, bool)) for part in key)


def find_range(places: Any) -> tuple[int, int]:
    """The least and the largest index."""
    places = _drop_repeats(places)
    return int(places.min()), int(places.max())


def _drop_repeats(places: Any) -> Any:
    """The indices without those that an expanded axis repeats, which may be more than a computer can read."""
    if 0 not in places.strides:
        return places
    return places[tuple([slice(1) if step == 0 else slice(None) for step in places.strides])]


_UNSIGNED: dict[int, Any] = {4: np.dtype(np.uint32), 8: np.dtype(np.uint64)}  # by their bytes, as wide as the indices


def first_out_of_range(places: Any, size: int) -> int | None:
    """The first index outside [0, size), or None. Not checked on a GPU, where every step would wait."""
    if type(places) is not np.ndarray or not places.size:
        return None
    places, unsigned = _drop_repeats(places), _UNSIGNED.get(places.itemsize)
    if unsigned and np.maximum.reduce(places.view(unsigned), None) < size:  # one search: negative ones are the largest
        return None
    low, high = find_range(places)
    if low < 0:
        return low
    return high if high >= size else None


def array_key(array: Any, key: Any) -> tuple[Any, ...]:
    """An index as NumPy takes it: tensors and lists become arrays on the device of `array`."""
    where = device_of(array)
    given = key if isinstance(key, tuple) else (key,)
    parts = tuple([_convert_part(k, where) for k in given])
    if not is_basic(parts):
        _check_empty_masks(array, parts)
        return watch(parts, *given) if not isinstance(key, Key) else key
    return (*parts, Ellipsis) if Ellipsis not in parts else parts


def _check_empty_masks(array: Any, parts: tuple[Any, ...]) -> None:
    """Raises for a mask without elements that does not fit the axes that it reads: NumPy would read nothing."""
    if not any(is_array(part) and part.dtype.kind == "b" and not part.size for part in parts):
        return
    axis = 0
    for part in parts:
        if is_array(part) and part.dtype.kind == "b":
            have = array.shape[axis : axis + part.ndim]
            for i, (n, m) in enumerate(zip(part.shape, have, strict=False)):
                if n != m:
                    shape = f"the shape of the indexed tensor {list(array.shape)} at index {axis + i}"
                    raise IndexError(f"The shape of the mask {list(part.shape)} at index {i} does not match {shape}")
        if part is ...:
            axis += array.ndim - sum(map(count_axes, parts))
        else:
            axis += count_axes(part)


_OF_A_TUPLE = (TensorBase, np.ndarray, list, tuple, range, slice, type(None), type(Ellipsis))


def tuple_of_lists(key: list[Any]) -> Any:
    """Reads a list of lists, ranges, tensors or slices as a tuple, one entry for each axis, as older PyTorch does."""
    if len(key) >= 32 or not any(isinstance(k, _OF_A_TUPLE) for k in key):
        return key
    hint = "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq]"
    warn(f"{hint}, or x[torch.tensor(seq)] for one index")
    return tuple(key)


def _convert_part(part: Any, where: device) -> Any:
    """One part of an index as NumPy takes it, with arrays on the device `where`."""
    if isinstance(part, TensorBase):
        return _convert_tensor(part, where)
    if isinstance(part, slice):
        return _convert_slice(part)
    if isinstance(part, np.integer) or (is_array(part) and _is_place(part)):
        return int(part)
    if is_array(part):  # as `np.array([])`, which holds no index, though of float64
        return _bring(part if part.size or part.dtype.kind != "f" else part.astype(np.int64), where)
    if isinstance(part, (int, np.bool_, type(None), type(Ellipsis))):
        return part
    if isinstance(part, (str, bytes)):
        raise TypeError(f"a tensor is indexed by position, not by name: got {shorten(part)}")
    if hasattr(part, "__getitem__") and hasattr(part, "__len__") and not isinstance(part, dict):  # as list or Subset
        return _convert_list(part, where)
    known = "integers, slices (`:`), ellipsis (`...`), None, and tensors or lists of integers or booleans"
    raise IndexError(f"only {known} are valid indices, got {show_value(part)}")


def _is_place(array: Any) -> bool:
    """Whether it is a 0-d array of an integer. A uint8 is a mask."""
    return array.ndim == 0 and array.dtype.kind in "iu" and array.dtype != np.uint8


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
    """An array of indices or a mask (uint8 too), moved to the GPU of the tensor if it is on the CPU, as in PyTorch.

    Raises RuntimeError if it is on another GPU, or on one where the tensor is not.
    """
    if index.dtype == np.uint8:
        warn("indexing with dtype torch.uint8 is now deprecated: as a mask, use x[mask.bool()]; as places, .long()")
        index = index.astype(bool)  # of a number, too, which `!=` would turn into a scalar
    held = device_of(index)
    if held is not CPU and held != where:
        raise RuntimeError(
            f"indices should be either on cpu or on the same device as the indexed tensor ({where}), got {held}; "
            f"move them with .to('{where}')"
        )
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
        raise step_too_small(step)
    return slice(start, stop, step)


def _as_plain(x: Any) -> Any:
    return index(x) if isinstance(x, TensorBase) else x  # type: ignore[arg-type]


def step_too_small(step: int) -> ValueError:
    """The error for a slice whose step is not positive."""
    if not step:
        return ValueError("slice step cannot be zero")
    return ValueError(f"step must be greater than zero, got {step}; use flip to reverse an axis")


def split_in_two(parts: tuple[Any, ...]) -> tuple[Any, Any] | None:
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
            first += [slice(None)] * count_axes(part)
            then.append(part)
        else:
            first.append(part)
            if type(part) is not int:
                then.append(part if part is Ellipsis else slice(None))
    arrays_alone = Key(then if Ellipsis in first else (*then, Ellipsis))
    arrays_alone.watched = getattr(parts, "watched", ())
    return (tuple(first) if Ellipsis in first else (*first, Ellipsis)), arrays_alone


def count_axes(part: Any) -> int:
    """The number of axes that a part of a key reads; 0 for ..., which reads those that are left."""
    if part is None or part is ... or isinstance(part, bool):
        return 0
    return part.ndim if is_array(part) and part.dtype.kind == "b" else 1


def read_key(array: Any, key: Any) -> tuple[tuple[Any, ...], bool, tuple[Any, Any] | None]:
    """Reads an index that is not plain: as NumPy takes it, whether it gives a view, and its two steps if split."""
    try:
        parts = array_key(array, tuple_of_lists(key) if type(key) is list else key)
    except (TypeError, IndexError) as refused:
        leave_out_inner_calls(refused)
        raise
    basic = is_basic(parts)
    return parts, basic, None if basic else split_in_two(parts)


# ---- writing ---------------------------------------------------------------------------------------
def read_array(array: Any, key: Any) -> Any:
    """``array[key]``, with an error that names the shape."""
    try:
        return quiet(getitem, array, key)
    except IndexError as error:
        raise no_such_element(error, f"assigning into a tensor of shape {tuple(array.shape)}") from None


def check_put(array: Any, source: Any, parts: tuple[Any, ...]) -> None:
    """Raises if values of another dtype are written by index tensors, except a number under a mask."""
    places = [p for p in parts if is_array(p) or (isinstance(p, bool) and len(parts) > 1)]  # x[True, :] is a mask too
    one_mask = len(places) == 1 and is_array(places[0]) and places[0].ndim > 0 and places[0].dtype.kind == "b"
    if places and (source.size != 1 or not one_mask):
        read_array(array, parts)  # reports an index out of range first
        raise types_differ(array, source)
    if places and type(source) is np.ndarray:
        number = source.item()
        dtypes.check_fits(number, number, array.dtype)


def types_differ(array: Any, source: Any) -> RuntimeError:
    """The error for values of another dtype than that of the tensor."""
    types = f"got {array.dtype} for the destination and {source.dtype} for the source"
    hint = "convert the source with .to(destination.dtype)"
    return RuntimeError(f"Index put requires the source and destination dtypes match, {types}; {hint}")


def refuse_shared_memory(array: Any, parts: tuple[Any, ...], value: Any) -> None:
    """Raises if the index or the value shares memory with the target."""
    places = [part for part in parts if is_array(part)]
    under_mask = len(places) == 1 and places[0].dtype.kind == "b" and getattr(value, "size", 1) == 1
    if under_mask:
        return
    for beside in (value, *[part for part in places if part.dtype.kind != "b"]):
        if is_array(beside) and have_one_base(array, beside):
            try:
                check_memory(array, "index assignment", beside, wholly=True)
            except RuntimeError:
                read_array(array, parts)  # reports an index out of range first
                raise


def names_all(array: Any, parts: tuple[Any, ...]) -> bool:
    """Whether PyTorch writes to the tensor itself by this key: to all of it, or to the places that arrays name.

    Otherwise it makes a view of the part, for which a view that is older than its base's graph is brought up to date. A
    write to such a view itself is refused.
    """
    shape, read = array.shape, [count_axes(part) for part in parts]
    rest = len(shape) - sum(read)  # the axes for which `...` stands
    if rest < 0:  # refused where the key is used
        return False
    lengths = iter(shape)
    for part, count in zip(parts, read, strict=True):
        there = [*islice(lengths, rest if part is ... else count)]
        if isinstance(part, slice) and there:
            if part.indices(there[0]) != (0, there[0], 1):
                return False
        elif not is_array(part) and part is not ...:
            return False
    return True


def fit_under_arrays(array: Any, parts: tuple[Any, ...], value: Any) -> Any:
    """The tensor `value` without leading axes of length 1. Raises for a dtype that these `parts` cannot write."""
    if value.array.ndim and value.array.shape[0] == 1:
        value = reshape(value, drop_leading_ones(value.array.shape, 0))
    if value.array.dtype != array.dtype:
        check_put(array, value.array, parts)
    return value


def drop_leading_ones(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """`shape` without leading axes of length 1, as long as it has more than `ndim` axes."""
    while len(shape) > ndim and shape[0] == 1:
        shape = shape[1:]
    return shape


def check_assigned(array: Any, key: Any, source: Any) -> None:
    """Raises for an index out of range, and for a number or an array that does not fit ``array[key]``."""
    value, region = source if is_array(source) else np.asarray(source), read_array(array, key)
    if not broadcasts(drop_leading_ones(value.shape, region.ndim), region.shape):
        raise does_not_fit_region(value, region, array)


def check_fits_region(value: Any, region: Any, whole: Any) -> None:
    """Raises RuntimeError unless `value` broadcasts to the `region` of `whole`."""
    if not broadcasts(value.shape, region.shape):
        raise does_not_fit_region(value, region, whole)
