"""`save` and `load`: a ZIP archive of raw arrays and one JSON text.

`structure.json` holds the "format", the "storages" (`[NumPy dtype, shape, device]` of the members
`storage/0`, `storage/1`, ...), and the "root": the value saved. Where tensors share memory, there
are "views" too: the number of a tensor, and where it lies in which storage; tensors that stand in
several places have numbers, by which each is one object again. Nothing is compressed,
so that a file cannot unpack to more than its size, and all sizes are checked against it before
memory is taken.

Not `np.savez`: of nine hostile members, `np.load(allow_pickle=False)` takes three (a header beside
more data than it describes, one of nested brackets, texts of 2 GiB each) and ends in a MemoryError
on a fourth, so each header would have to be read and checked before it is handed on.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import minigrad.find_gpu  # noqa: F401 (read now: no file makes code run that was not read before)
from minigrad import backend, devices
from minigrad.autograd.core import wrap
from minigrad.backend import Array
from minigrad.serialization import safetensors_format
from minigrad.serialization.files import File, SerializationError, blame_file, name_of, write_whole
from minigrad.serialization.sharing import MOST_DIMS, View, bring_together, make_view
from minigrad.serialization.structure import PLAIN_BYTES, Described, describe, rebuild

if TYPE_CHECKING:
    from zipfile import ZipInfo

Location: TypeAlias = str | devices.device | dict[str, str] | Callable[[Any, str], Any] | None

FORMAT, FORMAT_WITH_VIEWS, FORMAT_WITH_NUMBERS = "minigrad 2", "minigrad 3", "minigrad 4"
STRUCTURE = "structure.json"


def save(
    obj: Any, f: File, pickle_module: Any = None, pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:  # fmt: skip
    """Writes `obj` to `f`, a path or a binary file, so that `load` gives it back.

    Takes tensors, parameters, NumPy arrays and scalars, numbers, strings, bytes, None, dtypes,
    devices, sizes, and lists, tuples, sets and dicts of them: so every `state_dict()`. Tensors
    that share memory share it again; a view alone is saved without the rest of its base. A path that
    ends in `.safetensors` is written by the safetensors library (a dict of tensors only).

    A path is written atomically: an interrupted save leaves the old file. For that a new file is written
    in the same folder and then renamed: the folder must be writable, and the new file belongs to the user
    who saves. Files left over by a killed save are removed by the next one.

    Raises `TypeError` for anything else, such as a module or a function, naming its place and what
    to save instead; `ValueError` for a container that contains itself; `SerializationError`, a
    `RuntimeError`, where the folder does not exist. As `torch.save`, without its pickle:
    `pickle_module`, `pickle_protocol` and the flags after them change nothing.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.save.html

    >>> import minigrad as torch, io
    >>> torch.save({"weight": torch.ones(2), "epoch": 3}, file := io.BytesIO())
    >>> torch.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    from zipfile import ZipFile, ZipInfo  # imported here, so that `import minigrad` is quick

    if isinstance(f, (str, os.PathLike)):
        if os.fspath(f).endswith(".safetensors"):
            safetensors_format.save_file(obj, f)
            return
    elif not hasattr(f, "write"):
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}"
        )
    try:
        structure, storages = _describe_archive(obj)
    except RecursionError:
        raise ValueError("the object contains itself, or is nested too deeply to be saved; flatten it") from None
    with write_whole(f) as file, ZipFile(file, "w") as archive:  # dated 1980: equal contents make equal files
        archive.writestr(ZipInfo(STRUCTURE), structure)
        for i, array in enumerate(storages):
            if array is not None:
                archive.writestr(ZipInfo(f"storage/{i}"), np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _describe_archive(obj: Any) -> tuple[str, list[Array | None]]:
    """The text of `structure.json`, and the storages; None for those that are views of another."""
    import json

    known = Described({}, {}, [])
    root = describe(obj, known)
    arrays = [(array, device) for (_, device), (_, array) in known.storages.items()]
    found, views = _find_shared(arrays)
    storages = [None if array is None else backend.to_device(array, devices.CPU) for array in found]
    descriptions = [
        [array.dtype.str, array.shape, device] if array is not None else None
        for array, (_, device) in zip(storages, arrays, strict=True)
    ]
    structure = {"format": FORMAT, "storages": descriptions, "root": root}
    if views:
        structure |= {"format": FORMAT_WITH_VIEWS, "views": views}
    if known.repeated:
        structure |= {"format": FORMAT_WITH_NUMBERS, "views": views}
    return json.dumps(structure), storages


def _find_shared(arrays: list[tuple[Array, str | None]]) -> tuple[list[Array | None], dict[int, View]]:
    """The storages to write, and the views among them: of tensors, not of NumPy's own arrays."""
    storages, views = bring_together([None if device is None else array for array, device in arrays])
    return [array if d is None else s for s, (array, d) in zip(storages, arrays, strict=True)], views


def load(
    f: File, map_location: Location = None, pickle_module: Any = None, *, weights_only: bool | None = True,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Reads what `save` wrote to `f`, a path or a binary file that can seek.

    Tensors go to the device they were on, or to `map_location`: a device, a dict from saved to
    wanted names, or a function of a tensor on the CPU and the name of its device. Nothing in a
    file is ever run, so `weights_only` changes nothing; nor do `mmap`, `pickle_module` and the
    arguments that PyTorch passes on to it.

    Raises `SerializationError`, a `RuntimeError`, for a file that is damaged, cut short, hostile or
    of another kind; `RuntimeError` for a GPU that is not there; `FileNotFoundError`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.load.html

    >>> import minigrad as torch, io
    >>> torch.save(torch.arange(3), file := io.BytesIO())
    >>> torch.load(file, map_location="cpu")
    tensor([0, 1, 2])
    """
    from pathlib import Path

    if isinstance(f, (str, os.PathLike)):
        if os.fspath(f).endswith(".safetensors"):
            return {name: relocate(x, map_location) for name, x in safetensors_format.load_file(f).items()}
        with Path(f).open("rb") as file:
            return load(file, map_location)
    if not (hasattr(f, "read") and hasattr(f, "seek")):
        hint = "put the bytes into an io.BytesIO"
        raise AttributeError(f"expected a path or a binary file that can seek, got {type(f).__name__}; {hint}")
    with blame_file(f):
        storages, views, root = _read(f)
    placed = [
        storage if device is None else relocate(wrap(storage), map_location, device).array
        for storage, device in storages
    ]
    with blame_file(f):
        arrays = [make_view(placed[views[i][0]], views[i]) if i in views else array for i, array in enumerate(placed)]
        return rebuild(root, arrays, {})


def _read(f: Any) -> tuple[list[tuple[Array, str | None]], dict[int, View], Any]:
    """The storages with their devices, the views, and the root of an archive. A bad archive may raise any error."""
    import json
    from zipfile import ZipFile

    if not hasattr(f, "seekable"):  # `zipfile` asks for it
        f.seek(0)
        f = io.BytesIO(f.read())
    length = f.seek(0, os.SEEK_END)
    f.seek(0)
    if f.read(1) == b"\x80":  # how every pickle starts since protocol 2
        raise SerializationError(_explain_pickle(f))
    with ZipFile(f) as archive:
        if any(name.endswith("data.pkl") for name in archive.namelist()):
            raise SerializationError(_explain_pickle(f))
        _check_members(archive.infolist(), length)
        structure = json.loads(archive.read(STRUCTURE))
        if structure["format"] not in (FORMAT, FORMAT_WITH_VIEWS, FORMAT_WITH_NUMBERS):
            raise ValueError(f"its format is {structure['format']!r}, known is {FORMAT_WITH_NUMBERS!r}")
        views = _read_views(structure)
        storages: list[tuple[Array, str | None]] = []
        for i, description in enumerate(structure["storages"]):
            if description is None and i in views:
                storages.append((np.empty(0), None))  # it is a view of another storage
                continue
            member = archive.getinfo(f"storage/{i}")
            array, device = _make_storage(i, description, member.file_size)
            memory = array.reshape(-1).view(np.uint8)
            memory[:] = np.frombuffer(archive.read(member), np.uint8)  # reads it completely, with its checksum
            storages.append((array, device))
    return storages, views, structure["root"]


def _check_members(members: list[ZipInfo], length: int) -> None:
    """Raises for an archive that could unpack to more than its `length` bytes."""
    from zipfile import ZIP_STORED

    if any(m.compress_type != ZIP_STORED or m.file_size != m.compress_size for m in members):
        raise ValueError("its parts are compressed, which save() never does")
    if sum(member.file_size for member in members) > length:
        raise ValueError("its parts claim to be larger than the file")


def _read_views(structure: Any) -> dict[int, View]:
    """The views by number: tensors that are in another one's storage."""
    if structure["format"] == FORMAT:
        return {}
    views = {int(i): (home, name, offset, *sizes) for i, (home, name, offset, *sizes) in structure["views"].items()}
    count = len(structure["storages"])
    for i, (home, *_) in views.items():
        if not 0 <= i < count or type(home) is not int or not 0 <= home < count:
            raise ValueError(f"tensor {i} is a view of storage {home!r}, of {count}")
        if structure["storages"][home] is None:
            raise ValueError(f"tensor {i} is a view of storage {home}, which is none")
    return views


def _make_storage(i: int, description: Any, size: int) -> tuple[Array, str | None]:
    """An array for the `size` bytes of a storage, and its device; sizes are checked before memory is allocated."""
    dtype_name, shape, device = description
    dtype = np.dtype(dtype_name)
    if dtype.kind not in PLAIN_BYTES or dtype.str != dtype_name or not dtype.itemsize:
        raise ValueError(f"storage {i} has the dtype {dtype_name!r}")
    # At most 64 factors of at most 63 bits, because multiplying huge integers can take minutes.
    if len(shape) > MOST_DIMS or any(type(n) is not int or not 0 <= n < 2**63 for n in shape):
        raise ValueError(f"storage {i} has another size than its description, a shape that no array has")
    if size != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"storage {i} has another size than its description")
    return np.empty(shape, dtype), None if device is None else _read_device(device)


def _read_device(device: Any) -> str:
    """The name of a storage's device. Raises `ValueError` for anything that `save` does not write."""
    if type(device) is not str or str(devices.device(device)) != device:
        raise ValueError(f"a storage lies on {device!r}, which is no device")
    return device


def relocate(tensor: Any, map_location: Location, device: str = "cpu") -> Any:
    """Moves a CPU tensor to `device`. Raises SerializationError for a GPU that does not exist."""
    wanted: Any = device
    if isinstance(map_location, (str, devices.device)):
        wanted = map_location
    elif isinstance(map_location, dict):
        wanted = map_location.get(device, device)
    elif map_location is not None:
        moved = map_location(tensor, device)
        if moved is not None:
            return moved
    wanted = devices.device(wanted)
    if wanted.type == "cuda" and not backend.is_available():
        raise SerializationError(
            "Attempting to deserialize object on a CUDA device but minigrad.cuda.is_available() is "
            f"False: {backend.why_not()} To load it on the CPU: minigrad.load(file, map_location='cpu')"
        )
    return wrap(backend.to_device(tensor.array, wanted))


def _explain_pickle(f: Any) -> str:
    """The error for a pickle file, which says how to convert its weights."""
    return (
        f"{name_of(f)} is a pickle, probably written by torch.save: loading one can run any code, so minigrad does "
        "not. Where PyTorch is installed, convert it once: safetensors.torch.save_file(torch.load(file), "
        "'weights.safetensors'), then minigrad.load('weights.safetensors')"
    )
