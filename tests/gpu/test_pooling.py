"""Pooling: the source of the kernels against the functions that they replace."""

import numpy as np
import pytest

from minigrad.gpu import pooling
from minigrad.gpu.launch import or_else
from minigrad.kernels import Geometry
from minigrad.kernels.pool import count_windows
from minigrad.ops.pool import adaptive_avg_pool2d, avg_pool2d, max_pool2d

GEOMETRIES = {
    "apart": ((2, 2), (2, 2), (0, 0), (1, 1)),
    "overlapping": ((3, 3), (2, 2), (1, 1), (1, 1)),
    "oblong": ((2, 3), (1, 2), (1, 0), (1, 1)),
    "gaps": ((1, 2), (3, 4), (0, 0), (1, 1)),
    "dilated": ((2, 2), (1, 2), (1, 1), (2, 3)),
}


def draw_images(dtype="f"):
    x = np.random.default_rng(0).integers(-4, 5, (2, 3, 7, 9)).astype(dtype)  # with ties
    x[0, 0, 2, 3] = x[0, 0, 2, 4] = np.nan
    x[1, 2] = -np.inf
    return x


@pytest.mark.parametrize("shape", GEOMETRIES.values(), ids=GEOMETRIES)
def test_max_pooling_is_that_of_the_operation(launched, shape):
    x, geometry = draw_images(), Geometry(*shape)
    windows = geometry.windows(x.shape[2:])
    places, wanted_places = [np.empty((2, 3, *windows), np.int64) for _ in range(2)]
    best = or_else(pooling.pool_max, max_pool2d.forward)(x, places, geometry=geometry)
    wanted = max_pool2d.forward(x, wanted_places, geometry=geometry)
    np.testing.assert_array_equal(best, wanted)
    np.testing.assert_array_equal(places, wanted_places)
    g = np.random.default_rng(1).standard_normal(best.shape).astype("f")
    dx = or_else(pooling.pool_max_rule, max_pool2d.rules[0])(g, x, places, geometry)
    np.testing.assert_allclose(dx, max_pool2d.rules[0](g, x, places, geometry), rtol=1e-6)
    assert launched == ["max_pool", "max_pool_rule"]


@pytest.mark.parametrize("count", [(None, True), (None, False), (3, True)], ids=["all", "inside", "given"])
@pytest.mark.parametrize("shape", [s for n, s in GEOMETRIES.items() if n != "dilated"])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_avg_pooling_is_that_of_the_operation(launched, shape, count, ceil_mode):
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 9)).astype("f")
    geometry = Geometry(*shape)
    how = {"geometry": geometry, "windows": count_windows(geometry, x.shape[2:], ceil_mode), "count": count}
    mean = or_else(pooling.pool_mean, avg_pool2d.forward)(x, **how)
    np.testing.assert_allclose(mean, avg_pool2d.forward(x, **how), rtol=1e-5, atol=1e-6)
    g = np.random.default_rng(1).standard_normal(mean.shape).astype("f")
    dx = or_else(pooling.pool_mean_rule, avg_pool2d.rules[0])(g, x, *how.values())
    np.testing.assert_allclose(dx, avg_pool2d.rules[0](g, x, *how.values()), rtol=1e-5, atol=1e-6)
    assert launched == ["mean_pool", "mean_pool_rule"]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 9), (10, 4)], ids=str)
def test_adaptive_avg_pooling_is_that_of_the_operation(launched, size):
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 9)).astype("f")
    mean = or_else(pooling.pool_adaptive, adaptive_avg_pool2d.forward)(x, size=size)
    np.testing.assert_allclose(mean, adaptive_avg_pool2d.forward(x, size=size), rtol=1e-5, atol=1e-6)
    g = np.random.default_rng(1).standard_normal(mean.shape).astype("f")
    dx = or_else(pooling.pool_adaptive_rule, adaptive_avg_pool2d.rules[0])(g, x, size)
    np.testing.assert_allclose(dx, adaptive_avg_pool2d.rules[0](g, x, size), rtol=1e-5, atol=1e-6)


def test_other_dtypes_and_strides_give_the_same_maxima(launched):
    forward = or_else(pooling.pool_max, max_pool2d.forward)
    for char in "ed":
        x = draw_images(char).transpose(0, 1, 3, 2)[..., ::-1]
        places = np.empty((2, 3, 3, 3), np.int64)
        best = forward(x, places, geometry=Geometry((3, 2), (3, 2)))
        np.testing.assert_array_equal(best, max_pool2d.forward(x, places, geometry=Geometry((3, 2), (3, 2))))
        assert best.dtype == x.dtype
    counts = np.arange(64).reshape(1, 1, 8, 8)
    best = forward(counts, np.empty((1, 1, 4, 4), np.int64), geometry=Geometry((2, 2), (2, 2)))
    assert (
        best.dtype == counts.dtype and best.max() == 63 and launched.count("max_pool") == 2
    )  # integers launch no kernel
