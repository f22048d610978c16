"""The windows of fractional max pooling and their maxima, against loops."""

import numpy as np
import pytest

from minigrad.kernels.fractional_pool import find_fractional_maxima, find_starts


def find_by_loops(x, chances, kernel, size):
    places = np.empty((*x.shape[:2], *size), np.int64)
    for n, c, t, u in np.ndindex(places.shape):
        top, left = (
            find_starts(chances[n, c, axis], x.shape[2 + axis], kernel[axis], size[axis])[(t, u)[axis]]
            for axis in (0, 1)
        )
        best = None
        for h in range(top, top + kernel[0]):
            for w in range(left, left + kernel[1]):
                value = x[n, c, h, w]
                if best is None or value > best or value != value:  # the first of equals, the last NaN
                    best, places[n, c, t, u] = value, h * x.shape[3] + w
    return places


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("image", "kernel", "size"),
    [((9, 8), (2, 2), (5, 6)), ((7, 7), (3, 2), (1, 6)), ((5, 6), (1, 1), (5, 6)), ((5, 6), (5, 6), (1, 1))],
)
def test_each_place_is_that_of_the_windows_maximum(image, kernel, size, dtype):
    generator = np.random.default_rng(1)
    x = generator.integers(-3, 3, (2, 3, *image)).astype(dtype)
    x[0, 0, 1:4, 2:5], x[0, 1] = np.nan, -np.inf
    chances = generator.random((2, 3, 2)).astype(dtype)
    assert (find_fractional_maxima(x, chances, kernel, size) == find_by_loops(x, chances, kernel, size)).all()


def test_windows_begin_at_the_edge_end_at_the_edge_and_lie_one_or_two_pixels_apart():
    for chance in np.linspace(0, 0.99, 12, dtype=np.float32):
        starts = find_starts(chance, 12, 2, 7)
        assert starts[0] == 0 and starts[-1] == 10 and set(np.diff(starts)) <= {1, 2, 3}
    assert find_starts(np.float32([[0.1, 0.9]]), 5, 2, 1).tolist() == [[[3], [3]]]  # one window: the last one


def test_a_batch_without_images_has_no_maxima():
    assert find_fractional_maxima(np.zeros((0, 3, 5, 5)), np.zeros((0, 3, 2)), (2, 2), (3, 3)).shape == (0, 3, 3, 3)
