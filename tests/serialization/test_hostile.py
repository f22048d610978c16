"""Files that are damaged, cut short or made to harm: one clear error, and nothing runs."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

import minigrad
from minigrad.serialization import SerializationError, load, save

VALUE = {"w": minigrad.arange(6.0).reshape(2, 3), "names": ["a", (1, 2.5)], "big": 2**80}


def archive_of(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def file_of(objects=(), root=None, storages=(), data=()):
    """A file with this structure; `data` are the members of its storages."""
    structure = {"format": "minigrad 1", "storages": storages, "objects": objects, "root": root}
    members = {"structure.json": json.dumps(structure)}
    return archive_of(members | {f"storage/{i}": d for i, d in enumerate(data)})


FLOATS = ["<f4", 4, "cpu"]
SIXTEEN = np.arange(4, dtype="<f4").tobytes()


def test_the_maker_of_these_files_can_make_a_good_one():
    file = file_of([["Tensor", False, 0, 0, [2, 2], [2, 1]]], [0], [FLOATS], [SIXTEEN])
    assert load(file).tolist() == [[0, 1], [2, 3]]


def assert_refused(file, text=""):
    with pytest.raises(SerializationError, match=f"cannot be loaded: it is damaged.*{text}"):
        load(file)


def test_every_way_to_cut_a_file_short():
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
    assert refused > 0.8 * len(data)


def test_random_bytes():
    generator = np.random.default_rng(0)
    for size in (0, 1, 22, 1000):
        assert_refused(io.BytesIO(b"P" + generator.bytes(size)))
    assert_refused(io.BytesIO())


class Trap:
    sprung = False

    def __reduce__(self):
        return spring, ()


def spring():
    Trap.sprung = True


def test_a_pickle_is_not_run():
    for data in (pickle.dumps(Trap()), pickle.dumps([1], 2)):
        with pytest.raises(SerializationError, match=r"is a pickle.*safetensors\.torch\.save_file"):
            load(io.BytesIO(data))
    inside = archive_of({"archive/data.pkl": pickle.dumps(Trap())})
    with pytest.raises(SerializationError, match=r"is a pickle.*safetensors\.torch\.save_file"):
        load(inside)
    assert_refused(io.BytesIO(pickle.dumps(Trap(), 0)))
    assert not Trap.sprung


def test_the_error_names_the_file(tmp_path):
    path = tmp_path / "broken"
    path.write_bytes(b"no archive")
    with pytest.raises(SerializationError, match=r"broken' cannot be loaded.*BadZipFile"):
        load(path)


def test_a_bomb_is_refused_before_it_unpacks():
    bomb = archive_of({"structure.json": b" " * 10_000_000}, zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 20_000
    assert_refused(bomb, "compressed")
    # A directory that claims a stored member of 3 GB in a file of a few hundred bytes.
    small = bytearray(file_of([], None, [FLOATS], [SIXTEEN]).getvalue())
    entry = small.index(b"PK\x01\x02", small.index(b"PK\x01\x02") + 1)
    small[entry + 20 : entry + 28] = struct.pack("<II", 3_000_000_000, 3_000_000_000)
    assert_refused(io.BytesIO(bytes(small)), "larger than the file")


def test_members_that_overlap_do_not_multiply():
    """Many directory entries for the same bytes: their sizes together exceed the file's."""
    data = file_of([], None, [["|u1", 4000, "cpu"]] * 50, [bytes(4000)]).getvalue()
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


TENSOR = ["Tensor", False, 0, 0, [4], [1]]


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([["Tensor", False, 0, 0, [5], [1]]], "beyond its storage"),
        ([["Tensor", False, 0, 3, [2], [1]]], "beyond its storage"),
        ([["Tensor", False, 0, 5, [0], [1]]], "beyond its storage"),
        ([["Tensor", False, 0, 0, [2**40, 2], [1, 1]]], "beyond its storage"),
        ([["Tensor", False, 0, 0, [2**61, 2**61], [0, 0]]], ""),
        ([["Tensor", False, 0, -1, [1], [1]]], "not negative"),
        ([["Tensor", False, 0, 0, [-1], [1]]], "not negative"),
        ([["Tensor", False, 0, 0, [2], [-1]]], "not negative"),
        ([["Tensor", False, 0, 0, [2.0], [1]]], "whole numbers"),
        ([["Tensor", False, 0, 0, [True], [1]]], "whole numbers"),
        ([["Tensor", False, 0, 0, [1, 1], [1]]], "2 axes with 1 strides"),
        ([["Tensor", False, 0, 0, [1] * 100, [1] * 100]], ""),
        ([["Tensor", False, 1, 0, [1], [1]]], "IndexError"),
        ([["Tensor", False, -1, 0, [1], [1]]], "no such storage"),
        ([["Tensor", False, "0", 0, [1], [1]]], ""),
        ([["Tensor", False]], ""),
        ([["Tensor", 0, False, 0, 0, [1], [1]]], ""),
        ([["Module", 1]], "KeyError"),
        ([["__import__", "os"]], "KeyError"),
        ([[["list"], 1]], ""),
        ([[]], ""),
        (["list"], "KeyError"),
        ([["list", [0]]], "IndexError"),
        ([["list", [1]], ["list"]], "IndexError"),
        ([["list"], ["list", [-1]]], "no reference"),
        ([["list"], ["list", [0, 0]]], ""),
        ([["list"], ["list", ["0"]]], "no reference"),
        ([["list", {"a": 1}]], "JSON object"),
        ([["list"], ["dict", [[0], 1]]], "key"),
        ([["tuple"], ["tuple", [0]], ["dict", [[1], 1]]], "key"),
        ([["list"], ["set", [0]]], "key"),
        ([["dict", [1]]], ""),
        ([["Size", 1.5]], "TypeError"),
        ([["int", "0xg"]], "ValueError"),
        ([["int", 5]], "TypeError"),
        ([["float", "one"]], "ValueError"),
        ([["dtype", "object"]], "TypeError"),
        ([["dtype", "f4,f4"]], ""),
        ([["device", "mars"]], "RuntimeError"),
        ([["UninitializedParameter", True, "O"]], ""),
        (7, ""),
        ({"a": 1}, ""),
    ],
    ids=str,
)
def test_a_structure_that_save_would_not_write(objects, text):
    assert_refused(file_of(objects, [0], [FLOATS], [SIXTEEN]), text)


@pytest.mark.parametrize(
    ("storages", "data", "text"),
    [
        ([["<f4", 5, "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", 10**12, "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", -4, "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", 4.0, "cpu"]], [SIXTEEN], "another size"),
        ([["<f4", True, "cpu"]], [b"\0\0\0\0"], "another size"),
        ([["O", 2, "cpu"]], [SIXTEEN], "has the dtype 'O'"),
        ([["|O", 2, "cpu"]], [SIXTEEN], r"has the dtype '\|O'"),
        ([["f4,O", 1, "cpu"]], [SIXTEEN], "has the dtype"),
        ([["float32", 4, "cpu"]], [SIXTEEN], "has the dtype"),
        ([["|V16", 1, "cpu"]], [SIXTEEN], "has the dtype"),
        ([["<U0", 1, "cpu"]], [b""], "has the dtype"),
        ([["no type", 1, "cpu"]], [SIXTEEN], ""),
        ([FLOATS, FLOATS], [SIXTEEN], "KeyError"),
        ([FLOATS[:2]], [SIXTEEN], ""),
        (5, [SIXTEEN], ""),
    ],
    ids=str,
)
def test_storages_that_save_would_not_write(storages, data, text):
    assert_refused(file_of([], None, storages, data), text)


def test_types_that_no_tensor_holds():
    for dtype in ("<c8", "<U4", "<u4", "<M8[s]"):
        count = 16 // np.dtype(dtype).itemsize
        file = file_of([["Tensor", False, 0, 0, [1], [1]]], [0], [[dtype, count, "cpu"]], [SIXTEEN])
        assert_refused(file)
    file = file_of([["Tensor", True, 0, 0, [1], [1]]], [0], [["<i4", 4, "cpu"]], [SIXTEEN])
    assert_refused(file)


@pytest.mark.parametrize(
    "structure",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b'{"format": "pickle"}'],
    ids=lambda s: repr(s[:10]),
)
def test_structures_that_are_none(structure):
    assert_refused(archive_of({"structure.json": structure}))
    assert_refused(archive_of({"other": structure}), "structure.json")


def test_names_of_paths_are_not_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = {"../escape": b"x", "/tmp/absolute": b"x", "storage/../../up": b"x"}
    structure = {"format": "minigrad 1", "storages": [], "objects": [], "root": 1}
    assert load(archive_of({"structure.json": json.dumps(structure), **members})) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_deep_structure_is_read_without_recursion():
    depth = 50_000
    rows = [["list"], *(["list", [i]] for i in range(depth))]
    value = load(file_of(rows, [depth]))
    for _ in range(depth):
        (value,) = value
    assert value == []


def test_a_structure_that_doubles_stays_small():
    """Each list holds the one before twice: 2^60 elements to walk, 61 to build."""
    rows = [["list"], *(["list", [i], [i]] for i in range(60))]
    value = load(file_of(rows, [60]))
    assert value[0] is value[1]


def test_expanded_tensors_take_no_memory():
    tensor = load(file_of([["Tensor", False, 0, 0, [10**6, 10**6], [0, 0]]], [0], [FLOATS], [SIXTEEN]))
    assert tensor.shape == (10**6, 10**6)
