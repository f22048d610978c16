"""Tables of numbers in HTML: an image and its map in greys, a kernel in red and blue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def write_tables(image: Any, outside: Any, kernel: Any, bias: float | None, output: Any) -> str:
    """A row of tables for each channel, image * kernel, and behind the last one the bias and the map.

    `image` (C, H, W) is padded, and `outside` (H, W) says where; `kernel` is (C, h, w), `output` (Ho, Wo). A click on
    a pixel of the map shows its step.

    >>> import numpy as np
    >>> ones = np.ones((1, 1, 1))
    >>> write_tables(ones, ones[0] == 0, ones, None, ones[0]).count("<table")
    3
    """
    greys, largest = _scale(image), find_largest(kernel)
    rows = []
    for c, weights in enumerate(kernel):
        name = f"channel {c}" if len(kernel) > 1 else "image"
        pixels = _write_pixels(image[c], greys[c], outside)
        taps = [[_write_cell(number, _red_or_blue(number / largest)) for number in row] for row in weights]
        rows.append([_write_table(pixels, name, "data-image"), "*", _write_table(taps, "kernel")])
    if bias is not None:
        rows[-1] += ["+", _write_table([[_write_cell(bias, "white")]], "bias")]
    rows[-1] += ["=", _write_table(_write_map(output), "output: click on a pixel")]
    return "".join([_write_row(parts) for parts in rows])


def _write_pixels(image: Any, greys: Any, outside: Any) -> list[list[str]]:
    """The cells of an image (H, W), in these shares of white; those of the padding are marked."""
    rows = []
    for line in zip(image, greys, outside, strict=True):
        cells = zip(*line, strict=True)
        rows.append([_write_cell(number, _grey(share), "padding" if out else "") for number, share, out in cells])
    return rows


def _write_map(output: Any) -> list[list[str]]:
    """The cells of a map (Ho, Wo); each leads to the step of its number."""
    greys, width = _scale(output), output.shape[1]
    rows = []
    for i, numbers in enumerate(output):
        rows.append([_write_cell(n, _grey(greys[i, j]), step=i * width + j) for j, n in enumerate(numbers)])
    return rows


def _write_row(parts: Sequence[str]) -> str:
    inside = "".join([f"<div>{part}</div>" for part in parts])
    return f'<div class="row">{inside}</div>'


def _write_table(rows: Sequence[Sequence[str]], name: str, mark: str = "") -> str:
    """A table of these cells with its name above, and `mark`, an attribute for the script."""
    body = "".join([f"<tr>{''.join(cells)}</tr>" for cells in rows])
    return f"<table {mark}><caption>{name}</caption>{body}</table>"


def _write_cell(number: float, colour: str, kind: str = "", step: int | None = None) -> str:
    """A cell of a table: a number, its colour, its class, and the step that a click on it shows."""
    marks = f' class="{kind}"' if kind else ""
    marks += "" if step is None else f' data-step="{step}"'
    return f'<td{marks} style="background: {colour}">{write_number(number)}</td>'


def write_number(number: float) -> str:
    """A number in few digits; -0 is 0.

    >>> write_number(-0.0), write_number(1 / 3), write_number(123456.0)
    ('0', '0.3333', '123456')
    """
    return f"{number:z.4g}" if abs(number) < 1e4 else f"{number:.6g}"


# ---- colours -------------------------------------------------------------------------------------
def _scale(values: Any) -> Any:
    """The numbers scaled to [0, 1]; 1 for those that are not finite, and for all where they are equal."""
    finite = np.isfinite(values)
    low, high = values.min(where=finite, initial=np.inf), values.max(where=finite, initial=-np.inf)
    if not high > low:
        return np.ones_like(values)
    return np.where(finite, (values - low) / (high - low), 1.0)


def find_largest(kernel: Any) -> float:
    """The largest size of a finite number; 1 if there is none but 0.

    >>> find_largest([[2.0, -3.0, float("inf")]])
    3.0
    """
    sizes = np.abs(kernel)
    return float(sizes.max(where=np.isfinite(sizes), initial=0.0)) or 1.0


def _grey(share: float) -> str:
    """A light grey, on which black text is readable: white for 1."""
    return f"hsl(0 0% {62 + 38 * share:.0f}%)"


def _red_or_blue(share: float) -> str:
    """Red above zero, blue below, stronger for larger numbers: `share` is between -1 and 1, or not finite (white)."""
    if not np.isfinite(share):
        return "white"
    return f"rgba({'179, 38, 30' if share > 0 else '31, 95, 168'}, {0.45 * abs(share):.2f})"
