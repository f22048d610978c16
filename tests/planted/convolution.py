"""A convolution written by hand, with its right gradient and with typical mistakes of students.

Operands by default: 2 images of 2 channels and 5x5 pixels, 3 output channels, a kernel of 2x2.
"""

from __future__ import annotations

import numpy as np

import minigrad as mg

N, C, O, H, K = 2, 2, 3, 5, 2


def convolve(x, w, b, stride=1):
    """The definition, in loops over the kernel."""
    (n, _, h, v), (o, _, kh, kw) = x.shape, w.shape
    ho, wo = (h - kh) // stride + 1, (v - kw) // stride + 1
    y = np.zeros((n, o, ho, wo))
    for i in range(kh):
        for j in range(kw):
            y += np.einsum("nchw,oc->nohw", view_window(x, i, j, ho, wo, stride), w[:, :, i, j])
    return y + b.reshape(1, -1, 1, 1)


def view_window(x, i, j, ho, wo, stride):
    return x[:, :, i : i + stride * ho : stride, j : j + stride * wo : stride][:, :, :ho, :wo]


def x_gradient(g, x, w, stride=1):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*w.shape[2:]):
        view_window(dx, i, j, *g.shape[2:], stride)[...] += np.einsum("nohw,oc->nchw", g, w[:, :, i, j])
    return dx


def w_gradient(g, x, w, stride=1):
    dw = np.zeros(w.shape)
    for i, j in np.ndindex(*w.shape[2:]):
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", g, view_window(x, i, j, *g.shape[2:], stride))
    return dw


def right(g, x, w, b, stride=1):
    return x_gradient(g, x, w, stride), w_gradient(g, x, w, stride), g.sum((0, 2, 3))


def overwrite_dx(g, x, w):
    """`=` where `+=` is due, in a loop over positions."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*g.shape[2:]):
        dx[:, :, i : i + w.shape[2], j : j + w.shape[3]] = np.einsum("no,ocij->ncij", g[:, :, i, j], w)
    return dx


def overwrite_dw(g, x, w):
    for i, j in np.ndindex(*g.shape[2:]):
        dw = np.einsum("no,ncij->ocij", g[:, :, i, j], x[:, :, i : i + w.shape[2], j : j + w.shape[3]])
    return dw


def shift(array, by=1):
    moved = np.zeros_like(array)
    moved[..., by:] = array[..., :-by]
    return moved


POSITIONS = (H - K + 1) ** 2
# By name: which gradient is wrong, how, and words that the message must have.
MISTAKES = {
    "dx negated": ("x", lambda g, x, w: -x_gradient(g, x, w), ["negated"]),
    "dw negated": ("w", lambda g, x, w: -w_gradient(g, x, w), ["negated"]),
    "dw: a mean over the batch": ("w", lambda g, x, w: w_gradient(g, x, w) / N, ["divided by 2", "batch size"]),
    "dw: a mean over positions": (
        "w", lambda g, x, w: w_gradient(g, x, w) / POSITIONS, ["divided by 16", "number of output positions"],
    ),
    "dw: a mean over batch and positions": (
        "w", lambda g, x, w: w_gradient(g, x, w) / POSITIONS / N, ["divided by 32", "batch times output positions"],
    ),
    "db: a mean over the batch": ("b", lambda g, x, w: g.mean(0).sum((1, 2)), ["divided by 2", "batch size"]),
    "db: a mean over positions": ("b", lambda g, x, w: g.sum(0).mean((1, 2)), ["divided by 16", "output positions"]),
    "dx twice": ("x", lambda g, x, w: 2 * x_gradient(g, x, w), ["times 2", "square"]),
    "dw flipped": (
        "w", lambda g, x, w: w_gradient(g, x, w)[:, :, ::-1, ::-1],
        ["flipped along axis 2 (kernel row) and axis 3 (kernel column)"],
    ),
    "dw transposed": ("w", lambda g, x, w: w_gradient(g, x, w).swapaxes(2, 3), ["transposed"]),
    "dw zero": ("w", lambda g, x, w: 0 * w, ["the gradient is zero"]),
    "dx: upstream missing": ("x", lambda g, x, w: x_gradient(np.ones_like(g), x, w), ["upstream"]),
    "db: upstream missing": ("b", lambda g, x, w: np.full(O, float(N * POSITIONS)), ["upstream"]),
    "dx with the kernel flipped": (
        "x", lambda g, x, w: x_gradient(g, x, w[:, :, ::-1, ::-1]), ["the gradient of x is computed with w flipped"],
    ),
    "dx: = for +=": ("x", overwrite_dx, ["`=` where `+=` is due"]),
    "dw: = for +=": (
        "w", overwrite_dw,
        ["only index [3] of axis 2 (row) and index [3] of axis 3 (column) of the output contribute; inside", "`+=`"],
    ),
    "dx shifted": ("x", lambda g, x, w: shift(x_gradient(g, x, w)), ["shifted by +1 along axis 3 (column)"]),
    "dx rolled": ("x", lambda g, x, w: np.roll(x_gradient(g, x, w), 1, 2), ["shifted by +1 along axis 2 (row)"]),
    "dx of the first output channel": (
        "x", lambda g, x, w: x_gradient(g[:, :1], x, w[:1]), ["only index [0] of axis 1 (channel) of the output"],
    ),
    "dw: no sum over the batch": (
        "w", lambda g, x, w: w_gradient(g[:1], x[:1], w), ["only index [0] of axis 0 (batch) of the output"],
    ),
    "db: no sum over the batch": (
        "b", lambda g, x, w: g[0].sum((1, 2)), ["only index [0] of axis 0 (batch) of the output"],
    ),
    "dw of the last image": (
        "w", lambda g, x, w: w_gradient(g[-1:], x[-1:], w), ["only index [1] of axis 0 (batch)", "`=` where `+=`"],
    ),
    "dw flipped along one axis": (
        "w", lambda g, x, w: w_gradient(g, x, w)[..., ::-1], ["flipped along axis 3 (kernel column)"],
    ),
    "dx flipped along one axis": (
        "x", lambda g, x, w: x_gradient(g, x, w)[:, :, ::-1], ["flipped along axis 2 (row)"],
    ),
    "dx with the kernel flipped along one axis": (
        "x", lambda g, x, w: x_gradient(g, x, w[..., ::-1]), ["computed with w flipped along axis 3 (kernel column)"],
    ),
    "dx with channels swapped": ("x", lambda g, x, w: x_gradient(g, x, w)[:, ::-1], ["flipped along axis 1 (channel)"]),
    "dw with channels swapped": (
        "w", lambda g, x, w: w_gradient(g, x, w)[:, ::-1], ["flipped along axis 1 (input channel)"],
    ),
    "dw from a shifted x": (
        "w", lambda g, x, w: w_gradient(g, shift(x), w), ["the gradient of w is computed with x shifted by +1"],
    ),
    "dw from a rolled x": (
        "w", lambda g, x, w: w_gradient(g, np.roll(x, -1, 2), w),
        ["the gradient of w is computed with x shifted by -1 along axis 2 (row)"],
    ),
    "dw with axes in another order": (
        "w", lambda g, x, w: w_gradient(g, x, w).transpose(1, 0, 2, 3).reshape(w.shape),
        ["axes in the order (1, 0, 2, 3)"],
    ),
    "dw from x transposed": (
        "w", lambda g, x, w: w_gradient(g, x.swapaxes(2, 3), w), ["computed with x transposed"],
    ),
    "dw: g read in the wrong order": (
        "w", lambda g, x, w: w_gradient(g.swapaxes(2, 3), x, w), ["the gradient that arrives was read transposed"],
    ),
    "db over all channels": (
        "b", lambda g, x, w: np.full(O, g.sum()), ["summed over axis 0 of b and spread again"],
    ),
    "db of one position": (
        "b", lambda g, x, w: g[:, :, 0, 0].sum(0),
        ["only index [0] of axis 2 (row) and index [0] of axis 3 (column) of the output contribute"],
    ),
    "dx: the last row of positions left out": (
        "x", lambda g, x, w: x_gradient(g * (np.arange(4) < 3)[:, None], x, w),
        ["only indices [0, 1, 2] of axis 2 (row) of the output"],
    ),
    "dx divided by the windows over a pixel": (
        "x", lambda g, x, w: x_gradient(g, x, w) / (x_gradient(0 * g + 1, x, 0 * w + 1) / C / O * C),
        ["divided by the number of outputs"],
    ),
    "dx from squared weights": ("x", lambda g, x, w: x_gradient(g, x, w * w), ["computed with w squared"]),
    "dx without the weights": ("x", lambda g, x, w: x_gradient(g, x, 0 * w + 1), ["w left out"]),
    "db: g squared": ("b", lambda g, x, w: (g * g).sum((0, 2, 3)), ["Twice the gradient that arrives"]),
    "dx through a rectified g": (
        "x", lambda g, x, w: x_gradient(np.maximum(g, 0.3 * g + 1), x, w), ["upstream"],
    ),
    "db negated mean": ("b", lambda g, x, w: -g.mean(0).sum((1, 2)), ["divided by -2"]),
    "dw flipped and doubled": ("w", lambda g, x, w: 2 * w_gradient(g, x, w)[:, :, ::-1, ::-1], ["flipped", "times 2"]),
    "db of the last channel spread": (
        "b", lambda g, x, w: g.sum((0, 2, 3))[[1, 2, 0]], ["shifted by -1 along axis 0, around the edge"],
    ),
}  # fmt: skip
STRIDE_MISTAKES = {
    "dx: stride ignored": ("x", lambda g, x, w: x_gradient(g, x, w, 1), ["(-i, -j) pixels", "is the stride right?"]),
    "dw: stride ignored": ("w", lambda g, x, w: w_gradient(g, x, w, 1), ["x is read as if", "is the stride right?"]),
}


def make_function(which=None, spoilt=None, stride=1):
    """A `Function` for `convolve`; `spoilt` replaces the gradient of the argument `which`."""

    class Convolution(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, b):
            ctx.save_for_backward(x, w, b)
            return mg.tensor(convolve(*(t.detach().numpy() for t in (x, w, b)), stride))

        @staticmethod
        def backward(ctx, g):
            x, w, b = (t.detach().numpy() for t in ctx.saved_tensors)
            found = dict(zip("xwb", right(g.numpy(), x, w, b, stride), strict=True))
            if which is not None:
                found[which] = spoilt(g.numpy(), x, w)
            return tuple(mg.tensor(np.ascontiguousarray(found[name])) for name in "xwb")

    return Convolution.apply


def make_operands(n=N, c=C, o=O, h=H, v=H, kh=K, kw=K, seed=0):
    draw = np.random.default_rng(seed)
    shapes = (n, c, h, v), (o, c, kh, kw), (o,)
    return [mg.tensor(draw.standard_normal(s), dtype=mg.float64, requires_grad=True) for s in shapes]
