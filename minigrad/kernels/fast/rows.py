"""Copies arrays of short rows, such as windows, and planes whose pixels are about to be read across all channels."""

from __future__ import annotations

import sys

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.workspace import workspace
from minigrad.parallel import is_sharing

IS_LITTLE = sys.byteorder == "little"  # the lower half of an integer comes first
ALIAS = 1024  # bytes: planes that are a multiple apart share a few places of the first cache ...
GAP = 64  # ... unless so many bytes more lie between them
SHORT = 128  # bytes of a row: NumPy copies rows up to this length more quickly as single items


def copy_rows(target: Array, source: Array) -> None:
    """Copies `source` to `target`, of the same shape and dtype; short rows as single items, which is quicker.

    NumPy calls a function for each row of numbers, but one function for many items. A thread that shares its work
    copies numbers: beside another one, items gain nothing.
    """
    if not is_sharing():
        size, row = source.itemsize, source.shape[-1] * source.itemsize
        adjacent = source.ndim > 1 and source.strides[-2] == target.strides[-2] == row  # NumPy copies such rows as one
        if size < row <= SHORT and source.strides[-1] == target.strides[-1] == size and not adjacent:
            item = np.dtype((np.void, row))
            target, source = target.view(item), source.view(item)
    target[...] = source


def copy_every(target: Array, source: Array, step: int) -> None:
    """Copies every `step`-th number of the rows of `source`, from the first on, to `target`.

    Two float32 numbers in a row are an integer of 64 bits, whose lower half is the first one. NumPy's loop for a cast
    to 32 bits takes half the time of its loop for a step of two.
    """
    count, size = target.shape[-1], source.itemsize
    pairs = min(count, source.shape[-1] // 2) if step == 2 and IS_LITTLE and size == source.strides[-1] == 4 else 0
    if pairs:
        np.copyto(target[..., :pairs].view(np.uint32), source[..., : 2 * pairs].view(np.uint64), casting="unsafe")
    if pairs < count:
        target[..., pairs:] = source[..., step * pairs : step * count - step + 1 : step]


def interleave(target: Array, sources: list[Array]) -> None:
    """Writes the numbers of the sources in turn to the rows of `target`, which are adjacent in memory.

    Of two rows of float32 numbers, the first one is written as integers of 64 bits, whose upper half is zero.
    """
    step, wide = len(sources), IS_LITTLE and target.itemsize == 4 and len(sources) == 2
    if wide:
        np.copyto(target.view(np.uint64), sources[0].view(np.uint32))
    for first, source in enumerate(sources):
        if first or not wide:
            target[..., first::step] = source


def move_apart(images: Array) -> Array:
    """Images (..., c, h, w) whose planes do not share places of the first cache: these, or a copy in scratch memory.

    Pixels across all channels of 32x32 images, whose planes are 4 KB apart, take 3 ns for each number to read; from
    such a copy 0.6, with the time of the copy.
    """
    if images.strides[-3] % ALIAS:
        return images
    *outer, h, w = images.shape
    step = (-(-h * w * images.itemsize // ALIAS) * ALIAS + GAP) // images.itemsize
    planes = workspace("apart", (*outer, step), images.dtype)[..., : h * w].reshape(images.shape)
    planes[...] = images
    return planes
