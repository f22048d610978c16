"""Explaining pictures: the receptive field of an output, the columns of im2col, and Winograd's four products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad.viz.panels import figure

BLUE, RED, GREY = "#1f5fa8", "#b3261e", "#dddddd"


def receptive_field(kernels: Sequence[int], strides: Sequence[int] | None = None, size: int = 16) -> Any:
    """A row of pixels for each layer, from one output down to the image; pixels that the output depends on are red.

    Raises ValueError for numbers below 1, for two lists of different length, or for layers that see more than `size`.

    >>> from minigrad import viz
    >>> picture = viz.receptive_field([3, 3], [2, 1])
    >>> picture.axes[0].get_title()
    'one output sees 7 pixels'
    """
    steps = [1] * len(kernels) if strides is None else list(strides)
    if len(steps) != len(kernels) or any(n < 1 for n in (*kernels, *steps)):
        raise ValueError(f"expected as many strides as kernels, all at least 1, got {list(kernels)} and {steps}")
    seen = _count_seen(kernels, steps)
    if seen[0] > size:
        raise ValueError(f"these layers see {seen[0]} pixels, more than the {size} of the image; give a larger size")
    widths = [size]  # of the image, then of each layer's output
    for k, s in zip(kernels, steps, strict=True):
        widths.append((widths[-1] - k) // s + 1)
    made, (axes,) = figure(size=(0.4 * size + 1, 0.9 * len(widths) + 0.6))
    for level, (width, count) in enumerate(zip(widths, seen, strict=True)):
        apart = prod(steps[:level])
        offset = sum((k - 1) / 2 * prod(steps[:i]) for i, k in enumerate(kernels[:level]))
        for i in range(width):  # the first output sees the first pixels
            axes.add_patch(_make_square(offset + i * apart, 1.5 * level, RED if i < count else GREY))
        axes.text(-1, 1.5 * level, "image" if not level else f"layer {level}", ha="right", va="center")
    axes.set(xlim=(-4, size), ylim=(-0.8, 1.5 * len(widths) - 0.6), title=f"one output sees {seen[0]} pixels")
    axes.set_aspect("equal")
    axes.axis("off")
    return made


def _count_seen(kernels: Sequence[int], strides: Sequence[int]) -> list[int]:
    """The number of pixels that one output depends on: in the image, in each layer's output, and 1 for itself."""
    seen = [1]
    for k, s in zip(reversed(kernels), reversed(strides), strict=True):
        seen.append((seen[-1] - 1) * s + k)
    return seen[::-1]


def im2col(H: int, W: int, h: int, w: int, window: int = 0) -> Any:
    """An image of H x W with one window of h x w marked, and the matrix whose columns are its windows.

    Raises ValueError for a kernel that does not fit, or a window that does not exist.

    >>> from minigrad import viz
    >>> len(viz.im2col(3, 4, 2, 2).axes)
    2
    """
    rows, columns = H - h + 1, W - w + 1
    if min(h, w) < 1 or rows < 1 or columns < 1:
        raise ValueError(f"a kernel of {h} x {w} does not fit into an image of {H} x {W}")
    if not 0 <= window < rows * columns:
        raise ValueError(f"the windows are counted from 0 to {rows * columns - 1}, got {window}")
    image = np.arange(H * W).reshape(H, W)
    places = [(i, j) for i in range(rows) for j in range(columns)]
    matrix = np.stack([image[i : i + h, j : j + w].ravel() for i, j in places], axis=1)  # (h * w, windows)
    size = 0.45 * (W + len(places)) + 1.5, 0.45 * max(H, h * w) + 1
    made, (left, right) = figure(1, 2, widths=[W, len(places)], size=size)
    i, j = places[window]
    _draw_cells(left, image, np.array([[i <= a < i + h and j <= b < j + w for b in range(W)] for a in range(H)]))
    left.set_title(f"window {window} of {len(places)}")
    marked = np.zeros(matrix.shape, dtype=bool)
    marked[:, window] = True
    _draw_cells(right, matrix, marked)
    right.set_title(f"one column for each window: {matrix.shape[0]} x {matrix.shape[1]}")
    return made


def winograd() -> Any:
    """The four products of F(2, 3) and the six of the definition: which inputs and taps are multiplied.

    >>> from minigrad import viz
    >>> [axes.get_title() for axes in viz.winograd().axes]
    ['by definition: 6 products', 'Winograd: 4 products']
    """
    made, (left, right) = figure(1, 2, "two outputs of a kernel of three taps, on four pixels", size=(9, 3.4))
    plain = ["y0 = d0 g0 + d1 g1 + d2 g2", "y1 = d1 g0 + d2 g1 + d3 g2"]
    quick = [
        "m1 = (d0 - d2) g0", "m2 = (d1 + d2) (g0 + g1 + g2) / 2", "m3 = (d2 - d1) (g0 - g1 + g2) / 2",
        "m4 = (d1 - d3) g2", "y0 = m1 + m2 + m3", "y1 = m2 - m3 - m4",
    ]  # fmt: skip
    for axes, lines, title in ((left, plain, "by definition: 6 products"), (right, quick, "Winograd: 4 products")):
        for i, line in enumerate(lines):
            colour = RED if line.startswith("m") or axes is left else BLUE
            axes.text(0.03, 1 - (i + 1) / 7, line, family="monospace", color=colour, fontsize=11)
        axes.set_title(title)
        axes.axis("off")
    return made


def _make_square(x: float, y: float, colour: str) -> Any:
    """A square for a pixel, of side 0.9, around (x, y)."""
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, facecolor=colour, edgecolor="#555555")


def _draw_cells(axes: Any, cells: Any, marked: Any) -> None:
    """Draws the numbers of a matrix in cells; marked cells are red."""
    axes.imshow(marked, cmap="Reds", vmin=0, vmax=2)
    for (i, j), value in np.ndenumerate(cells):
        axes.text(j, i, str(value), ha="center", va="center", fontsize=8)
    axes.set(xticks=[], yticks=[])
