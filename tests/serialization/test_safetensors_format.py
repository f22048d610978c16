"""Weights in the safetensors format: also read and written by the safetensors library."""

import json
import math
import struct
import sys

import numpy as np
import pytest
import safetensors.numpy

import minigrad
from minigrad import nn
from minigrad.serialization import SerializationError, load, load_file, save, save_file


def test_weights_are_saved_and_loaded_with_dtype_and_shape(tmp_path, device):
    path = tmp_path / "weights.safetensors"
    state = {
        "w": minigrad.arange(6.0, device=device).reshape(2, 3).T,
        "n": minigrad.tensor(5, device=device),
        "b": minigrad.tensor([True, False], device=device),
        "p": nn.Parameter(minigrad.ones(2, dtype=minigrad.float64, device=device)),
        "e": minigrad.zeros(0, 2, device=device),
        "h": minigrad.ones(1, dtype=minigrad.float16, device=device),
    }
    save(state, path)
    others = safetensors.numpy.load_file(path)
    assert others.keys() == state.keys()
    assert others["w"].tolist() == [[0, 3], [1, 4], [2, 5]]
    for loaded in (load(path), load_file(path), load(path, map_location="cpu")):
        for name, tensor in state.items():
            assert loaded[name].tolist() == tensor.tolist()
            assert loaded[name].dtype == tensor.dtype
            assert loaded[name].shape == tensor.shape
    assert load_file(path, device)["w"].device == state["w"].device
    load(path)["w"].fill_(1.0)  # what was read may be written to


def test_a_state_dict_is_saved_and_loaded(tmp_path):
    path = tmp_path / "net.safetensors"
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    save(net.state_dict(), str(path))
    other.load_state_dict(load(str(path)))
    assert other.weight.tolist() == net.weight.tolist()


def test_save_file_writes_metadata(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"w": minigrad.ones(1)}, path, {"format": "pt"})
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert header["__metadata__"] == {"format": "pt"}


def test_other_data_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(TypeError, match=r"holds a dict of tensors, got Tensor.*another file name"):
        save(minigrad.ones(1), path)
    with pytest.raises(TypeError, match=r"tensors under names, got 'epoch': int"):
        save({"epoch": 3}, path)
    with pytest.raises(TypeError, match="tensors under names, got 3: Tensor"):
        save({3: minigrad.ones(1)}, path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save({"w": minigrad.ones(4)}, path)
    data = path.read_bytes()
    for length in (0, 4, 20, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(SerializationError, match=r"x\.safetensors' cannot be loaded"):
            load(path)
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(SerializationError, match="cannot be loaded"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.safetensors")


def test_unsupported_dtypes_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"w": np.ones(2, np.uint32)}, path)
    with pytest.raises(SerializationError, match="uint32"):
        load(path)
    for kinds in (["F8_E5M2"], ["BF16", "F8_E5M2"]):
        write_parts(path, {f"w{i}": (kind, [0], b"") for i, kind in enumerate(kinds)})
        with pytest.raises(SerializationError, match="numbers of type 'F8_E5M2', which NumPy does not have"):
            load(path)


def write_parts(path, parts):
    """A file of parts (dtype, shape, bytes), as its format describes it."""
    header, data = {"__metadata__": {"made by": "hand"}}, b""
    for name, (dtype, shape, part) in parts.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_bfloat16_is_read_as_float32_bit_for_bit(tmp_path):
    path = tmp_path / "x.safetensors"
    bits = struct.pack("<6H", 0x3F80, 0xC020, 0x4049, 0x7F80, 0x8000, 0x0001)
    parts = {"w": ("BF16", [2, 3], bits), "n": ("I64", [1], struct.pack("<q", 7)), "b": ("BF16", [], bits[:2])}
    write_parts(path, parts)
    loaded = load(path)
    assert {name: x.dtype.name for name, x in loaded.items()} == {"w": "float32", "n": "int64", "b": "float32"}
    assert loaded["w"].tolist() == [[1.0, -2.5, 3.140625], [math.inf, 0.0, 2.0**-133]]
    assert loaded["w"][1, 1].signbit() and loaded["n"].tolist() == [7] and loaded["b"].item() == 1.0
    loaded["w"].add_(1)  # memory of its own


def test_the_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install safetensors"):
        save({}, tmp_path / "x.safetensors")
    with pytest.raises(ImportError, match=r"pip install safetensors"):
        load(tmp_path / "x.safetensors")
