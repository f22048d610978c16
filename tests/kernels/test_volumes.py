"""Convolution of volumes against nested loops and SciPy, its adjoints, and how it is divided into portions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from minigrad.kernels import Geometry, volumes

triples = lambda low, high: st.tuples(*[st.integers(low, high)] * 3)  # noqa: E731


def convolve_by_loops(x, w, geometry):
    """The definition, one window at a time."""
    kernel, stride, padding, dilation, groups = geometry
    padded = np.pad(x, ((0, 0), (0, 0), *[(p, p) for p in padding]))
    out = np.zeros((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    for n, o, *window in np.ndindex(out.shape):
        first = o // (len(w) // groups) * w.shape[1]
        axes = zip(window, kernel, stride, dilation, strict=True)
        taps = [slice(t * s, t * s + (k - 1) * d + 1, d) for t, k, s, d in axes]
        out[(n, o, *window)] = (padded[(n, slice(first, first + w.shape[1]), *taps)] * w[o]).sum()
    return out


@st.composite
def draw_convolutions(draw):
    """x, w, g and the geometry of a convolution of volumes."""
    geometry = Geometry(
        draw(triples(1, 3)), draw(triples(1, 3)), draw(triples(0, 2)), draw(triples(1, 2)), draw(st.integers(1, 2))
    )
    more = draw(triples(0, 3))
    axes = zip(geometry.reach, geometry.padding, more, strict=True)
    size = tuple([max(1, r - 2 * p) + m for r, p, m in axes])
    N, C, O = draw(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 2)))
    numbers = np.random.default_rng(draw(st.integers(0, 99)))
    x = numbers.standard_normal((N, C * geometry.groups, *size))
    w = numbers.standard_normal((O * geometry.groups, C, *geometry.kernel))
    return x, w, numbers.standard_normal((N, len(w), *geometry.windows(size))), geometry


@settings(max_examples=80, deadline=None)
@given(draw_convolutions())
def test_conv3d_is_its_definition_in_loops(problem):
    x, w, _, geometry = problem
    out = volumes.conv3d(x, w, geometry=geometry)
    np.testing.assert_allclose(out, convolve_by_loops(x, w, geometry), rtol=1e-9, atol=1e-10)
    assert out.flags.c_contiguous


@settings(max_examples=80, deadline=None)
@given(draw_convolutions())
def test_the_three_functions_are_one_trilinear_form(problem):
    x, w, g, geometry = problem
    form = np.vdot(volumes.conv3d(x, w, geometry=geometry), g)
    dx = volumes.conv3d_input(g, w, size=x.shape[2:], geometry=geometry)
    dw = volumes.conv3d_weight(x, g, geometry=geometry)
    assert dx.shape == x.shape and dw.shape == w.shape
    np.testing.assert_allclose([np.vdot(x, dx), np.vdot(w, dw)], form, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_it_is_scipys_cross_correlation_in_every_type(dtype):
    numbers = np.random.default_rng(0)
    x, w = (
        numbers.integers(-9, 9, (2, 3, 5, 6, 7)).astype(dtype),
        numbers.integers(-9, 9, (4, 3, 3, 2, 3)).astype(dtype),
    )
    out = volumes.conv3d(x, w, geometry=Geometry((3, 2, 3), (1, 1, 1), (0, 0, 0), (1, 1, 1)))
    assert out.dtype == dtype
    for n, o in np.ndindex(out.shape[:2]):
        np.testing.assert_array_equal(out[n, o], signal.correlate(x[n], w[o], "valid", "direct")[0])


def test_the_bias_is_added_to_each_channel_and_its_gradient_is_the_sum():
    x, w, b = np.ones((2, 1, 3, 3, 3)), np.zeros((2, 1, 2, 2, 2)), np.array([1.0, -2.0])
    geometry = Geometry((2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1))
    out = volumes.conv3d(x, w, b, geometry=geometry)
    np.testing.assert_array_equal(out, np.broadcast_to(b.reshape(2, 1, 1, 1), out.shape))
    painted = volumes.conv3d_input(out, w, np.array([3.0]), size=(3, 3, 3), geometry=geometry)
    np.testing.assert_array_equal(painted, np.full(x.shape, 3.0))
    np.testing.assert_array_equal(volumes.conv3d_bias(out), b * 16)


def test_volumes_in_portions_give_the_same_result(monkeypatch):
    numbers = np.random.default_rng(0)
    x, w = numbers.standard_normal((5, 2, 4, 6, 5)), numbers.standard_normal((3, 2, 3, 3, 3))
    geometry = Geometry((3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1))
    whole = volumes.conv3d(x, w, geometry=geometry)
    adjoints = lambda: (  # noqa: E731
        volumes.conv3d_input(whole, w, size=(4, 6, 5), geometry=geometry),
        volumes.conv3d_weight(x, whole, geometry=geometry),
    )
    at_once = adjoints()
    monkeypatch.setattr(volumes, "STACK_BYTES", 2 * x[0].nbytes * 3)  # two volumes, each plane in three windows
    assert [*volumes._portions(x, (4, 6, 5), geometry)] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    np.testing.assert_allclose(volumes.conv3d(x, w, geometry=geometry), whole, rtol=1e-12, atol=1e-12)
    for ours, expected in zip(adjoints(), at_once, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


def test_a_nan_reaches_only_the_windows_that_see_it():
    x = np.zeros((1, 1, 5, 5, 5), np.float32)
    x[0, 0, 2, 2, 2] = np.nan
    geometry = Geometry((3,) * 3, (1,) * 3, (1,) * 3, (1,) * 3)
    out = volumes.conv3d(x, np.ones((1, 1, 3, 3, 3), np.float32), geometry=geometry)
    seen = np.zeros(x.shape, bool)
    seen[0, 0, 1:4, 1:4, 1:4] = True
    np.testing.assert_array_equal(np.isnan(out), seen)


@pytest.mark.parametrize("geometry", [
    Geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1)),
    Geometry((1, 1, 1), (2, 3, 2), (0, 0, 0), (1, 2, 1), 2),
    Geometry((3, 1, 1), (2, 1, 1), (1, 0, 0), (2, 1, 1)),
])  # fmt: skip
def test_windows_one_pixel_high_and_wide_are_not_stacked(geometry, monkeypatch):
    monkeypatch.delattr(volumes, "stack")
    monkeypatch.delattr(volumes, "unstack")
    numbers = np.random.default_rng(0)
    x, w = (
        numbers.standard_normal((2, 4, 6, 5, 7)),
        numbers.standard_normal((6, 4 // geometry.groups, *geometry.kernel)),
    )
    b = numbers.standard_normal(6)
    out = volumes.conv3d(x, w, b, geometry=geometry)
    np.testing.assert_allclose(out, convolve_by_loops(x, w, geometry) + b.reshape(6, 1, 1, 1), rtol=1e-9, atol=1e-10)
    g = numbers.standard_normal(out.shape)
    dx = volumes.conv3d_input(g, w, np.ones(4), size=x.shape[2:], geometry=geometry)
    form = np.vdot(convolve_by_loops(x, w, geometry), g)
    np.testing.assert_allclose([np.vdot(x, dx - 1), np.vdot(w, volumes.conv3d_weight(x, g, geometry=geometry))], form)
