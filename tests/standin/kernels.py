"""`cupy.RawKernel`: what CuPy would compile, run by its NumPy twin.

A twin is a function (grid, block, arguments, constants) on NumPy arrays and NumPy numbers that stands in `TWINS`
under its kernel's name; the constants are the source's `#define NAME number`s.
"""

import re

import numpy as np

from minigrad.kernels import Geometry, im2col
from tests.standin.journal import asked

TWINS = {}


def gather_windows(x, columns, block, first, geometry):
    """Columns (n, tap, t, u) from pixels (n, c, row, col), one tap of the kernel at a time."""
    for k, rows, cols, inside in taps(x.shape, block, first, geometry):
        pixels = x[:, :, rows.clip(0, x.shape[2] - 1)[:, None], cols.clip(0, x.shape[3] - 1)]
        columns[:, :, k] = np.where(inside, pixels, 0)


def scatter_windows(x, columns, block, first, geometry):
    if not first:
        x[...] = 0
    for k, rows, cols, inside in taps(x.shape, block, first, geometry):
        t, u = np.nonzero(inside)
        np.add.at(x, (slice(None), slice(None), rows[t], cols[u]), columns[:, :, k][:, :, t, u])


def taps(shape, block, first, geometry):
    (_, _, H, W), (Ho, Wo), (kh, kw, sh, sw, ph, pw, dh, dw) = shape, block, geometry
    for a in range(kh):
        rows = (np.arange(Ho) + first) * sh + a * dh - ph
        for b in range(kw):
            cols = np.arange(Wo) * sw + b * dw - pw
            inside = ((rows >= 0) & (rows < H))[:, None] & (cols >= 0) & (cols < W)
            yield a * kw + b, rows, cols, inside


def move_windows(name, args):
    """`gather_windows` or `scatter_windows` of `minigrad/kernels/fast/cuda_columns.py`."""
    one, two, count, C, H, W, kh, kw, Ho, Wo, *rest = args
    sh, sw, ph, pw, dh, dw, first, xn, xc, xh, xw, cn, ck = map(int, rest)
    x, columns = (one, two) if name == "gather_windows" else (two, one)
    N = int(count) // int(C * (Ho * Wo if name == "gather_windows" else H * W))
    view, size = np.lib.stride_tricks.as_strided, x.itemsize
    assert x.strides == tuple(size * s for s in (xn, xc, xh, xw)) or 1 in x.shape
    x = view(x, (N, C, H, W), [size * s for s in (xn, xc, xh, xw)])
    shape, steps = (N, C, kh * kw, Ho, Wo), (cn, kh * kw * ck, ck, Wo, 1)
    columns = view(columns, shape, [size * int(s) for s in steps])
    geometry = [int(g) for g in (kh, kw, sh, sw, ph, pw, dh, dw)]
    globals()[name](x, columns, (int(Ho), int(Wo)), first, geometry)


def move(name):
    def twin(grid, block, args, constants):
        assert 0 <= grid[0] * block[0] - args[2] < block[0]
        move_windows(name, args)

    return twin


TWINS.update({name: move(name) for name in ("gather_windows", "scatter_windows")})


def convolve(grid, block, args, constants):
    """The twin of `minigrad/kernels/fast/cuda_direct.py`'s kernel, forward and adjoint."""
    x, w, out, count, C, H, W, O, Ho, Wo, strips, chunks, ph, pw, *steps = args
    groups, N = grid[1] // int(chunks), count // (strips * Wo)
    geometry = geometry_of(constants, ph, pw, groups)
    images = laid_out(x, (N, groups * C, H, W), steps[:4])
    kernels = laid_out(w, (groups, O, C, *geometry.kernel), steps[4:])
    target = out.reshape(N, groups * O, Ho, Wo)
    if constants["ADJOINT"]:
        kernels = kernels.swapaxes(1, 2).reshape(groups * C, O, *geometry.kernel)
        target[...] = im2col.conv2d_input(images, kernels, geometry, (int(Ho), int(Wo)))
    else:
        target[...] = im2col.conv2d(images, kernels.reshape(groups * O, C, *geometry.kernel), geometry)


def weigh(grid, block, args, constants):
    x, g, parts, count, C, H, W, O, Ho, Wo, strips, chunks, ph, pw, *steps = args
    groups, N = grid[1] // int(C * chunks), count // (strips * Wo)
    images = laid_out(x, (N, groups * C, H, W), steps[:4])
    cotangents = laid_out(g, (N, groups * O, Ho, Wo), steps[4:])
    parts[...] = 0
    parts[-1] = im2col.conv2d_weight(images, cotangents, geometry_of(constants, ph, pw, groups))


def add_parts(grid, block, args, constants):
    parts, total, count, terms = args
    assert (count, terms) == (total.size, len(parts))
    total[...] = parts.sum(0)


def laid_out(array, shape, steps):
    return np.lib.stride_tricks.as_strided(array, [int(n) for n in shape], [array.itemsize * int(s) for s in steps])


def geometry_of(constants, ph, pw, groups):
    kh, kw, sh, sw, dh, dw = (constants[name] for name in ("KH", "KW", "SH", "SW", "DH", "DW"))
    return Geometry((kh, kw), (sh, sw), (int(ph), int(pw)), (dh, dw), groups)


TWINS.update({twin.__name__: twin for twin in (convolve, weigh, add_parts)})


class RawKernel:
    __module__ = "cupy"

    def __init__(self, code, name, options=(), backend="nvrtc", *, translate_cucomplex=False):
        assert f" {name}(" in code
        self.name = name
        self.constants = {key: int(value) for key, value in re.findall(r"^#define (\w+) (\d+)$", code, re.MULTILINE)}
        self.max_dynamic_shared_size_bytes = 48 * 2**10

    def __call__(self, grid, block, args, *, shared_mem=0):
        from tests.standin.array import check_device, ndarray

        asked.add(("cupy.RawKernel", "__call__", ()))
        assert len(grid) <= 3 and len(block) <= 3 and np.prod(block) <= 1024 and 0 not in (*grid, *block)
        assert grid[0] < 2**31 and all(blocks <= 65535 for blocks in grid[1:]), grid
        assert shared_mem <= self.max_dynamic_shared_size_bytes <= 227 * 2**10
        for x in args:  # a Python int would be passed as another C type than the kernel's
            assert isinstance(x, (ndarray, np.int32, np.int64, np.float32, np.float64)), type(x)
            if isinstance(x, ndarray):
                check_device(x)
        TWINS[self.name](grid, block, [x._host if isinstance(x, ndarray) else x for x in args], self.constants)
