"""Single steps of recurrent layers: `RNNCell`, `GRUCell` and `LSTMCell`, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation.drawn import draw_start
from minigrad.creation.filled import empty, zeros
from minigrad.nn.functional.recurrent_cells import gru_cell, lstm_cell, require_pair, rnn_relu_cell, rnn_tanh_cell
from minigrad.nn.module import Layer, Module, describe_options
from minigrad.nn.parameter import Parameter
from minigrad.nn.recurrent_checks import read_pair
from minigrad.nn.registry import PARAMETER
from minigrad.ops.arguments import require_tensors
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.tensor import Tensor


class RNNCellBase(Module):
    """The base of `RNNCell`, `GRUCell` and `LSTMCell`: weights for `num_chunks` sums for each number of the state.

    ``weight_ih`` (num_chunks * H, input_size), ``weight_hh`` (num_chunks * H, H), and with `bias` ``bias_ih`` and
    ``bias_hh``, (num_chunks * H,), start in U(-1/sqrt(H), 1/sqrt(H)).

    >>> import minigrad as torch
    >>> isinstance(torch.nn.GRUCell(3, 4), torch.nn.RNNCellBase)
    True
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        sums = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((sums, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((sums, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(sums, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights and biases, in their order, from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        for _, parameter in self._members(PARAMETER):
            draw_start(parameter, 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0)

    def extra_repr(self) -> str:
        return describe_options(self, "input_size hidden_size", bias=True)

    def _step(self, function: Any, input: Tensor, states: tuple[Tensor, ...], count: int = 1) -> tuple[Tensor, ...]:
        """The `count` states after one step of a batch, or of an example without its axis; no states are zeros."""
        self._check_axes(input, states)
        if input.ndim == 1:
            batch = tuple([unsqueeze(state, 0) for state in states])
            return tuple([squeeze(state, 0) for state in self._step(function, unsqueeze(input, 0), batch, count)])
        if not states:
            states = (zeros(input.shape[0], self.hidden_size, dtype=input.dtype, device=input.device),) * count
        hx = states[0] if count == 1 else states
        made = function(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (made,) if count == 1 else made

    def _check_axes(self, input: Tensor, states: tuple[Tensor, ...]) -> None:
        """Raises unless `input` and `states` are tensors, each of a batch or of one example."""
        name = type(self).__name__
        require_tensors(name, "input hx cx", input, *states)
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for place, state in enumerate(states):
            if state.ndim not in (1, 2):
                what = "hidden" if len(states) == 1 else f"hx[{place}]"
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {state.ndim}D instead")


class RNNCell(RNNCellBase, Layer):
    """One step of Elman's RNN: ``h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)``, or relu of this sum.

    x (batch, input_size) or (input_size,), h and h' (batch, hidden_size) or (hidden_size,); h is zero by default.
    Raises `ValueError` for other numbers of axes, `RuntimeError` for sizes and dtypes that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html

    >>> import minigrad as torch
    >>> cell, h = torch.nn.RNNCell(3, 4), None
    >>> for x in torch.ones(5, 2, 3):
    ...     h = cell(x, h)
    >>> h.shape
    minigrad.Size([2, 4])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        functions = {"tanh": rnn_tanh_cell, "relu": rnn_relu_cell}
        if self.nonlinearity not in functions:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}; it is 'tanh' or 'relu'")
        return self._step(functions[self.nonlinearity], input, () if hx is None else (hx,))[0]

    def extra_repr(self) -> str:
        return describe_options(self, "input_size hidden_size", bias=True, nonlinearity="tanh")


class GRUCell(RNNCellBase, Layer):
    """One step of a GRU, by the formulas of `GRU`; shapes and errors as those of `RNNCell`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html

    >>> import minigrad as torch
    >>> torch.nn.GRUCell(3, 4)(torch.ones(2, 3)).shape
    minigrad.Size([2, 4])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(gru_cell, input, () if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of an LSTM, by the formulas of `LSTM`: takes and returns pairs (h, c).

    Shapes and errors are those of `RNNCell`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html

    >>> import minigrad as torch
    >>> h, c = torch.nn.LSTMCell(3, 4)(torch.ones(2, 3))
    >>> h.shape, c.shape
    (minigrad.Size([2, 4]), minigrad.Size([2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if hx is not None:
            require_pair(hx)
        h, c = self._step(lstm_cell, input, () if hx is None else read_pair(hx), count=2)
        return h, c
