"""The arithmetic of windows, against counting the windows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import Geometry
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.windows import blocks, padded, window_view

pairs = lambda low, high: st.tuples(*[st.integers(low, high)] * 2)  # noqa: E731


@settings(max_examples=200, deadline=None)
@given(pairs(1, 5), pairs(1, 4), pairs(0, 4), pairs(1, 3), pairs(0, 6))
def test_the_count_of_windows_is_that_by_counting(kernel, stride, padding, dilation, more):
    geometry = Geometry(kernel, stride, padding, dilation)
    size = tuple(max(1, r - 2 * p) + m for r, p, m in zip(geometry.reach, padding, more, strict=True))
    for axis, count in enumerate(geometry.windows(size)):
        places = range(0, size[axis] + 2 * padding[axis] - geometry.reach[axis] + 1, stride[axis])
        assert count == len(places)
    least = geometry.adjoint_size(geometry.windows(size))
    assert all(0 <= n - m < s for n, m, s in zip(size, least, stride, strict=True))
    assert geometry.windows(least) == geometry.windows(size)


def test_the_mirrored_geometry_gives_back_the_size_of_the_image():
    geometry = Geometry((3, 2), padding=(1, 0), dilation=(2, 1))
    assert geometry.mirrored().windows(geometry.windows((9, 7))) == (9, 7)


@pytest.mark.parametrize("padding", [(0, 0), (0, 2), (3, 0), (9, 1)])
def test_padded_strips_are_rows_of_the_padded_image(padding):
    x = np.arange(24.0).reshape(1, 2, 4, 3)
    whole = np.pad(x, ((0, 0), (0, 0), padding[:1] * 2, padding[1:] * 2))
    np.testing.assert_array_equal(padded(x, padding), whole)
    for first, last in itertools.combinations(range(whole.shape[2] + 1), 2):
        np.testing.assert_array_equal(padded(x, padding, slice(first, last)), whole[:, :, first:last])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), st.integers(1, 20), st.integers(1, 50), st.integers(1, 300), st.integers(1, 4))
def test_blocks_cover_each_row_once_within_the_limit(N, rows, row_bytes, limit, step):
    seen = np.zeros((N, rows), int)
    for images, strip in blocks(N, rows, row_bytes, limit, step):
        seen[images, strip] += 1
        count, units = images.stop - images.start, -(-(strip.stop - strip.start) // step)
        assert strip.start % step == 0 and strip.stop <= rows
        assert count * units * row_bytes <= limit or count == 1
    assert (seen == 1).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "c16"])
@pytest.mark.parametrize("width", [1, 2, 5, 8, 33])
def test_rows_copied_as_items_are_the_rows(width, dtype):
    images = np.random.default_rng(0).standard_normal((2, 3, 6, width + 1)).astype(dtype)
    windows = window_view(images, Geometry((2, 2)))  # (2, 3, 2, 2, 5, width), overlapping
    for source in (windows, windows.transpose(4, 1, 3, 2, 0, 5), windows[..., ::-1], windows.swapaxes(-1, -2)):
        room = np.zeros((*source.shape[:-1], source.shape[-1] + 2), dtype)
        for target in (room[..., 1:-1], np.empty(source.shape, dtype), np.empty(source.shape[::-1], dtype).T):
            copy_rows(target, source)
            np.testing.assert_array_equal(target, source)
        assert not room[..., 0].any() and not room[..., -1].any()
