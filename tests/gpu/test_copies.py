"""Copies on a GPU: contiguous memory by memcpy, other layouts by one kernel in the requested memory order."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.gpu import copies
from tests.gpu.on_processor import run_kernels_on_processor
from tests.standin.journal import launches


@pytest.mark.parametrize("order", ["C", "K"])
def test_copy_keeps_the_strides_or_makes_rows(monkeypatch, order):
    x = np.arange(24, dtype="f").reshape(2, 3, 4).transpose(2, 0, 1)
    with run_kernels_on_processor(monkeypatch) as launched:
        got = copies.copy(x, order=order)
    np.testing.assert_array_equal(got, x)
    assert got.strides == x.copy(order=order).strides and len(launched) == 1


def test_contiguous_memory_is_copied_without_a_kernel(stand_in):
    x = torch.arange(6.0).reshape(2, 3).to("cuda")
    launches.clear()
    y = x.clone()
    assert launches == [] and torch.equal(x, y) and y.data_ptr() != x.data_ptr()
    y.zero_()
    assert x.cpu().tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert x[:, 1:].clone().cpu().tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert torch.ones(0, 3).to("cuda").clone().shape == (0, 3)
