"""Assignment by index, ``Y[i, j] = value``, with gradients for the tensor and for the value."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import GRAD, LEAF, TensorBase, inference_was_entered, is_array, mode, wrap
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.views import is_in_graph, refresh
from minigrad.backend import device_of, store, to_device
from minigrad.ops.copies import cast
from minigrad.ops.device import move
from minigrad.ops.index import getitem, plain_key, read_at
from minigrad.ops.inplace import check_writable, copy_, index_put_over, is_root_tracked, move_on
from minigrad.ops.keys import (
    check_assigned,
    drop_leading_ones,
    fit_under_arrays,
    names_all,
    read_array,
    read_key,
    refuse_shared_memory,
)  # fmt: skip
from minigrad.ops.shape import broadcast, expand, reshape
from minigrad.ops.write_complaints import cannot_be_assigned, does_not_fit_region, writes_into_view_of_leaf
from minigrad.ops.writes import are_same, check_memory, have_one_base


def setitem(self: Any, key: Any, value: Any) -> None:
    """``self[key] = value``: a number or a tensor that broadcasts to the region. Differentiable in both."""
    parts, basic, steps = plain_key(key), True, None  # steps: None, or two keys, one after the other
    if parts is None:
        parts, basic, steps = read_key(self.array, key)
    if basic and self.node is None and self.view_of is None and isinstance(value, (int, float)):
        self.writes[0] += 1  # first, because it raises for memory made in inference mode
        try:
            _write_array(self.array, parts, _as_element(value, self.array))
        except Exception:
            self.writes[0] -= 1  # nothing was written
            raise
    elif basic and isinstance(value, TensorBase) and _is_part(value, self, parts):  # `x[key] -= y`: written already
        if (self.view_of is not None or self.node is LEAF) and mode.get() & GRAD:
            if not names_all(self.array, parts):
                refresh(self)
            check_writable(self, "index assignment")
        self.writes[0] += 1
    elif steps is None:
        _write(self, parts, basic, value)
    else:
        setitem(getitem(self, steps[0]), steps[1], value)


def _write(self: Any, parts: tuple[Any, ...], basic: bool, value: Any) -> None:
    """Writes a value where the key's `parts` say; if it is `basic`, they name a view."""
    value = _read_value(self, value, parts, basic)
    is_tensor = isinstance(value, TensorBase)
    source = value.array if is_tensor else value
    if inference_was_entered and self.writes.__class__ is not list:
        self.writes[0] = 0  # memory made in inference mode: raises outside of it
    if not basic:
        refuse_shared_memory(self.array, parts, source)
    flows = self.node is not None or (is_tensor and self.array.dtype.kind == "f" and is_in_graph(value))
    if (flows or (self.view_of is not None and is_root_tracked(self))) and mode.get() & GRAD:
        _write_recorded(self, parts, basic, value)
        return
    shared = is_tensor and source.size > 1 and have_one_base(self.array, source)
    if basic and (shared or 0 in self.array.strides):
        _check_region(self.array[parts], source if shared else None)
    _write_array(self.array, parts, source)
    self.writes[0] += 1


def _write_recorded(self: Any, parts: tuple[Any, ...], basic: bool, value: Any) -> None:
    """Writes a value, with a record in the graph."""
    if not isinstance(value, TensorBase):
        value = wrap(to_device(np.asarray(value, self.array.dtype), device_of(self.array)))
    refresh(value)
    itself = names_all(self.array, parts)
    if not itself:
        refresh(self)
    try:
        check_writable(self, "index assignment", value)
    except RuntimeError:
        if basic or any(type(part) is int for part in parts):
            read_array(self.array, parts)  # reports an index out of range first
            if self.node is LEAF and not itself:
                raise writes_into_view_of_leaf("index assignment") from None
        raise
    if itself and basic:
        copy_(self, _fit_value(value, self.array, self))
        return
    if basic:
        region = read_array(self.array, parts)
        value = _fit_value(value, region, self)
        _check_region(region, value.array)
    refresh(self)
    _write_array(self.array, parts, value.array)
    self.writes[0] += 1
    move_on(self, cast(value, self.array.dtype), read_at, {"key": parts}, index_put_over if itself else None)


def _is_part(value: Any, whole: Any, parts: tuple[Any, ...]) -> bool:
    """Whether `value` is the view ``whole[parts]`` itself."""
    view = value.view_of
    return (
        view is not None and view.parent is whole and view.operation.forward is read_at.forward
        and view.statics.get("key") == parts and view.array is whole.array
    )  # fmt: skip


# ---- values -----------------------------------------------------------------------------
def _read_value(target: Any, value: Any, parts: tuple[Any, ...], basic: bool) -> Any:
    """The assigned value: a tensor, or a number converted to the dtype of `target`.

    As in `copy_`, a tensor may be on another device; under arrays of a key only a number in a 0-d tensor may.
    """
    array = target.array
    if isinstance(value, TensorBase):
        if (basic or not value.array.ndim) and not array.__class__ is value.array.__class__ is np.ndarray:
            value = move(value, device_of(array))
        return value if basic else fit_under_arrays(array, parts, value)
    if isinstance(value, (int, float, np.integer)):
        return _as_element(value, array)
    raise cannot_be_assigned(value, array.dtype)


def _as_element(value: Any, array: Any) -> Any:
    """A number in the dtype of `array`, which must be able to hold it. Usual floats skip the test of the limits."""
    if array.dtype.kind == "f" and dtypes.every_float_holds(value):
        return value
    value = dtypes.as_python(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {value} does not fit into int64")
    return dtypes.scalar(value, array.dtype, round_to_infinity=True)


def _fit_value(value: Any, region: Any, whole: Any) -> Any:
    """`value` in the region's dtype and shape."""
    shape = drop_leading_ones(value.array.shape, region.ndim)
    if shape != value.array.shape:
        value = reshape(value, shape)
    if shape != region.shape:
        try:
            value = expand(value, region.shape)
        except RuntimeError:
            raise does_not_fit_region(value.array, region, whole.array) from None
    return cast(value, region.dtype)


# ---- checks -----------------------------------------------------------------------------
def _check_region(region: Any, source: Any) -> None:
    """Raises if elements of the region share memory, or if `source` partly overlaps it."""
    spread = None if source is None else _spread(source, region.shape)
    if spread is None:
        check_memory(region, "index assignment")
    elif not are_same(region, spread):
        check_memory(region, "index assignment", spread if source.size == region.size else None)


def _spread(source: Any, shape: tuple[int, ...]) -> Any:
    """`source` broadcast to a region of that shape, or itself if it does not broadcast."""
    try:
        return source.reshape(shape) if source.size == prod(shape) else broadcast(source, shape)
    except ValueError:
        return source


# ---- writing -----------------------------------------------------------------------------------
def _write_array(array: Any, key: Any, source: Any) -> None:
    """``array[key] = source``, with a clear error if that fails."""
    try:
        if is_array(source):
            if array.__class__ is not np.ndarray or source.__class__ is not np.ndarray:
                check_same_library("index assignment", (array, source))
            if not source.size:  # for empty values NumPy drops any leading axes
                check_assigned(array, key, source)
        store(array, key, source)
    except (IndexError, ValueError, TypeError):  # TypeError: values of several axes under a mask
        check_assigned(array, key, source)
        raise
