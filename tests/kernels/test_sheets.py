"""Sheets and lines: what each tap reads, compared with the pixels that its windows see."""

import numpy as np
import pytest

from minigrad.kernels import Geometry
from minigrad.kernels import workspace as workspace_module
from minigrad.kernels.fast.sheets import read_cotangents, read_windows

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


def check_windows(found, images, geometry):
    """Compares what taps read, (n, some, k, kh, kw, Ho, Wo), with the pixels that their windows see."""
    (sh, sw), (ph, pw), (dh, dw) = geometry.stride, geometry.padding, geometry.dilation
    assert found.shape[5:] == geometry.windows(images.shape[3:])
    for i, j, t, u in np.ndindex(*found.shape[3:]):
        expected = look(images, t * sh + i * dh - ph, u * sw + j * dw - pw)
        np.testing.assert_array_equal(found[:, :, :, i, j, t, u], expected)


@pytest.mark.parametrize("case", GEOMETRIES)
def test_a_window_reads_the_lines_of_its_taps(case):
    geometry, size = GEOMETRIES[case]
    images = np.random.default_rng(0).standard_normal((2, 3, 2, *size))
    layout = read_windows(size, geometry)
    seen = layout.line_up(images, 1)
    shown = layout.show(seen, 2)  # (n, some, kh*k*kw, Ho, Wo)
    by_tap = shown.reshape(2, 3, geometry.kernel[0], 2, geometry.kernel[1], *shown.shape[3:])
    check_windows(by_tap.swapaxes(2, 3), images, geometry)


@pytest.mark.parametrize("case", [case for case in GEOMETRIES if GEOMETRIES[case][0].stride == (1, 1)])
def test_a_tap_reads_one_run_of_its_sheet(case):
    geometry, size = GEOMETRIES[case]
    images = np.random.default_rng(0).standard_normal((2, 3, 2, *size))
    layout = read_windows(size, geometry)
    seen = layout.see_taps(images)  # (some, k, kh, kw, Ho*run)
    rows = seen.reshape(3, -1, layout.down.results, seen.shape[-1] // layout.down.results)
    shown = layout.show(rows.swapaxes(1, 2), 2)  # (n, some, k*kh*kw, Ho, Wo)
    check_windows(shown.reshape(2, 3, 2, *geometry.kernel, *shown.shape[3:]), images, geometry)


@pytest.mark.parametrize("together", [2, 3])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_rows_of_windows_together_read_all_their_lines(together, stride):
    geometry = Geometry((3, 2), (stride, 1))
    images = np.random.default_rng(0).standard_normal((2, 1, 2, 3 + 5 * stride, 4))
    layout = read_windows(images.shape[3:], geometry)
    alone, several = layout.line_up(images, 1).copy(), layout.line_up(images, together)
    assert several.shape[1:3] == (6 // together, (3 + (together - 1) * stride) * 4)
    for row in range(6):
        group, place = divmod(row, together)
        np.testing.assert_array_equal(several[:, group, place * stride * 4 :][:, :12], alone[:, row])


@pytest.mark.parametrize("case", GEOMETRIES)
def test_each_pixel_is_a_result_of_one_phase_at_most(case):
    geometry, size = GEOMETRIES[case]
    layout, *places = read_cotangents(geometry.windows(size), geometry, size)
    for axis, length, found in zip(layout, size, places, strict=True):
        pixels = [pixel for _, at in found for pixel in range(length)[at]]
        assert len(pixels) == len(set(pixels))
        assert sum(len(range(axis.results)[own]) for own, _ in found) == len(pixels)


@pytest.mark.parametrize("case", GEOMETRIES)
def test_what_is_left_in_the_memory_is_not_seen(case):
    geometry, size = GEOMETRIES[case]
    layout, images = read_windows(size, geometry), np.ones((2, 1, 1, *size))
    before = layout.line_up(images, 1).copy()
    for role, kept in workspace_module._mine.blocks.by_role.items():
        if role in ("sheets", "lines"):
            kept[...] = 255  # the bytes of a NaN
    np.testing.assert_array_equal(layout.line_up(images, 1), before)
