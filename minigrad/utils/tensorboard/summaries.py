"""What an event shows: a number, a histogram, an image or a text, as TensorBoard's message `Summary`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.tensor import Tensor
from minigrad.tensor.html import encode_png
from minigrad.utils.tensorboard.records import double, doubles, part, single, whole

STRING, RGB = 7, 3  # the dtype of a text, and the number of an image's channels


def as_array(x: Any) -> np.ndarray[Any, Any]:
    """A tensor, an array or a number as a NumPy array."""
    return x.numpy(force=True) if isinstance(x, Tensor) else np.asarray(x)


def _summary(tag: str, *content: bytes) -> bytes:
    return part(5, part(1, part(1, tag.encode()), *content))


def scalar(tag: str, value: Any) -> bytes:
    """One number. Raises ValueError for several."""
    array = as_array(value)
    if array.size != 1:
        raise ValueError(f"add_scalar takes one number, got {array.size} of shape {array.shape}; take their .mean()")
    return _summary(tag, single(2, float(array.reshape(()))))


def text(tag: str, value: str) -> bytes:
    """A text, in Markdown."""
    shape = part(2, part(2, whole(1, 1)))
    metadata = part(9, part(1, part(1, b"text")))
    return _summary(f"{tag}/text_summary", part(8, whole(1, STRING), shape, part(8, value.encode())), metadata)


def histogram(tag: str, values: Any, bins: Any) -> bytes:
    """How many of the values lie in each bin. Raises ValueError for no value.

    For `bins` see `numpy.histogram`; "tensorflow" are bins whose limits grow by a tenth.
    """
    array = as_array(values).reshape(-1)
    if not array.size:
        raise ValueError(f"add_histogram takes at least one number, got an array of shape {as_array(values).shape}")
    counts, limits = np.histogram(array, _growing_limits() if isinstance(bins, str) and bins == "tensorflow" else bins)
    used = np.nonzero(counts)[0]
    if not used.size:
        raise ValueError("add_histogram: no value lies in a bin; are they all NaN?")
    first, last = int(used[0]), int(used[-1]) + 1
    counts, limits = np.append(0, counts[first:last]), limits[first : last + 1]  # an empty bin in front of the others
    facts = [array.min(), array.max(), array.size, array.sum(), array.dot(array)]
    fields = [double(number, float(x)) for number, x in enumerate(facts, 1)]
    return _summary(tag, part(5, *fields, doubles(6, limits), doubles(7, counts)))


def _growing_limits() -> list[float]:
    limits, limit = [], 1e-12
    while limit < 1e20:
        limits.append(limit)
        limit *= 1.1
    return [*[-x for x in reversed(limits)], 0.0, *limits]


def image(tag: str, pixels: Any, dataformats: str) -> bytes:
    """An image: bytes as they are, floats from 0 to 1. `dataformats` names the axes; a batch is put side by side."""
    array, axes = as_array(pixels), dataformats.upper()
    if sorted(axes) not in (sorted("HW"), sorted("HWC"), sorted("NCHW")) or array.ndim != len(axes):
        what = f"got dataformats={dataformats!r} for the shape {array.shape}"
        raise ValueError(f"add_image expects the axes of (H, W), (C, H, W) or (N, C, H, W) by these letters, {what}")
    for letter in "CN":  # an image without channels is one of a single channel; without N a batch of one
        if letter not in axes:
            array, axes = array[None], letter + axes
    array = array.transpose([axes.index(letter) for letter in "NCHW"])
    if array.shape[1] not in (1, 3, 4):
        raise ValueError(f"add_image takes images of 1, 3 or 4 channels, got {array.shape[1]} as {dataformats!r}")
    array = array * 1.0 if array.dtype == np.uint8 else array * 255.0
    array = _side_by_side(array.clip(0, 255).astype(np.uint8)[:, :3])
    array = np.broadcast_to(array, (RGB, *array.shape[1:])).transpose(1, 2, 0)  # (C, H, W) -> (H, W, 3)
    high, wide, _ = array.shape
    return _summary(tag, part(4, whole(1, high), whole(2, wide), whole(3, RGB), part(4, encode_png(array))))


def _side_by_side(images: Any) -> Any:
    """A batch as one image of rows of at most eight: (N, C, H, W) -> (C, rows * H, columns * W)."""
    n, channels, high, wide = images.shape
    columns = max(min(n, 8), 1)
    rows = -(-n // columns)
    canvas = np.zeros((rows * columns, channels, high, wide), images.dtype)
    canvas[:n] = images
    tiles = canvas.reshape(rows, columns, channels, high, wide).transpose(2, 0, 3, 1, 4)
    return tiles.reshape(channels, rows * high, columns * wide)


def render(figure: Any, close: bool) -> Any:
    """The pixels of one of Matplotlib's figures: (H, W, 3), bytes."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.array(canvas.buffer_rgba())[..., :RGB]
    if close:
        pyplot.close(figure)
    return pixels
