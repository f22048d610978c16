"""Helpers for tests of tensors on any device: on the CPU or, with `--device`, on a GPU."""

import re

import numpy as np

from minigrad.backend import quiet


def share_memory(a, b):
    """Whether two tensors have elements in common: of themselves, for `.numpy()` copies what lies on a GPU."""
    return quiet(np.shares_memory, a.array, b.array)


def without_device(text):
    """What is printed, as it is of tensors on the CPU."""
    text = re.sub(r",\s+device='cuda:\d'", "", text)
    return re.sub(r" \(cuda:\d\)", "", text).replace("cuda.FloatTensor", "FloatTensor")
