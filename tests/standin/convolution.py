"""The NumPy twins of convolution's CUDA kernels (`minigrad/kernels/fast/cuda*.py`)."""

import numpy as np

from minigrad.kernels import Geometry, im2col
from minigrad.kernels.fast import winograd
from tests.standin.kernels import TWINS


def gather_windows(x, columns, block, first, geometry):
    """Columns (n, tap, t, u) from pixels (n, c, row, col), one tap of the kernel at a time."""
    for k, rows, cols, inside in walk_taps(x.shape, block, first, geometry):
        pixels = x[:, :, rows.clip(0, x.shape[2] - 1)[:, None], cols.clip(0, x.shape[3] - 1)]
        columns[:, :, k] = np.where(inside, pixels, 0)


def scatter_windows(x, columns, block, first, geometry):
    if not first:
        x[...] = 0
    for k, rows, cols, inside in walk_taps(x.shape, block, first, geometry):
        t, u = np.nonzero(inside)
        np.add.at(x, (slice(None), slice(None), rows[t], cols[u]), columns[:, :, k][:, :, t, u])


def walk_taps(shape, block, first, geometry):
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


def make_move_twin(name):
    def twin(grid, block, args, constants):
        assert 0 <= grid[0] * block[0] - args[2] < block[0]
        move_windows(name, args)

    return twin


TWINS.update({name: make_move_twin(name) for name in ("gather_windows", "scatter_windows")})


def convolve(grid, block, args, constants):
    """The twin of `minigrad/kernels/fast/cuda_direct.py`'s kernel, forward and adjoint."""
    x, w, bias, out, count, C, H, W, O, Ho, Wo, strips, chunks, ph, pw, *steps = args
    groups, N = grid[1] // int(chunks), count // (strips * Wo)
    geometry = read_geometry(constants, ph, pw, groups)
    images = lay_out(x, (N, groups * C, H, W), steps[:4])
    kernels = lay_out(w, (groups, O, C, *geometry.kernel), steps[4:])
    target = out.reshape(N, groups * O, Ho, Wo)
    if constants["SKIPS"]:
        assert geometry.stride == (1, 1)
        target[...] = sum_inside(images, kernels, target.shape[2:], (ph, pw), geometry.dilation)
    elif constants["ADJOINT"]:
        kernels = kernels.swapaxes(1, 2).reshape(groups * C, O, *geometry.kernel)
        target[...] = im2col.conv2d_input(images, kernels, geometry, (int(Ho), int(Wo)))
    else:
        target[...] = im2col.conv2d(images, kernels.reshape(groups * O, C, *geometry.kernel), geometry)
    add_bias(target, bias)


def add_bias(out, bias):
    if isinstance(bias, np.ndarray):
        assert bias.shape == out.shape[1:2] and bias.flags.c_contiguous
        out += bias.reshape(-1, 1, 1)


def weigh(grid, block, args, constants):
    x, g, parts, count, C, H, W, O, Ho, Wo, strips, chunks, ph, pw, *steps = args
    groups, N = grid[1] // int(C * chunks), count // (strips * Wo)
    images = lay_out(x, (N, groups * C, H, W), steps[:4])
    cotangents = lay_out(g, (N, groups * O, Ho, Wo), steps[4:])
    parts[...] = 0
    parts[-1] = im2col.conv2d_weight(images, cotangents, read_geometry(constants, ph, pw, groups))


def add_parts(grid, block, args, constants):
    parts, total, count, terms = args
    assert (count, terms) == (total.size, len(parts))
    total[...] = parts.sum(0)


def lay_out(array, shape, steps):
    return np.lib.stride_tricks.as_strided(array, [int(n) for n in shape], [array.itemsize * int(s) for s in steps])


def read_geometry(constants, ph, pw, groups):
    kh, kw, sh, sw, dh, dw = (constants[name] for name in ("KH", "KW", "SH", "SW", "DH", "DW"))
    return Geometry((kh, kw), (sh, sw), (int(ph), int(pw)), (dh, dw), groups)


def pack_kernel(grid, block, args, constants):
    w, packed, seen, count, O, C, KH, KW, filled, steps, *strides = args
    assert count == packed.size and 0 <= grid[0] * block[0] - count < block[0]
    groups = count // (filled * 8 * steps)
    kernels = np.zeros((groups, filled, steps // (KH * KW) * 8, KH, KW), w.dtype)
    kernels[:, :O, :C] = lay_out(w, (groups, O, C, KH, KW), strides)
    kernels = kernels.reshape(groups, filled, -1, 8, KH, KW).transpose(0, 2, 4, 5, 3, 1)
    packed[...] = kernels.reshape(-1)
    seen[...] = 0


def product(grid, block, args, constants):
    x, packed, bias, out, seen, count, C, H, W, O, Ho, Wo, filled, _, KH, KW, *rest = args
    groups, N = grid[1], count // (Ho * Wo)
    kernels = packed.reshape(groups, -1, KH, KW, 8, filled).transpose(0, 5, 1, 4, 2, 3)
    kernels = kernels.reshape(groups, filled, -1, KH, KW)[:, :O, :C]
    windows, _ = read_windows(lay_out(x, (N, groups * C, H, W), rest[6:]), (KH, KW), (Ho, Wo), rest[:6])
    windows = windows.reshape(N, groups, C, KH, KW, Ho, Wo)
    out[...] = np.einsum("ngcabtu,gocab->ngotu", windows, kernels).reshape(out.shape)
    add_bias(out, bias)
    if np.isnan(out).any():
        seen[...] = 1


def mend(grid, block, args, constants):
    x, w, out, seen, count, C, H, W, O, Ho, Wo, KH, KW, groups, ph, pw, dh, dw, *strides = args
    if not seen:
        return
    N = count // (groups * O * Ho * Wo)
    kernels = lay_out(w, (groups, O, C, KH, KW), strides[4:])
    sums = sum_inside(lay_out(x, (N, groups * C, H, W), strides[:4]), kernels, (Ho, Wo), (ph, pw), (dh, dw))
    out[...] = np.where(np.isnan(out), sums, out)


def sum_inside(image, kernels, size, padding, dilation):
    """A convolution of stride 1 with kernels (groups, O, C, kh, kw) that leaves out what lies outside the image."""
    groups, O, C, kh, kw = kernels.shape
    windows, inside = read_windows(image, (kh, kw), size, (1, 1, *padding, *dilation))
    windows = windows.reshape(len(image), groups, C, kh, kw, *size)
    out = np.empty((len(image), groups, O, *size), image.dtype)
    for n, g, o in np.ndindex(out.shape[:3]):
        out[n, g, o] = np.where(inside, windows[n, g] * kernels[g, o][..., None, None], 0).sum((0, 1, 2))
    return out.reshape(len(image), groups * O, *size)


def product_of_windows(grid, block, args, constants):
    x, g, parts, count, share, C, H, W, O, Ho, Wo, KH, KW, *rest = args
    groups, N = grid[2], count // (Ho * Wo)
    windows, _ = read_windows(lay_out(x, (N, groups * C, H, W), rest[6:10]), (KH, KW), (Ho, Wo), rest[:6])
    windows = windows.reshape(N, groups, C, KH, KW, Ho, Wo)
    cotangents = lay_out(g, (N, groups, O, Ho, Wo), (rest[10], O * rest[11], *rest[11:]))
    assert (len(parts) - 1) * share < count <= len(parts) * share
    parts[...] = 0
    parts[-1] = np.einsum("ngcabtu,ngotu->gocab", windows, cotangents).reshape(parts.shape[1:])


def read_windows(x, kernel, size, how):
    """(N, C, H, W) -> (N, C, kh, kw, Ho, Wo), and which of them lie inside: (kh, kw, Ho, Wo)."""
    sh, sw, ph, pw, dh, dw = [int(number) for number in how]
    rows = np.arange(kernel[0])[:, None] * dh + np.arange(size[0]) * sh - ph
    cols = np.arange(kernel[1])[:, None] * dw + np.arange(size[1]) * sw - pw
    rows, cols = rows[:, None, :, None], cols[None, :, None, :]
    inside = (rows >= 0) & (rows < x.shape[2]) & (cols >= 0) & (cols < x.shape[3])
    return np.where(inside, x[:, :, rows.clip(0, x.shape[2] - 1), cols.clip(0, x.shape[3] - 1)], 0), inside


def transform(grid, block, args, constants):
    x, marks, points, spares, count, H, W, Th, Tw, ph, pw, step, *strides = args
    matrix, C, N = constants["matrix"], grid[1], count // (Th * Tw)
    image, tile = lay_out(x, (N, C, H, W), strides[:4]), matrix.shape[1]
    tiles, _ = read_windows(image, (tile, tile), (Th, Tw), (step, step, ph, pw, 1, 1))  # (N, C, tile, tile, Th, Tw)
    if spares:
        tiles = np.where(marks[:count].reshape(N, 1, 1, 1, Th, Tw), 0, tiles)
    found = np.einsum("ai,ncijtu,bj->abcntu", matrix, tiles, matrix).reshape(-1, C, count)
    lay_out(points, found.shape, strides[4:])[...] = found


def transform_back(grid, block, args, constants):
    points, bias, out, marks, seen, count, H, W, Th, Tw, outn, outc, *strides = args
    matrix, C, N = constants["matrix"], grid[1], count // (Th * Tw)
    tile = matrix.shape[1]
    tiles = lay_out(points, (tile * tile, C, count), strides).reshape(tile, tile, C, N, Th, Tw)
    found = np.einsum("ai,ijcntu,bj->nctaub", matrix, tiles, matrix)
    whole = found.reshape(N, C, Th * len(matrix), Tw * len(matrix))
    target = lay_out(out, (N, C, H, W), (outn, outc, W, 1))
    target[...] = whole[:, :, :H, :W]
    add_bias(target, bias)
    strange = ~np.isfinite(found).all(axis=(1, 3, 5)).reshape(-1)
    if constants["MARKS"] and strange.any():
        marks[:count][strange], seen[...] = 1, 1


def find_peaks(grid, block, args, constants):
    x, peaks, seen, _, C, H, W, *strides = args
    seen[...] = 0
    peaks[...] = abs(lay_out(x, (len(peaks), C, H, W), strides)).max(axis=1)


def mark(grid, block, args, constants):
    peaks, others, marks, seen, with_others, count, _, _, Ho, Wo, Th, Tw, ph, pw = args
    taps, step = constants["TAPS"], constants["STEP"]
    windows, _ = read_windows(peaks[:, None], (taps, taps), (Ho, Wo), (1, 1, ph, pw, 1, 1))
    largest = windows[:, 0].max(axis=(1, 2))  # (N, Ho, Wo)
    for place in range(count):
        tile = find_tile(place, Th, Tw, step)
        most, least = largest[tile].max(), largest[tile].min()
        huge = not most < winograd.HUGE or (with_others and not others[tile].max() < winograd.HUGE)
        marks[place] = huge or not most <= winograd.SPREAD * least
    seen[...] |= marks.any()


def mend_tiles(grid, block, args, constants):
    x, w, bias, out, marks, seen, skips, count, C, H, W, O, Ho, Wo, Th, Tw, ph, pw, *strides = args
    if not seen:
        return
    taps, N = constants["TAPS"], count // (Th * Tw)
    kernels = lay_out(w, (O, C, taps, taps), strides[4:])
    image = lay_out(x, (N, C, H, W), strides[:4])
    windows, inside = read_windows(image, (taps, taps), (Ho, Wo), (1, 1, ph, pw, 1, 1))
    for o in range(O):
        terms = windows * kernels[o][..., None, None]  # (N, C, k, k, Ho, Wo)
        sums = np.where(inside | (not skips), terms, 0).sum((1, 2, 3))
        for place in np.flatnonzero(marks):
            n, rows, cols = find_tile(place, Th, Tw, constants["STEP"])
            out[n, o, rows, cols] = sums[n, rows, cols] + (bias[o] if isinstance(bias, np.ndarray) else 0)


def mend_weights(grid, block, args, constants):
    x, g, weights, marks, seen, _, count, C, H, W, Ho, Wo, Th, Tw, ph, pw, *strides = args
    if not seen:
        return
    taps, N = constants["TAPS"], count // (Th * Tw)
    image, cotangents = lay_out(x, (N, C, H, W), strides[:4]), lay_out(g, (N, len(weights), Ho, Wo), strides[4:])
    windows, _ = read_windows(image, (taps, taps), (Ho, Wo), (1, 1, ph, pw, 1, 1))
    for place in np.flatnonzero(marks):
        n, rows, cols = find_tile(place, Th, Tw, constants["STEP"])
        weights += np.einsum("cabtu,otu->ocab", windows[n][..., rows, cols], cotangents[n, :, rows, cols])


def find_tile(place, Th, Tw, step):
    n, t, u = np.unravel_index(place, (place // (Th * Tw) + 1, Th, Tw))
    return int(n), slice(t * step, (t + 1) * step), slice(u * step, (u + 1) * step)


def sum_window(grid, block, args, constants):
    x, w, bias, out, *numbers = args
    image, geometry, _, strides = problem_of(numbers, len(out))
    kernels = lay_out(w, (out.shape[1], image[1] // geometry.groups, *geometry.kernel), strides[4:])
    out[...] = im2col.conv2d(lay_out(x, image, strides[:4]), kernels, geometry)
    add_bias(out, bias)


def sum_channels(grid, block, args, constants):
    g, parts, count, C, H, W, *strides = args
    parts[...] = 0
    parts[-1] = lay_out(g, (count // (H * W), C, H, W), strides).sum((0, 2, 3))


def sum_pixel(grid, block, args, constants):
    g, w, out, *numbers = args
    image, geometry, windows, strides = problem_of(numbers, len(out))
    kernels = lay_out(w, (windows[1], image[1] // geometry.groups, *geometry.kernel), strides[4:])
    out[...] = im2col.conv2d_input(lay_out(g, windows, strides[:4]), kernels, geometry, image[2:])


def sum_weight(grid, block, args, constants):
    x, g, out, terms, *numbers = args
    image, geometry, windows, strides = problem_of([0, *numbers], int(terms // (numbers[4] * numbers[5])))
    out[...] = im2col.conv2d_weight(lay_out(x, image, strides[:4]), lay_out(g, windows, strides[4:]), geometry)


def problem_of(numbers, N):
    """The image's shape, the geometry, the windows' shape and the strides of a kernel of `cuda_plain.py`."""
    _, C, H, W, O, Ho, Wo, kh, kw, groups, sh, sw, ph, pw, dh, dw = map(int, numbers[:16])
    geometry = Geometry((kh, kw), (sh, sw), (ph, pw), (dh, dw), groups)
    return (N, C * groups, H, W), geometry, (N, O, Ho, Wo), numbers[16:]


def with_numbers(twin):
    """The twin of a kernel whose whole numbers came as one argument."""
    return lambda grid, block, args, constants: twin(grid, block, [*args[:-1], *args[-1]["v"].reshape(-1)], constants)


TWINS.update(
    {
        twin.__name__: with_numbers(twin)
        for twin in (
            convolve, weigh, add_parts, pack_kernel, product, mend, product_of_windows,
            transform, transform_back, find_peaks, mark, mend_tiles, mend_weights,
            sum_window, sum_pixel, sum_weight, sum_channels,
        )
    }
)  # fmt: skip
