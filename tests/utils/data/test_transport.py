"""Batches on their way from a worker: the same after packing and unpacking, and no shared memory is left."""

import os
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

import minigrad as torch
from minigrad.utils.data.transport import SHARED_FROM, discard, pack, unpack

LARGE = SHARED_FROM // 8 + 3


def name():
    return f"minigrad_test_{os.getpid()}_{os.urandom(4).hex()}"


@pytest.mark.parametrize("size", [0, 5, LARGE])
def test_a_value_is_the_same_after_unpacking_and_can_be_written_to(size):
    value = {"x": torch.arange(size).double(), "y": [np.arange(size)[::-1], "text", None], "z": (torch.ones(2, 0), 3)}
    segment = name()
    found = unpack(pack(value, segment), segment)
    assert found["x"].tolist() == list(range(size)) and found["y"][0].tolist() == list(range(size))[::-1]
    assert found["y"][1:] == ["text", None] and found["z"][0].shape == (2, 0) and found["z"][1] == 3
    found["x"] += 1
    assert value["x"].tolist() == list(range(size))  # memory of its own


@pytest.mark.skipif(os.name != "posix", reason="elsewhere all goes through the pipe")
def test_a_large_value_is_in_shared_memory_until_it_is_unpacked_or_discarded():
    value = np.arange(float(LARGE))
    for read in (unpack, lambda parcel, segment: discard(segment)):
        segment = name()
        parcel = pack(value, segment)
        assert parcel.memory is None and parcel.sizes == [value.nbytes]
        SharedMemory(segment).close()  # it is there
        read(parcel, segment)
        with pytest.raises(FileNotFoundError):
            SharedMemory(segment)
    discard(segment)  # what is gone may be discarded again


def test_a_small_value_takes_no_shared_memory():
    segment = name()
    assert pack(np.arange(3), segment).memory is not None
    discard(segment)


def test_what_cannot_be_packed_says_what_can():
    with pytest.raises(Exception, match="pickle") as caught:
        pack(lambda: 0, name())
    assert "Return tensors, arrays, numbers, strings" in caught.value.__notes__[0]
