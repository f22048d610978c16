"""The table of objects: what can be saved, as rows of JSON, and back.

A row is `[kind, parts...]`. A part is a plain value, or `[row]` for the object of an earlier row:
so reading is one loop, whatever the depth, what was one object is one object again, and a file
can hold no cycle.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from minigrad.serialization.storage import Row, view
from minigrad.size import Size
from minigrad.tensor import Tensor

# Values that a text stands for: how it is written, and how it is read.
_TEXTS: dict[type, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    int: (hex, lambda text: int(text, 16)),
    float: (repr, float),
    complex: (repr, complex),
    bytes: (bytes.hex, bytes.fromhex),
    bytearray: (bytearray.hex, bytearray.fromhex),
    dtypes.dtype: (lambda value: value.name, lambda text: dtypes.from_numpy(np.dtype(text))),
    backend.device: (str, backend.device),
}
_SEQUENCES = (list, tuple, set, Size)
_MAPPINGS = (dict, OrderedDict, Counter)
_SHAPELESS = (UninitializedParameter, UninitializedBuffer)
_TENSORS = (Tensor, Parameter)
_ARRAYS = (np.ndarray, np.generic)
_KINDS: dict[str, Any] = {
    cls.__name__: cls for cls in (*_TEXTS, *_SEQUENCES, *_MAPPINGS, *_SHAPELESS, *_TENSORS, *_ARRAYS)
}

PLAIN_BYTES = "biufcSUmM"  # the kinds of NumPy dtypes whose bytes are all there is to them


# Where a value stands: the place of its container, and its key or index there.
Place: TypeAlias = tuple[Any, Any] | None


def _named(place: Place) -> str:
    """`the object['layers'][0]`: put into words only when something is wrong there."""
    keys = ""
    while place is not None:
        place, key = place
        keys = f"[{key!r}]{keys}"
    return f"the object{keys}"


def _is_literal(value: Any) -> bool:
    """Whether JSON writes it as it is, and exactly."""
    kind = type(value)
    if kind is int:
        return bool(-(2**63) <= value < 2**63)
    return value is None or kind in (bool, str) or (kind is float and math.isfinite(value))


def _check_keys(keys: Iterable[Any], place: Place = None) -> None:
    """Keys are values that hash at once, or tuples of them: a file cannot make hashing slow."""
    for key in keys:
        for part in key if isinstance(key, tuple) else (key,):
            if not (part is None or isinstance(part, (bool, str)) or type(part) in _TEXTS):
                raise TypeError(
                    f"{_named(place)} has the key {key!r} ({type(key).__name__}): keys, and "
                    "members of sets, must be numbers, strings, bytes, None or tuples of them"
                )


class Table:
    """The rows of what is saved, and the rows that wait for the storage of their array."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.waiting: list[tuple[Row, Array]] = []
        # By identity; holding the object keeps its id from being given to another one.
        self._known: dict[int, tuple[Any, list[int] | None]] = {}

    def reference(self, value: Any, place: Place = None) -> Any:
        """`value` itself, or `[row]` once it is in the table; its parts go there first.

        Raises `TypeError` for what cannot be saved, `ValueError` for cycles.
        """
        if _is_literal(value):
            return value
        if id(value) not in self._known:
            self._known[id(value)] = value, None  # None: its parts are being written
            self.rows.append(self._row(value, place))
            self._known[id(value)] = value, [len(self.rows) - 1]
        reference = self._known[id(value)][1]
        if reference is None:
            raise ValueError(f"{_named(place)} contains itself; a file holds no cycles")
        return reference

    def _row(self, value: Any, place: Place) -> Row:
        kind = Tensor if type(value) is Buffer else type(value)
        name = kind.__name__
        if kind in _TEXTS:
            return [name, _TEXTS[kind][0](value)]
        if kind in _SEQUENCES:
            if kind is set:
                _check_keys(value, place)
            return [name, *[self.reference(x, (place, i)) for i, x in enumerate(value)]]
        if kind in _MAPPINGS:
            _check_keys(value, place)
            return [
                name,
                *[
                    [self.reference(key, (place, key)), self.reference(entry, (place, key))]
                    for key, entry in value.items()
                ],
            ]
        if kind in _SHAPELESS:
            return [name, value.requires_grad, value.dtype.name]
        if kind in _TENSORS:
            return self._waiting_row([name, value.requires_grad], value.array)
        if kind is np.ndarray or isinstance(value, np.generic):
            array = np.asarray(value)
            if array.dtype.kind not in PLAIN_BYTES or not array.dtype.itemsize:
                raise TypeError(
                    f"{_named(place)} is a NumPy array of dtype {array.dtype}, which has no plain "
                    "bytes to save; convert it to numbers, or save it as a list"
                )
            return self._waiting_row(["ndarray" if kind is np.ndarray else "generic"], array)
        raise TypeError(_refusal(value, _named(place)))

    def _waiting_row(self, row: Row, array: Array) -> Row:
        self.waiting.append((row, array))
        return row


def _refusal(value: Any, where: str) -> str:
    kind = type(value)
    if hasattr(value, "state_dict"):
        advice = (
            "save its state_dict(), and load that into an object made by the same code: "
            "model.load_state_dict(minigrad.load(file))"
        )
    elif hasattr(value, "_asdict"):
        advice = "save value._asdict(), or tuple(value)"
    elif callable(value):
        advice = "keep code in your program, and save the data it works on"
    else:
        advice = "save its data as a dict of tensors, numbers and strings"
    return (
        f"{where} is a {kind.__module__}.{kind.__qualname__}, which cannot be saved: files hold "
        f"tensors and plain data, nothing that would have to run on loading. Instead, {advice}"
    )


def resolved(part: Any, objects: list[Any]) -> Any:
    """The value that a part of a row stands for."""
    if isinstance(part, list):
        (row,) = part
        if type(row) is not int or row < 0:
            raise ValueError(f"{part} is no reference to a row")
        return objects[row]
    if isinstance(part, dict):
        raise ValueError("a JSON object where a value is due")
    return part


def built(row: Row, objects: list[Any], storages: list[Array]) -> Any:
    """The object that a row describes, from the objects of the rows before it.

    Raises one error or another for rows that `Table` would not write.
    """
    name, *parts = row
    kind = _KINDS[name]
    if kind in _TEXTS:
        (text,) = parts
        return _TEXTS[kind][1](text)
    if kind in _SEQUENCES:
        values = [resolved(part, objects) for part in parts]
        if kind is set:
            _check_keys(values)
        return kind(values)
    if kind in _MAPPINGS:
        pairs = [(resolved(key, objects), resolved(value, objects)) for key, value in parts]
        _check_keys(key for key, _ in pairs)
        return kind(dict(pairs))
    if kind in _SHAPELESS:
        requires_grad, dtype = parts
        return kind(requires_grad is True, dtype=dtypes.from_numpy(np.dtype(dtype)))
    *flags, number, offset, shape, strides = parts
    if number < 0:
        raise ValueError("no such storage")
    array = view(storages[number], offset, shape, strides)
    if kind in _ARRAYS:
        array = backend.to_device(array, backend.CPU)
        return array if kind is np.ndarray else array[()]
    dtypes.from_numpy(array.dtype)  # refuses what no tensor can hold
    (requires_grad,) = flags
    tensor = wrap(array)
    if kind is Parameter:
        return Parameter(tensor, requires_grad is True)
    return tensor.requires_grad_(requires_grad is True)
