"""Windows of images: padded strips, and blocks that fit the cache."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.windows import blocks, padded


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
