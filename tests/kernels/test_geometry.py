"""The arithmetic of windows, against counting the windows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import Geometry

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
