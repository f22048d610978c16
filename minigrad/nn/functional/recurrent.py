"""Recurrent layers as functions: Elman's RNN, GRU and LSTM, in one or several layers, in one or both directions.

The weights of one direction of a layer stand in PyTorch's order: that of the input and that of the state, their biases,
and for an LSTM with projections the weight of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

from minigrad.autograd.failed_calls import names_options
from minigrad.dtypes import SCALAR_TYPES
from minigrad.nn.functional.dropouts import dropout
from minigrad.nn.functional.linear import linear
from minigrad.ops import recurrent_steps
from minigrad.ops.join import cat, stack
from minigrad.ops.recurrence import Path, find_path
from minigrad.tensor import Tensor

Run = Callable[[Tensor, Tensor, Sequence[Tensor], Path], Tensor]


class Stacking(NamedTuple):
    """How layers are stacked: how many, whether each has a second direction, and the dropout between them."""

    layers: int
    both_ways: bool
    dropout: float = 0.0


# ---- one direction of one layer ------------------------------------------------------------------
def run_rnn(relu: bool, rows: Tensor, start: Tensor, weights: Sequence[Tensor], path: Path) -> Tensor:
    """The states of Elman's RNN after each row of the input: (rows, in), (sequences, H) -> (rows, H)."""
    w_ih, w_hh, *biases = weights
    _check_types(rows, start, w_hh)
    x = linear(rows, w_ih, _add_biases(biases))
    return recurrent_steps.rnn(x, start, w_hh, path=path, relu=relu)


def run_gru(rows: Tensor, start: Tensor, weights: Sequence[Tensor], path: Path) -> Tensor:
    """The states of a GRU after each row of the input: (rows, in), (sequences, H) -> (rows, H)."""
    w_ih, w_hh, *biases = weights
    _check_types(rows, start, w_hh)
    b_ih, b_hh = biases or (None, None)
    return recurrent_steps.gru(linear(rows, w_ih, b_ih), start, w_hh, b_hh, path=path, kept=[])


def run_lstm(rows: Tensor, start: Tensor, weights: Sequence[Tensor], path: Path) -> Tensor:
    """The states of an LSTM after each row of the input, each with the cell's beside it: (rows, P + H)."""
    w_ih, w_hh, *others = weights
    projection = others.pop() if len(others) % 2 else None
    _check_types(rows, start, w_hh)
    x = linear(rows, w_ih, _add_biases(others))
    return recurrent_steps.lstm(x, start, w_hh, projection, path=path, kept=[])


def _check_types(rows: Tensor, start: Tensor, weight: Tensor) -> None:
    """Raises RuntimeError unless the input and the states to start from have the dtype of the weights."""
    for name, x in (("input", rows), ("state", start)):
        if x.dtype != weight.dtype:
            kinds = [SCALAR_TYPES.get(kind.array.dtype.name, kind.array.dtype.name) for kind in (x, weight)]
            detail = f"the {name} is {x.dtype}, the weights are {weight.dtype}: {name}.to({weight.dtype}) converts it"
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {kinds[0]} and {kinds[1]}: {detail}")


def _add_biases(biases: Sequence[Tensor]) -> Tensor | None:
    """The sum of both biases: where they stand in one sum, it is added once for all steps."""
    return biases[0] + biases[1] if biases else None


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}  # sums for each number of the state
RUNS: dict[str, Run] = {
    "RNN_TANH": partial(run_rnn, False), "RNN_RELU": partial(run_rnn, True), "GRU": run_gru, "LSTM": run_lstm,
}  # fmt: skip


# ---- layers ---------------------------------------------------------------------------------------
@names_options
def run_stack(
    mode: str, rows: Tensor, sizes: tuple[int, ...], states: Sequence[Tensor], weights: Sequence[Tensor], how: Stacking
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The outputs of the last layer for the rows of steps of the given `sizes`, and the states after the last ones.

    Each of the `states` to start from is (layers * directions, sequences, numbers); the first is the output of a step.
    """
    widths = [state.shape[2] for state in states]
    starts = [cat(parts, 1) for parts in zip(*states, strict=True)]  # of an LSTM the cells stand beside the output
    rows, ends = run_layers(RUNS[mode], rows, sizes, starts, weights, widths[0], how)
    cuts = pairwise(accumulate(widths, initial=0))
    return rows, tuple([stack([end[:, start:stop] for end in ends]) for start, stop in cuts])


def run_layers(
    run: Run, rows: Tensor, sizes: tuple[int, ...], starts: Sequence[Tensor], weights: Sequence[Tensor], width: int,
    how: Stacking,
) -> tuple[Tensor, list[Tensor]]:  # fmt: skip
    """The outputs of the last of several layers, and the last state of each direction of each layer.

    `rows` are those of steps of the given `sizes`, (rows, in); `starts` are states, (sequences, states), one for each
    direction of each layer, of which the first `width` columns are the output. Between layers the outputs are dropped.
    """
    directions = 2 if how.both_ways else 1
    count = len(weights) // len(starts)  # of one direction
    finals = []
    for layer in range(how.layers):
        if layer and how.dropout:
            rows = dropout(rows, how.dropout)
        outputs = []
        for direction in range(directions):
            place, path = layer * directions + direction, find_path(sizes, direction == 1)
            states = run(rows, starts[place], weights[place * count : (place + 1) * count], path)
            ends = [states[some] for some in path.last]
            finals.append(ends[0] if len(ends) == 1 else cat(ends))
            outputs.append(states[:, :width])
        rows = cat(outputs, 1)  # (rows, width of both directions)
    return rows, finals
