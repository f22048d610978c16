"""What recurrent layers refuse: options that do not fit, inputs and states of other shapes and types."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor


def check_dropout(dropout: Any, num_layers: int) -> None:
    """Raises ValueError unless `dropout` is a probability; warns where there is no layer for it."""
    if isinstance(dropout, bool) or not isinstance(dropout, (int, float, np.number)) or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed, got "
            f"{dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}"
        )


def check_options(layer: Any) -> None:
    """Raises TypeError and ValueError for flags and sizes of a recurrent layer that cannot be."""
    for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
        value = getattr(layer, name)
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name in ("input_size", "hidden_size", "num_layers"):
        if getattr(layer, name) <= 0:
            raise ValueError(f"{name} must be greater than zero, got {getattr(layer, name)}")
    if layer.proj_size < 0:
        raise ValueError(
            f"proj_size should be a positive integer or zero to disable projections, got {layer.proj_size}"
        )
    if layer.proj_size >= layer.hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size: {layer.proj_size} and {layer.hidden_size}")


def check_axes(layer: Any, input: Tensor, states: tuple[Tensor, ...]) -> None:
    """Raises for an input that is no sequence and no batch of them, and for states with other axes than it has."""
    name, axes = type(layer).__name__, input.ndim
    if axes not in (2, 3):
        shapes = "(steps, features), or with a batch (batch, steps, features)"
        if not layer.batch_first:
            shapes = "(steps, features), or with a batch (steps, batch, features)"
        raise ValueError(f"{name}: Expected input to be 2D or 3D, got {axes}D tensor instead; it is {shapes}")
    if any(state.ndim != axes for state in states):
        have = [f"{state.ndim}-D" for state in states]
        got = f"hx should also be {axes}-D but got {have[0]} tensor"
        if len(have) > 1:
            got = f"hx and cx should also be {axes}-D but got ({', '.join(have)}) tensors"
        raise RuntimeError(f"For {'unbatched' if axes == 2 else 'batched'} {axes}-D input, {got}")


def check_sizes(layer: Any, input: Tensor, weight: Tensor) -> None:
    """Raises for an input (..., features) of another dtype than the weights, or with other numbers of features."""
    if input.dtype != weight.dtype:
        raise ValueError(
            f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
            f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
        )
    if input.shape[-1] != layer.input_size:
        hint = ""
        if layer.input_size in input.shape[:-1]:
            order = "(batch, steps, features)" if layer.batch_first else "(steps, batch, features)"
            hint = f"; the axes of an input are {order}, got {tuple(input.shape)}"
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {layer.input_size}, got {input.shape[-1]}{hint}"
        )


def check_states(states: tuple[Tensor, ...], expected: list[tuple[int, ...]]) -> None:
    """Raises RuntimeError unless the states have the `expected` shapes: layers and directions, batch, numbers."""
    for place, (state, shape) in enumerate(zip(states, expected, strict=True)):
        if tuple(state.shape) != shape:
            name = f"hidden[{place}]" if len(states) > 1 else "hidden"
            raise RuntimeError(f"Expected {name} size {shape}, got {list(state.shape)}")


def read_pair(hx: Any) -> tuple[Tensor, Tensor]:
    """The states (h_0, c_0) of an LSTM. Raises RuntimeError for one tensor, and for other numbers of states."""
    if isinstance(hx, Tensor) or not isinstance(hx, (tuple, list)) or len(hx) != 2:
        got = f"one tensor of shape {tuple(hx.shape)}" if isinstance(hx, Tensor) else show_value(hx)
        raise RuntimeError(f"hx and cx of an LSTM are a pair of tensors (h_0, c_0), got {got}; a GRU has one state")
    h, c = hx
    return h, c


def refuse_projection(proj_size: int | None) -> None:
    """Raises ValueError for a `proj_size` of a layer that has no projections."""
    if proj_size is not None:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
