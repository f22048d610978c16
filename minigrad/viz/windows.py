"""`convolution`: a convolution window by window, as a page that plays and as the arithmetic of one output pixel."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.modes import no_grad
from minigrad.nn import Conv2d, Module, Parameter
from minigrad.nn import functional as F
from minigrad.ops.arguments import as_int
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor
from minigrad.viz.player import save_page, write_player
from minigrad.viz.tables import write_number, write_tables

LARGEST = 1024  # windows in one page
STYLE = """.minigrad-windows table { border-collapse: collapse; font-size: 13px; text-align: center; }
.minigrad-windows td { border: 1px solid #bbb; min-width: 2.4em; height: 2.1em; padding: 0 4px; color: #222; }
.minigrad-windows .row { display: flex; flex-wrap: wrap; align-items: center; gap: 14px; margin-bottom: 10px; }
.minigrad-windows td.padding { border-style: dashed; color: #999; }
.minigrad-windows td.seen { outline: 3px solid #b3261e; outline-offset: -3px; }
.minigrad-windows td.ahead { background: white !important; color: transparent; }
.minigrad-windows [data-step] { cursor: pointer; }"""
DRAW = """    root.querySelectorAll("table[data-image]").forEach((table) => {
      const cells = table.querySelectorAll("td");
      cells.forEach((cell) => cell.classList.remove("seen"));
      steps[at].seen.forEach((i) => cells[i].classList.add("seen"));
    });
    root.querySelectorAll("td[data-step]").forEach((cell, i) => {
      cell.classList.toggle("ahead", i > at);
      cell.classList.toggle("seen", i === at);
    });
    show("sum").textContent = steps[at].text;"""


class Windows:
    """The windows of a convolution with one kernel: `at(i, j)`, `html()`, `save(path)`; a notebook plays them.

    `gradient_of_pixel(i, j)` and `gradient_of_weight(a, b)` tell the sums of the way back.

    `image` is the padded image (C, H, W), `outside` is True where it is padding, `kernel` is (C, h, w), `output` the
    map. All are arrays.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> viz.convolution(torch.ones(6, 8), torch.ones(1, 2))
    42 windows of 1 x 2 on an image of 6 x 8: .at(0, 0) tells one in words, .save("windows.html") plays all
    """

    def __init__(self, layer: Conv2d, input: Tensor, channel: int) -> None:
        (top, bottom), (left, right) = layer._find_sides()
        sides, mode = (left, right, top, bottom), layer.padding_mode
        with no_grad():
            self.output = _read(layer(input[None])[0, channel])  # raises for channels and sizes that do not fit
            padded = _read(F.pad(input[None], sides, mode="constant" if mode == "zeros" else mode))[0]
        share = layer.in_channels // layer.groups
        first = channel // (layer.out_channels // layer.groups) * share
        self.image, self.kernel = padded[first : first + share], _read(layer.weight)[channel]
        self.bias = None if layer.bias is None else float(layer.bias[channel].item())
        self.outside = np.ones(padded.shape[1:], dtype=bool)
        self.outside[top : top + input.shape[1], left : left + input.shape[2]] = False
        self.stride, self.dilation, self._corner = layer.stride, layer.dilation, (top, left)
        self._size, self._mode = tuple(input.shape[1:]), mode

    def _find_pixels(self, i: int, j: int) -> tuple[Any, Any]:
        """The rows and the columns of the padded image that the kernel meets in window (i, j)."""
        starts, lengths = (i * self.stride[0], j * self.stride[1]), self.kernel.shape[1:]
        rows, columns = (a + d * np.arange(n) for a, d, n in zip(starts, self.dilation, lengths, strict=True))
        return rows, columns

    def at(self, i: int, j: int) -> str:
        """The arithmetic of output (i, j): each pixel of the window times its number of the kernel, and the sum.

        Raises IndexError for an output that is not there.

        >>> import minigrad as torch
        >>> from minigrad import viz
        >>> X, K = torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> print(viz.convolution(X, K).at(0, 1))
        output (0, 1): rows 0, 1 and columns 1, 2 of the image, pixel * kernel
          1 * 0 + 2 * 1
        + 4 * 2 + 5 * 3
        = 25
        """
        H, W = self.output.shape
        i, j = as_int(i, "i"), as_int(j, "j")
        if not (-H <= i < H and -W <= j < W):
            raise IndexError(f"the output has {H} rows and {W} columns, counted from 0; got ({i}, {j})")
        i, j = i % H, j % W
        rows, columns = self._find_pixels(i, j)
        top, left = self._corner
        several = len(self.kernel) > 1
        place = f"{_name('row', rows - top)} and {_name('column', columns - left)} of the image"
        padding = "; padding is in parentheses" if self.outside[np.ix_(rows, columns)].any() else ""
        lines = [f"output ({i}, {j}): {place}, pixel * kernel{padding}"]
        for c, (image, kernel) in enumerate(zip(self.image, self.kernel, strict=True)):
            lines += [f"channel {c}:"] if several else []
            for a, row in enumerate(rows):
                pixels = [self._write_pixel(image, row, column) for column in columns]
                terms = [f"{pixel} * {write_number(n)}" for pixel, n in zip(pixels, kernel[a], strict=True)]
                lines.append(f"{'+' if a or c else ' '} {' + '.join(terms)}")
        lines += [] if self.bias is None else [f"+ {write_number(self.bias)}, the bias"]
        return "\n".join([*lines, f"= {write_number(self.output[i, j])}"])

    def gradient_of_pixel(self, i: int, j: int, channel: int = 0) -> str:
        """The arithmetic of the gradient of one pixel, from g, that of the map: a pixel may be in several windows.

        Raises IndexError for a pixel that is not there, ValueError where padding holds copies of pixels.

        >>> import minigrad as torch
        >>> from minigrad import viz
        >>> X, K = torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> print(viz.convolution(X, K).gradient_of_pixel(0, 1))
        pixel (0, 1): the g of each window that it is in, times the number of the kernel that it meets there
          g(0, 0) * 1 + g(0, 1) * 0
        """
        self._refuse_copies()
        _check_place("image", self._size, (as_int(i, "i"), as_int(j, "j")), len(self.kernel), channel)
        row, column = i + self._corner[0], j + self._corner[1]
        lines, pixel = [], f"pixel ({i}, {j}){self._name_channel(channel)}"
        for p in range(self.output.shape[0]):
            terms = []
            for q in range(self.output.shape[1]):
                rows, columns = self._find_pixels(p, q)
                met = self.kernel[channel][np.ix_(rows == row, columns == column)]
                terms += [f"g({p}, {q}) * {write_number(number)}" for number in met.ravel()]
            lines += [terms] if terms else []
        if not lines:
            return f"{pixel}: it is in no window, so its gradient is 0"
        head = "the g of each window that it is in, times the number of the kernel that it meets there"
        return f"{pixel}: {head}\n{_write_sum(lines)}"

    def gradient_of_weight(self, a: int, b: int, channel: int = 0) -> str:
        """The arithmetic of the gradient of the kernel's number (a, b), from g, that of the map: it is in all windows.

        Raises IndexError for a number that is not there.

        >>> import minigrad as torch
        >>> from minigrad import viz
        >>> X, K = torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> print(viz.convolution(X, K).gradient_of_weight(0, 1))
        number (0, 1) of the kernel: the g of each window, times the pixel that it meets there
          g(0, 0) * 1 + g(0, 1) * 2
        + g(1, 0) * 4 + g(1, 1) * 5
        """
        _check_place("kernel", self.kernel.shape[1:], (as_int(a, "a"), as_int(b, "b")), len(self.kernel), channel)
        lines = []
        for p in range(self.output.shape[0]):
            windows = [self._find_pixels(p, q) for q in range(self.output.shape[1])]
            met = [self._write_pixel(self.image[channel], rows[a], columns[b]) for rows, columns in windows]
            lines.append([f"g({p}, {q}) * {pixel}" for q, pixel in enumerate(met)])
        head = "the g of each window, times the pixel that it meets there"
        return f"number ({a}, {b}) of the kernel{self._name_channel(channel)}: {head}\n{_write_sum(lines)}"

    def _name_channel(self, channel: int) -> str:
        return f" of channel {channel}" if len(self.kernel) > 1 else ""

    def _refuse_copies(self) -> None:
        if self._mode != "zeros" and self.outside.any():
            detail = "the gradients of such pixels are not told here; pad with zeros"
            raise ValueError(f"padding_mode={self._mode!r} copies pixels into the padding: {detail}")

    def _write_pixel(self, image: Any, row: int, column: int) -> str:
        number = write_number(image[row, column])
        return f"({number})" if self.outside[row, column] else number

    def html(self) -> str:
        """One HTML element: the image, the kernel and the map, in which the windows are played.

        Raises ValueError for more than 1024 windows.

        >>> import minigrad as torch
        >>> torch.viz.convolution(torch.ones(2, 2), torch.ones(1, 2)).html()[:30]
        '<div class="minigrad-windows">'
        """
        if self.output.size > LARGEST:
            raise ValueError(
                f"{self.output.size} windows are too many for one page (at most {LARGEST}): take a part of the image, "
                "for instance x[..., :16, :16]"
            )
        width = self.image.shape[2]
        steps = []
        for i, j in np.ndindex(*self.output.shape):
            rows, columns = self._find_pixels(i, j)
            seen = (rows[:, None] * width + columns).ravel().tolist()
            steps.append({"seen": seen, "text": self.at(i, j)})
        tables = write_tables(self.image, self.outside, self.kernel, self.bias, self.output)
        body = f'{tables}<pre data-show="sum" aria-live="polite"></pre>'
        return write_player("windows", STYLE, body, DRAW, steps)

    def _repr_html_(self) -> str | None:
        return self.html() if self.output.size <= LARGEST else None  # a notebook shows the text instead

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page to a file whose name ends in .html. Raises ValueError for another name.

        >>> import minigrad as torch
        >>> torch.viz.convolution(torch.ones(2, 2), torch.ones(1, 2)).save("windows.html")
        """
        save_page(path, "a convolution", "a convolution, window by window", self.html())

    def __repr__(self) -> str:
        (h, w), (H, W) = self.kernel.shape[1:], self.image.shape[1:]
        padded = " with its padding" if self.outside.any() else ""
        how = ', .save("windows.html") plays all'
        if self.output.size > LARGEST:
            how = "; to play them, take a part of the image, for instance x[..., :16, :16]"
        return (
            f"{self.output.size} windows of {h} x {w} on an image of {H} x {W}{padded}: "
            f".at(0, 0) tells one in words{how}"
        )


def convolution(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
    channel: int = 0,
) -> Windows:  # fmt: skip
    """A convolution of one image, window by window; the arguments are those of `F.conv2d`, or a layer for the weight.

    `input` is (H, W), (C, H, W) or (1, C, H, W), `weight` (h, w) or (O, C / groups, h, w); `channel` is the number of
    the map that is shown, from 0 to O - 1. Raises ValueError for other shapes, TypeError for options beside a layer,
    and what `F.conv2d` raises.

    >>> import minigrad as torch
    >>> from minigrad import nn, viz
    >>> windows = viz.convolution(torch.ones(3, 8, 8), nn.Conv2d(3, 16, 3, padding=1), channel=2)
    >>> windows.output.shape, windows.kernel.shape
    ((8, 8), (3, 3, 3))
    """
    image, kernel = _as_image(input), weight
    if isinstance(weight, Module) and not isinstance(weight, Conv2d):
        raise TypeError(
            f"expected one Conv2d, or its weight, got {type(weight).__name__}; of a net, pick a layer: net[0]"
        )
    if isinstance(weight, Conv2d):
        if bias is not None or (stride, padding, dilation, groups) != (1, 0, 1, 1):
            raise TypeError(
                "a layer has a bias, a stride, a padding, a dilation and groups of its own: give them to Conv2d"
            )
    else:
        kernel = _make_layer(_as_tensor(weight), bias, stride, padding, dilation, groups)
    if not 0 <= as_int(channel, "channel") < kernel.out_channels:
        raise ValueError(f"the maps are counted from 0 to {kernel.out_channels - 1}, got channel={channel}")
    return Windows(kernel, image.to(kernel.weight), channel)


def _make_layer(weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Conv2d:
    """A layer with this weight, (O, C / groups, h, w) or one kernel (h, w)."""
    if weight.ndim == 2:
        weight = weight[None, None]
    if weight.ndim != 4:
        raise ValueError(f"expected a kernel (h, w) or a weight (O, C / groups, h, w), got {tuple(weight.shape)}")
    outputs, share, h, w = weight.shape
    if bias is not None:
        bias = _as_tensor(bias)
        if bias.numel() != outputs:
            raise ValueError(f"expected a bias of {outputs} numbers, one for each map, got {tuple(bias.shape)}")
    layer = Conv2d(share * as_int(groups, "groups"), outputs, (h, w), stride, padding, dilation, groups)
    layer.weight = Parameter(weight.detach() if weight.is_floating_point() else weight.float())
    layer.bias = None if bias is None else Parameter(bias.detach().to(layer.weight).reshape(outputs))
    return layer


def _as_image(input: Any) -> Tensor:
    """One image (C, H, W)."""
    image = _as_tensor(input).detach()
    if image.ndim == 4 and len(image) == 1:
        return image[0]
    if image.ndim == 2:
        return image[None]
    if image.ndim != 3:
        detail = "; pick one of several, for example x[0]" if image.ndim == 4 else ""
        raise ValueError(f"expected an image (H, W), (C, H, W) or (1, C, H, W), got {tuple(image.shape)}{detail}")
    return image


def _as_tensor(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values
    if isinstance(values, (np.ndarray, Sequence)) and not isinstance(values, str):
        try:
            return Tensor(np.asarray(values, dtype=np.float32))
        except (TypeError, ValueError) as error:
            detail = "and every row of the same length, as in [[1, 2], [3, 4]]"
            raise ValueError(f"expected numbers, {detail}; got {show_value(values)}") from error
    raise TypeError(f"expected a tensor of numbers, got {show_value(values)}")


def _read(tensor: Tensor) -> Any:
    """A float64 array of a tensor on any device."""
    return tensor.detach().cpu().double().numpy()


def _write_sum(lines: Sequence[Sequence[str]]) -> str:
    """Terms line by line, with a plus before each but the first."""
    return "\n".join(f"{'+' if i else ' '} {' + '.join(terms)}" for i, terms in enumerate(lines))


def _check_place(what: str, size: tuple[int, ...], place: tuple[int, int], channels: int, channel: int) -> None:
    inside = all(0 <= p < n for p, n in zip(place, size, strict=True))
    if not inside or not 0 <= as_int(channel, "channel") < channels:
        sizes = f"{size[0]} rows, {size[1]} columns and {channels} channels"
        raise IndexError(f"the {what} has {sizes}, counted from 0; got {place} of channel {channel}")


def _name(axis: str, places: Any) -> str:
    """The places along an axis: "row 0", or "rows 0, 1"."""
    return f"{axis}{'s' if len(places) > 1 else ''} {', '.join(map(str, places))}"
