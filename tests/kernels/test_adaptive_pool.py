"""Adaptive pooling against its definition, and its adjoint."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import kernels


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(0, 11)] * 2), st.booleans())
def test_adaptive_windows_are_their_definition(image, size, spoiled):
    random = np.random.default_rng(0)
    x = np.round(random.standard_normal((2, *image)) * 2)
    if spoiled:
        x[random.random(x.shape) < 0.2] = np.nan
    places = np.zeros((2, *size), np.int64)
    means, best = kernels.adaptive_avg_pool2d(x, size), kernels.adaptive_max_pool2d(x, places)
    for n, t, u in np.ndindex(means.shape):
        (top, bottom), (left, right) = (
            (i * length // count, -(-(i + 1) * length // count))
            for i, length, count in zip((t, u), image, size, strict=True)
        )
        window = x[n, top:bottom, left:right]
        np.testing.assert_allclose(means[n, t, u], window.mean())
        np.testing.assert_array_equal(best[n, t, u], window.max())
        flat = window.reshape(-1)
        winner = np.flatnonzero(np.isnan(flat))[-1] if np.isnan(flat).any() else flat.argmax()
        row, column = divmod(int(winner), right - left)
        assert places[n, t, u] == (top + row) * image[1] + left + column
    x[...] = random.standard_normal(x.shape)
    g = random.standard_normal(means.shape)
    form = np.vdot(kernels.adaptive_avg_pool2d(x, size), g)
    np.testing.assert_allclose(np.vdot(x, kernels.adaptive_avg_pool2d_input(g, image)), form, rtol=1e-9, atol=1e-10)


def test_a_nan_stays_within_the_window_that_sees_it():
    x = np.zeros((1, 9, 9))
    x[0, 4, 4] = np.nan
    assert np.isnan(kernels.adaptive_avg_pool2d(x, (9, 3))).sum() == 1
