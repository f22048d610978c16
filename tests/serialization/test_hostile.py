"""Damaged, truncated or hostile files: one clear error, and no code runs."""

import io
import json
import pickle
import struct
import sys
import time
import zipfile

import numpy as np
import pytest

import minigrad
from minigrad.serialization import SerializationError, load, save
from minigrad.serialization.archive import FORMAT

VALUE = {"w": minigrad.arange(6.0).reshape(2, 3), "names": ["a", (1, 2.5)], "big": 2**80}


def make_archive(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def make_file(root=None, storages=(), data=()):
    """A file with this structure; `data` are the members of its storages."""
    members = {"structure.json": json.dumps({"format": FORMAT, "storages": storages, "root": root})}
    return make_archive(members | {f"storage/{i}": d for i, d in enumerate(data)})


FLOATS = ["<f4", [4], "cpu"]
SIXTEEN = np.arange(4, dtype="<f4").tobytes()


def test_make_file_can_make_a_valid_file():
    file = make_file(["Tensor", 0, False], [["<f4", [2, 2], "cpu"]], [SIXTEEN])
    assert load(file).tolist() == [[0, 1], [2, 3]]


def assert_refused(file, text=""):
    with pytest.raises(SerializationError, match=f"cannot be loaded: it is damaged.*{text}"):
        load(file)


def test_a_truncated_file_is_refused_wherever_it_ends():
    whole = io.BytesIO()
    save(VALUE, whole)
    data = whole.getvalue()
    for length in range(len(data)):
        assert_refused(io.BytesIO(data[:length]))


def test_every_flipped_byte_is_refused_or_harmless():
    whole = io.BytesIO()
    save(VALUE, whole)
    data = bytearray(whole.getvalue())
    refused = 0
    for position in range(len(data)):
        data[position] ^= 0x55
        try:
            loaded = load(io.BytesIO(bytes(data)))
        except SerializationError:
            refused += 1
        else:  # a byte that says nothing of the contents, such as a date
            assert loaded["w"].tolist() == VALUE["w"].tolist()
            assert loaded["names"] == VALUE["names"]
        data[position] ^= 0x55
    assert refused > 0.75 * len(data)


def test_random_bytes_are_refused():
    generator = np.random.default_rng(0)
    for size in (0, 1, 22, 1000):
        assert_refused(io.BytesIO(b"P" + generator.bytes(size)))
    assert_refused(io.BytesIO())


class Payload:
    ran = False

    def __reduce__(self):
        return run_payload, ()


def run_payload():
    Payload.ran = True


def test_a_pickle_is_not_run():
    for data in (pickle.dumps(Payload()), pickle.dumps([1], 2)):
        with pytest.raises(SerializationError, match=r"is a pickle.*safetensors\.torch\.save_file"):
            load(io.BytesIO(data))
    inside = make_archive({"archive/data.pkl": pickle.dumps(Payload())})
    with pytest.raises(SerializationError, match=r"is a pickle.*safetensors\.torch\.save_file"):
        load(inside)
    assert_refused(io.BytesIO(pickle.dumps(Payload(), 0)))
    assert not Payload.ran


def test_the_error_names_the_file(tmp_path):
    path = tmp_path / "broken"
    path.write_bytes(b"no archive")
    with pytest.raises(SerializationError, match=r"broken' cannot be loaded.*BadZipFile"):
        load(path)


def test_a_bomb_is_refused_before_it_unpacks():
    bomb = make_archive({"structure.json": b" " * 10_000_000}, zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 20_000
    assert_refused(bomb, "compressed")
    # A directory that claims a stored member of 3 GB in a file of a few hundred bytes.
    small = bytearray(make_file(None, [FLOATS], [SIXTEEN]).getvalue())
    entry = small.index(b"PK\x01\x02", small.index(b"PK\x01\x02") + 1)
    small[entry + 20 : entry + 28] = struct.pack("<II", 3_000_000_000, 3_000_000_000)
    assert_refused(io.BytesIO(bytes(small)), "larger than the file")


def test_members_that_overlap_do_not_multiply():
    """Many directory entries for the same bytes: their sizes together exceed the file's."""
    data = make_file(None, [["|u1", [4000], "cpu"]] * 50, [bytes(4000)]).getvalue()
    end = data.index(b"PK\x05\x06")
    first = data.index(b"PK\x01\x02")
    storage = data.index(b"PK\x01\x02", first + 1)
    entry = data[storage:end]
    entries = data[first:storage] + entry
    for i in range(1, 50):
        name = f"storage/{i}".encode()
        copied = bytearray(entry[:46]) + name
        copied[28:30] = struct.pack("<H", len(name))
        entries += bytes(copied)
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<HH", 51, 51)
    tail[12:16] = struct.pack("<I", len(entries))
    assert_refused(io.BytesIO(data[:first] + entries + bytes(tail)))


@pytest.mark.parametrize(
    ("root", "text"),
    [
        (["Tensor", 1, False], "IndexError"),
        (["Tensor", "0", False], ""),
        (["Tensor", None, False], ""),
        (["Tensor"], ""),
        (["Tensor", 0], ""),
        (["Tensor", 0, False, 1, 2], ""),
        (["Tensor", 0, False, "1"], "a tensor is described by"),
        (["Tensor", 0, False, [1]], ""),
        (["Tensor", [0], False], ""),
        (["Module", 1], "KeyError"),
        (["__import__", "os"], "KeyError"),
        ([["list"], 1], ""),
        ([], ""),
        ({"a": 1}, ""),
        (["list", {"a": 1}], ""),
        (["dict", [["list"], 1]], "unhashable"),
        (["dict", [["tuple", ["list"]], 1]], "unhashable"),
        (["set", ["list"]], "unhashable"),
        (["dict", [1]], ""),
        (["dict", 1], ""),
        (["dict", "ab"], ""),
        (["Size", 1.5], "TypeError"),
        (["bytes", "0xg"], "ValueError"),
        (["bytes", 5], "TypeError"),
        (["bytes"], "ValueError"),
        (["dtype", "object"], "TypeError"),
        (["dtype", "f4,f4"], ""),
        (["device", "mars"], "RuntimeError"),
        (["UninitializedParameter", True, "O"], ""),
        (["UninitializedParameter"], ""),
    ],
    ids=str,
)
def test_load_refuses_structures_that_save_would_not_write(root, text):
    if root == ["dict", "ab"]:  # a pair in disguise, and harmless
        assert load(make_file(root)) == {"a": "b"}
    else:
        assert_refused(make_file(root, [FLOATS], [SIXTEEN]), text)


@pytest.mark.parametrize(
    ("storages", "data", "text"),
    [
        ([["<f4", [5], "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", [10**12], "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", [-4], "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", [-2, -2], "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", [4.0], "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", [True], "cpu"]], [b"\0\0\0\0"], "another size"),
        ([["<f4", [0, 2**62, 2**62], "cpu"]], [b""], ""),
        ([["<f4", [1] * 100, "cpu"]], [SIXTEEN[:4]], ""),
        ([["<f4", 4, "cpu"]], [SIXTEEN], ""),
        ([["O", [2], "cpu"]], [SIXTEEN], "has the dtype 'O'"),
        ([["|O", [2], "cpu"]], [SIXTEEN], r"has the dtype '\|O'"),
        ([["f4,O", [1], "cpu"]], [SIXTEEN], "has the dtype"),
        ([["float32", [4], "cpu"]], [SIXTEEN], "has the dtype"),
        ([["|V16", [1], "cpu"]], [SIXTEEN], "has the dtype"),
        ([["<U0", [1], "cpu"]], [b""], "has the dtype"),
        ([["no type", [1], "cpu"]], [SIXTEEN], ""),
        ([FLOATS, FLOATS], [SIXTEEN], "KeyError"),
        ([FLOATS[:2]], [SIXTEEN], ""),
        (5, [SIXTEEN], ""),
    ],
    ids=str,
)
def test_load_refuses_storages_that_save_would_not_write(storages, data, text):
    assert_refused(make_file(None, storages, data), text)


def test_unsupported_dtypes_are_refused():
    for dtype in ("<c8", "<U4", "<u4", "<M8[s]"):
        count = 16 // np.dtype(dtype).itemsize
        assert_refused(make_file(["Tensor", 0, False], [[dtype, [count], None]], [SIXTEEN]))
    assert_refused(make_file(["Tensor", 0, True], [["<i4", [4], "cpu"]], [SIXTEEN]))


@pytest.mark.parametrize(
    "device",
    ["gpu", "", "cuda:" + "9" * 5000, "cuda:-1", "2147483648", 3, ["cpu"], {"cpu": 1}, True, "CPU", "cuda "],
    ids=str,
)
def test_invalid_device_names_are_refused(device):
    assert_refused(make_file(["Tensor", 0, False], [["<f4", [4], device]], [SIXTEEN]))


def time_refusal(file):
    start = time.process_time()
    assert_refused(file)
    return time.process_time() - start


def test_a_small_file_is_refused_in_a_short_time():
    long = [10**4000 - 1] * 1000
    assert time_refusal(make_file(["Tensor", 0, False], [["<f4", long, "cpu"]], [b""])) < 2
    keys = [i * sys.hash_info.modulus for i in range(20_000)]  # all have the hash 0
    for root in (
        ["set", *keys],
        ["dict", *[[key, 0] for key in keys]],
        ["Counter", *[[["tuple", key], 0] for key in keys]],
        ["OrderedDict", *[[float(key), 0] for key in keys[:101]], *[[key, 0] for key in keys]],
    ):
        assert time_refusal(make_file(root)) < 2


def test_ordinary_keys_are_accepted():
    value = {i: {-i, float(i), str(i)} for i in range(2000)}
    whole = io.BytesIO()
    save(value, whole)
    assert load(whole) == value


@pytest.mark.parametrize(
    "structure",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b'{"format": "pickle"}'],
    ids=lambda s: repr(s[:10]),
)
def test_invalid_structures_are_refused(structure):
    assert_refused(make_archive({"structure.json": structure}))
    assert_refused(make_archive({"other": structure}), "structure.json")


def test_paths_in_a_file_are_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = {"../escape": b"x", "/tmp/absolute": b"x", "storage/../../up": b"x"}
    structure = {"format": FORMAT, "storages": [], "root": 1}
    assert load(make_archive({"structure.json": json.dumps(structure), **members})) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_deep_structure_is_refused():
    root = []
    for _ in range(900):
        root = ["list", root]
    assert_refused(make_file(root))
    text = '["list",' * 100_000 + "1" + "]" * 100_000
    file = make_archive({"structure.json": f'{{"format": "{FORMAT}", "storages": [], "root": {text}}}'})
    assert_refused(file, "RecursionError")
