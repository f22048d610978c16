"""Recurrent layers: `RNN`, `GRU` and `LSTM`, and their base class. The formulas stand in `ops/recurrent_steps.py`."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation.drawn import draw_start
from minigrad.creation.filled import empty, zeros
from minigrad.dtypes import float32
from minigrad.nn import recurrent_checks as checks
from minigrad.nn.functional.recurrent import GATES, Stacking, run_stack
from minigrad.nn.module import Module, describe_options
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import PARAMETER
from minigrad.nn.utils.packed_sequences import PackedSequence
from minigrad.ops.arguments import require_tensors
from minigrad.ops.gather import index_select
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.shape import reshape, squeeze, transpose, unsqueeze
from minigrad.tensor import Tensor


class RNNBase(Module):
    """The base of `RNN`, `GRU` and `LSTM`: their options and weights. `mode` names the kind.

    In layer k the weights are ``weight_ih_l{k}`` of the input, (gates * H, in), and ``weight_hh_l{k}`` of the state,
    (gates * H, H); with `bias` also ``bias_ih_l{k}`` and ``bias_hh_l{k}``, with `proj_size` ``weight_hr_l{k}``,
    (proj_size, H). With `bidirectional`, those of the other direction end in ``_reverse``. All start in
    U(-1/sqrt(H), 1/sqrt(H)). The `dropout` between layers is applied in training.

    Raises `ValueError` and `TypeError` for options that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNBase.html

    >>> import minigrad as torch
    >>> isinstance(torch.nn.LSTM(3, 4), torch.nn.RNNBase)
    True
    """

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
        device: Any = None, dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        checks.check_dropout(dropout, num_layers)
        checks.check_options(self)
        if mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}; it is one of {', '.join(GATES)}")
        weights = [pair for place in self._places() for pair in self._shapes(*place)]
        self._flat_weights_names = [name for name, _ in weights]
        for name, shape in weights:
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _places(self) -> list[tuple[int, bool]]:
        """Every direction of every layer: the layer's number, and whether it is the reverse one."""
        directions = (False, True) if self.bidirectional else (False,)
        return [(layer, back) for layer in range(self.num_layers) for back in directions]

    def _shapes(self, layer: int, back: bool) -> list[tuple[str, tuple[int, ...]]]:
        """The names and shapes of the weights of one direction of a layer."""
        sums, shown = GATES[self.mode] * self.hidden_size, self._width()
        given = shown * (1 + self.bidirectional) if layer else self.input_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (sums, given), "weight_hh": (sums, shown)}
        if self.bias:
            shapes |= {"bias_ih": (sums,), "bias_hh": (sums,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return [(f"{name}_l{layer}{'_reverse' if back else ''}", shape) for name, shape in shapes.items()]

    def _width(self) -> int:
        """The numbers of one output in one direction."""
        return self.proj_size or self.hidden_size

    def reset_parameters(self) -> None:
        """Draws all weights and biases, in their order, from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        for _, parameter in self._members(PARAMETER):
            draw_start(parameter, 1 / math.sqrt(self.hidden_size))

    @property
    def _flat_weights(self) -> list[Tensor]:
        """All weights as they are now, also where something computes them, as `weight_norm` does."""
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def _all_weights(self) -> list[list[str]]:
        """The names of the weights of each direction of each layer."""
        names, count = self._flat_weights_names, len(self._flat_weights_names) // len(self._places())
        return [names[start : start + count] for start in range(0, len(names), count)]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each direction of each layer.

        >>> import minigrad as torch
        >>> [weight.shape[0] for weight in torch.nn.GRU(2, 5).all_weights[0]]
        [15, 15, 15, 15]
        """
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: PyTorch lays the weights one behind the other in a GPU's memory.

        >>> import minigrad as torch
        >>> torch.nn.LSTM(2, 3).flatten_parameters()
        """

    def extra_repr(self) -> str:
        return describe_options(
            self, "input_size hidden_size", proj_size=0, num_layers=1, bias=True, batch_first=False, dropout=0,
            bidirectional=False,
        )  # fmt: skip

    # ---- what subclasses may check ---------------------------------------------------------------
    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raises unless `input` is a batch of sequences, or the data of a packed one, with the features of the layer.

        >>> import minigrad as torch
        >>> torch.nn.GRU(3, 4).check_input(torch.ones(5, 2, 3), None)
        """
        axes = 3 if batch_sizes is None else 2
        if input.ndim != axes:
            raise RuntimeError(f"input must have {axes} dimensions, got {input.ndim}")
        checks.check_sizes(self, input, self._flat_weights[0])

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, ...]:
        """The shape of the states to start from: (layers * directions, batch, numbers).

        >>> import minigrad as torch
        >>> torch.nn.GRU(3, 4, num_layers=2).get_expected_hidden_size(torch.ones(5, 7, 3), None)
        (2, 7, 4)
        """
        if batch_sizes is not None:
            return self._expected(int(batch_sizes[0]))[0]
        return self._expected(input.shape[0 if self.batch_first else 1])[0]

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, ...], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raises RuntimeError unless `hx` has the shape; `msg` takes both shapes.

        >>> import minigrad as torch
        >>> torch.nn.GRU(3, 4).check_hidden_size(torch.ones(1, 2, 4), (1, 2, 4))
        """
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises unless the layer takes `input`, with the state `hidden` (of an LSTM: the pair of them).

        >>> import minigrad as torch
        >>> torch.nn.GRU(3, 4).check_forward_args(torch.ones(5, 2, 3), torch.ones(1, 2, 4), None)
        """
        self.check_input(input, batch_sizes)
        states = hidden if isinstance(hidden, (tuple, list)) else (hidden,)
        checks.check_states(tuple(states), self._expected(self.get_expected_hidden_size(input, batch_sizes)[1]))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with their sequences in another order: `permutation` says which comes where.

        >>> import minigrad as torch
        >>> states = torch.arange(3.0).view(1, 3, 1)  # three sequences, a number each
        >>> torch.nn.GRU(3, 1).permute_hidden(states, torch.tensor([2, 0, 1])).flatten()
        tensor([2., 0., 1.])
        """
        if permutation is None:
            return hx
        if isinstance(hx, (tuple, list)):
            return tuple([index_select(state, 1, permutation) for state in hx])
        return index_select(hx, 1, permutation)

    # ---- the call --------------------------------------------------------------------------------
    def _expected(self, batch: int) -> list[tuple[int, ...]]:
        """The shapes of the states to start from."""
        return [(len(self._places()), batch, self._width())]

    def _run(self, input: Any, hx: tuple[Tensor, ...] | None) -> tuple[Any, tuple[Tensor, ...]]:
        """The output of all steps, and the states after the last one of each direction of each layer."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        states, batch_axis = hx or (), 0 if self.batch_first else 1
        require_tensors(type(self).__name__, "input hx cx", input, *states)
        checks.check_axes(self, input, states)
        if input.ndim == 2:
            output, ends = self._run(unsqueeze(input, batch_axis), hx and tuple([unsqueeze(x, 1) for x in hx]))
            return squeeze(output, batch_axis), tuple([squeeze(x, 1) for x in ends])
        checks.check_sizes(self, input, self._flat_weights[0])
        steps = transpose(input, 0, 1) if self.batch_first else input  # (steps, batch, features)
        length, batch, _ = steps.shape
        rows = reshape(steps, length * batch, self.input_size)
        output, ends = self._run_rows(rows, (batch,) * length, states)
        output = name_last_call(reshape(output, length, batch, output.shape[1]), self._shown_name(output))
        return transpose(output, 0, 1) if self.batch_first else output, ends

    def _shown_name(self, output: Tensor) -> str:
        """The name of PyTorch's last call on the CPU, which prints as the output's `grad_fn`."""
        if self.bidirectional:
            return "CatBackward0"
        fused = self.mode == "LSTM" and output.dtype == float32 and not self.proj_size
        return "MkldnnRnnLayerBackward0" if fused else "StackBackward0"

    def _run_packed(self, packed: PackedSequence, hx: tuple[Tensor, ...] | None) -> Any:
        """The same for a packed batch: the output is packed as the input is, the states stand in the callers' order."""
        data, sizes, order, order_back = packed
        require_tensors(type(self).__name__, "input hx cx", data, *(hx or ()))
        if data.ndim != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {data.ndim}: the data of a PackedSequence")
        checks.check_sizes(self, data, self._flat_weights[0])
        states = hx or ()
        if order is not None:
            states = tuple([index_select(state, 1, order) for state in states])
        output, ends = self._run_rows(data, tuple(sizes.tolist()), states)
        if order_back is not None:
            ends = tuple([index_select(state, 1, order_back) for state in ends])
        return PackedSequence(name_last_call(output, "CatBackward0"), sizes, order, order_back), ends

    def _run_rows(self, rows: Tensor, sizes: tuple[int, ...], states: tuple[Tensor, ...]) -> Any:
        """The outputs of the rows of all steps, and the states after the last one of each direction of each layer."""
        if not sizes:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        expected = self._expected(sizes[0])
        checks.check_states(states, expected if states else [])
        states = states or tuple([zeros(*shape, dtype=rows.dtype, device=rows.device) for shape in expected])
        how = Stacking(self.num_layers, self.bidirectional, self.dropout if self.training else 0.0)
        return run_stack(self.mode, rows, sizes, states, self._flat_weights, how)


class RNN(RNNBase):
    """Elman's recurrent network: ``h = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)`` at each step, or relu of this sum.

    Input (steps, batch, input_size), or (batch, steps, input_size) if `batch_first`, or one sequence (steps,
    input_size), or a `PackedSequence`; and `hx`, the states to start from, (layers * directions, batch, hidden_size),
    by default zeros. Returns the states of the last layer after each step, (steps, batch, directions * hidden_size),
    and the last state of each layer and direction. Options and weights: `RNNBase`.

    Raises `ValueError` for another dtype than the weights' and for other numbers of axes, `RuntimeError` for other
    sizes and for no steps.
    Source: J. L. Elman, "Finding structure in time", 1990;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html

    >>> import minigrad as torch
    >>> output, h = torch.nn.RNN(3, 4)(torch.ones(5, 2, 3))
    >>> output.shape, h.shape
    (minigrad.Size([5, 2, 4]), minigrad.Size([1, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
        dtype: Any = None, *, proj_size: int | None = None
    ) -> None:  # fmt: skip
        checks.refuse_projection(proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h,) = self._run(input, None if hx is None else (hx,))
        return output, h


class GRU(RNNBase):
    """A layer of gated recurrent units, which choose at each step how much of their state h stays.

    With the sums of gate r ``x W_ir^T + b_ir`` and ``h W_hr^T + b_hr``, and likewise for z and n:
    ``r = sigmoid(x_r + h_r)``, ``z = sigmoid(x_z + h_z)``, ``n = tanh(x_n + r * h_n)``, ``h = (1 - z) * n + z * h``.
    The rows of the weights are those of r, z and n, one after another.

    Input, states, result and errors as those of `RNN`; options and weights: `RNNBase`.
    Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", 2014; https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

    >>> import minigrad as torch
    >>> output, h = torch.nn.GRU(3, 4, bidirectional=True)(torch.ones(5, 2, 3))
    >>> output.shape, h.shape
    (minigrad.Size([5, 2, 8]), minigrad.Size([2, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None, *,
        proj_size: int | None = None
    ) -> None:  # fmt: skip
        checks.refuse_projection(proj_size)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h,) = self._run(input, None if hx is None else (hx,))
        return output, h


class LSTM(RNNBase):
    """A layer of long short-term memory: beside its state h, a cell c keeps what the gates let in.

    With the sum ``x W_ii^T + b_ii + h W_hi^T + b_hi`` of gate i, and likewise for f, g and o: ``i, f, o = sigmoid`` and
    ``g = tanh`` of their sums, ``c = f * c + i * g``, ``h = o * tanh(c)``; with `proj_size`, ``h W_hr^T`` in place of
    this h. The rows of the weights are those of i, f, g and o, one after another.

    Input, result and errors as those of `RNN`, but the states are pairs (h, c); the numbers of h are `proj_size`, if
    that is given, those of c are always `hidden_size`. Options and weights: `RNNBase`.
    Source: S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html

    >>> import minigrad as torch
    >>> output, (h, c) = torch.nn.LSTM(3, 4, num_layers=2)(torch.ones(5, 2, 3))
    >>> output.shape, h.shape, c.shape
    (minigrad.Size([5, 2, 4]), minigrad.Size([2, 2, 4]), minigrad.Size([2, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype
        )  # fmt: skip

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        output, (h, c) = self._run(input, None if hx is None else checks.read_pair(hx))
        return output, (h, c)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, ...]:
        """The shape of the cells to start from: (layers * directions, batch, hidden_size).

        >>> import minigrad as torch
        >>> torch.nn.LSTM(3, 4).get_expected_cell_size(torch.ones(5, 7, 3), None)
        (1, 7, 4)
        """
        return self._expected(self.get_expected_hidden_size(input, batch_sizes)[1])[1]

    def _expected(self, batch: int) -> list[tuple[int, ...]]:
        return [*super()._expected(batch), (len(self._places()), batch, self.hidden_size)]
