"""The steps of recurrent layers: Elman's RNN, GRU and LSTM, each with the way back through it.

In all formulas x is the input of a step, h the state before it. The products with x are made beforehand, for all steps
at once. The rows of weights and sums are the gates, one after another: r, z, n of a GRU and i, f, g, o of an LSTM. The
forward keeps each gate of all steps in one piece of memory, (gates, rows, H), those of a sigmoid first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase
from minigrad.autograd.joint import joint_operation
from minigrad.backend import KERNELS, Array
from minigrad.ops.error_function import for_either
from minigrad.ops.large_products import A_BYTE
from minigrad.ops.matmul import multiply_matrices, product_of
from minigrad.ops.recurrence import Path
from minigrad.ops.unary import logistic, sigmoid
from minigrad.parallel import spread
from minigrad.threads import products_alone

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


def _lay_by_gate(sums: Array, order: Sequence[slice], out: Array) -> Array:
    """The gates of each row one after another, in this order: (rows, count * H) -> (count, rows, H), into `out`."""
    gates = sums.reshape(sums.shape[0], len(out), out.shape[2]).swapaxes(0, 1)
    return np.concatenate([gates[some] for some in order], out=out)


def _make_product(w: Array, order: Sequence[slice], count: int) -> Callable[[Array, Array], object]:
    """``multiply(h, sums)``, which writes h W^T: (sequences, width) -> (count, sequences, H).

    A product for each gate is often short enough for OpenBLAS to pack nothing, which takes half of the time of one for
    all where sequences are few.
    """
    width, hidden = w.shape[1], w.shape[0] // count
    turned = _lay_by_gate(w.T, order, np.empty_like(w, shape=(count, width, hidden)))
    if not isinstance(w, np.ndarray):
        product: Any = KERNELS.get(product_of, np.matmul)
        return lambda h, sums: product(h, turned, out=sums)

    def multiply(h: Array, sums: Array) -> None:
        size = sums.size * width // A_BYTE
        spread(lambda some: np.matmul(h, turned[some], out=sums[some]), count, size)

    return multiply


def _write_sigmoid(x: Array, out: Array) -> None:
    """``1 / (1 + exp(-x))`` into `out`; x is used up."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    np.true_divide(1, x, out=out)


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
    return sums, begun, lambda: _multiply(sums.T, path.shift(start, out))


rnn = joint_operation("rnn", _run_rnn, _back_rnn, shown="StackBackward0")


# ---- GRU ------------------------------------------------------------------------------------------
# K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", 2014;
# as in PyTorch, the reset gate acts on the product with h, not on h.
GRU_ORDER = (slice(3),)  # r, z, n


def _gru_gates(x: Any, hw: Any) -> tuple[Any, Any, Any]:
    """The gates of the sums x W^T + b and h W^T + b.

    r, reset, says how much of h the new content n sees; z, update, how much of h stays.
    """
    both = 2 * (x.shape[1] // 3)
    r, z = _cut(_sigmoid(x[:, :both] + hw[:, :both]), 2)
    n = np.tanh(x[:, both:] + r * hw[:, both:])
    return r, z, n


def _run_gru(x: Array, start: Array, w: Array, b: Array | None, *, path: Path, kept: list[Array]) -> Array:
    hidden = w.shape[1]
    gates = np.empty_like(x, shape=(4, x.shape[0], hidden))  # the last one is the product that n sees
    _lay_by_gate(x, GRU_ORDER, gates[:3])
    kept.append(gates)
    multiply, sums_of_step = _make_product(w, GRU_ORDER, 3), np.empty_like(gates, shape=(3, path.sequences, hidden))
    bias = None if b is None else b.reshape(3, 1, hidden)

    def step(rows: slice, h: Array, after: Array) -> None:
        now, sums = gates[:, rows], sums_of_step[:, : h.shape[0]]
        multiply(h, sums)
        if bias is not None:
            sums += bias
        r, z, n, hn = now
        hn[...] = sums[2]
        both = sums[:2]
        both += now[:2]
        _write_sigmoid(both, now[:2])
        n += np.multiply(r, hn, out=sums[2])
        np.tanh(n, out=n)
        np.subtract(h, n, out=after)
        after *= z
        after += n  # (1 - z) n + z h

    with products_alone():
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
        r, z, n, hn = kept[0]
    into_n = (1 - z) * (1 - n * n)  # times dh, the gradient of the sum of n; and so on
    into_r = into_n * hn * r * (1 - r)
    into_z = (h - n) * z * (1 - z)
    into_hn = into_n * r

    def pull(rows: slice, dh: Any) -> tuple[Any, Any]:
        parts = [into_r[rows] * dh, into_z[rows] * dh, into_hn[rows] * dh, dh]
        slopes = np.concatenate(parts, 1)
        return slopes, _multiply(slopes[:, : w.shape[0]], w) + dh * z[rows]

    slopes, begun = path.walk_back(pull, g)
    width = w.shape[1]
    sums, dh = slopes[:, : 3 * width], slopes[:, 3 * width :]

    def differentiate_x() -> Any:
        return np.concatenate([sums[:, : 2 * width], dh * into_n], 1)

    return differentiate_x, begun, lambda: _multiply(sums.T, h), sums


gru = joint_operation("gru", _run_gru, _back_gru, shown="StackBackward0")


# ---- LSTM -----------------------------------------------------------------------------------------
# S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997; the forget gate is of F. Gers et al., "Learning to
# forget: continual prediction with LSTM", 2000; projections are of H. Sak et al., "Long short-term memory recurrent
# neural network architectures for large scale acoustic modeling", 2014.
LSTM_ORDER = slice(2), slice(3, 4), slice(2, 3)  # i, f, o, g


def _lstm_gates(sums: Any) -> tuple[Any, Any, Any, Any]:
    """The gates: i, input, says how much of the new content g is stored; f, forget, how much of the cell stays; o,
    output, how much of it is shown.
    """
    i, f, _, o = _cut(_sigmoid(sums), 4)
    return i, f, o, np.tanh(_cut(sums, 4)[2])


def _run_lstm(x: Array, start: Array, w: Array, r: Array | None, *, path: Path, kept: list[Array]) -> Array:
    width, hidden = w.shape[1], w.shape[0] // 4  # of h, and of the cells, which stand beside it
    gates = _lay_by_gate(x, LSTM_ORDER, np.empty_like(x, shape=(4, x.shape[0], hidden)))
    kept.append(gates)
    multiply, sums_of_step = _make_product(w, LSTM_ORDER, 4), np.empty_like(gates, shape=(4, path.sequences, hidden))

    def step(rows: slice, before: Array, after: Array) -> None:
        now, sums = gates[:, rows], sums_of_step[:, : before.shape[0]]
        multiply(before[:, :width], sums)
        sums += now
        _write_sigmoid(sums[:3], now[:3])
        np.tanh(sums[3], out=now[3])
        i, f, o, g = now
        c = np.multiply(f, before[:, width:], out=after[:, width:])  # what is kept of the cell
        c += np.multiply(i, g, out=sums[0])
        shown = np.tanh(c, out=sums[1])
        if r is None:
            np.multiply(o, shown, out=after[:, :width])
        else:
            after[:, :width] = _multiply(o * shown, r.T)

    with products_alone():
        return path.run(step, start)


def _back_lstm(
    g: Any, x: Any, start: Any, w: Any, r: Any, out: Any, path: Path, kept: list[Array]
) -> tuple[Any, ...]:  # fmt: skip
    width = w.shape[1]
    before = path.shift(start, out)
    h, c = before[:, :width], before[:, width:]
    i, f, o, n = _lstm_gates(x + h @ w.T) if isinstance(g, TensorBase) else kept[0]
    t = np.tanh(out[:, width:])
    into_c = o * (1 - t * t)  # what the gradient of the shown cell means to c
    into_i, into_f, into_n = n * i * (1 - i), c * f * (1 - f), i * (1 - n * n)  # what dc means to these sums
    into_o = t * o * (1 - o)

    def pull(rows: slice, gradient: Any) -> tuple[Any, Any]:
        dh, dc = gradient[:, :width], gradient[:, width:]
        shown = dh if r is None else _multiply(dh, r)
        dc = dc + shown * into_c[rows]
        parts = [into_i[rows] * dc, into_f[rows] * dc, into_n[rows] * dc, into_o[rows] * shown]
        sums = np.concatenate(parts, 1)
        back = np.concatenate([_multiply(sums, w), dc * f[rows]], 1)
        return sums if r is None else np.concatenate([sums, dh], 1), back

    slopes, begun = path.walk_back(pull, g)
    sums, dh = slopes[:, : w.shape[0]], slopes[:, w.shape[0] :]
    return sums, begun, lambda: _multiply(sums.T, h), lambda: _multiply(dh.T, o * t)


lstm = joint_operation("lstm", _run_lstm, _back_lstm, shown="StackBackward0")
