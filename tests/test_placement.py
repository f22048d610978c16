"""Indices on the device of an array have the type that NumPy, or a user, expects."""

import numpy as np

import minigrad as torch
from minigrad import placement


def test_indices_are_int64_for_users_and_intp_for_numpy():
    narrow = np.array([1, 2], np.int32)  # what NumPy finds where pointers have 32 bits
    assert placement.as_int64(narrow).dtype == np.int64 and placement.as_index(narrow).dtype == np.intp
    wide = np.array([1, 2])
    assert placement.as_int64(wide.astype(np.int64, copy=False)).dtype == np.int64
    x = torch.ones(3)
    found = [x.argmax(), x.sort().indices, x.nonzero(), torch.tensor([1, 2]), torch.arange(3), torch.randperm(3)]
    assert {y.dtype for y in found} == {torch.int64}
