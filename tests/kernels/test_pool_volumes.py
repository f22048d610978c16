"""Pooling of volumes against loops over the windows: maxima with ties and NaN, means, and their adjoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import Geometry, pool_volumes
from minigrad.kernels.pool import count_windows, sees_everywhere

triples = lambda low, high: st.tuples(*[st.integers(low, high)] * 3)  # noqa: E731


@st.composite
def draw_pooling(draw):
    """The geometry of windows, the size of a volume, and the number of windows along each axis."""
    kernel, dilation = draw(triples(1, 3)), draw(triples(1, 2))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple([min(p, r // 2) for p, r in zip(draw(triples(0, 1)), reach, strict=True)])
    geometry = Geometry(kernel, draw(triples(1, 3)), padding, dilation)
    size = tuple([max(1, r - 2 * p) + more for r, p, more in zip(reach, padding, draw(triples(0, 3)), strict=True)])
    return geometry, size, count_windows(geometry, size, draw(st.booleans()))


def list_windows(geometry, size, windows):
    """Of each window the places of its taps inside the volume, in order."""
    kernel, stride, padding, dilation, _ = geometry
    for window in np.ndindex(windows):
        found = []
        for tap in np.ndindex(kernel):
            axes = zip(window, tap, stride, padding, dilation, strict=True)
            place = tuple([t * s - p + i * d for t, i, s, p, d in axes])
            if all(0 <= at < n for at, n in zip(place, size, strict=True)):
                found.append(int(np.ravel_multi_index(place, size)))
        yield window, found


@settings(max_examples=80, deadline=None)
@given(draw_pooling(), st.integers(0, 99), st.sampled_from(["f", "d", "l"]))
def test_maxima_and_places_are_those_of_loops(problem, seed, char):
    geometry, size, windows = problem
    assume(sees_everywhere(geometry, size, windows))
    x = np.random.default_rng(seed).integers(-3, 3, (2, *size)).astype(char)  # many equals
    if char != "l":
        x[0].reshape(-1)[:: 1 + seed % 7] = np.nan
    places = np.full((2, *windows), -1)
    found = pool_volumes.max_pool3d(x, places, geometry)
    for n in range(2):
        flat = x[n].reshape(-1)
        for window, taps in list_windows(geometry, size, windows):
            best = taps[0]
            for tap in taps[1:]:
                if flat[tap] > flat[best] or flat[tap] != flat[tap]:  # the first of equals, the last NaN
                    best = tap
            assert places[(n, *window)] == best
            np.testing.assert_array_equal(found[(n, *window)], flat[best])


@settings(max_examples=80, deadline=None)
@given(draw_pooling(), st.booleans(), st.sampled_from([None, 3, -2]), st.sampled_from(["d", "l"]))
def test_means_are_those_of_loops(problem, include_pad, divisor, char):
    geometry, size, windows = problem
    geometry = geometry._replace(dilation=(1, 1, 1))
    assume(all(2 * p <= k for p, k in zip(geometry.padding, geometry.kernel, strict=True)))
    windows = count_windows(geometry, size, True)
    x = np.random.default_rng(0).integers(-9, 9, (2, *size)).astype(char)
    found = pool_volumes.avg_pool3d(x, geometry, windows, divisor, include_pad)
    for window, taps in list_windows(geometry, size, windows):
        axes = [*zip(window, geometry.stride, geometry.padding, geometry.kernel, size, strict=True)]
        reached = np.prod([min(t * s - p + k, n + p) - (t * s - p) for t, s, p, k, n in axes])
        count = divisor or (int(reached) if include_pad else len(taps))
        for n in range(2):
            expected = x[n].reshape(-1)[taps].sum() / count
            if char == "l":
                expected = int(expected)  # towards zero
            np.testing.assert_allclose(found[(n, *window)], expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(draw_pooling(), st.booleans())
def test_the_gradient_of_means_is_the_adjoint(problem, include_pad):
    geometry, size, windows = problem
    geometry = geometry._replace(dilation=(1, 1, 1))
    windows = count_windows(geometry, size, False)
    assume(min(windows) > 0)
    numbers = np.random.default_rng(0)
    x, g = numbers.standard_normal((2, 3, *size)), numbers.standard_normal((2, 3, *windows))
    out = pool_volumes.avg_pool3d(x, geometry, windows, None, include_pad)
    back = pool_volumes.avg_pool3d_input(g, geometry, size, None, include_pad)
    np.testing.assert_allclose(np.vdot(out, g), np.vdot(x, back), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("windows", [(1, 1, 1), (2, 3, 4), (5, 4, 3), (7, 1, 2), (0, 2, 2)])
def test_adaptive_windows_cover_the_volume(windows):
    size = (5, 4, 7)
    numbers = np.random.default_rng(0)
    x, g, places = (
        numbers.standard_normal((2, *size)),
        numbers.standard_normal((2, *windows)),
        np.zeros((2, *windows), int),
    )
    means, maxima = pool_volumes.adaptive_avg_pool3d(x, windows), pool_volumes.adaptive_max_pool3d(x, places)
    for n, *window in np.ndindex(2, *windows):
        axes = zip(window, size, windows, strict=True)
        cut = x[(n, *[slice(i * length // m, -(-(i + 1) * length // m)) for i, length, m in axes])]
        np.testing.assert_allclose(means[(n, *window)], cut.mean(), rtol=1e-12)
        assert maxima[(n, *window)] == cut.max() == x[n].reshape(-1)[places[(n, *window)]]
    np.testing.assert_allclose(
        np.vdot(means, g), np.vdot(x, pool_volumes.adaptive_avg_pool3d_input(g, size)), rtol=1e-9
    )
