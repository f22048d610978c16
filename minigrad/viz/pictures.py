"""Explaining pictures: the receptive field of an output, the columns of im2col, and Winograd's four products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.nn import Flatten, Linear, Module
from minigrad.ops.arguments import as_int
from minigrad.ops.lengths import is_sequence
from minigrad.shown_values import show_value
from minigrad.viz.panels import figure

BLUE, RED, GREY = "#1f5fa8", "#b3261e", "#dddddd"
Layer = tuple[int, int, int]  # kernel, stride and dilation along one axis


def receptive_field(
    kernels: Sequence[int] | Module, strides: Sequence[int] | None = None, size: int = 16,
    dilations: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """A row of pixels for each layer, from one output down to the image; pixels that the output depends on are red.

    In place of numbers it takes a net: its convolutions and pools, in order, up to the first layer that is not local
    (`Flatten`, `Linear`); their padding is left out. Raises ValueError for numbers below 1, for lists of different
    length, for layers that see more than `size`, and for a net without such layers or with a transposed one; TypeError
    for what are no ints, and for strides or dilations beside a net.

    >>> from minigrad import nn, viz
    >>> viz.receptive_field([3, 3], [2, 1]).axes[0].get_title()
    'one output sees 7 pixels'
    >>> viz.receptive_field([3, 3], dilations=[2, 2]).axes[0].get_title()
    'one output sees 5 pixels among 9'
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.Flatten())
    >>> viz.receptive_field(net).axes[0].get_title()
    'one output sees 8 pixels'
    """
    layers = _read_layers(kernels, strides, dilations)
    seen = _find_seen(layers)
    reach = seen[0][-1] + 1
    if reach > as_int(size, "size"):
        raise ValueError(f"these layers see {reach} pixels, more than the {size} of the image; give a larger size")
    widths = [size]  # of the image, then of each layer's output
    for k, s, d in layers:
        widths.append((widths[-1] - d * (k - 1) - 1) // s + 1)
    made, (axes,) = figure(size=(0.4 * size + 1, 0.9 * len(widths) + 0.6))
    _draw_rows(axes, layers, seen, widths)
    among = "" if len(seen[0]) == reach else f" among {reach}"
    axes.set(
        xlim=(-4, size), ylim=(-0.8, 1.5 * len(widths) - 0.6), title=f"one output sees {len(seen[0])} pixels{among}"
    )
    axes.set_aspect("equal")
    axes.axis("off")
    return made


def _draw_rows(axes: Any, layers: Sequence[Layer], seen: Sequence[Sequence[int]], widths: Sequence[int]) -> None:
    """Draws the squares of the image and of each layer's output, and lines from the red ones to their windows."""
    apart, first = 1, 0.0  # pixels between neighbours of this row, and the middle of its first one
    for level, width in enumerate(widths):
        for i in range(width):  # the first output sees the first pixels
            axes.add_patch(_make_square(first + i * apart, 1.5 * level, RED if i in seen[level] else GREY))
        axes.text(-1, 1.5 * level, "image" if not level else f"layer {level}", ha="right", va="center")
        if level < len(layers):
            k, s, d = layers[level]
            above = first + d * (k - 1) / 2 * apart
            for i in seen[level + 1]:
                for j in range(i * s, i * s + d * k, d):
                    ends = above + i * s * apart, first + j * apart
                    axes.plot(ends, (1.5 * level + 1.5, 1.5 * level), color=RED, linewidth=0.7, zorder=0)
            apart, first = apart * s, above


def _read_layers(kernels: Any, strides: Any, dilations: Any) -> list[Layer]:
    """The layers of a net, or those of numbers."""
    if isinstance(kernels, Module):
        if strides is not None or dilations is not None:
            raise TypeError(
                "the layers of a net have strides and dilations of their own: give the net alone, and size="
            )
        return list_layers(kernels)
    kernels = _read_ints("kernels", kernels)
    steps = [1] * len(kernels) if strides is None else _read_ints("strides", strides)
    gaps = [1] * len(kernels) if dilations is None else _read_ints("dilations", dilations)
    if not len(steps) == len(gaps) == len(kernels) or any(n < 1 for n in (*kernels, *steps, *gaps)):
        got = f"{kernels} and {steps}" + ("" if dilations is None else f" and {gaps}")
        raise ValueError(f"expected as many strides as kernels, all at least 1, got {got}")
    return list(zip(kernels, steps, gaps, strict=True))


def _read_ints(name: str, given: Any) -> list[int]:
    if isinstance(given, str) or not is_sequence(given):
        raise TypeError(f"{name} must be a list of ints, one for each layer, got {show_value(given)}")
    return [as_int(n, f"{name}: each") for n in given]


def list_layers(net: Module) -> list[Layer]:
    """The convolutions and pools of a net along its last axis, up to the first `Flatten` or `Linear`.

    >>> from minigrad import nn
    >>> list_layers(nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2)))
    [(3, 2, 1), (2, 2, 1)]
    """
    found = []
    for module in net.modules():
        if isinstance(module, (Flatten, Linear)):
            break
        if getattr(module, "transposed", False):
            raise ValueError(f"{type(module).__name__} has no window in its input: its pixels spread over its output")
        if hasattr(module, "kernel_size"):
            numbers = [module.kernel_size, module.stride or module.kernel_size, getattr(module, "dilation", 1)]
            k, s, d = (n[-1] if isinstance(n, tuple) else n for n in numbers)
            found.append((k, s, d))
    if not found:
        raise ValueError("this net has no convolution and no pool before its first Flatten or Linear")
    return found


def _find_seen(layers: Sequence[Layer]) -> list[list[int]]:
    """The pixels that the first output depends on: in the image, in each layer's output, and its own place."""
    seen = [[0]]
    for k, s, d in reversed(layers):
        seen.append(sorted({i * s + d * a for i in seen[-1] for a in range(k)}))
    return seen[::-1]


def im2col(H: int, W: int, h: int, w: int, window: int = 0) -> Any:
    """An image of H x W with one window of h x w marked, and the matrix whose columns are its windows.

    Raises ValueError for a kernel that does not fit, or a window that does not exist, TypeError for what is no int.

    >>> from minigrad import viz
    >>> len(viz.im2col(3, 4, 2, 2).axes)
    2
    """
    sizes = {"H": H, "W": W, "h": h, "w": w, "window": window}
    H, W, h, w, window = (as_int(n, name) for name, n in sizes.items())
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
    inside = np.zeros((H, W), dtype=bool)
    inside[i : i + h, j : j + w] = True
    _draw_cells(left, image, inside)
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
    made, (left, right) = figure(1, 2, "two outputs of a kernel of three numbers, on four pixels", size=(9, 3.4))
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
