"""Single steps of recurrent layers as functions: `torch.lstm_cell` and its relatives."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad.autograd.failed_calls import names_options
from minigrad.creation import zeros_like
from minigrad.nn.functional.recurrent import GATES, RUNS
from minigrad.ops.arguments import require_tensors
from minigrad.ops.copies import clone
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import cat
from minigrad.ops.recurrence import find_path
from minigrad.tensor import Tensor


@names_options
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of Elman's RNN: ``tanh(input W_ih^T + b_ih + hx W_hh^T + b_hh)``.

    Shapes: input (batch, in), hx and result (batch, H), W_ih (H, in), W_hh (H, H), biases (H,).
    Raises RuntimeError for sizes and dtypes that do not fit.
    Source: J. L. Elman, "Finding structure in time", 1990

    >>> import minigrad as torch
    >>> torch.rnn_tanh_cell(torch.zeros(1, 2), torch.ones(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[0.7616]])
    """
    return name_last_call(_run_step("RNN_TANH", input, (hx,), w_ih, w_hh, b_ih, b_hh), "TanhBackward0")


@names_options
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of Elman's RNN with relu in the place of tanh; shapes and errors as those of `rnn_tanh_cell`.

    >>> import minigrad as torch
    >>> torch.rnn_relu_cell(torch.zeros(1, 2), torch.ones(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[1.]])
    """
    return name_last_call(_run_step("RNN_RELU", input, (hx,), w_ih, w_hh, b_ih, b_hh), "ReluBackward0")


@names_options
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU, by the formulas of `nn.GRU`: the next state.

    Shapes: input (batch, in), hx and result (batch, H), W_ih (3 H, in), W_hh (3 H, H), biases (3 H,).
    Raises RuntimeError for sizes and dtypes that do not fit.
    Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", 2014

    >>> import minigrad as torch
    >>> torch.gru_cell(torch.zeros(1, 2), torch.ones(1, 1), torch.zeros(3, 2), torch.zeros(3, 1))
    tensor([[0.5000]])
    """
    return name_last_call(clone(_run_step("GRU", input, (hx,), w_ih, w_hh, b_ih, b_hh)), "AddBackward0")


@names_options
def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step of an LSTM, by the formulas of `nn.LSTM`: the next h and c of the pair `hx`.

    Shapes: input (batch, in), h and c (batch, H), W_ih (4 H, in), W_hh (4 H, H), biases (4 H,).
    Raises RuntimeError for sizes and dtypes that do not fit.
    Source: S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997

    >>> import minigrad as torch
    >>> state = torch.zeros(1, 1), torch.ones(1, 1)
    >>> torch.lstm_cell(torch.zeros(1, 2), state, torch.zeros(4, 2), torch.zeros(4, 1))[1]
    tensor([[0.5000]])
    """
    require_pair(hx)
    if len(hx) != 2:
        raise RuntimeError(f"lstm_cell expects two hidden states, (h, c), got {len(hx)}")
    h, c = hx
    both = _run_step("LSTM", input, (h, c), w_ih, w_hh, b_ih, b_hh)
    width = h.shape[1]
    new_h, new_c = clone(both[:, :width]), clone(both[:, width:])
    return name_last_call(new_h, "MulBackward0"), name_last_call(new_c, "AddBackward0")


def require_pair(hx: object) -> None:
    """Raises TypeError unless the states of an LSTM come as a tuple or a list."""
    if not isinstance(hx, (tuple, list)):
        given = type(hx).__name__
        raise TypeError(f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not {given}: give (h, c)")


def _run_step(
    mode: str, input: Tensor, states: tuple[Tensor, ...], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> Tensor:  # fmt: skip
    """The states after one step, side by side."""
    name, names = f"{mode.lower()}_cell", "input hx w_ih w_hh b_ih? b_hh?"
    require_tensors(name, "input hx cx", input, *states)
    require_tensors(name, names, input, states[0], w_ih, w_hh, b_ih, b_hh)
    _check_states(input, states, w_ih, w_hh)
    given = [bias for bias in (b_ih, b_hh) if bias is not None]
    _check_rows(GATES[mode], w_ih, w_hh, given)
    biases = []
    if given:  # the cells read both or none
        biases = [zeros_like(given[0]) if bias is None else bias for bias in (b_ih, b_hh)]
    start = states[0] if len(states) == 1 else cat(states, 1)
    return RUNS[mode](input, start, [w_ih, w_hh, *biases], find_path((input.shape[0],), False))


def _check_states(input: Tensor, states: tuple[Tensor, ...], w_ih: Tensor, w_hh: Tensor) -> None:
    """Raises RuntimeError for an input and states whose sizes do not fit to the weights and to each other."""
    for name, weight in (("w_ih", w_ih), ("w_hh", w_hh)):
        if weight.ndim != 2:
            raise IndexError(
                "Dimension out of range (expected to be in range of [-1, 0], but got 1): "
                f"{name} is a matrix with a row for each sum, got one of shape {tuple(weight.shape)}"
            )
    features, hidden = w_ih.shape[1], w_hh.shape[1]
    if input.ndim != 2 or input.shape[1] != features:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {features}")
    for place, state in enumerate(states):
        if state.ndim == 0 or state.shape[0] != input.shape[0]:
            got = state.shape[0] if state.ndim else "none"
            raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{place} batch size {got}")
        if state.ndim != 2 or state.shape[1] != hidden:
            got = state.shape[1] if state.ndim > 1 else "none"
            raise RuntimeError(f"hidden{place} has inconsistent hidden_size: got {got}, expected {hidden}")


def _check_rows(gates: int, w_ih: Tensor, w_hh: Tensor, biases: Sequence[Tensor]) -> None:
    """Raises RuntimeError unless weights and biases have a row for each gate of each number of the state."""
    hidden = w_hh.shape[1]
    for name, weight in (("weight_ih", w_ih), ("weight_hh", w_hh)):
        if weight.shape[0] != gates * hidden:
            raise RuntimeError(
                f"{name} first dim must be {gates} * hidden_size = {gates * hidden}, but got {weight.shape[0]}"
            )
    for bias in biases:
        if bias.numel() not in (1, gates * hidden):
            raise RuntimeError(
                f"The expanded size of the tensor ({gates * hidden}) must match the existing size ({bias.numel()}) at "
                f"non-singleton dimension 1: a bias of shape {tuple(bias.shape)} for weights of {gates * hidden} rows"
            )
