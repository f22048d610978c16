"""HTML for notebooks: a tensor's shape and dtype, its printed numbers, and a picture if it is an image."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
from typing import Any

import numpy as np

LARGEST, SHOWN = 256, 160  # pixels: above LARGEST only some are drawn; SHOWN is the width of the picture on the page
NARROWEST = 16  # largest ratio of the sides
PRE = '<pre style="font-family: monospace">'  # else an exported notebook shows the numbers in a proportional font


def show_tensor(tensor: Any) -> str:
    """HTML: a line with shape, dtype and range, a picture if the tensor is an image, and the printed text."""
    facts = f"shape {tuple(tensor.shape)}, {str(tensor.dtype).removeprefix('minigrad.')}"
    if tensor.is_cuda:
        facts += f", {tensor.device}"
    array = tensor.detach().cpu().numpy()
    if array.size and array.dtype.kind in "iuf":
        finite = array[np.isfinite(array)]
        facts += f", {finite.min():.4g} to {finite.max():.4g}" if finite.size else ""
        if finite.size < array.size:
            facts += f", <b>{array.size - finite.size} nan or inf</b>"
    if tensor.requires_grad:
        facts += ", requires grad"
    return f"<div><small>{facts}</small><br>{draw_image(array)}{PRE}{escape(repr(tensor))}</pre></div>"


def draw_image(array: Any) -> str:
    """An img element for (H, W), (1, ..., H, W) or a colour image (3, H, W) in [0, 1]; "" for anything else."""
    channels = _count_channels(array)
    if not channels:
        return ""
    high, wide = array.shape[-2:]
    step = -(-max(high, wide) // LARGEST)
    numbers = array.reshape(channels, high, wide)[:, ::step, ::step].astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, top = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    with np.errstate(all="ignore"):
        grey = np.nan_to_num((numbers - low) / (top - low or 1.0), nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1) * 255
    pixels = np.rint(np.broadcast_to(grey, (3, *grey.shape[1:])).transpose(1, 2, 0)).astype(np.uint8)
    data = base64.b64encode(encode_png(pixels)).decode("ascii")
    size = f'width="{SHOWN}" height="{max(1, SHOWN * high // wide)}"'
    style = 'style="image-rendering: pixelated; border: 1px solid gray"'
    return f'<img alt="the tensor as an image" {size} {style} src="data:image/png;base64,{data}">'


def _count_channels(array: Any) -> int:
    """3 for a colour image, 1 for a grey one, 0 for anything else, such as a table or a batch."""
    if array.dtype.kind not in "biuf" or array.ndim < 2 or not array.size:
        return 0
    short, long = sorted(array.shape[-2:])
    if short < 2 or long > NARROWEST * short:
        return 0
    channels = array.size // (short * long)
    is_colour = array.ndim >= 3 and array.shape[-3] == channels == 3
    return channels if is_colour or channels == 1 else 0


def encode_png(pixels: Any) -> bytes:
    """The file for an image (H, W, 3) of bytes. Source: W3C, Portable Network Graphics, third edition."""
    high, wide, _ = pixels.shape
    rows = b"".join(b"\x00" + row.tobytes() for row in pixels)  # filter type 0: none

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
