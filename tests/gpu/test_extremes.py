"""`argmax` and `argmin`: the source of the kernels against NumPy."""

import numpy as np
import pytest

from minigrad.backend import KERNELS
from minigrad.gpu import extremes
from minigrad.gpu.launch import or_else
from minigrad.ops.order import find_extreme

SHAPES = {  # shape, axis: how its rows are held
    "a few": ((5, 10), 1), "one": ((3, 1), 1), "a warp": ((6, 131), 1), "a block": ((2, 1100), 1),
    "three axes": ((2, 3, 7), 2), "columns": ((2, 5, 6), 1), "from the first axis": ((3, 4), 0), "a vector": ((9,), 0),
    "all": ((3, 5), None),
}  # fmt: skip


@pytest.mark.parametrize("find", [np.argmax, np.argmin])
@pytest.mark.parametrize(("shape", "d"), SHAPES.values(), ids=SHAPES)
def test_argmax_and_argmin_find_the_first_of_equals(launched, find, shape, d):
    x = np.random.default_rng(0).integers(-3, 4, shape).astype("f")  # many are equal
    for keepdim in (True, False):
        places = or_else(extremes.find_places, find_extreme)(x, d, find, keepdim)
        wanted = find(x, axis=d, keepdims=keepdim)
        assert places.dtype == np.int64 and places.shape == wanted.shape
        np.testing.assert_array_equal(places, wanted)
    assert len(launched) == 2


@pytest.mark.parametrize("char", extremes.KINDS)
def test_argmax_takes_every_dtype(launched, char):
    x = np.random.default_rng(1).integers(0, 50, (3, 70)).astype(char)
    for shaped, d in ((x, 1), (x, 0)):
        places = or_else(extremes.find_places, find_extreme)(shaped, d, np.argmax)
        np.testing.assert_array_equal(places, shaped.argmax(d, keepdims=True))
    assert launched == ["argmax", "argmax_of_columns"]


@pytest.mark.parametrize("find", [np.argmax, np.argmin])
def test_nan_wins_and_infinities_are_compared(launched, find):
    inf, nan = np.inf, np.nan
    x = np.array([[0, nan, nan, inf], [-inf, -inf, -inf, -inf], [inf, 0, -inf, inf], [nan, 1, 2, 3]], "f")
    for d in (0, 1):
        np.testing.assert_array_equal(or_else(extremes.find_places, find_extreme)(x, d, find, False), find(x, d))
    long = np.zeros((2, 1500), "f")
    long[0, [700, 1400]] = nan
    np.testing.assert_array_equal(or_else(extremes.find_places, find_extreme)(long, 1, find, False), [700, 0])
    assert len(launched) == 3


def test_arrays_with_strides_are_copied_first(launched):
    x = np.random.default_rng(0).standard_normal((6, 5)).astype("f").T
    np.testing.assert_array_equal(or_else(extremes.find_places, find_extreme)(x, 1, np.argmin, False), x.argmin(1))
    assert "argmin" in launched


@pytest.mark.parametrize(("shape", "d"), [((2**20 + 1,), 0), ((3, 40, 5), 1), ((0, 3), 1)], ids=str)
def test_other_operands_are_left_to_the_operation(launched, shape, d):
    before = or_else(extremes.find_places, lambda x, d, find, keepdim=True: "as before")
    assert before(np.ones(shape, "f"), d, np.argmax) == "as before" and launched == []
    assert before(np.ones((2, 2), bool), 1, np.argmax) == "as before"


def test_find_extreme_has_a_kernel(stand_in):
    assert find_extreme in KERNELS
