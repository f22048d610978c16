"""Page-locked memory: tensors and batches in it, on the stand-in; and the error without a GPU."""

from typing import NamedTuple

import numpy as np
import pytest

import minigrad as torch
from minigrad import backend
from minigrad.utils.data import DataLoader
from tests import standin


@pytest.fixture
def _gpu():
    with backend.use_library(standin.cupy):
        yield


class Sample(NamedTuple):
    x: torch.Tensor
    name: str


class Pair(tuple):
    __slots__ = ()


class Packed:
    def __init__(self, x):
        self.x = x

    def pin_memory(self):
        self.x = self.x.pin_memory()
        return self


@pytest.mark.cpu("what lies on the CPU is pinned")
@pytest.mark.usefixtures("_gpu")
def test_a_pinned_tensor_is_a_copy_with_the_same_values():
    x = torch.arange(6.0).reshape(2, 3).t()
    pinned = x.pin_memory()
    assert pinned.is_pinned() and pinned[1:].is_pinned() and pinned.pin_memory() is pinned and not x.is_pinned()
    assert torch.equal(pinned, x) and not np.shares_memory(pinned.numpy(), x.numpy())
    assert not (pinned + 1).is_pinned() and torch.zeros(0, 3).pin_memory().shape == (0, 3)
    assert torch.equal(pinned.cuda().cpu(), x)
    with pytest.raises(RuntimeError, match="cannot pin a tensor on cuda:0: only those on the CPU can be pinned"):
        x.cuda().pin_memory()


COLLATES = {
    "tensors": (None, lambda batch: [batch]),
    "dict": (lambda rows: {"x": torch.stack(rows), "n": 1}, lambda batch: [batch["x"]]),
    "named": (lambda rows: Sample(torch.stack(rows), "name"), lambda batch: [batch.x]),
    "tuple": (lambda rows: (rows[0], [rows[1], "b"]), lambda batch: [batch[0], batch[1][0]]),
    "pair": (lambda rows: Pair([rows[0], rows[1]]), lambda batch: [*batch]),
    "own": (lambda rows: Packed(torch.stack(rows)), lambda batch: [batch.x]),
}


@pytest.mark.cpu("what lies on the CPU is pinned")
@pytest.mark.usefixtures("_gpu")
@pytest.mark.parametrize("kind", COLLATES)
def test_batches_are_pinned(kind):
    collate, tensors = COLLATES[kind]
    plain, pinned = (
        list(DataLoader(torch.arange(4.0), 2, collate_fn=collate, pin_memory=pin)) for pin in (False, True)
    )
    for before, after in zip(plain, pinned, strict=True):
        assert type(after) is type(before)
        for x, y in zip(tensors(before), tensors(after), strict=True):
            assert y.is_pinned() and torch.equal(x, y)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("no_gpu")
def test_pin_memory_without_a_gpu_is_reported(workers):
    loader = DataLoader(torch.arange(4.0), 2, pin_memory=True, num_workers=workers)
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        batches = list(loader)
    assert [batch.tolist() for batch in batches] == [[0.0, 1.0], [2.0, 3.0]] and not batches[0].is_pinned()
    with pytest.raises(RuntimeError, match="'cuda' was asked for"):
        torch.ones(1).pin_memory()
