"""The steps of recurrent layers: Elman's RNN, GRU and LSTM, each with the way back through it.

In all formulas x is the input of a step, h the state before it. The products with x are made beforehand, for all steps
at once. The rows of weights and sums are the gates, one after another: r, z, n of a GRU and i, f, g, o of an LSTM.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.joint import joint_operation
from minigrad.backend import KERNELS, Array
from minigrad.ops.error_function import for_either
from minigrad.ops.matmul import multiply_matrices, product_of
from minigrad.ops.recurrence import Path
from minigrad.ops.unary import logistic, sigmoid

_sigmoid = for_either(sigmoid, logistic)


def _multiply(x: Any, y: Any) -> Any:
    """``x @ y``; of a GPU's arrays by the kernel of `matmul`, which a CUDA graph may capture."""
    on_gpu = not isinstance(x, (np.ndarray, TensorBase))
    multiply: Any = KERNELS.get(product_of, multiply_matrices) if on_gpu else multiply_matrices
    return multiply(x, y)


def _cut(sums: Any, count: int) -> list[Any]:
    """The `count` gates of each row, side by side: (rows, count * H) -> `count` times (rows, H)."""
    width = sums.shape[-1] // count
    return [sums[:, i * width : (i + 1) * width] for i in range(count)]


def _stack(slopes: list[Any]) -> Any:
    """The slopes of several gates as one array: `count` times (rows, H) -> (rows, count, H)."""
    return np.concatenate(slopes, 1).reshape(slopes[0].shape[0], len(slopes), slopes[0].shape[1])


def _spread(slopes: Any, d: Any) -> Any:
    """The gradients of the sums of several gates that all act on one gradient `d`: (rows, H) -> (rows, count * H)."""
    return (slopes * d[:, None]).reshape(d.shape[0], slopes.shape[1] * d.shape[1])


# ---- RNN ------------------------------------------------------------------------------------------
# J. L. Elman, "Finding structure in time", 1990
def _run_rnn(x: Array, start: Array, w: Array, *, path: Path, relu: bool) -> Array:
    turned = w.T.copy()  # laid out as the products read it

    def step(rows: slice, h: Array, after: Array) -> None:
        sums = x[rows] + _multiply(h, turned)
        after[...] = np.maximum(sums, 0) if relu else np.tanh(sums)

    return path.run(step, start)


def _back_rnn(g: Any, start: Any, w: Any, out: Any, path: Path, relu: bool) -> tuple[Any, ...]:
    slope = out > 0 if relu else 1 - out * out

    def pull(rows: slice, dh: Any) -> tuple[Any, Any]:
        sums = dh * slope[rows]
        return sums, _multiply(sums, w)

    sums, begun = path.walk_back(pull, g)
    return sums, begun, _multiply(sums.T, path.shift(start, out))


rnn = joint_operation("rnn", _run_rnn, _back_rnn, shown="StackBackward0")


# ---- GRU ------------------------------------------------------------------------------------------
# K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", 2014;
# as in PyTorch, the reset gate acts on the product with h, not on h.
def _gru_gates(x: Any, hw: Any) -> tuple[Any, Any, Any]:
    """The gates of the sums x W^T + b and h W^T + b.

    r, reset, says how much of h the new content n sees; z, update, how much of h stays.
    """
    both = 2 * (x.shape[1] // 3)
    r, z = _cut(_sigmoid(x[:, :both] + hw[:, :both]), 2)
    n = np.tanh(x[:, both:] + r * hw[:, both:])
    return r, z, n


def _run_gru(x: Array, start: Array, w: Array, b: Array | None, *, path: Path, kept: list[Array]) -> Array:
    turned = w.T.copy()
    gates = np.empty_like(x, shape=(x.shape[0], 4 * w.shape[1]))
    kept.append(gates)

    def step(rows: slice, h: Array, after: Array) -> None:
        hw = _multiply(h, turned)
        if b is not None:
            hw += b
        r, z, n = _gru_gates(x[rows], hw)
        np.add(n, z * (h - n), out=after)  # (1 - z) n + z h
        np.concatenate([r, z, n, _cut(hw, 3)[2]], 1, out=gates[rows])

    return path.run(step, start)


def _back_gru(
    g: Any, x: Any, start: Any, w: Any, b: Any, out: Any, path: Path, kept: list[Array]
) -> tuple[Any, ...]:  # fmt: skip
    h = path.shift(start, out)
    if isinstance(g, TensorBase):  # the gates as functions of the operands, for the second derivative
        hw = h @ w.T if b is None else h @ w.T + b
        r, z, n = _gru_gates(x, hw)
        hn = _cut(hw, 3)[2]
    else:
        r, z, n, hn = _cut(kept[0], 4)
    into_n = (1 - z) * (1 - n * n)  # times dh, the gradient of the sum of n; and so on
    into_r = into_n * hn * r * (1 - r)
    into_z = (h - n) * z * (1 - z)
    into = _stack([into_r, into_z, into_n * r])

    def pull(rows: slice, dh: Any) -> tuple[Any, Any]:
        sums = _spread(into[rows], dh)
        return np.concatenate([sums, dh], 1), _multiply(sums, w) + dh * z[rows]

    slopes, begun = path.walk_back(pull, g)
    width = w.shape[1]
    sums, dh = slopes[:, : 3 * width], slopes[:, 3 * width :]
    dx = np.concatenate([sums[:, : 2 * width], dh * into_n], 1)
    return dx, begun, _multiply(sums.T, h), sums if b is not None else None


gru = joint_operation("gru", _run_gru, _back_gru, shown="StackBackward0")


# ---- LSTM -----------------------------------------------------------------------------------------
# S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997; the forget gate is of F. Gers et al., "Learning to
# forget: continual prediction with LSTM", 2000; projections are of H. Sak et al., "Long short-term memory recurrent
# neural network architectures for large scale acoustic modeling", 2014.
def _lstm_gates(sums: Any) -> tuple[Any, Any, Any, Any]:
    """The gates: i, input, says how much of the new content g is stored; f, forget, how much of the cell stays; o,
    output, how much of it is shown.
    """
    i, f, _, o = _cut(_sigmoid(sums), 4)  # one call for all, which costs less than three
    g = np.tanh(_cut(sums, 4)[2])
    return i, f, g, o


def _run_lstm(x: Array, start: Array, w: Array, r: Array | None, *, path: Path, kept: list[Array]) -> Array:
    turned = w.T.copy()
    width = w.shape[1]  # of h; the cells stand beside it
    gates = np.empty_like(x)
    kept.append(gates)

    def step(rows: slice, before: Array, after: Array) -> None:
        h, c = before[:, :width], before[:, width:]
        i, f, g, o = _lstm_gates(x[rows] + _multiply(h, turned))
        np.concatenate([i, f, g, o], 1, out=gates[rows])
        c = np.add(f * c, i * g, out=after[:, width:])  # what is kept of the cell, and what is new
        shown = o * np.tanh(c)
        after[:, :width] = shown if r is None else _multiply(shown, r.T)

    return path.run(step, start)


def _back_lstm(
    g: Any, x: Any, start: Any, w: Any, r: Any, out: Any, path: Path, kept: list[Array]
) -> tuple[Any, ...]:  # fmt: skip
    width = w.shape[1]
    before = path.shift(start, out)
    h, c = before[:, :width], before[:, width:]
    i, f, n, o = _lstm_gates(x + h @ w.T) if isinstance(g, TensorBase) else _cut(kept[0], 4)
    t = np.tanh(out[:, width:])
    into_c = o * (1 - t * t)  # what the gradient of the shown cell means to c
    into = _stack([n * i * (1 - i), c * f * (1 - f), i * (1 - n * n)])  # what dc means to the sums of i, f and g
    into_o = t * o * (1 - o)

    def pull(rows: slice, gradient: Any) -> tuple[Any, Any]:
        dh, dc = gradient[:, :width], gradient[:, width:]
        shown = dh if r is None else _multiply(dh, r)
        dc = dc + shown * into_c[rows]
        sums = np.concatenate([_spread(into[rows], dc), shown * into_o[rows]], 1)
        back = np.concatenate([_multiply(sums, w), dc * f[rows]], 1)
        return sums if r is None else np.concatenate([sums, dh], 1), back

    slopes, begun = path.walk_back(pull, g)
    sums, dh = slopes[:, : w.shape[0]], slopes[:, w.shape[0] :]
    return sums, begun, _multiply(sums.T, h), None if r is None else _multiply(dh.T, o * t)


lstm = joint_operation("lstm", _run_lstm, _back_lstm, shown="StackBackward0")
