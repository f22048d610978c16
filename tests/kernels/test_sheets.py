"""Sheets: what each tap reads, compared with the pixels that its windows see."""

import numpy as np
import pytest

from minigrad.kernels import Geometry
from minigrad.kernels.fast.sheets import has_all_taps, read_cotangents, read_windows

GEOMETRIES = {
    "padding": (Geometry((3, 3), padding=(1, 1)), (5, 6)),
    "no padding": (Geometry((3, 2)), (5, 6)),
    "a stride": (Geometry((3, 4), (2, 2), (1, 1)), (6, 7)),
    "a stride wider than the kernel": (Geometry((1, 2), (3, 4)), (7, 9)),
    "a dilation": (Geometry((2, 3), padding=(2, 3), dilation=(3, 2)), (6, 7)),
    "a stride and a dilation": (Geometry((5, 3), (4, 3), (2, 3), (6, 2)), (30, 9)),
    "padding wider than the kernel": (Geometry((2, 1), padding=(4, 3)), (3, 2)),
    "a kernel wider than the image": (Geometry((1, 7), padding=(0, 3)), (2, 2)),
}


def look(images, row, column):
    """The pixels (row, column) of images (n, some, k, H, W), zeros outside: (n, some, k)."""
    H, W = images.shape[3:]
    return images[..., row, column] if 0 <= row < H and 0 <= column < W else np.zeros(images.shape[:3])


@pytest.mark.parametrize("case", GEOMETRIES)
def test_a_tap_reads_the_pixels_of_its_windows(case):
    geometry, size = GEOMETRIES[case]
    (sh, sw), (ph, pw), (dh, dw) = geometry.stride, geometry.padding, geometry.dilation
    images = np.random.default_rng(0).standard_normal((2, 3, 2, *size))
    layout = read_windows(size, geometry)
    seen = layout.lay(images)
    for i, j in np.ndindex(*geometry.kernel):
        (row, a), (column, b) = divmod(i, seen.shape[2]), divmod(j, seen.shape[4])
        shown = layout.show(seen[:, :, a, row, b, column].copy(), 2)
        assert shown.shape[3:] == geometry.windows(size)
        for t, u in np.ndindex(*geometry.windows(size)):
            np.testing.assert_array_equal(shown[..., t, u], look(images, t * sh + i * dh - ph, u * sw + j * dw - pw))


@pytest.mark.parametrize("case", GEOMETRIES)
def test_a_kernel_is_split_by_phases_and_joined(case):
    geometry, size = GEOMETRIES[case]
    kernel, layout = np.random.default_rng(1).standard_normal((2, *geometry.kernel)), read_windows(size, geometry)
    split = layout.split(kernel)
    assert split.size == kernel.size or not has_all_taps(geometry)
    assert np.count_nonzero(split) == kernel.size
    np.testing.assert_array_equal(layout.join(split, geometry.kernel), kernel)


@pytest.mark.parametrize("case", GEOMETRIES)
def test_each_pixel_is_a_result_of_one_phase_at_most(case):
    geometry, size = GEOMETRIES[case]
    layout, *places = read_cotangents(geometry.windows(size), geometry, size)
    for axis, length, found in zip(layout, size, places, strict=True):
        pixels = [pixel for _, at in found for pixel in range(length)[at]]
        assert len(pixels) == len(set(pixels))
        assert sum(len(range(axis.windows)[own]) for own, _ in found) == len(pixels)


def test_what_is_left_in_the_memory_is_not_seen():
    layout, images = read_windows((4, 4), Geometry((3, 3), padding=(1, 1))), np.ones((2, 1, 1, 4, 4))
    seen = layout.lay(images)
    before = seen.copy()
    seen.base[...] = 255  # the bytes of a NaN
    np.testing.assert_array_equal(layout.lay(images), before)
