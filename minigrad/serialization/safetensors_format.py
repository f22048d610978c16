"""`.safetensors` files, through the safetensors library, for exchanging weights with PyTorch and others."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes
from minigrad.autograd.core import wrap
from minigrad.serialization.files import SerializationError, blame_file, write_whole
from minigrad.tensor import Tensor


def save_file(
    tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Writes a dict of tensors, and texts about them, in the safetensors format.

    Tensors that share memory are written separately. Raises `TypeError` unless it is a dict from
    strings to tensors, `ImportError` if the safetensors library is missing.
    Source: https://huggingface.co/docs/safetensors/api/numpy

    >>> import minigrad as torch
    >>> torch.serialization.save_file({"weight": torch.ones(2)}, "net.safetensors", {"made by": "me"})
    >>> torch.load("net.safetensors")
    {'weight': tensor([1., 1.])}
    """
    library = _import_library()
    if not isinstance(tensors, dict):
        raise TypeError(
            f"a .safetensors file holds a dict of tensors, got {type(tensors).__name__}: save "
            "{'name': tensor} or a state_dict(), or choose another file name for other data"
        )
    arrays = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise TypeError(
                f"a .safetensors file holds tensors under names, got {name!r}: "
                f"{type(tensor).__name__}; choose another file name for other data"
            )
        arrays[name] = np.asarray(backend.to_device(tensor.array, devices.CPU), order="C")
    data = library.save(arrays, metadata)
    with write_whole(filename) as file:
        file.write(data)


def load_file(filename: str | os.PathLike[str], device: str | devices.device = "cpu") -> dict[str, Tensor]:
    """Reads a `.safetensors` file, written by any library, as a dict of tensors on `device`.

    Numbers of type bfloat16, which no tensor has here, are read as float32; none changes by that. Raises
    `SerializationError` for a damaged file and for other types that NumPy does not have, `ImportError` where the
    safetensors library is missing.
    Source: https://huggingface.co/docs/safetensors/api/numpy

    >>> import minigrad as torch
    >>> torch.serialization.save_file({"weight": torch.ones(2)}, "net.safetensors")
    >>> torch.serialization.load_file("net.safetensors")
    {'weight': tensor([1., 1.])}
    """
    from pathlib import Path

    library = _import_library()
    with Path(filename).open("rb") as file, blame_file(file):
        try:
            arrays = _read_arrays(library, file.read())
        except KeyError as dtype:
            raise SerializationError(f"{filename} holds numbers of type {dtype}, which NumPy does not have") from dtype
        for array in arrays.values():
            dtypes.from_numpy(array.dtype)  # raises for a dtype that no tensor can have
    place = devices.device(device)
    # Copies, because the library's arrays are read-only views of the file's bytes.
    return {name: wrap(backend.to_device(array.copy(), place)) for name, array in arrays.items()}


def _read_arrays(library: Any, data: bytes) -> dict[str, Any]:
    """The arrays of a file. NumPy has no bfloat16: each is the upper half of a float32, whose lower half is 0.

    Raises KeyError for other types that NumPy does not have.
    """
    try:
        return library.load(data)
    except KeyError as dtype:
        if dtype.args != ("BF16",):
            raise
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    upper_halves = [name for name, part in header.items() if part.get("dtype") == "BF16"]
    for name in upper_halves:
        header[name]["dtype"] = "U16"
    text = json.dumps(header).encode()
    arrays = library.load(len(text).to_bytes(8, "little") + text + data[end:])
    for name in upper_halves:
        arrays[name] = np.asarray(arrays[name].astype(np.uint32) << 16).view(np.float32)
    return arrays


def _import_library() -> Any:
    """The module `safetensors.numpy`."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("a .safetensors file needs the safetensors library: pip install safetensors") from error
    return safetensors.numpy
