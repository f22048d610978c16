"""Converts saved values to JSON and back: plain JSON values, and lists `[kind, parts...]` for everything else.

The numbers of tensors and arrays are not in the JSON: a list names the storage that holds them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from inspect import isroutine
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad import devices, dtypes
from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.uninitialized import UninitializedBuffer, UninitializedParameter
from minigrad.size import Size
from minigrad.tensor import Tensor

# Types that are saved as a text: how it is written, and how it is read.
_TEXTS: dict[type, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    bytes: (bytes.hex, bytes.fromhex),
    dtypes.dtype: (lambda value: value.name, lambda text: dtypes.from_numpy(np.dtype(text))),
    devices.device: (str, devices.device),
}
_LITERALS = (bool, int, float, str, type(None))  # written exactly by JSON
_SEQUENCES = (list, tuple, set, Size)
_MAPPINGS = (dict, OrderedDict, Counter)
_SHAPELESS = (UninitializedParameter, UninitializedBuffer)
_TENSORS = (Tensor, Parameter)
_ARRAYS = (np.ndarray, np.generic)
_KINDS: dict[str, Any] = {
    cls.__name__: cls for cls in (*_TEXTS, *_SEQUENCES, *_MAPPINGS, *_SHAPELESS, *_TENSORS, *_ARRAYS)
}

MOST_OF_ONE_HASH = 100
PLAIN_BYTES = "biufcSUmM"  # kinds of NumPy dtypes whose values are their bytes

# (id of the array, device) -> (number, array). NumPy arrays have no device.
Storages: TypeAlias = dict[tuple[int, str | None], tuple[int, Array]]


class Described(NamedTuple):
    """What was described so far: storages, tensors by their identity, and those of them that were met again."""

    storages: Storages
    tensors: dict[int, list[Any]]
    repeated: list[list[Any]]


# The place of a value: the place of its container, and its key or index there.
Place: TypeAlias = tuple[Any, Any] | None


def describe(value: Any, known: Described, place: Place = None) -> Any:
    """`value` as JSON; its arrays are added to the storages that are `known`.

    Raises `TypeError` for what cannot be saved, naming its `place`.
    """
    kind: Any = Tensor if type(value) is Buffer else type(value)
    name = kind.__name__
    if kind in _LITERALS:
        return value
    if kind in _TEXTS:
        return [name, _TEXTS[kind][0](value)]
    if kind in _SEQUENCES:
        return [name, *[describe(x, known, (place, i)) for i, x in enumerate(value)]]
    if kind in _MAPPINGS:
        entries = [(key, x, (place, key)) for key, x in value.items()]
        return [name, *[[describe(key, known, here), describe(x, known, here)] for key, x, here in entries]]
    if kind in _SHAPELESS:
        return [name, value.requires_grad, value.dtype.name]
    if kind in _TENSORS:
        return _describe_tensor(name, value, known)
    if isinstance(value, _ARRAYS):
        _check_array(value, place)
        return [
            "ndarray" if kind is np.ndarray else "generic",
            _number_storage(np.asarray(value), None, known.storages),
        ]
    raise TypeError(_explain_refusal(value, _name_place(place)))


def _describe_tensor(name: str, value: Any, known: Described) -> list[Any]:
    """A tensor's class, storage and `requires_grad`; then its number, if this object stands in several places."""
    if (told := known.tensors.get(id(value))) is None:
        storage = _number_storage(value.array, str(value.device), known.storages)
        told = known.tensors[id(value)] = [name, storage, value.requires_grad]
    elif len(told) == 3:
        told.append(len(known.repeated))
        known.repeated.append(told)
    return told


def _check_array(value: Any, place: Place) -> None:
    """Raises for a NumPy array of objects, whose bytes are not its values."""
    if isinstance(value, np.ma.MaskedArray):
        hint = "save array.data and array.mask, or array.filled(value)"
        raise TypeError(f"{_name_place(place)} is a masked array, whose mask would be lost; {hint}")
    if value.dtype.kind not in PLAIN_BYTES or not value.dtype.itemsize:
        detail = "which has no plain bytes to save; convert it to numbers, or save it as a list"
        raise TypeError(f"{_name_place(place)} is a NumPy array of dtype {value.dtype}, {detail}")


def _name_place(place: Place) -> str:
    """The text for a place in an error: `the object['layers'][0]`."""
    keys = ""
    while place is not None:
        place, key = place
        keys = f"[{key!r}]{keys}"
    return f"the object{keys}"


def _number_storage(array: Array, device: str | None, storages: Storages) -> int:
    """The number of the storage; tensors around the same array, such as tied weights, have one storage."""
    return storages.setdefault((id(array), device), (len(storages), array))[0]


def _explain_refusal(value: Any, place: str) -> str:
    """The error for a `value` that cannot be saved, which says what to save instead."""
    what, hint = f"a {type(value).__module__}.{type(value).__qualname__}", ""
    if (isroutine(value) and hasattr(value, "__qualname__")) or isinstance(value, type):
        what = f"the {'class' if isinstance(value, type) else 'function'} {value.__qualname__}"
    elif hasattr(value, "state_dict"):
        hint = (
            "save its state_dict(), and load that into an object made by the same code: "
            "model.load_state_dict(minigrad.load(file))"
        )
    elif hasattr(value, "_asdict"):
        hint = "save value._asdict(), or tuple(value)"
    elif isinstance(value, Iterable):
        hint = f"save {'dict' if isinstance(value, Mapping) else 'list'}(value)"
    elif not callable(value):
        hint = "save its data as a dict of tensors, numbers and strings"
    hint = hint or "keep code in your program, and save what chooses it there: its name as a string, or its options"
    return (
        f"{place} is {what}, which cannot be saved: files hold tensors and plain data, nothing that would have to run "
        f"on loading. Instead, {hint}"
    )


def _check_hashes(keys: list[Any]) -> list[Any]:
    """`keys`, after a check that few of them have the same hash: n equal hashes would take time n^2."""
    hashes = Counter(map(hash, keys))
    if len(keys) > MOST_OF_ONE_HASH and max(hashes.values()) > MOST_OF_ONE_HASH:
        raise ValueError(f"over {MOST_OF_ONE_HASH} keys of a dict or elements of a set have the same hash")
    return keys


def rebuild(part: Any, arrays: list[Array], made: dict[tuple[Any, ...], Tensor]) -> Any:
    """The value that `describe` wrote as `part`; a tensor that stands in several places is `made` once.

    A `part` that it never writes may raise any error.
    """
    if isinstance(part, _LITERALS):
        return part
    name, *parts = part
    kind = _KINDS[name]
    if kind in _TEXTS:
        (text,) = parts
        return _TEXTS[kind][1](text)
    if kind in _SEQUENCES:
        values = [rebuild(x, arrays, made) for x in parts]
        return kind(_check_hashes(values) if kind is set else values)
    if kind in _MAPPINGS:
        pairs = [(rebuild(key, arrays, made), rebuild(x, arrays, made)) for key, x in parts]
        _check_hashes([key for key, _ in pairs])
        return kind(dict(pairs))
    if kind in _SHAPELESS:
        requires_grad, dtype = parts
        return kind(requires_grad is True, dtype=dtypes.from_numpy(np.dtype(dtype)))
    array = arrays[parts[0]]
    if kind in _ARRAYS:
        return array if kind is np.ndarray else array[()]
    dtypes.from_numpy(array.dtype)  # raises for a dtype that no tensor can have
    _, requires_grad, *number = parts
    if not number:
        return _make_tensor(kind, array, requires_grad is True)
    if len(number) > 1 or type(number[0]) is not int:
        raise ValueError(f"a tensor is described by {part!r}")
    if (name, *parts) not in made:
        made[name, *parts] = _make_tensor(kind, array, requires_grad is True)
    return made[name, *parts]


def _make_tensor(kind: Any, array: Array, requires_grad: bool) -> Tensor:
    """A tensor or a parameter around `array`."""
    tensor: Tensor = wrap(array)
    if kind is Parameter:
        return Parameter(tensor, requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor
