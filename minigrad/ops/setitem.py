"""Assignment by index, ``Y[i, j] = value``, with gradients for the tensor and for the value."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import GRAD, LEAF, TensorBase, inference_was_entered, is_array, mode, wrap
from minigrad.autograd.messages import check_same_library
from minigrad.autograd.views import is_in_graph, refresh
from minigrad.backend import device_of, to_device
from minigrad.ops.arguments import type_name
from minigrad.ops.copies import cast
from minigrad.ops.device import move_scalars
from minigrad.ops.index import getitem, plain_key, read_at, read_key
from minigrad.ops.inplace import check_writable, copy_, is_root_tracked, move_on
from minigrad.ops.memory_layout import are_same, have_one_base
from minigrad.ops.shape import broadcast, expand, reshape
from minigrad.ops.writes import check_memory, store
from minigrad.size import broadcasts


def setitem(self: Any, key: Any, value: Any) -> None:
    """``self[key] = value``: a number or a tensor that broadcasts to the region. Differentiable in both."""
    parts, basic = plain_key(key), True
    if parts is None:
        parts, basic, steps = read_key(self.array, key)
        if steps is not None:
            setitem(getitem(self, steps[0]), steps[1], value)
            return
    elif isinstance(value, TensorBase) and _is_part(value, self, parts):
        if (self.view_of is not None or self.node is LEAF) and mode.get() & GRAD:
            if not _writes_to_itself(self, parts):
                refresh(self)
            check_writable(self, "index assignment")
        self.writes[0] += 1  # in `x[key] -= y` the write was done by `-=` already
        return
    value = _read_value(self, value, parts, basic)
    is_tensor = isinstance(value, TensorBase)
    source = value.array if is_tensor else value
    if inference_was_entered and self.writes.__class__ is not list:
        self.writes[0] = 0  # refused, or not
    if not basic:
        _check_places(self.array, parts, source)
    flows = self.node is not None or (is_tensor and self.array.dtype.kind == "f" and is_in_graph(value))
    if (flows or (self.view_of is not None and is_root_tracked(self))) and mode.get() & GRAD:
        _write_recorded(self, key, parts, basic, value)
        return
    shared = is_tensor and source.size > 1 and have_one_base(self.array, source)
    if basic and (shared or 0 in self.array.strides):
        _check_region(self.array[parts], source if shared else None)
    _write_array(self.array, parts, source)
    self.writes[0] += 1


def _write_recorded(self: Any, key: Any, parts: tuple[Any, ...], basic: bool, value: Any) -> None:
    """Writes a value, with a record in the graph."""
    if not isinstance(value, TensorBase):
        value = wrap(to_device(np.asarray(value, self.array.dtype), device_of(self.array)))
    refresh(value)
    itself = _writes_to_itself(self, parts)
    if not itself:
        refresh(self)
    try:
        check_writable(self, "index assignment", value)
    except RuntimeError:
        if basic or any(type(part) is int for part in parts):
            _read_array(self.array, parts)  # reports an index out of range first
        raise
    if itself and basic:
        copy_(self, _fit_value(value, self.array, self))
        return
    if basic:
        region = _read_array(self.array, parts)
        value = _fit_value(value, region, self)
        _check_region(region, value.array)
    refresh(self)
    _write_array(self.array, parts, value.array)
    self.writes[0] += 1
    move_on(self, cast(value, self.array.dtype), read_at, {"key": parts})


def _writes_to_itself(target: Any, parts: tuple[Any, ...]) -> bool:
    """Whether PyTorch writes to the target itself: to all of it, or to the places that arrays name.

    Otherwise it makes a view of the part, for which a view that is older than its base's graph is brought up to date. A
    write to such a view itself is refused.
    """
    shape, sliced = target.array.shape, all(isinstance(part, slice) for part in parts[:-1])  # the last may be ...
    lengths = (*shape, 0) if sliced else (max(shape, default=0),) * len(parts)
    return all(is_array(part) or _is_everything(part, n) for part, n in zip(parts, lengths, strict=False))


def _is_everything(part: Any, length: int) -> bool:
    """Whether this part of an index selects all elements of an axis of that length, or of several axes."""
    if not isinstance(part, slice):
        return part is ...
    return part.start in (None, 0) and part.step in (None, 1) and (part.stop is None or part.stop >= length)


def _is_part(value: Any, whole: Any, parts: tuple[Any, ...]) -> bool:
    """Whether `value` is the view ``whole[parts]`` itself."""
    view = value.view_of
    return (
        view is not None and view.parent is whole and view.operation.forward is read_at.forward
        and view.statics.get("key") == parts and view.array is whole.array
    )  # fmt: skip


# ---- values -----------------------------------------------------------------------------
def _read_value(target: Any, value: Any, parts: tuple[Any, ...], basic: bool) -> Any:
    """The assigned value: a tensor on the device of `target`, or a number converted to its dtype."""
    array = target.array
    if isinstance(value, TensorBase):
        if array.__class__ is not np.ndarray:
            value = move_scalars(target, value)[1]
        if not basic and value.array.ndim and value.array.shape[0] == 1:
            value = reshape(value, _drop_leading_ones(value.array.shape, 0))
        if value.array.dtype != array.dtype and not basic:
            _check_put(array, value.array, parts)
        return value
    if isinstance(value, (int, float, np.integer)):
        return _as_element(value, array)
    if isinstance(value, complex):
        raise RuntimeError(f"value cannot be converted to type {array.dtype} without overflow: got {value}")
    raise TypeError(f"can't assign a {type_name(value)} to a tensor; give a number or minigrad.tensor(...)")


def _as_element(value: Any, array: Any) -> Any:
    """A number in the dtype of `array`, which must be able to hold it. Usual floats skip the test of the limits."""
    if array.dtype.kind == "f" and dtypes.every_float_holds(value):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {value} does not fit into int64")
    return dtypes.scalar(value, array.dtype, round_to_infinity=True)


def _drop_leading_ones(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """`shape` without leading axes of length 1, as long as it has more than `ndim` axes."""
    while len(shape) > ndim and shape[0] == 1:
        shape = shape[1:]
    return shape


def _fit_value(value: Any, region: Any, whole: Any) -> Any:
    """`value` in the region's dtype and shape."""
    shape = _drop_leading_ones(value.array.shape, region.ndim)
    if shape != value.array.shape:
        value = reshape(value, shape)
    if shape != region.shape:
        try:
            value = expand(value, region.shape)
        except RuntimeError:
            raise _does_not_fit(value.array, region, whole.array) from None
    return cast(value, region.dtype)


# ---- checks -----------------------------------------------------------------------------
def _check_put(array: Any, source: Any, parts: tuple[Any, ...]) -> None:
    """Raises if values of another dtype are written by index tensors, except a number under a mask."""
    places = [p for p in parts if is_array(p) or (isinstance(p, bool) and len(parts) > 1)]  # x[True, :] is a mask too
    one_mask = len(places) == 1 and is_array(places[0]) and places[0].ndim > 0 and places[0].dtype.kind == "b"
    if places and (source.size != 1 or not one_mask):
        _read_array(array, parts)  # reports an index out of range first
        raise types_differ(array, source)
    if places and type(source) is np.ndarray:
        number = source.item()
        dtypes.check_fits(number, number, array.dtype)


def types_differ(array: Any, source: Any) -> RuntimeError:
    """The error for values of another dtype than that of the tensor."""
    types = f"got {array.dtype} for the destination and {source.dtype} for the source"
    hint = "convert the source with .to(destination.dtype)"
    return RuntimeError(f"Index put requires the source and destination dtypes match, {types}; {hint}")


def _check_places(array: Any, parts: tuple[Any, ...], value: Any) -> None:
    """Raises if the index or the value shares memory with the target."""
    places = [part for part in parts if is_array(part)]
    under_mask = len(places) == 1 and places[0].dtype.kind == "b" and getattr(value, "size", 1) == 1
    for beside in () if under_mask else (value, *[part for part in places if part.dtype.kind != "b"]):
        if is_array(beside) and have_one_base(array, beside):
            try:
                check_memory(array, "index assignment", beside, wholly=True)
            except RuntimeError:
                _read_array(array, parts)  # reports an index out of range first
                raise


def _check_region(region: Any, source: Any) -> None:
    """Raises if elements of the region share memory, or if `source` partly overlaps it."""
    if source is None or not are_same(region, seen := _spread(source, region.shape)):
        check_memory(region, "index assignment", None if source is None or source.size != region.size else seen)


def _spread(source: Any, shape: tuple[int, ...]) -> Any:
    """`source` broadcast to a region of that shape, or itself if it does not broadcast."""
    try:
        return source.reshape(shape) if source.size == prod(shape) else broadcast(source, shape)
    except ValueError:
        return source


# ---- writing -----------------------------------------------------------------------------------
def _read_array(array: Any, key: Any) -> Any:
    try:
        return array[key]
    except IndexError as error:
        raise IndexError(f"{error} (assigning into a tensor of shape {tuple(array.shape)})") from None


def _write_array(array: Any, key: Any, source: Any) -> None:
    """``array[key] = source``, with a clear error if that fails."""
    values = is_array(source)
    if values and (array.__class__ is not np.ndarray or source.__class__ is not np.ndarray):
        check_same_library("index assignment", (array, source))
    try:
        if values and not source.size:  # for empty values NumPy drops any leading axes
            check_fits_region(source, _read_array(array, key), array, leading_ones=True)
        store(array, key, source)
    except (ValueError, TypeError):  # TypeError: values of several axes under a mask
        check_fits_region(source if values else np.asarray(source), array[key], array, leading_ones=True)
        raise
    except IndexError:
        _read_array(array, key)
        raise


def check_fits_region(value: Any, region: Any, whole: Any, leading_ones: bool = False) -> None:
    """Raises RuntimeError unless `value` broadcasts to the `region` of `whole`.

    With `leading_ones` the value may have more axes than the region, if they are leading and of length 1.
    """
    shape = _drop_leading_ones(value.shape, region.ndim) if leading_ones else value.shape
    if not broadcasts(shape, region.shape):
        raise _does_not_fit(value, region, whole)


def _does_not_fit(value: Any, region: Any, whole: Any) -> RuntimeError:
    shapes = f"{list(value.shape)} cannot be broadcast to indexing result of shape {list(region.shape)}"
    return RuntimeError(f"shape mismatch: value tensor of shape {shapes} (of a tensor of shape {tuple(whole.shape)})")
