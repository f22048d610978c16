"""Sheets: padded images in one run of numbers for each channel, of which a tap of a kernel reads one part.

The images of a channel lie one after the other. If an image takes `height` rows of `width` numbers, window (n, t, u)
reads the pixel at its tap (e, f) from the number

    (n*height + t + e)*width + u + f  =  number of the window  +  e*width + f.

So what a tap reads, for all windows, is a part of the run, without a copy. The parts also hold windows that do not
exist, at the end of each row and of each image; these are computed and left out. The zeros at the end of a row are also
those before the next one.

A stride s splits taps and pixels into phases, each with a sheet of its own. With a dilation d and their greatest common
divisor c, there are P = s/c phases, and tap j P + a of window t reads the pixel

    t s + (j P + a) d - p  =  (t + j d/c) s + a d - p,

which is number t + j d/c of phase a. The last tap of a phase may not exist; its weight is zero.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import NamedTuple, TypeAlias

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace

UNIT = 16  # the lengths of runs are multiples of it: `einsum` is quicker if they begin at multiples of 16 bytes


class Along(NamedTuple):
    """A range along an axis: `length` pixels from `first` on, `step` apart. Some may lie outside the image."""

    first: int
    length: int
    step: int = 1

    def meet(self, size: int) -> tuple[slice, slice]:
        """The part inside an image of `size` pixels: a slice of this range, and a slice of the pixels."""
        return overlap(0, size, self.length, self.step, -self.first, 1)


class Axis(NamedTuple):
    """How taps read sheets along one axis: those of a phase are `step` apart."""

    windows: int
    taps: int  # of a phase
    step: int
    phases: tuple[Along, ...]  # the pixels of each
    pitch: int  # the length of an image in a sheet


class Layout(NamedTuple):
    """How taps read sheets, down and across."""

    down: Axis
    across: Axis

    def run(self, images: int) -> int:
        """The length of what a tap reads."""
        (rows, *_, height), (columns, *_, width) = self
        least = ((images - 1) * height + rows - 1) * width + columns
        return -(-least // UNIT) * UNIT

    def lay(self, images: Array, role: str = "sheets") -> Array:
        """What each tap reads, as a view of sheets in scratch memory, valid until the next call for the role.

        images (n, some, k, H, W) -> (some, k, phases down, taps down, phases across, taps across, run).
        """
        (n, some, k, H, W), one, (down, across) = images.shape, images.itemsize, self
        height, width = down.pitch, across.pitch
        length = (((n * height + down.phases[0].length) * width + across.phases[0].length) // UNIT + 2) * UNIT
        sheets = workspace(role, (some, k, len(down.phases), len(across.phases), length), images.dtype)
        sheets[...] = 0
        strides = (height * width * one, *sheets.strides[:2], width * one, one)
        for a, rows in enumerate(down.phases):
            for b, columns in enumerate(across.phases):
                (inside, lines), (within, pixels) = rows.meet(H), columns.meet(W)
                start = (a * len(across.phases) + b) * length + inside.start * width + within.start
                part = images[..., lines, pixels]
                copy_rows(np.ndarray(part.shape, sheets.dtype, sheets, start * one, strides), part)
        shape = (some, k, len(down.phases), down.taps, len(across.phases), across.taps, self.run(n))
        steps = (sheets.strides[2], down.step * width * one, sheets.strides[3], across.step * one, one)
        return np.ndarray(shape, sheets.dtype, sheets, 0, (*sheets.strides[:2], *steps))

    def show(self, runs: Array, images: int) -> Array:
        """The windows in runs, as a view: (some, o, run) -> (images, some, o, windows down, windows across)."""
        one, (rows, *_, height), (columns, *_, width) = runs.itemsize, *self
        shape = (images, *runs.shape[:2], rows, columns)
        return np.ndarray(shape, runs.dtype, runs, 0, (height * width * one, *runs.strides[:2], width * one, one))

    def split(self, kernel: Array) -> Array:
        """Taps by phases: (..., kh, kw) -> (..., phases down, taps down, phases across, taps across)."""
        (a, i), (b, j) = [(len(axis.phases), axis.taps) for axis in self]
        *lead, kh, kw = kernel.shape
        if (i * a, j * b) != (kh, kw):
            kernel, given = np.zeros((*lead, i * a, j * b), kernel.dtype), kernel
            kernel[..., :kh, :kw] = given
        return np.moveaxis(kernel.reshape(*lead, i, a, j, b), (-4, -2), (-3, -1))

    def join(self, kernel: Array, taps: Pair) -> Array:
        """The inverse of `split`, without the taps that do not exist."""
        *lead, a, i, b, j = kernel.shape
        whole = np.moveaxis(kernel, (-3, -1), (-4, -2)).reshape(*lead, i * a, j * b)
        return whole[..., : taps[0], : taps[1]]


@lru_cache(maxsize=256)
def read_windows(image: Pair, geometry: Geometry) -> Layout:
    """How windows read images of this size."""
    sides = []
    for axis, windows in enumerate(geometry.windows(image)):
        s, p, d, phases, taps, step = _split(axis, geometry)
        alongs = tuple(Along(a * d - p, windows + (taps - 1) * step, s) for a in range(phases))
        pitch = max(_pitch(windows, along, image[axis]) for along in alongs)
        sides.append(Axis(windows, taps, step, alongs, pitch))
    return Layout(*sides)


Places: TypeAlias = list[tuple[slice, slice]]  # of the pixels of each phase: among the results, and in the image


@lru_cache(maxsize=256)
def read_cotangents(size: Pair, geometry: Geometry, image: Pair) -> tuple[Layout, Places, Places]:
    """How pixels of an image read cotangents of this size; and where the pixels of each phase lie, down and across.

    Pixel v s + a d - p adds up g[v - j d/c] w[j P + a], so all phases read one sheet, with taps in descending order.
    """
    sides, places = [], []
    for axis in (0, 1):
        s, p, d, phases, taps, step = _split(axis, geometry)
        count = (image[axis] - 1 + p) // s + 1
        found = [overlap(0, image[axis], count, s, p - a * d, 1) for a in range(phases)]
        inside = [own for own, _ in found if own.start < own.stop]
        first = min((own.start for own in inside), default=0)
        last = max((own.stop for own in inside), default=first + 1)
        along = Along(first - (taps - 1) * step, last - first + (taps - 1) * step)
        sides.append(Axis(last - first, taps, step, (along,), _pitch(last - first, along, size[axis])))
        places.append([(slice(own.start - first, own.stop - first) if own in inside else own, at) for own, at in found])
    return Layout(*sides), places[0], places[1]


def has_all_taps(geometry: Geometry) -> bool:
    """Whether all phases have as many taps, so that none has a weight of zero."""
    return all(
        phases * taps == geometry.kernel[axis] for axis in (0, 1) for *_, phases, taps, _ in [_split(axis, geometry)]
    )


def _split(axis: int, geometry: Geometry) -> tuple[int, int, int, int, int, int]:
    """Stride, padding and dilation along an axis; the number of phases, of taps in each, and their step."""
    s, p, d, taps = geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis], geometry.kernel[axis]
    phases = min(s // gcd(s, d), taps)
    return s, p, d, phases, -(-taps // phases), d // gcd(s, d)


def _pitch(windows: int, along: Along, size: int) -> int:
    """The least length for a range, if what lies beyond it is zero, as the beginning of the next range is."""
    inside, _ = along.meet(size)
    return max(windows, inside.stop, along.length - inside.start)
