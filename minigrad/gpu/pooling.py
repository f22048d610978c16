"""Pooling on a GPU: one thread for each window in the forward, one for each pixel in the gradient.

The gradient of a pixel is gathered from the windows that read it, so no two threads write to one place, nothing has to
be zeroed first, and the result is deterministic.
"""

from __future__ import annotations

from typing import Any

from minigrad.gpu.floats import in_one_piece, launch_floats
from minigrad.gpu.launch import THREADS, blocks_for, int32s

PARTS = {  # source text that several kernels share
    "PARAMETERS": """int count, int H, int W, int Ho, int Wo,
    int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw""",
    "EACH_WINDOW": """int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int u = i % Wo, t = i / Wo % Ho;
    const T* plane = x + (long long)(i / Wo / Ho) * H * W;""",
    "EACH_PIXEL": """int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int w = i % W, h = i / W % H;
    long long plane = (long long)(i / W / H) * Ho * Wo;  // of windows""",
    # The divisor of a window's sum: a given number, or the number of its entries, with or without those of the padding.
    "DIVISOR": """
__device__ A divisor(
    int t, int u, int H, int W, int kh, int kw, int sh, int sw, int ph, int pw, int given, int padded)
{
    if (given) return given;
    int top = t * sh - ph, left = u * sw - pw, up = padded ? ph : 0, aside = padded ? pw : 0;
    int rows = min(top + kh, H + up) - max(top, -up), columns = min(left + kw, W + aside) - max(left, -aside);
    return rows * columns;
}
""",
    # Window i of n along an axis of length L goes from floor(i L / n) to ceil((i + 1) L / n).
    "SPANS": """
__device__ int start(int i, int length, int count) { return (long long)i * length / count; }
__device__ int stop(int i, int length, int count) { return ((long long)(i + 1) * length + count - 1) / count; }
""",
}


def _complete(text: str) -> str:
    """The source of a kernel, with the shared parts."""
    for part, words in PARTS.items():
        text = text.replace(part, words)
    return text


# Images (planes, H, W) -> windows (planes, Ho, Wo), and back: tap (a, b) of window (t, u) reads pixel
# (t sh - ph + a dh, u sw - pw + b dw).
# Among equals the first wins, a NaN beats everything, and the last NaN is the place. Padding never wins.
MAX = _complete("""
extern "C" __global__ void max_pool(const T* x, long long* places, T* out, PARAMETERS) {
    EACH_WINDOW
    A best = -infinity();
    int place = -1;
    for (int a = 0; a < kh; a++) {
        int h = t * sh - ph + a * dh;
        if (h < 0 || h >= H) continue;
        for (int b = 0; b < kw; b++) {
            int w = u * sw - pw + b * dw;
            if (w < 0 || w >= W) continue;
            A v = up(plane[h * W + w]);
            if (place < 0 || v > best || v != v) best = v, place = h * W + w;
        }
    }
    out[i] = down(best), places[i] = place;
}
""")
# Pixel (h, w) is read by tap (a, b) of window (t, u) where t sh = h + ph - a dh, and so along the other axis.
MAX_RULE = _complete("""
extern "C" __global__ void max_pool_rule(const T* g, const long long* places, T* out, PARAMETERS) {
    EACH_PIXEL
    A sum = 0;
    for (int a = 0; a < kh; a++) {
        int t = h + ph - a * dh;
        if (t < 0 || t % sh || (t /= sh) >= Ho) continue;
        for (int b = 0; b < kw; b++) {
            int u = w + pw - b * dw;
            if (u < 0 || u % sw || (u /= sw) >= Wo) continue;
            if (places[plane + t * Wo + u] == h * W + w) sum += up(g[plane + t * Wo + u]);
        }
    }
    out[i] = down(sum);
}
""")
MEAN = _complete("""DIVISOR
extern "C" __global__ void mean_pool(const T* x, T* out, PARAMETERS, int given, int padded) {
    EACH_WINDOW
    A sum = 0;
    for (int h = max(t * sh - ph, 0); h < min(t * sh - ph + kh, H); h++)
        for (int w = max(u * sw - pw, 0); w < min(u * sw - pw + kw, W); w++) sum += up(plane[h * W + w]);
    out[i] = down(sum / divisor(t, u, H, W, kh, kw, sh, sw, ph, pw, given, padded));
}
""")
MEAN_RULE = _complete("""DIVISOR
extern "C" __global__ void mean_pool_rule(const T* g, T* out, PARAMETERS, int given, int padded) {
    EACH_PIXEL
    int t1 = min((h + ph) / sh, Ho - 1), u1 = min((w + pw) / sw, Wo - 1);
    A sum = 0;
    for (int t = max(0, (h + ph - kh + sh) / sh); t <= t1; t++)
        for (int u = max(0, (w + pw - kw + sw) / sw); u <= u1; u++)
            sum += up(g[plane + t * Wo + u]) / divisor(t, u, H, W, kh, kw, sh, sw, ph, pw, given, padded);
    out[i] = down(sum);
}
""")
ADAPTIVE = _complete("""SPANS
extern "C" __global__ void adaptive_mean_pool(const T* x, T* out, int count, int H, int W, int Ho, int Wo) {
    EACH_WINDOW
    int top = start(t, H, Ho), bottom = stop(t, H, Ho), left = start(u, W, Wo), right = stop(u, W, Wo);
    A sum = 0;
    for (int h = top; h < bottom; h++)
        for (int w = left; w < right; w++) sum += up(plane[h * W + w]);
    out[i] = down(sum / ((bottom - top) * (right - left)));
}
""")
ADAPTIVE_RULE = _complete("""SPANS
extern "C" __global__ void adaptive_mean_pool_rule(const T* g, T* out, int count, int H, int W, int Ho, int Wo) {
    EACH_PIXEL
    A sum = 0;
    for (int t = start(h, Ho, H); t < stop(h, Ho, H); t++)
        for (int u = start(w, Wo, W); u < stop(w, Wo, W); u++)
            sum += up(g[plane + t * Wo + u])
                / ((stop(t, H, Ho) - start(t, H, Ho)) * (stop(u, W, Wo) - start(u, W, Wo)));
    out[i] = down(sum);
}
""")


def pool_max(x: Any, places: Any, *, geometry: Any) -> Any:
    """The maxima; writes their indices into `places`."""
    if not _serves(x, places) or not places.flags.c_contiguous:
        return None
    out = type(x)(places.shape, x.dtype)
    _launch("max_pool", MAX, (in_one_piece(x), places, out), x.shape, places.shape, geometry)
    return out


def pool_max_rule(g: Any, x: Any, places: Any, geometry: Any) -> Any:
    """The gradient of the image for max pooling."""
    if not _serves(x, g) or not places.flags.c_contiguous:
        return None
    out = type(x)(x.shape, g.dtype)
    _launch("max_pool_rule", MAX_RULE, (in_one_piece(g), places, out), x.shape, g.shape, geometry)
    return out


def pool_mean(x: Any, *, geometry: Any, windows: Any, count: Any) -> Any:
    """The means of windows."""
    return _average("mean_pool", MEAN, x, windows, geometry, count)


def pool_mean_rule(g: Any, x: Any, geometry: Any, windows: Any, count: Any) -> Any:
    """The gradient of the image for average pooling."""
    return _share_out("mean_pool_rule", MEAN_RULE, g, x, geometry, count)


def pool_adaptive(x: Any, *, size: Any) -> Any:
    """The means of windows that cover the image."""
    return _average("adaptive_mean_pool", ADAPTIVE, x, size)


def pool_adaptive_rule(g: Any, x: Any, size: Any) -> Any:
    """The gradient of the image for adaptive average pooling."""
    return _share_out("adaptive_mean_pool_rule", ADAPTIVE_RULE, g, x)


def _average(name: str, body: str, x: Any, windows: Any, *how: Any) -> Any:
    """One number for each of the `windows` of the images x; None if the kernel does not support them."""
    shape = (*x.shape[:-2], *windows)
    if not _serves(x, x) or 0 in shape:
        return None
    out = type(x)(shape, x.dtype)
    _launch(name, body, (in_one_piece(x), out), x.shape, shape, *how)
    return out


def _share_out(name: str, body: str, g: Any, x: Any, *how: Any) -> Any:
    """The adjoint: one number for each pixel of x, from the windows' g; None if the kernel does not support it."""
    if not _serves(x, g):
        return None
    out = type(x)(x.shape, g.dtype)
    _launch(name, body, (in_one_piece(g), out), x.shape, g.shape, *how)
    return out


def _serves(x: Any, windows: Any) -> bool:
    return x.dtype.char in "efd" and 0 < x.size < 2**31 - 2**20 and 0 < windows.size < 2**31 - 2**20


def _launch(
    name: str, body: str, arrays: tuple[Any, ...], image: Any, windows: Any, geometry: Any = None, divisor: Any = None
) -> None:
    """A thread for each number of the last of `arrays`; `divisor` is (divisor_override or None, count_include_pad)."""
    count, char = arrays[-1].size, arrays[-1].dtype.char
    options = () if geometry is None else (*geometry.kernel, *geometry.stride, *geometry.padding, *geometry.dilation)
    divided = () if divisor is None else (divisor[0] or 0, divisor[1])
    numbers = int32s(count, *image[-2:], *windows[-2:], *options, *divided)
    launch_floats(name, body, char, (blocks_for(count),), (THREADS,), (*arrays, *numbers))
