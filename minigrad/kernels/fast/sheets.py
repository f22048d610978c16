"""Sheets and lines: what the taps of a kernel read, for windows of several images in one row of numbers.

A sheet holds the images of a channel side by side, padded with zeros: row h of image n begins at number n*pitch of the
sheet's row h. Tap f of window u of image n reads its number n*pitch + u + f. So what the tap reads, for all windows, is
the row from number f on. The row also holds windows that do not exist, at the end of each image; they are computed and
left out. The zeros at the end of an image are also those before the next one.

Lines are these rows, copied once for each column of the kernel, so that a matrix product can read them:

    line (h, k, f)  =  row h of channel k, from number f on.

The lines that a row of windows reads lie one behind the other. So its matrix is a view, and that of the next row of
windows begins one stride further: along the height nothing is copied.

A stride s splits the columns of images into phases, each with a sheet of its own. With a dilation d and their greatest
common divisor c, there are P = s/c phases, and tap j P + a of window u reads the pixel

    u s + (j P + a) d - p  =  (u + j d/c) s + a d - p,

which is number u + j d/c of phase a.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import NamedTuple, TypeAlias

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.fast.mec import overlap_rows
from minigrad.kernels.fast.rows import copy_rows
from minigrad.kernels.geometry import Geometry, Pair
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace

UNIT = 16  # numbers in a register with AVX-512: products of lines that are multiples of it are quicker


class Along(NamedTuple):
    """A range along an axis: `length` pixels from `first` on, `step` apart. Some may lie outside the image."""

    first: int
    length: int
    step: int = 1

    def meet(self, size: int) -> tuple[slice, slice]:
        """The part inside an image of `size` pixels: a slice of this range, and a slice of the pixels."""
        return overlap(0, size, self.length, self.step, -self.first, 1)


@lru_cache(maxsize=4096)
def meet(first: int, length: int, size: int) -> tuple[slice, slice]:
    """`Along.meet` of neighbouring pixels, which short calls ask for again and again."""
    return Along(first, length).meet(size)


class Down(NamedTuple):
    """The rows of the images that results read: result t reads, through its tap e, row t stride + e step of a range."""

    results: int
    taps: int
    stride: int
    step: int
    rows: Along


class Across(NamedTuple):
    """The columns: through its tap j P + a result u reads number u + j step of phase a, of P."""

    results: int
    taps: int
    step: int
    phases: tuple[Along, ...]
    pitch: int  # the length of an image in a sheet


class Layout(NamedTuple):
    """How results read images, down and across."""

    down: Down
    across: Across

    def cut(self, strip: slice) -> Layout:
        """The same for a strip of the rows of results."""
        down, count = self.down, strip.stop - strip.start
        length = (count - 1) * down.stride + (down.taps - 1) * down.step + 1
        rows = down.rows._replace(first=down.rows.first + strip.start * down.stride, length=length)
        return self._replace(down=down._replace(results=count, rows=rows))

    def lay(self, images: Array) -> Array:
        """Sheets in scratch memory: (n, some, k, H, W) -> (some, phases, k, rows and more, run), run >= n*pitch."""
        (n, some, k, H, W), rows, across = images.shape, self.down.rows, self.across
        run = -(-n * across.pitch // UNIT) * UNIT
        beyond = -(-max(along.length for along in across.phases) // run)  # rows of zeros: the last taps read on
        sheets = workspace("sheets", (some, len(across.phases), k, rows.length + beyond, run), images.dtype)
        sheets[...] = 0
        inside, lines = rows.meet(H)
        for a, columns in enumerate(across.phases):
            within, pixels = columns.meet(W)
            # (n, some, k, H, W) -> (some, k, rows, n, columns)
            copy_rows(
                self.by_image(sheets[:, a, :, inside], n)[..., within],
                images[..., lines, pixels].transpose(1, 2, 3, 0, 4),
            )
        return sheets

    def by_image(self, lines: Array, images: int) -> Array:
        """The parts of lines that belong to images, as a view: (..., run) -> (..., images, pitch)."""
        return lines[..., : images * self.across.pitch].reshape(*lines.shape[:-1], images, self.across.pitch)

    def see_taps(self, images: Array) -> Array:
        """What each tap reads, for all results in one run, as a view of sheets: (n, some, k, H, W) -> (some, k, taps
        down, taps across, results*run). Only for a stride of 1.
        """
        sheets, (down, across) = self.lay(images), self
        some, _, k, _, run = sheets.shape
        outer, _, plane, line, one = sheets.strides
        shape = (some, k, down.taps, across.taps, down.results * run)
        return np.ndarray(shape, sheets.dtype, sheets, 0, (outer, plane, down.step * line, across.step * one, one))

    def line_up(self, images: Array, together: int) -> Array:
        """The matrices of lines that results read, `together` rows of them each, as an overlapping view of scratch
        memory: (n, some, k, H, W) -> (some, results/together, lines, run). It is valid until the next call.
        """
        sheets, (down, across) = self.lay(images), self
        some, phases, k, _, run = sheets.shape
        outer, phase, plane, line, one = sheets.strides
        apart = down.step > 1  # the rows that a result reads are no neighbours, so they are copied for each result
        rows = (down.results, down.taps) if apart else (down.rows.length,)
        steps = (down.stride * line, down.step * line) if apart else (line,)
        stride = down.taps if apart else down.stride
        lines = workspace("lines", (some, *rows, k, across.taps, run), images.dtype)
        for a in range(phases):
            part, strides = lines[..., a::phases, :], (outer, *steps, plane, across.step * one, one)
            copy_rows(part, np.ndarray(part.shape, sheets.dtype, sheets, a * phase, strides))
        by_row = lines.reshape(some, -1, k * across.taps, run)
        return overlap_rows(by_row, down.results // together, together * stride, down.taps + (together - 1) * stride)

    def show(self, products: Array, images: int) -> Array:
        """Results as a view of images: (some, results, o, run) -> (n, some, o, results down, results across)."""
        return self.by_image(products, images)[..., : self.across.results].transpose(3, 0, 2, 1, 4)


@lru_cache(maxsize=256)
def read_windows(image: Pair, geometry: Geometry) -> Layout:
    """How windows read images of this size."""
    (Ho, Wo), (kh, kw), s, p, d = geometry.windows(image), *geometry[:4]
    down = Down(Ho, kh, s[0], d[0], Along(-p[0], (Ho - 1) * s[0] + geometry.reach[0], 1))
    phases, taps, step = count_phases(1, geometry)
    alongs = tuple(Along(a * d[1] - p[1], Wo + (taps - 1) * step, s[1]) for a in range(phases))
    return Layout(down, Across(Wo, kw, step, alongs, max(_pitch(Wo, along, image[1]) for along in alongs)))


Places: TypeAlias = list[tuple[slice, slice]]  # of the pixels of each phase: among the results, and in the image


@lru_cache(maxsize=256)
def read_cotangents(size: Pair, geometry: Geometry, image: Pair) -> tuple[Layout, Places, Places]:
    """How pixels of an image read cotangents of this size; and where the pixels of each phase lie, down and across.

    Pixel v s + a d - p adds up g[v - j d/c] w[j P + a], so all phases read one sheet, with taps in descending order.
    """
    rows, taps, step, lines, down = _find_pixels(0, geometry, image[0])
    columns, taps_across, step_across, numbers, across = _find_pixels(1, geometry, image[1])
    pitch = _pitch(columns, numbers, size[1])
    layout = Layout(Down(rows, taps, 1, step, lines), Across(columns, taps_across, step_across, (numbers,), pitch))
    return layout, down, across


def _find_pixels(axis: int, geometry: Geometry, length: int) -> tuple[int, int, int, Along, Places]:
    """Along an axis: the number of results, of taps, and their step; the cotangents that they read; their places."""
    s, p, d = geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis]
    phases, taps, step = count_phases(axis, geometry)
    count = (length - 1 + p) // s + 1
    found = [overlap(0, length, count, s, p - a * d, 1) for a in range(phases)]
    inside = [own for own, _ in found if own.start < own.stop]
    first = min((own.start for own in inside), default=0)
    last = max((own.stop for own in inside), default=first + 1)
    along = Along(first - (taps - 1) * step, last - first + (taps - 1) * step)
    places = [(slice(own.start - first, own.stop - first) if own in inside else own, at) for own, at in found]
    return last - first, taps, step, along, places


def cut_places(places: Places, strip: slice) -> Places:
    """The part of each phase in a strip of the results: where its pixels lie among these, and in the image."""
    found = []
    for own, at in places:
        start, stop = max(own.start, strip.start), min(own.stop, strip.stop)
        into = slice(start - strip.start, stop - strip.start) if start < stop else slice(0, 0)
        step = at.step or 1
        first, last = at.start + (start - own.start) * step, at.start + (stop - own.start) * step
        found.append((into, slice(first, last, step) if start < stop else slice(0, 0)))
    return found


def has_all_taps(geometry: Geometry) -> bool:
    """Whether all phases have as many taps, so that none has a weight of zero."""
    counts = [count_phases(axis, geometry) for axis in (0, 1)]
    return all(phases * taps == length for (phases, taps, _), length in zip(counts, geometry.kernel, strict=True))


def count_phases(axis: int, geometry: Geometry) -> tuple[int, int, int]:
    """The number of phases along an axis, of taps in each, and their step."""
    s, d, taps = geometry.stride[axis], geometry.dilation[axis], geometry.kernel[axis]
    phases = min(s // gcd(s, d), taps)
    return phases, -(-taps // phases), d // gcd(s, d)


def _pitch(windows: int, along: Along, size: int) -> int:
    """The least length for a range, if what lies beyond it is zero, as the beginning of the next range is."""
    inside, _ = along.meet(size)
    return max(windows, inside.stop, along.length - inside.start)
