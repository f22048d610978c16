"""Rows copied as items of their own."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minigrad.kernels import Geometry
from minigrad.kernels.fast import rows
from minigrad.kernels.fast.rows import copy_every, copy_rows, interleave, move_apart
from minigrad.kernels.windows import window_view


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


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "c8"])
@pytest.mark.parametrize("width", [1, 2, 5, 8])
@pytest.mark.parametrize("little", [True, False])
def test_every_second_number_of_a_row_is_copied(width, dtype, little, monkeypatch):
    if little:
        monkeypatch.setattr(rows, "IS_LITTLE", sys.byteorder == "little")
    else:
        monkeypatch.setattr(rows, "IS_LITTLE", False)
    images = np.random.default_rng(0).standard_normal((3, 4, width)).astype(dtype)
    images[0, 0, 0] = -0.0
    for source in (images, images[:, ::-1], images[..., ::-1], images.swapaxes(0, 1), images.T.copy().T):
        for first in range(width):
            count = len(range(first, width, 2))
            for length in {count, max(1, count - 1)}:
                room = np.zeros((*source.shape[:-1], length + 2), dtype)
                copy_every(room[..., 1:-1], source[..., first:], 2)
                np.testing.assert_array_equal(room[..., 1:-1], source[..., first::2][..., :length])
                assert not room[..., 0].any() and not room[..., -1].any()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8"])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("little", [True, False])
def test_interleaved_rows_are_the_rows_that_every_step_picks(step, dtype, little, monkeypatch):
    monkeypatch.setattr(rows, "IS_LITTLE", little and sys.byteorder == "little")
    whole = np.random.default_rng(0).standard_normal((3, 4, 6 * step)).astype(dtype)
    whole[0, 0, :2] = -0.0, np.nan
    parts, found = np.empty((step, 3, 4, 6), dtype), np.zeros_like(whole)
    for first in range(step):
        copy_every(parts[first], whole[..., first:], step)
        np.testing.assert_array_equal(parts[first], whole[..., first::step])
    interleave(found, [*parts])
    assert found.tobytes() == whole.tobytes()


@pytest.mark.parametrize(("size", "moves"), [((32, 32), True), ((16, 16), True), ((8, 8), False), ((28, 28), False)])
def test_planes_that_share_places_of_the_cache_are_copied_with_gaps(size, moves):
    images = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    apart = move_apart(images[:, :, 1:])
    np.testing.assert_array_equal(apart, images[:, :, 1:])
    assert np.shares_memory(apart, images) is not moves
    assert apart.strides[1] % rows.ALIAS != 0
