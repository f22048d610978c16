"""Sheets: padded images in one run of numbers for each channel, of which a tap of a kernel reads one part.

The images of a channel lie one after the other. If an image takes `height` rows of `width` numbers, window (n, t, u)
reads the pixel at its tap (e, f) from the number

    (n*height + t + e)*width + u + f  =  number of the window  +  e*width + f.

So what a tap reads, for all windows, is a part of the run, without a copy. The parts also hold windows that do not
exist, at the end of each row and of each image; these are computed and left out. The zeros at the end of a row are also
those before the next one.

A stride s splits the pixels into phases: those at e s + a, each with the taps i of the kernel with i d = e s + a. Each
has a sheet of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

from numpy import ndarray

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


class Taps(NamedTuple):
    """Equally spaced taps of a kernel along an axis, and where in a range they read: from `first` on, `step` apart."""

    numbers: slice
    length: int = 1
    first: int = 0
    step: int = 0


class Reading(NamedTuple):
    """The pixels that a sheet holds, the taps that read them, and the results that these taps add up."""

    rows: Along
    columns: Along
    down: Taps
    across: Taps
    results: tuple[slice, slice]

    @property
    def size(self) -> Pair:
        """The number of results along each axis."""
        rows, columns = self.results
        return len(range(rows.start, rows.stop, rows.step)), len(range(columns.start, columns.stop, columns.step))


class Layout(NamedTuple):
    """How windows lie in a run: their number along each axis, and the length of an image and of a row."""

    size: Pair
    height: int
    width: int

    def run(self, images: int, size: Pair) -> int:
        """The length of a run of windows, of which an image has `size`."""
        rows, columns = size
        least = ((images - 1) * self.height + rows - 1) * self.width + columns
        return -(-least // UNIT) * UNIT

    def show(self, runs: Array, shape: tuple[int, ...]) -> Array:
        """The windows in runs, as a view: (some, o, run) -> (n, some, o, rows, columns)."""
        one, (_, height, width) = runs.itemsize, self
        return ndarray(shape, runs.dtype, runs, 0, (height * width * one, *runs.strides[:2], width * one, one))


Seen: TypeAlias = tuple[Reading, Array]  # and what its taps read: (some, k, taps down, taps across, run)


def see(images: Array, readings: list[Reading], layout: Layout, role: str = "sheet") -> Iterator[Seen]:
    """What taps read of images (n, some, k, H, W): views of a sheet in scratch memory, each valid until the next."""
    n, one, width = len(images), images.itemsize, layout.width
    laid: tuple[Along, Along] | None = None
    for reading in readings:
        rows, columns, down, across, _ = reading
        if laid != (rows, columns):
            laid, sheet = (rows, columns), _lay(images, rows, columns, layout, role)
        shape = (*sheet.shape[:2], down.length, across.length, layout.run(n, reading.size))
        strides = (*sheet.strides[:2], down.step * width * one, across.step * one, one)
        yield reading, ndarray(shape, sheet.dtype, sheet, (down.first * width + across.first) * one, strides)


def _lay(images: Array, rows: Along, columns: Along, layout: Layout, role: str) -> Array:
    """The sheet of images: (n, some, k, H, W) -> (some, k, length)."""
    (n, some, k, H, W), one, (_, height, width) = images.shape, images.itemsize, layout
    length = (((n * height + rows.length) * width + columns.length) // UNIT + 2) * UNIT
    sheet = workspace(role, (some, k, length), images.dtype)
    sheet[...] = 0
    (down, lines), (across, pixels) = rows.meet(H), columns.meet(W)
    part = images[..., lines, pixels]
    strides = (height * width * one, *sheet.strides[:2], width * one, one)
    copy_rows(ndarray(part.shape, sheet.dtype, sheet, (down.start * width + across.start) * one, strides), part)
    return sheet


class Axis(NamedTuple):
    """Along one axis: the number of windows, the length that they take in a sheet, and how they are read."""

    windows: int
    pitch: int
    readings: list[tuple[Along, Taps, slice]]


@lru_cache(maxsize=256)
def read_windows(image: Pair, geometry: Geometry) -> tuple[list[Reading], Layout]:
    """How windows read images of this size."""
    axes = []
    for axis, (windows, length) in enumerate(zip(geometry.windows(image), image, strict=True)):
        s, p = geometry.stride[axis], geometry.padding[axis]
        readings = [
            (Along(phase - p, windows + places[-1], s), _as_taps(taps, places, places[0]), slice(0, windows, 1))
            for phase, taps, places in _phases(axis, geometry)
        ]
        axes.append(Axis(windows, max(_pitch(windows, along, length) for along, _, _ in readings), readings))
    return _combine(*axes)


@lru_cache(maxsize=256)
def read_cotangents(size: Pair, geometry: Geometry, image: Pair) -> tuple[list[Reading], Layout]:
    """How the pixels of an image, each phase of them, read cotangents of this size.

    Pixel u of phase a reads g[u - e] with tap i, where i d = e s + a. The kernel has been turned by half a circle.
    """
    return _combine(*[_read_backwards(axis, size[axis], geometry, image[axis]) for axis in (0, 1)])


def _read_backwards(axis: int, length: int, geometry: Geometry, pixels: int) -> Axis:
    s, p, last = geometry.stride[axis], geometry.padding[axis], geometry.kernel[axis] - 1
    phases = []
    for phase, taps, places in _phases(axis, geometry):
        places_of_pixels, inside = overlap(phase, pixels, -(-(pixels + 2 * p) // s), s, p, 1)
        if inside.start < inside.stop:
            phases.append((places_of_pixels, inside, [last - tap for tap in reversed(taps)], places))
    first = min((own.start - places[-1] for own, _, _, places in phases), default=0)
    end = max((own.stop - places[0] for own, _, _, places in phases), default=0)
    along, most = Along(first, end - first), max((own.stop - own.start for own, _, _, _ in phases), default=1)
    readings = [
        (along, _as_taps(taps, places, own.start - places[-1] - first), inside) for own, inside, taps, places in phases
    ]
    return Axis(most, _pitch(most, along, length), readings)


def _combine(down: Axis, across: Axis) -> tuple[list[Reading], Layout]:
    readings = [
        Reading(rows, columns, tap_rows, tap_columns, (lines, pixels))
        for (rows, tap_rows, lines), (columns, tap_columns, pixels) in product(down.readings, across.readings)
    ]
    return readings, Layout((down.windows, across.windows), down.pitch, across.pitch)


def _phases(axis: int, geometry: Geometry) -> list[tuple[int, list[int], list[int]]]:
    """The phases of a stride along an axis that have taps: the number a of each, its taps i, and e of each tap."""
    found: dict[int, tuple[int, list[int], list[int]]] = {}
    for tap in range(geometry.kernel[axis]):
        place, phase = divmod(tap * geometry.dilation[axis], geometry.stride[axis])
        _, taps, places = found.setdefault(phase, (phase, [], []))
        taps.append(tap)
        places.append(place)
    return list(found.values())


def _as_taps(numbers: list[int], places: list[int], first: int) -> Taps:
    if len(numbers) == 1:
        return Taps(slice(numbers[0], numbers[0] + 1), first=first)
    numbers_apart, apart = numbers[1] - numbers[0], places[1] - places[0]
    return Taps(slice(numbers[0], numbers[-1] + 1, numbers_apart), len(numbers), first, apart)


def _pitch(windows: int, along: Along, size: int) -> int:
    """The least length for a range, if what lies beyond it is zero, as the beginning of the next range is."""
    inside, _ = along.meet(size)
    return max(windows, inside.stop, along.length - inside.start)
