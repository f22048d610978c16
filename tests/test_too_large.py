"""What does not fit into memory: refused as in PyTorch, by RuntimeError, with how much would be needed."""

import itertools

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd.failed_calls import name_failed_call
from minigrad.find_gpu import OutOfMemoryError

F = torch.nn.functional
HUGE = 2**50  # more than a process can address, so that no system promises it
IMAGE, NUMBERS, MANY = torch.ones(1, 1, 2, 2), torch.ones(3), torch.arange(2**14)
TALL = torch.ones(1).expand(2**31)
pytestmark = pytest.mark.cpu("a GPU's memory has its own words, tests/test_find_gpu.py")

CALLS = {
    "zeros": (lambda: torch.zeros(HUGE), "4.00 PiB"),
    "interpolate": (lambda: F.interpolate(IMAGE, size=(HUGE, HUGE)), "4.00 PiB"),
    "pad": (lambda: F.pad(IMAGE, (HUGE, HUGE)), "16.0 PiB"),
    "one_hot": (lambda: F.one_hot(torch.tensor([HUGE])), "8.00 PiB"),
    "unfold": (lambda: F.unfold(torch.ones(1, 1, 1, 1).expand(1, 1, 2**30, 2**30), 3), "more bytes than"),
    "repeat_interleave": (lambda: torch.repeat_interleave(NUMBERS, HUGE), "24.0 PiB"),
    "repeat": (lambda: NUMBERS.repeat(HUGE), "12.0 PiB"),
    "bincount": (lambda: torch.bincount(torch.tensor([2]), minlength=2**60), "more bytes than there are addresses"),
    "combinations": (lambda: torch.combinations(MANY, 4), "85.3 PiB"),
    "embedding": (lambda: F.embedding(torch.tensor([1]).expand(HUGE), torch.ones(2, 3)), "8.00 PiB"),
    "index_select": (lambda: torch.index_select(NUMBERS, 0, torch.tensor([1]).expand(HUGE)), "[48].00 PiB"),
    "take": (lambda: NUMBERS.take(torch.tensor([1]).expand(HUGE)), "1.00 PiB"),
    "vander": (lambda: torch.vander(NUMBERS, 2**60), "more bytes than there are addresses"),
    "clone": (lambda: torch.ones(1).expand(HUGE).clone(), "4.00 PiB"),
    "stack": (lambda: torch.stack([torch.ones(1).expand(HUGE)] * 4), "16.0 PiB"),
    "add": (lambda: TALL.unsqueeze(1) + TALL, "more|16.0 EiB|overflowed"),
    "exp": (lambda: torch.ones(1).expand(HUGE).exp(), "4.00 PiB"),
    "neg": (lambda: -torch.ones(1).expand(HUGE), "4.00 PiB"),
    "gt": (lambda: torch.ones(1).expand(HUGE) > 0, "1.00 PiB"),
    "to_copy": (lambda: torch.ones(1).expand(HUGE).double(), "8.00 PiB"),
    "mm": (lambda: torch.ones(1, 1).expand(2**25, 1) @ torch.ones(1, 1).expand(1, 2**25), "4.00 PiB"),
    "max_pool2d": (lambda: F.max_pool2d(torch.ones(1, 1, 1, 1).expand(1, 1, 2**25, 2**25), 2), "2.00 PiB"),
    "outer": (lambda: torch.outer(torch.ones(2**24), torch.ones(2**24)), "1.00 PiB"),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_beyond_memory_are_refused_with_what_they_need(name):
    call, needed = CALLS[name]
    pattern = rf"({name}\(\): not enough memory: (Unable to allocate )?|Storage size calculation ){needed}"
    with pytest.raises(RuntimeError, match=pattern):
        call()


def test_other_errors_and_those_of_a_gpu_keep_their_words():
    for error in (ValueError("no such thing"), RuntimeError("lr < 0"), OutOfMemoryError("CUDA out of memory")):
        words = str(error)
        assert name_failed_call(error, "pad") is None and str(error) == words


@pytest.mark.parametrize("choose", [itertools.combinations, itertools.combinations_with_replacement])
def test_combinations_are_those_of_itertools(choose):
    for n, r in itertools.product(range(5), range(1, 6)):
        due = np.array(list(choose(range(n), r)), np.int64).reshape(-1, r)
        made = torch.combinations(torch.arange(n), r, choose is itertools.combinations_with_replacement)
        assert made.tolist() == due.tolist() and tuple(made.shape) == due.shape
