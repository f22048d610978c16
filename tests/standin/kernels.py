"""`cupy.RawKernel`: what CuPy would compile, run by its NumPy twin.

A twin is a function (grid, block, arguments, constants) on NumPy arrays and NumPy numbers that stands in `TWINS`
under its kernel's name; the constants are the source's `#define NAME number`s.
"""

import re

import numpy as np

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
    """`gather_windows` or `scatter_windows` of `minigrad/kernels/fast/cuda.py`."""
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
