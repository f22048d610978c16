"""Sums and means over axes: the source of the kernels against NumPy."""

import numpy as np
import pytest

from minigrad.gpu import sums
from minigrad.gpu.launch import or_else

REDUCTIONS = {  # shape, axes, launches
    "all": ((3, 4), None, 1),
    "the first axis": ((70, 5), (0,), 2),
    "the last axis": ((3, 300), (1,), 1),
    "all but channels": ((4, 3, 5, 6), (0, 2, 3), 1),
    "two in front": ((2, 3, 40), (0, 1), 1),
    "axes of length 1": ((1, 6, 1), (0, 2), 1),
}


def reduce(x, *, dim, keepdim):
    return x.sum(axis=dim, keepdims=keepdim)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("shape", "dim", "count"), REDUCTIONS.values(), ids=REDUCTIONS)
def test_sums_and_means_are_numpys(launched, shape, dim, count, keepdim):
    x = np.random.default_rng(0).standard_normal(shape).astype("f")
    total = or_else(sums.add_up, reduce)(x, dim=dim, keepdim=keepdim)
    np.testing.assert_allclose(total, x.sum(axis=dim, keepdims=keepdim), rtol=1e-5, atol=1e-6)
    assert total.shape == x.sum(axis=dim, keepdims=keepdim).shape and total.dtype == x.dtype
    assert len(launched) == count
    mean = sums.add_up(x, dim=dim, keepdim=keepdim, mean=True)
    np.testing.assert_allclose(mean, x.mean(axis=dim, keepdims=keepdim), rtol=1e-5, atol=1e-6)


def test_halves_are_summed_in_float32(launched):
    x = np.ones((4096, 2), "e")
    assert or_else(sums.add_up, reduce)(x, dim=(0,), keepdim=False).tolist() == [4096, 4096]


@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 4, 5), (1,)), ((0, 3), (0,)), ((5000, 3), (1,)), ((70000,), None)], ids=str
)
def test_other_operands_are_left_to_numpy(launched, shape, dim):
    x = np.ones(shape, "f")
    np.testing.assert_array_equal(or_else(sums.add_up, reduce)(x, dim=dim, keepdim=False), x.sum(dim))
    assert or_else(sums.add_up, reduce)(np.ones((2, 3), int), dim=(0,), keepdim=False).tolist() == [2, 2, 2]
    assert launched == []


def test_sum_rows_is_numpys_sum_over_axis_0(launched):
    g = np.random.default_rng(0).standard_normal((33, 5)).astype("f")
    np.testing.assert_allclose(sums.sum_rows(g), g.sum(0), rtol=1e-5)
    assert sums.sum_rows(g.T) is None  # None: the engine sums it
