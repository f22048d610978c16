"""Sheets: what each tap reads, compared with the pixels that its windows see."""

import numpy as np
import pytest

from minigrad.kernels import Geometry
from minigrad.kernels.fast.sheets import read_cotangents, read_windows, see

GEOMETRIES = {
    "padding": (Geometry((3, 3), padding=(1, 1)), (5, 6)),
    "no padding": (Geometry((3, 2)), (5, 6)),
    "a stride": (Geometry((3, 3), (2, 2), (1, 1)), (6, 7)),
    "a stride wider than the kernel": (Geometry((1, 2), (3, 4)), (7, 9)),
    "a dilation": (Geometry((2, 3), (1, 2), (2, 3), (3, 2)), (6, 7)),
    "padding wider than the kernel": (Geometry((2, 1), padding=(4, 3)), (3, 2)),
    "a kernel wider than the image": (Geometry((1, 7), padding=(0, 3)), (2, 2)),
}


def look(images, row, column):
    """The pixels (row, column) of images (n, some, k, H, W), zeros outside: (some, k, n)."""
    H, W = images.shape[3:]
    inside = 0 <= row < H and 0 <= column < W
    return images[..., row, column].transpose(1, 2, 0) if inside else np.zeros((*images.shape[1:3], len(images)))


@pytest.mark.parametrize("case", GEOMETRIES)
def test_a_tap_reads_the_pixels_of_its_windows(case):
    geometry, size = GEOMETRIES[case]
    (sh, sw), (ph, pw), (dh, dw) = geometry.stride, geometry.padding, geometry.dilation
    images = np.random.default_rng(0).standard_normal((2, 3, 2, *size))
    readings, layout = read_windows(size, geometry)
    taps = set()
    for reading, seen in see(images, readings, layout):
        for a, i in enumerate(range(geometry.kernel[0])[reading.down.numbers]):
            for b, j in enumerate(range(geometry.kernel[1])[reading.across.numbers]):
                taps.add((i, j))
                shown = layout.show(seen[:, :, a, b].copy(), (2, 3, 2, *layout.size))
                for t, u in np.ndindex(*layout.size):
                    pixels = look(images, t * sh + i * dh - ph, u * sw + j * dw - pw)
                    np.testing.assert_array_equal(shown[..., t, u].transpose(1, 2, 0), pixels)
    assert len(taps) == geometry.kernel[0] * geometry.kernel[1]


@pytest.mark.parametrize("case", GEOMETRIES)
def test_each_pixel_is_a_result_of_one_phase_at_most(case):
    geometry, size = GEOMETRIES[case]
    readings, _ = read_cotangents(geometry.windows(size), geometry, size)
    count = np.zeros(size, int)
    for reading in readings:
        count[reading.results] += 1
        assert count[reading.results].shape == reading.size
    assert count.max() == 1


def test_what_is_left_in_the_memory_is_not_seen():
    geometry, images = Geometry((3, 3), padding=(1, 1)), np.ones((2, 1, 1, 4, 4))
    readings, layout = read_windows((4, 4), geometry)
    ((_, seen),) = see(images, readings, layout)
    before = seen.copy()
    seen.base[...] = 255  # bytes of a NaN
    ((_, again),) = see(images, readings, layout)
    np.testing.assert_array_equal(again, before)
