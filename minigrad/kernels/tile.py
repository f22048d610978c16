"""Few channels, many small images: one dense matrix computes a whole row segment of outputs.

im2col copies every pixel kh kw times, and then feeds the product a matrix too thin to be quick.
Here `width` neighbouring outputs of all output channels come from one product: their patch of kh
rows and width + kw - 1 columns times a band, a matrix that repeats the kernel `width` times, each
one further:

    (N*segments, kh*C*patch) @ (kh*C*patch, O*width) -> (N*segments, O*width)   for each output row.

That is (width + kw - 1) / kw times more multiplications, on patches that are not copied down the
rows: they overlap in memory. Float32 error against float64 on LeNet's layers: 2e-7 relative.
Dilation 1, one group; the adjoint in x at stride 1, with padding below the kernel's reach.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.backend import Array
from minigrad.kernels.windows import Pair, output_size
from minigrad.kernels.workspace import workspace

BLOCK_BYTES = 4 * 2**20  # of products at a time
WIDTH = 8  # outputs per segment, at most


def conv2d(x: Array, w: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """(N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)."""
    O, _, kh, kw = w.shape
    Ho, Wo = output_size(x, (kh, kw), stride, padding, dilation)
    segments, width = _segments(Wo)
    out = np.empty((len(x), O, Ho, Wo), x.dtype)
    band = _band(w, stride[1], width)
    for images in _blocks(len(x), segments * Ho * O * width * x.itemsize):
        patches = _patches(x[images], kh, stride[0], Ho, padding, segments, width * stride[1], band.shape[2])
        products = workspace("products", (*patches.shape[:2], O * width), x.dtype)
        np.matmul(patches, band.reshape(-1, O * width), out=products)
        for part, segment in _segment_pairs(out[images], products, width):
            part[...] = segment
    return out


def conv2d_weight(
    x: Array, g: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)."""
    (N, O, Ho, Wo), C, (kh, kw) = g.shape, x.shape[1], kernel_size
    segments, width = _segments(Wo)
    patch = (width - 1) * stride[1] + kw
    w = np.zeros((O, C, kh, kw), x.dtype)
    for images in _blocks(N, segments * Ho * O * width * x.itemsize):
        patches = _patches(x[images], kh, stride[0], Ho, padding, segments, width * stride[1], patch)
        cotangents = workspace("products", (*patches.shape[:2], O * width), x.dtype)
        if segments * width > Wo:
            cotangents[...] = 0
        for part, segment in _segment_pairs(g[images], cotangents, width):
            segment[...] = part
        bands = np.matmul(patches.swapaxes(1, 2), cotangents)  # one for each row of outputs
        band = np.add.reduce(bands, axis=0).reshape(kh, C, patch, O, width)
        for u in range(width):  # each shifted copy of the kernel adds its share
            shifted = band[:, :, u * stride[1] : u * stride[1] + kw, :, u]
            w += shifted.transpose(3, 1, 0, 2)
    return w


def conv2d_input(
    g: Array, w: Array, input_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint in x: rows of g, through the flipped band, give rows of x; segments overlap."""
    (N, O, _, Wo), (_, C, kh, kw), (H, W) = g.shape, w.shape, input_size
    segments, width = _segments(Wo)
    patch = width + kw - 1
    x = np.zeros((N, C, H, W), g.dtype)
    # (kh, C, patch, O, width) -> (kh*O*width, C*patch)
    band = _band(w, 1, width)[::-1].transpose(0, 3, 4, 1, 2).reshape(-1, C * patch)
    reach = (kh - 1 - padding[0], 0)
    for images in _blocks(N, segments * H * max(C * patch, O * width) * g.itemsize):
        patches = _patches(g[images], kh, 1, H, reach, segments, width, width)
        products = workspace("products", (*patches.shape[:2], C * patch), g.dtype)
        np.matmul(patches, band, out=products)
        products = products.reshape(H, -1, segments, C, patch).transpose(1, 3, 0, 2, 4)
        for s in range(segments):
            first = s * width - padding[1]  # the column of x where the segment's patch begins
            left, right = max(0, first), min(W, first + patch)
            x[images, :, :, left:right] += products[:, :, :, s, left - first : right - first]
    return x


def serves(operand: Array, w_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """NumPy, stride and dilation 1, one group, padding below the kernel's size."""
    return (
        type(operand) is np.ndarray
        and stride == dilation == (1, 1)
        and groups == 1
        and padding[0] < w_shape[2]
        and padding[1] < w_shape[3]
    )


def _segments(Wo: int) -> Pair:
    """How many segments a row of outputs is cut into, and their width, at most WIDTH."""
    count = -(-Wo // WIDTH)
    return count, -(-Wo // count)


def _blocks(N: int, bytes_per_image: int) -> Iterator[slice]:
    step = max(1, BLOCK_BYTES // bytes_per_image)
    return (slice(n, min(N, n + step)) for n in range(0, N, step))


def _band(w: Array, step: int, width: int) -> Array:
    """The kernel `width` times, each `step` further: (O, C, kh, kw) -> (kh, C, patch, O, width)."""
    O, C, kh, kw = w.shape
    band = np.zeros((kh, C, (width - 1) * step + kw, O, width), w.dtype)
    for u in range(width):
        band[:, :, u * step : u * step + kw, :, u] = w.transpose(2, 1, 3, 0)
    return band


def _segment_pairs(rows: Array, products: Array, width: int) -> Iterator[tuple[Array, Array]]:
    """By segment, equal views of rows (N, O, Ho, Wo) and products (Ho, N*segments, O*width)."""
    N, O, Ho, _ = rows.shape
    products = products.reshape(Ho, N, -1, O, width).transpose(1, 3, 0, 2, 4)
    for s in range(products.shape[3]):
        part = rows[:, :, :, s * width : (s + 1) * width]
        yield part, products[:, :, :, s, : part.shape[3]]


def _patches(x: Array, kh: int, stride: int, count: int, padding: Pair, segments: int, step: int, patch: int) -> Array:
    """What `count` rows of segments read: (N, C, H, W) -> (count, N*segments, kh*C*patch).

    A view: columns are copied, segment by segment, but kh rows lie in one piece, and overlap.
    """
    (N, C, H, W), (ph, pw), rows = x.shape, padding, (count - 1) * stride + kh
    image = workspace("image", (N, segments, rows, C, patch), x.dtype)
    if ph or pw or rows > H or (segments - 1) * step + patch > W:
        image[...] = 0
    used = min(H, rows - ph)
    for s in range(segments):
        first = s * step - pw  # the column of x where the segment's patch begins
        left, right = max(0, first), min(W, first + patch)
        if left < right:
            inside = image[:, s, ph : ph + used, :, left - first : right - first]
            inside[...] = x[:, :, :used, left:right].transpose(0, 2, 1, 3)
    row = C * patch * x.itemsize
    shape, strides = (count, N * segments, kh * C * patch), (stride * row, rows * row, x.itemsize)
    return np.ndarray(shape, x.dtype, image, 0, strides)
