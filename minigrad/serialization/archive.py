"""`save` and `load`: a ZIP archive of raw arrays and one JSON text.

`structure.json` holds the "format", the "storages" (`[NumPy dtype, shape, device]` of the members
`storage/0`, `storage/1`, ...), and the "root": the value saved. Nothing is compressed, so that a
file cannot unpack to more than its size, and all sizes are checked against it before memory is
taken.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minigrad import backend
from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.serialization import safetensors_format
from minigrad.serialization.files import File, SerializationError, name_of, reading, replacing
from minigrad.serialization.structure import PLAIN_BYTES, Storages, described, rebuilt

Location: TypeAlias = str | backend.device | dict[str, str] | Callable[[Any, str], Any] | None

FORMAT = "minigrad 2"
STRUCTURE = "structure.json"


def save(obj: Any, f: File) -> None:
    """Writes `obj` to `f`, a path or a binary file, so that `load` gives it back.

    Takes tensors, parameters, NumPy arrays and scalars, numbers, strings, bytes, None, dtypes,
    devices, sizes, and lists, tuples, sets and dicts of them: so every `state_dict()`. Tied weights
    are tied again; other views are saved as tensors of their own. A path is written whole or not at
    all: whatever interrupts it leaves the old file. A path that ends in `.safetensors` is written by
    the safetensors library (a dict of tensors only).

    Raises `TypeError` for anything else, such as a module or a function, naming its place and what
    to save instead; `ValueError` for a container that contains itself; `SerializationError`, a
    `RuntimeError`, where the folder does not exist. As `torch.save`, without its pickle.

    >>> import minigrad as torch, io
    >>> torch.save({"weight": torch.ones(2), "epoch": 3}, file := io.BytesIO())
    >>> torch.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    import json  # here, as zipfile, so that `import minigrad` need not wait for it
    from zipfile import ZipFile, ZipInfo

    if isinstance(f, (str, os.PathLike)):
        if os.fspath(f).endswith(".safetensors"):
            safetensors_format.save_file(obj, f)
            return
    elif not hasattr(f, "write"):
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}"
        )
    held: Storages = {}
    try:
        root = described(obj, held)
        arrays = [(backend.to_device(array, backend.CPU), device) for (_, device), (_, array) in held.items()]
        storages = [[array.dtype.str, array.shape, device] for array, device in arrays]
        structure = json.dumps({"format": FORMAT, "storages": storages, "root": root})
    except RecursionError:
        raise ValueError("the object contains itself, or is nested too deeply to be saved; flatten it") from None
    with replacing(f) as file, ZipFile(file, "w") as archive:  # dated 1980: equal contents make equal files
        archive.writestr(ZipInfo(STRUCTURE), structure)
        for i, (array, _) in enumerate(arrays):
            archive.writestr(ZipInfo(f"storage/{i}"), np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def load(f: File, map_location: Location = None, *, weights_only: bool | None = True, mmap: bool | None = None) -> Any:
    """Reads what `save` wrote to `f`, a path or a binary file that can seek.

    Tensors go to the device they were on, or to `map_location`: a device, a dict from saved to
    wanted names, or a function of a tensor on the CPU and the name of its device. Nothing in a
    file is ever run, so `weights_only` changes nothing; nor does `mmap`.

    Raises `SerializationError`, a `RuntimeError`, for a file that is damaged, cut short, hostile or
    of another kind; `RuntimeError` for a GPU that is not there; `FileNotFoundError`.

    >>> import minigrad as torch, io
    >>> torch.save(torch.arange(3), file := io.BytesIO())
    >>> torch.load(file, map_location="cpu")
    tensor([0, 1, 2])
    """
    from pathlib import Path

    if isinstance(f, (str, os.PathLike)):
        if os.fspath(f).endswith(".safetensors"):
            return {name: relocated(x, map_location) for name, x in safetensors_format.load_file(f).items()}
        with Path(f).open("rb") as file:
            return load(file, map_location)
    if not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(
            f"expected a path or a binary file that can seek, got {type(f).__name__}; put the bytes into an io.BytesIO"
        )
    with reading(f):
        arrays, root = _read(f)
    placed = [
        array if device is None else relocated(wrap(array), map_location, device).array for array, device in arrays
    ]
    with reading(f):
        return rebuilt(root, placed)


def _read(f: Any) -> tuple[list[tuple[Array, str | None]], Any]:
    """The storages with their devices, and the root of an archive. Raises one error or another for a bad one."""
    import json
    from zipfile import ZIP_STORED, ZipFile

    length = f.seek(0, os.SEEK_END)
    f.seek(0)
    if f.read(1) == b"\x80":  # how every pickle starts since protocol 2
        raise SerializationError(_pickled(f))
    with ZipFile(f) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if any(name.endswith("data.pkl") for name in members):
            raise SerializationError(_pickled(f))
        if any(m.compress_type != ZIP_STORED or m.file_size != m.compress_size for m in members.values()):
            raise ValueError("its parts are compressed, which save() never does")
        if sum(member.file_size for member in members.values()) > length:
            raise ValueError("its parts claim to be larger than the file")
        structure = json.loads(archive.read(STRUCTURE))
        if structure["format"] != FORMAT:
            raise ValueError(f"its format is {structure['format']!r}, known is {FORMAT!r}")
        arrays = []
        for i, (dtype_name, shape, device) in enumerate(structure["storages"]):
            member, dtype = members[f"storage/{i}"], np.dtype(dtype_name)
            if dtype.kind not in PLAIN_BYTES or dtype.str != dtype_name or not dtype.itemsize:
                raise ValueError(f"storage {i} has the dtype {dtype_name!r}")
            if any(type(n) is not int or n < 0 for n in shape) or member.file_size != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"storage {i} has another size than its description")
            array = np.empty(shape, dtype)
            memory = array.reshape(-1).view(np.uint8)
            memory[:] = np.frombuffer(archive.read(member), np.uint8)  # read in full, its checksum compared
            arrays.append((array, None if device is None else str(device)))
    return arrays, structure["root"]


def relocated(tensor: Any, map_location: Location, device: str = "cpu") -> Any:
    """A tensor from `device`, now on the CPU, where it is wanted. Raises `RuntimeError` for a GPU that is not there."""
    wanted: Any = device
    if isinstance(map_location, (str, backend.device)):
        wanted = map_location
    elif isinstance(map_location, dict):
        wanted = map_location.get(device, device)
    elif map_location is not None:
        moved = map_location(tensor, device)
        if moved is not None:
            return moved
    wanted = backend.device(wanted)
    if wanted.type == "cuda" and not backend.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but minigrad.cuda.is_available() is "
            f"False: {backend.why_not()} To load it on the CPU: minigrad.load(file, map_location='cpu')"
        )
    return wrap(backend.to_device(tensor.array, wanted))


def _pickled(f: Any) -> str:
    return (
        f"{name_of(f)} is a pickle, probably written by torch.save: loading one can run any code, so minigrad does "
        "not. Where PyTorch is installed, convert it once: safetensors.torch.save_file(torch.load(file), "
        "'weights.safetensors'), then minigrad.load('weights.safetensors')"
    )
