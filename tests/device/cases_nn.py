"""The table of operations, second half: `nn.functional`."""

import numpy as np
from scipy import special

import minigrad
import minigrad.nn.functional as F
from minigrad.nn.functional.recurrent import Stacking, run_stack
from tests.device.cases import MASK, PAIR, C, place

CLASSES = [2, 0]
IMAGE = ((2, 3, 6, 6),)
VOLUME = ((2, 2, 2, 4, 2),)


def log_softmax(x):
    return special.log_softmax(x, -1)


def blocks(x):
    """(N, C, H, W) -> (N, C, H/2, W/2, 4): the 2x2 blocks of an image."""
    n, c, h, w = x.shape
    tiles = x.reshape(n, c, h // 2, 2, w // 2, 2)
    return tiles.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


def cubes(x):
    """(N, C, D, H, W) -> (N, C, D/2, H/2, W/2, 8): the 2x2x2 blocks of a volume."""
    n, c, d, h, w = x.shape
    tiles = x.reshape(n, c, d // 2, 2, h // 2, 2, w // 2, 2)
    return tiles.transpose(0, 1, 2, 4, 6, 3, 5, 7).reshape(n, c, d // 2, h // 2, w // 2, 8)


def correlate_volumes(x, w, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3, 4))
    return np.einsum("ncdhwijk,ocijk->nodhw", windows, w) + b.reshape(-1, 1, 1, 1)


def normalized(x, axes):
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + 1e-5)


def columns(x):
    """Every 2x2 window of (N, C, H, W) as a column (N, C*4, L)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), (2, 3))
    n, c = x.shape[:2]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, 4 * c, -1)


ACTIVATIONS = {
    "relu": C(lambda x: F.relu(x - 1), lambda x: np.maximum(x - 1, 0)),
    "relu6": C(lambda x: F.relu6(6 * x), lambda x: np.minimum(6 * x, 6)),
    "leaky_relu": C(lambda x: F.leaky_relu(x - 1, 0.1), lambda x: np.maximum(x - 1, (x - 1) / 10)),
    "elu": C(lambda x: F.elu(x - 1), lambda x: np.where(x > 1, x - 1, np.expm1(x - 1))),
    "gelu": C(F.gelu, lambda x: x * special.ndtr(x)),
    "gelu, by tanh": C(
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": C(F.silu, lambda x: x * special.expit(x)),
    "softplus": C(F.softplus, lambda x: np.log1p(np.exp(x))),
    "hardtanh": C(lambda x: F.hardtanh(x, 0.0, 1.0), lambda x: np.minimum(x, 1)),
    "logsigmoid": C(F.logsigmoid, special.log_expit),
    "softmax": C(lambda x: F.softmax(x, 1), lambda x: special.softmax(x, 1)),
    "log_softmax": C(lambda x: F.log_softmax(x, 1), log_softmax),
    "dropout, all kept": C(lambda x: F.dropout(x, 0.5, training=False), lambda x: x),
}

LINEAR = {
    "linear": C(F.linear, lambda x, w, b: x @ w.T + b, ((2, 3), (4, 3), (4,))),
    "linear, no bias": C(F.linear, lambda x, w: x @ w.T, ((2, 3), (4, 3))),
    "embedding": C(lambda w: F.embedding(place([[1, 0], [1, 1]], w), w), lambda w: w[[[1, 0], [1, 1]]]),
    "one_hot": C(lambda x: x * F.one_hot(place(CLASSES, x), 3), lambda x: x * np.eye(3)[CLASSES]),
    "normalize": C(lambda x: F.normalize(x, dim=1), lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)),
    "scaled_dot_product_attention": C(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
        lambda q, k, v: special.softmax(q @ k.swapaxes(1, 2) / 2, -1) @ v,
        ((2, 3, 4), (2, 5, 4), (2, 5, 2)),
    ),
    "scaled_dot_product_attention, masked": C(
        lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=1.0),
        lambda x: special.softmax(np.where(np.tri(3, dtype=bool), x @ x.swapaxes(1, 2), -np.inf), -1) @ x,
        ((2, 3, 4),),
    ),
    "cosine_similarity": C(
        lambda x, y: F.cosine_similarity(x, y, 1),
        lambda x, y: (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1),
        ((2, 3), (2, 3)),
    ),
}

LOSSES = {
    "mse_loss": C(F.mse_loss, lambda x, y: ((x - y) ** 2).mean(), ((2, 3), (2, 3))),
    "l1_loss": C(F.l1_loss, lambda x, y: np.abs(x - y).mean(), ((2, 3), (2, 3))),
    "smooth_l1_loss": C(
        F.smooth_l1_loss, lambda x, y: ((x - y) ** 2 / 2).mean(), ((2, 3), (2, 3))
    ),
    "huber_loss": C(F.huber_loss, lambda x, y: ((x - y) ** 2 / 2).mean(), ((2, 3), (2, 3))),
    "cross_entropy": C(
        lambda x: F.cross_entropy(x, place(CLASSES, x)),
        lambda x: -log_softmax(x)[[0, 1], CLASSES].mean(),
    ),
    "cross_entropy, weighted and smoothed": C(
        lambda x, w: F.cross_entropy(
            x, place(CLASSES, x), weight=w.detach(), label_smoothing=0.1
        ),
        lambda x, w: (
            -0.9 * (log_softmax(x)[[0, 1], CLASSES] * w[CLASSES]).sum()
            - 0.1 / 3 * (log_softmax(x) * w).sum()
        ) / w[CLASSES].sum(),
        PAIR,
        smooth=False,
    ),
    "cross_entropy, ignoring a class": C(
        lambda x: F.cross_entropy(x, place(CLASSES, x), ignore_index=2),
        lambda x: -log_softmax(x)[1, 0],
    ),
    "nll_loss": C(
        lambda x: F.nll_loss(x, place(CLASSES, x)), lambda x: -x[[0, 1], CLASSES].mean()
    ),
    "binary_cross_entropy": C(
        lambda x: F.binary_cross_entropy(x / 2, place(MASK, x).to(x.dtype)),
        lambda x: -np.log(np.where(MASK, x / 2, 1 - x / 2)).mean(),
    ),
    "binary_cross_entropy_with_logits": C(
        lambda x: F.binary_cross_entropy_with_logits(x, place(MASK, x).double()),
        lambda x: -np.log(special.expit(np.where(MASK, x, -x))).mean(),
    ),
}  # fmt: skip

IMAGES = {
    "max_pool2d": C(lambda x: F.max_pool2d(x, 2), lambda x: blocks(x).max(-1), IMAGE),
    "avg_pool2d": C(lambda x: F.avg_pool2d(x, 2), lambda x: blocks(x).mean(-1), IMAGE),
    "adaptive_avg_pool2d": C(lambda x: F.adaptive_avg_pool2d(x, 3), lambda x: blocks(x).mean(-1), IMAGE),
    "conv3d": C(F.conv3d, correlate_volumes, ((2, 2, 3, 3, 3), (2, 2, 2, 2, 3), (2,))),
    "max_pool3d": C(lambda x: F.max_pool3d(x, 2), lambda x: cubes(x).max(-1), VOLUME),
    "avg_pool3d": C(lambda x: F.avg_pool3d(x, 2), lambda x: cubes(x).mean(-1), VOLUME),
    "adaptive_avg_pool3d": C(lambda x: F.adaptive_avg_pool3d(x, (1, 2, 1)), lambda x: cubes(x).mean(-1), VOLUME),
    "adaptive_max_pool3d": C(lambda x: F.adaptive_max_pool3d(x, (1, 2, 1)), lambda x: cubes(x).max(-1), VOLUME),
    "batch_norm": C(lambda x: F.batch_norm(x, None, None, training=True), lambda x: normalized(x, (0, 2, 3)), IMAGE),
    "layer_norm": C(lambda x: F.layer_norm(x, (3,)), lambda x: normalized(x, 1)),
    "group_norm": C(lambda x: F.group_norm(x, 3), lambda x: normalized(x, (2, 3)), IMAGE),
    "unfold": C(lambda x: F.unfold(x, 2), columns, ((2, 3, 4, 3),)),
    "fold": C(
        lambda x: F.fold(x, (4, 4), 2, stride=2),
        lambda x: x.reshape(1, 1, 2, 2, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(1, 1, 4, 4),
        ((1, 4, 4),),
    ),
    "pad": C(lambda x: F.pad(x, (1, 0, 2, 1)), lambda x: np.pad(x, ((2, 1), (1, 0)))),
    "pad by reflection": C(
        lambda x: F.pad(x, (1, 2, 1, 0), mode="reflect"),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 2)), mode="reflect"),
        ((1, 2, 3, 4),),
    ),
    "pad by repetition": C(
        lambda x: F.pad(x, (1, 2, 1, 0), mode="replicate"),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 2)), mode="edge"),
        ((1, 2, 3, 4),),
    ),
    "pad around": C(
        lambda x: F.pad(x, (1, 2, 1, 0), mode="circular"),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 2)), mode="wrap"),
        ((1, 2, 3, 4),),
    ),
    "interpolate, nearest": C(
        lambda x: F.interpolate(x, scale_factor=2), lambda x: x.repeat(2, 2).repeat(2, 3), ((1, 2, 3, 2),)
    ),
    "interpolate, bilinear": C(
        lambda x: F.interpolate(x, size=(3, 3), mode="bilinear", align_corners=True),
        lambda x: np.einsum("ih,nchw,jw->ncij", HALFWAY, x, HALFWAY),
        ((1, 2, 2, 2),),
    ),
}
HALFWAY = np.array([[1, 0], [0.5, 0.5], [0, 1]])


# ---- recurrent layers, by their formulas ---------------------------------------------------------
def run_layer(mode):
    """A layer of three steps of two sequences, in both directions, from a given state."""

    def call(x, h, w_ih, w_hh, b):
        how, weights = Stacking(1, True), [w_ih, w_hh, b, b]
        states = (h, h) if mode == "LSTM" else (h,)
        rows, ends = run_stack(mode, x, (2, 2, 2), states, weights + weights, how)
        return minigrad.cat([rows, *[minigrad.cat([*end], 1) for end in ends]])

    return call


def step_rnn(x, h, w, b):
    return np.tanh(x + b + h @ w.T + b), ()


def step_gru(x, h, w, b):
    (xr, xz, xn), (hr, hz, hn) = np.split(x + b, 3, 1), np.split(h @ w.T + b, 3, 1)
    r, z = special.expit(xr + hr), special.expit(xz + hz)
    n = np.tanh(xn + r * hn)
    return (1 - z) * n + z * h, ()


def step_lstm(x, h, w, b, c):
    i, f, g, o = np.split(x + b + h @ w.T + b, 4, 1)
    c = special.expit(f) * c + special.expit(i) * np.tanh(g)
    return special.expit(o) * np.tanh(c), (c,)


def run_steps(step):
    """What `run_layer` returns, by a loop over the steps in each direction."""

    def call(x, h, w_ih, w_hh, b):
        outputs, ends, cells = [], [], []
        for start, order in zip(h, ([0, 1, 2], [2, 1, 0]), strict=True):
            state, cell, found = start, (start,) if step is step_lstm else (), {}
            for t in order:
                state, cell = step(x[2 * t : 2 * t + 2] @ w_ih.T, state, w_hh, b, *cell)
                found[t] = state
            outputs.append(np.concatenate([found[t] for t in range(3)]))
            ends.append(state)
            cells += cell
        return np.concatenate([np.concatenate(part, 1) for part in (outputs, ends, cells) if part])

    return call


def recurrent(mode, step, gates):
    shapes = ((6, 3), (2, 2, 2), (2 * gates, 3), (2 * gates, 2), (2 * gates,))
    return C(run_layer(mode), run_steps(step), shapes)


RECURRENT = {
    "rnn": recurrent("RNN_TANH", step_rnn, 1),
    "gru": recurrent("GRU", step_gru, 3),
    "lstm": recurrent("LSTM", step_lstm, 4),
}

FAMILIES = {"activation": ACTIVATIONS, "linear": LINEAR, "loss": LOSSES, "image": IMAGES, "recurrent": RECURRENT}
CASES_NN = {f"{family}: {name}": case for family, table in FAMILIES.items() for name, case in table.items()}
