"""`save` and `load`: a ZIP archive of raw arrays and one JSON text.

`structure.json` holds the "format", the "storages" (`[NumPy dtype, elements, device]` of the
members `storage/0`, `storage/1`, ...), the table of "objects", and the "root": the value saved.
Nothing is compressed, so that a file cannot unpack to more than its size, and all sizes are checked
against it before memory is taken.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from minigrad.serialization import safetensors_format
from minigrad.serialization.files import File, SerializationError, name_of, reading, replacing
from minigrad.serialization.storage import Location, Storage, lay_out, relocated
from minigrad.serialization.table import PLAIN_BYTES, Table, built, resolved

if TYPE_CHECKING:
    from zipfile import ZipFile  # imported where it is used, so that `import minigrad` is fast

FORMAT = "minigrad 1"
STRUCTURE = "structure.json"


def save(obj: Any, f: File) -> None:
    """Writes `obj` to `f`, a path or a binary file, so that `load` gives it back.

    Takes tensors, parameters, NumPy arrays and scalars, numbers, strings, bytes, None, dtypes,
    devices, sizes, and lists, tuples, sets and dicts of them: so every `state_dict()`. Tensors that
    share memory share it again. A path is written whole or not at all: whatever interrupts it
    leaves the old file. A path that ends in `.safetensors` is written by the safetensors library (a
    dict of tensors only).

    Raises `TypeError` for anything else, such as a module or a function, naming its place and what
    to save instead; `ValueError` for a container that contains itself; `SerializationError`, a
    `RuntimeError`, where the folder does not exist. As `torch.save`, without its pickle.

    >>> import minigrad as torch, io
    >>> torch.save({"weight": torch.ones(2), "epoch": 3}, file := io.BytesIO())
    >>> torch.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    import json
    from zipfile import ZipFile

    if isinstance(f, (str, os.PathLike)):
        if os.fspath(f).endswith(".safetensors"):
            safetensors_format.save_file(obj, f)
            return
    elif not hasattr(f, "write"):
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}"
        )
    table = Table()
    try:
        root = table.reference(obj)
    except RecursionError:
        raise ValueError("the object is nested too deeply to be saved; flatten it") from None
    storages = lay_out(table.waiting)
    structure = {
        "format": FORMAT,
        "storages": [[flat.dtype.str, flat.size, place] for flat, place in storages],
        "objects": table.rows,
        "root": root,
    }
    with replacing(f) as file, ZipFile(file, "w") as archive:
        _write(archive, STRUCTURE, json.dumps(structure).encode())
        for i, (flat, _) in enumerate(storages):
            _write(archive, f"storage/{i}", flat.view(np.uint8).data)


def _write(archive: ZipFile, name: str, data: bytes | memoryview) -> None:
    from zipfile import ZipInfo

    member = ZipInfo(name)  # dated 1980, so that equal contents make equal files
    member.file_size = len(data)
    with archive.open(member, "w") as part:
        part.write(data)


def load(f: File, map_location: Location = None, *, weights_only: bool | None = True, mmap: bool | None = None) -> Any:
    """Reads what `save` wrote to `f`, a path or a binary file that can seek.

    Tensors go to the device they were on, or to `map_location`: a device, a dict from saved to
    wanted names, or a function of a flat tensor on the CPU and the name of its device. Nothing in a
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
            return safetensors_format.load_file(f, map_location)
        with Path(f).open("rb") as file:
            return load(file, map_location)
    if not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(
            f"expected a path or a binary file that can seek, got {type(f).__name__}; put the bytes into an io.BytesIO"
        )
    with reading(f):
        storages, structure = _read(f)
    placed = [relocated(storage, map_location) for storage in storages]
    with reading(f):
        objects: list[Any] = []
        for row in structure["objects"]:
            objects.append(built(row, objects, placed))
        return resolved(structure["root"], objects)


def _read(f: Any) -> tuple[list[Storage], Any]:
    """The storages and the structure of an archive. Raises one error or another for a bad one."""
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
        if any(
            member.compress_type != ZIP_STORED or member.file_size != member.compress_size
            for member in members.values()
        ):
            raise ValueError("its parts are compressed, which save() never does")
        if sum(member.file_size for member in members.values()) > length:
            raise ValueError("its parts claim to be larger than the file")
        structure = json.loads(archive.read(STRUCTURE))
        if structure["format"] != FORMAT:
            raise ValueError(f"its format is {structure['format']!r}, known is {FORMAT!r}")
        storages = []
        for i, (dtype_name, size, place) in enumerate(structure["storages"]):
            member, dtype = members[f"storage/{i}"], np.dtype(dtype_name)
            if dtype.kind not in PLAIN_BYTES or dtype.str != dtype_name or not dtype.itemsize:
                raise ValueError(f"storage {i} has the dtype {dtype_name!r}")
            if type(size) is not int or member.file_size != size * dtype.itemsize:
                raise ValueError(f"storage {i} has another size than its description")
            flat = np.empty(size, dtype)
            with archive.open(member) as part:
                _fill(flat.view(np.uint8).data, part)
            storages.append(Storage(flat, str(place)))
    return storages, structure


def _fill(memory: memoryview, part: IO[bytes]) -> None:
    position = 0
    while chunk := part.read(1 << 20):  # the last one has its checksum compared
        memory[position : position + len(chunk)] = chunk
        position += len(chunk)
    if position != len(memory):
        raise EOFError("a storage ends early")


def _pickled(f: Any) -> str:
    return (
        f"{name_of(f)} is a pickle, probably written by torch.save: loading one can run any code, "
        "so minigrad does not. Where PyTorch is installed, convert it once: "
        "safetensors.torch.save_file(torch.load(file), 'weights.safetensors'), then "
        "minigrad.load('weights.safetensors')"
    )
