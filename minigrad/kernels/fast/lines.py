"""Lines: im2col along the width only, one copy of the rows of the images for each column of the kernel.

Line j holds at (t, u) the pixel of row t that window u sees through column j of the kernel, and zero where that lies
outside. Where a row of windows is as long as a row of the image, a line is the whole image, shifted: one copy. With a
stride, pixels are copied one by one; columns that are a stride apart see the same pixels, so all but the first of them
are shifted copies of it. Pixels that a shift carries from one row into the next are then set to zero.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from minigrad.backend import Array
from minigrad.kernels.windows import overlap
from minigrad.kernels.workspace import workspace


class Along(NamedTuple):
    """A range along an axis: `length` pixels from `first` on, `step` apart. Some may lie outside the image."""

    first: int
    length: int
    step: int = 1

    def meet(self, size: int) -> tuple[slice, slice]:
        """The part inside an image of `size` pixels: a slice of this range, and a slice of the pixels."""
        return overlap(0, size, self.length, self.step, -self.first, 1)


class Copy(NamedTuple):
    """One copy in filling the lines: its target, in each row or in the run of all rows, and its source."""

    line: int
    into: slice
    source: int | None  # another line, or `IMAGE`, or None for zeros
    out_of: slice
    in_runs: bool


IMAGE = -1
ALL = slice(None)


class Lines:
    """Memory for the lines of images (n, some, C, H, W), prepared once and filled for one block after another.

    `room` (some, numbers) is the memory; it begins with space for `spare` more lines.
    """

    def __init__(self, role: str, images: Array, rows: Along, columns: tuple[Along, ...], spare: int = 0) -> None:
        n, some, C, H, W = images.shape
        width, one, (into, self.rows) = columns[0].length, images.itemsize, rows.meet(H)
        length = n * rows.length * width
        self.room = workspace(role, (some, (spare + C * len(columns)) * length), images.dtype)
        rest = self.room[:, spare * length :]
        self.array = rest.reshape(some, C * len(columns), length)
        by_row = rest.reshape(some, C, len(columns), n, rows.length, width)
        by_column = by_row.transpose(2, 3, 0, 1, 4, 5)  # (columns, n, some, C, rows, width)
        if into.start:
            by_column[..., : into.start, :] = 0
        if into.stop < rows.length:
            by_column[..., into.stop :, :] = 0
        lines = by_column[..., into, :]
        runs = lines.reshape(*lines.shape[:4], -1)
        self.whole = width == W and rows.step == columns[0].step == 1 and images.strides[3:] == (W * one, one)
        self.steps: list[tuple[Array, Array | int | None, slice, bool]] = []  # into, out of, or where of the image
        for line, part, source, out_of, in_runs in _lay(columns, W, self.whole):
            target = (runs if in_runs else lines)[line][..., part]
            other = 0 if source is None else runs[source][..., out_of] if source != IMAGE else None
            self.steps.append((target, other, out_of, in_runs))

    def fill(self, images: Array) -> Array:
        """Fills and returns the lines (some, C*len(columns), n*rows*width) of images, valid until the next call."""
        inside = images[..., self.rows, :]
        run = inside.reshape(*inside.shape[:3], -1) if self.whole else inside
        for target, other, out_of, in_runs in self.steps:
            target[...] = other if other is not None else (run if in_runs else inside)[..., out_of]
        return self.array


@lru_cache(maxsize=256)
def _lay(columns: tuple[Along, ...], width: int, whole: bool) -> list[Copy]:
    """The copies that fill the lines from rows of `width` pixels; `whole` means that a row has as many windows."""
    steps: list[Copy] = []
    made = [(0, IMAGE)] if whole else []  # where lines begin in their rows
    for line, along in enumerate(columns):
        first, length, step = along
        shifts = [((first - other) // step, source) for other, source in made if (first - other) % step == 0]
        by, source = min(shifts, key=lambda shift: abs(shift[0])) if shifts else (length, None)
        if shifts:
            into, out_of = (slice(0, -by or None), slice(by, None)) if by >= 0 else (slice(-by, None), slice(0, by))
            steps.append(Copy(line, into, source, out_of, True))
        carried = slice(max(0, length - by), length) if by > 0 else slice(0, min(length, -by))
        steps += _pick(line, along, carried, width)
        made.append((first, line))
    return steps


def _pick(line: int, along: Along, part: slice, width: int) -> list[Copy]:
    """The copies that fill a part of each row: with pixels, and with zeros outside the image."""
    first, count = along.first + part.start * along.step, part.stop - part.start
    into, pixels = Along(first, count, along.step).meet(width)
    start, stop = part.start + into.start, part.start + into.stop
    found = [
        Copy(line, slice(start, stop), IMAGE, pixels, False),
        Copy(line, slice(part.start, start), None, ALL, False),
        Copy(line, slice(stop, part.stop), None, ALL, False),
    ]
    return [copy for copy in found if copy.into.start < copy.into.stop]
