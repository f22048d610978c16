"""Pooling, unfold and fold against loops and recorded rules."""

from __future__ import annotations

import sys
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as torch
from minigrad import kernels
from minigrad.kernels import Geometry, pool

pair = st.tuples(st.integers(1, 3), st.integers(1, 3))


def max_pool2d(x, geometry, ceil_mode=False):
    """Values and places."""
    places = np.empty((*x.shape[:-2], *pool.count_windows(geometry, x.shape[-2:], ceil_mode)), np.int64)
    return kernels.max_pool2d(x, places, geometry), places


def naive(x, geometry, ceil_mode):
    """Values and places by the definition: the first of equals, the last NaN."""
    kernel, stride, padding, dilation, _ = geometry
    H, W = x.shape[-2:]
    size = pool.count_windows(geometry, (H, W), ceil_mode)
    best = np.empty((*x.shape[:-2], *size), x.dtype)
    places = np.empty(best.shape, np.int64)
    for *outer, t, u in np.ndindex(best.shape):
        plane, top = None, None
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                h = t * stride[0] + i * dilation[0] - padding[0]
                w = u * stride[1] + j * dilation[1] - padding[1]
                if not (0 <= h < H and 0 <= w < W):
                    continue
                value = x[(*outer, h, w)]
                if plane is None or value > plane or value != value:
                    plane, top = value, h * W + w
        best[(*outer, t, u)], places[(*outer, t, u)] = plane, top
    return best, places


@st.composite
def poolings(draw):
    kernel, stride, dilation = draw(pair), draw(pair), draw(st.sampled_from([(1, 1), (2, 1)]))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(d * (k - 1) + 1, 9)) for k, d in zip(kernel, dilation, strict=True))
    ceil = draw(st.booleans()) and dilation == (1, 1)
    return (draw(st.integers(1, 2)), 2, *size), (Geometry(kernel, stride, padding, dilation), ceil)


@settings(max_examples=150, deadline=None)
@given(poolings(), st.integers(0, 2**31), st.sampled_from(["real", "ties", "nan", "low", "int"]), st.booleans())
def test_max_pooling_is_its_definition(pooling, seed, kind, many):
    shape, arguments = pooling
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape).astype(np.float32)
    if kind == "ties":
        x = np.round(x)
    elif kind == "nan":
        x[random.random(shape) < 0.2] = np.nan
    elif kind == "low":
        x[...] = -np.inf
    elif kind == "int":
        x = random.integers(-128, 127, shape).astype(np.int8)
    before = x.copy()
    with mock.patch.object(pool, "FEW", 0 if many else pool.FEW):
        best, places = max_pool2d(x, *arguments)
    expected, expected_places = naive(x, *arguments)
    assert best.dtype == x.dtype and places.dtype == np.int64
    np.testing.assert_array_equal(best, expected)
    np.testing.assert_array_equal(places, expected_places)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(kernels.max_pool2d_gather(x, places), best)


@settings(max_examples=60, deadline=None)
@given(poolings(), st.integers(0, 2**31))
def test_scatter_is_the_adjoint_of_gather(pooling, seed):
    shape, (geometry, ceil) = pooling
    random = np.random.default_rng(seed)
    x, y = random.standard_normal((2, *shape))
    _, places = max_pool2d(x, geometry, ceil)
    g = random.standard_normal(places.shape)
    dx = kernels.max_pool2d_input(g, places, shape[-2:], apart=False)
    assert dx.shape == shape
    left, right = np.vdot(kernels.max_pool2d_gather(y, places), g), np.vdot(y, dx)
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-10)


def test_scatter_keeps_infinities_to_their_place():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    _, places = max_pool2d(x, Geometry((2, 2)))
    dx = kernels.max_pool2d_input(np.array([[np.inf]]), places, (2, 2), apart=True)
    np.testing.assert_array_equal(dx, [[0, 0], [0, np.inf]])


@pytest.mark.parametrize(
    ("arguments", "windows"),
    [  # length, kernel, stride, padding, dilation, ceil_mode; as PyTorch 2.13 gives
        ((5, 2, 2, 0, 1, False), 2),
        ((5, 2, 2, 0, 1, True), 3),
        ((4, 2, 3, 1, 1, True), 2),
        ((3, 1, 3, 0, 1, True), 1),
        ((2, 2, 2, 1, 1, True), 2),
    ],
)
def test_ceil_mode_drops_a_window_that_would_start_beyond_the_end(arguments, windows):
    length, *options, ceil_mode = arguments
    geometry = Geometry(*[(option, option) for option in options])
    assert pool.count_windows(geometry, (length, length), ceil_mode) == (windows, windows)


@settings(max_examples=60, deadline=None)
@given(pair, pair, st.tuples(st.integers(0, 2), st.integers(0, 2)), pair, st.integers(0, 2**31))
def test_unfold_lays_out_windows_and_fold_is_its_adjoint(kernel, stride, padding, dilation, seed):
    random = np.random.default_rng(seed)
    H, W = (d * (k - 1) + 1 + int(random.integers(0, 5)) for k, d in zip(kernel, dilation, strict=True))
    x = random.standard_normal((2, 3, H, W))
    geometry = Geometry(kernel, stride, padding, dilation)
    columns = kernels.unfold(x, geometry)
    weight = random.standard_normal((4, 3, *kernel))
    product = weight.reshape(4, -1) @ columns
    out = kernels.conv2d(x, weight, geometry=geometry)
    np.testing.assert_allclose(product.reshape(out.shape), out, rtol=1e-9, atol=1e-10)
    other = random.standard_normal(columns.shape)
    folded = kernels.fold(other, geometry, (H, W))
    np.testing.assert_allclose(np.vdot(columns, other), np.vdot(x, folded), rtol=1e-9, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(poolings(), st.booleans(), st.integers(0, 2**31))
def test_avg_pool2d_input_is_the_adjoint_of_avg_pool2d(pooling, include_pad, seed):
    shape, (geometry, ceil) = pooling
    geometry = geometry._replace(dilation=(1, 1))
    windows = pool.count_windows(geometry, shape[-2:], ceil)
    random = np.random.default_rng(seed)
    x, g = random.standard_normal(shape), random.standard_normal((*shape[:-2], *windows))
    form = np.vdot(kernels.avg_pool2d(x, geometry, windows, None, include_pad), g)
    dx = kernels.avg_pool2d_input(g, geometry, shape[-2:], None, include_pad)
    np.testing.assert_allclose(np.vdot(x, dx), form, rtol=1e-9, atol=1e-10)


def test_nonfinite_values_stay_within_the_windows_that_see_them():
    x = np.zeros((1, 9, 9))
    x[0, 4, 4] = np.nan
    geometry = Geometry((3, 3), (1, 1), (1, 1))
    assert np.isnan(kernels.avg_pool2d(x, geometry, (9, 9), None, True)).sum() == 9
    assert np.isnan(kernels.avg_pool2d_input(x, geometry, (9, 9), None, True)).sum() == 9
    assert np.isnan(max_pool2d(x, geometry)[0]).sum() == 9


@pytest.mark.parametrize("kernel", [300, 10**6, sys.maxsize // 2**23])
def test_a_window_far_larger_than_the_image_costs_no_more_than_the_image(kernel):
    x = np.arange(36.0).reshape(1, 6, 6)
    geometry = Geometry((kernel, kernel), (kernel, kernel))
    windows = pool.count_windows(geometry, (6, 6), ceil_mode=True)
    best, places = max_pool2d(x, geometry, ceil_mode=True)
    assert (best.item(), places.item()) == (35, 35)
    assert kernels.avg_pool2d(x, geometry, windows, None, True).item() == x.mean()
    assert (
        kernels.avg_pool2d_input(np.full((1, 1, 1), 36.0), geometry, (6, 6), None, True).tolist()
        == np.ones((1, 6, 6)).tolist()
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_that_is_not_finite_reaches_its_own_window(value, dtype):
    geometry, g = Geometry((2, 3), (2, 3)), np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(dtype)
    g[1, 2, 3, 4] = value
    x = kernels.avg_pool2d_input(g, geometry, (8, 15), None, True)
    expected = np.repeat(np.repeat(g / 6, 2, axis=2), 3, axis=3)
    np.testing.assert_array_equal(np.isfinite(x), np.isfinite(expected))
    np.testing.assert_allclose(x, expected, rtol=1e-6)


@pytest.mark.parametrize(("shape", "k"), [((40, 33, 8, 8), 2), ((5, 300, 6, 9), 3)])
def test_means_of_small_images_are_the_same_for_any_number_of_threads(shape, k):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    geometry, (Ho, Wo) = Geometry((k, k), (k, k)), (shape[2] // k, shape[3] // k)
    assert len(x) * shape[1] > pool.PIECE and k * shape[3] * Wo <= pool.SHORT
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(pool.avg_pool2d(x, geometry, (Ho, Wo), None, True))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)
    exact = x.astype(np.float64).reshape(*shape[:2], Ho, k, Wo, k).mean((3, 5))
    np.testing.assert_allclose(found[0], exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_mean_of_a_small_image_sees_what_is_not_finite_in_its_own_window_alone(value):
    x = np.ones((1, 1, 4, 6), np.float32)
    x[0, 0, 3, 5] = value
    means = pool.avg_pool2d(x, Geometry((2, 2), (2, 2)), (2, 3), None, True)
    np.testing.assert_array_equal(means, [[[[1, 1, 1], [1, 1, value]]]])
