"""`summary(net, input_size)`: a table of the layers with output shapes, numbers of weights and multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import prod
from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.creation import zeros
from minigrad.nn.conv import Convolution
from minigrad.nn.conv_transpose import TransposedConvolution
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.multihead_attention import MultiheadAttention
from minigrad.nn.recurrent import RNNBase
from minigrad.nn.uninitialized import UninitializedParameter
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor

HEADS = ("layer", "kind", "output shape", "parameters", "multiplications")


@dataclass
class Row:
    """One layer of the table; values that need a forward pass are None without one."""

    name: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: int
    multiplications: int | None

    def cells(self) -> tuple[str, ...]:
        shape = "" if self.shape is None else str(self.shape)
        return self.name, self.kind, shape, f"{self.parameters:,}", _write_count(self.multiplications)


class Summary:
    """A table of a module's layers: text when printed, a table in a notebook."""

    def __init__(self, rows: Sequence[Row], trained: int, kept: int) -> None:
        self.rows, self.trained, self.kept = list(rows), trained, kept

    @property
    def multiplications(self) -> int | None:
        """The multiplications of one forward pass; None if no input size was given."""
        counts = [row.multiplications for row in self.rows]
        return None if None in counts else sum(filter(None, counts))

    def __str__(self) -> str:
        cells = [HEADS, *[row.cells() for row in self.rows]]
        widths = [max(len(line[i]) for line in cells) for i in range(len(HEADS))]
        lines = [
            "  ".join(c.rjust(w) if i > 2 else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in cells
        ]
        return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:], self.total()])

    __repr__ = __str__

    def total(self) -> str:
        text = f"{self.trained:,} parameters to train"
        if self.kept:
            text += f", {self.kept:,} that stay as they are"
        return text if self.multiplications is None else f"{text}, {self.multiplications:,} multiplications"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in HEADS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()) + "</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{self.total()}</p>"


def summary(net: Module, input_size: Sequence[int] | None = None, dtype: Any = None) -> Summary:
    """A table of the layers of `net`; with `input_size` (batch included) also output shapes and multiplications.

    The forward pass runs on zeros in evaluation mode, without gradients; the mode is restored afterwards. They are of
    `dtype`, by default that of the parameters: `torch.long` for a net that begins with an `Embedding`. Raises
    TypeError unless `net` is a module, ValueError for an invalid shape, and what `net` raises for a wrong one, with the
    output shapes of the layers before it.

    >>> from minigrad import nn
    >>> print(nn.summary(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), (1, 1, 6, 8)))
    layer  kind    output shape  parameters  multiplications
    --------------------------------------------------------
    0      Conv2d  (1, 4, 4, 6)          40              864
    1      ReLU    (1, 4, 4, 6)           0                0
    40 parameters to train, 864 multiplications
    """
    if not isinstance(net, Module):
        raise TypeError(f"summary() expects a Module, got {type(net).__name__}")
    if input_size is not None:
        _check_size(input_size)
    layers = {name: module for name, module in net.named_modules() if _is_layer(module)}
    calls = {} if input_size is None else _run(net, layers, input_size, dtype)
    unseen = (None, None if input_size is None else 0)  # a layer that was not called multiplies nothing
    rows = []
    for name, module in layers.items():
        shape, count = calls.get(name, unseen)
        rows.append(Row(name or "(itself)", type(module).__name__, shape, _count_parameters(module), count))
    trained = {id(p): p for p in net.parameters() if p.requires_grad}
    kept = {id(p): p for p in net.parameters() if not p.requires_grad}
    return Summary(rows, sum(map(_count_elements, trained.values())), sum(map(_count_elements, kept.values())))


def _is_layer(module: Module) -> bool:
    """Whether a module has a row: what holds others has one if it has parameters of its own, as attention has."""
    return not list(module.children()) or next(module.parameters(recurse=False), None) is not None


def _check_size(input_size: Any) -> None:
    """Raises ValueError for what is no shape of an input."""
    is_list = isinstance(input_size, (list, tuple))
    if not is_list or not all(isinstance(n, int) and n > 0 for n in input_size):
        given = f"{input_size!r}" if is_list else show_value(input_size)
        given += "; the shape of a tensor is x.shape" if hasattr(input_size, "shape") else ""
        raise ValueError(f"summary() expects the shape of an input, such as (1, 3, 32, 32), got {given}")


def _run(
    net: Module, layers: dict[str, Module], input_size: Sequence[int], dtype: Any
) -> dict[str, tuple[tuple[int, ...], int]]:
    """The shape of each layer's output and its multiplications, by name; of its last call, if there are several."""
    found: dict[str, tuple[tuple[int, ...], int]] = {}

    def note(name: str) -> Any:
        def hook(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            first = output[0] if isinstance(output, tuple) and output else output  # of a recurrent layer its output
            if isinstance(first, Tensor):
                found[name] = tuple(first.shape), _count_multiplications(module, [*args, *kwargs.values()], first)

        return hook

    handles = [module.register_forward_hook(note(name), with_kwargs=True) for name, module in layers.items()]
    modes = {module: module.training for module in net.modules()}
    like = next(iter(net.parameters()), zeros(0))
    try:
        net.eval()
        with no_grad():
            net(zeros(*input_size, dtype=dtype or like.dtype, device=like.device))
    except Exception as error:
        error.add_note(f"Before that, the layers gave: {_write_shapes(found) or 'nothing'}.")
        raise
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    return found


def _write_shapes(found: dict[str, tuple[tuple[int, ...], int]]) -> str:
    """The outputs so far, in words: "0 (1, 4, 4, 6), 1 (1, 4, 4, 6)"."""
    return ", ".join(f"{name} {shape}" for name, (shape, _) in found.items())


def _count_multiplications(module: Module, given: Sequence[Any], output: Tensor) -> int:
    """The multiplications of a call, which was given these arguments; 0 for layers that count none."""
    if isinstance(module, TransposedConvolution):  # each number of the input lays a kernel down
        image: Tensor = next(x for x in given if isinstance(x, Tensor))  # `output_size` may stand before it
        return image.numel() * prod(module.weight.shape[1:])
    if isinstance(module, Convolution):  # each number of the output gathers one
        return output.numel() * prod(module.weight.shape[1:])
    if isinstance(module, Linear):
        return output.numel() * module.in_features
    if isinstance(module, RNNBase):  # each step of each sequence is multiplied by every weight
        return prod(output.shape[:-1]) * sum(p.numel() for p in module.parameters() if p.ndim == 2)
    if isinstance(module, MultiheadAttention):  # four products, and each query times each key, each weight times values
        length = given[1].shape[1 if module.batch_first and given[1].ndim == 3 else 0]
        projected = sum(x.numel() for x in (*given[:3], output)) * module.embed_dim
        return projected + 2 * output.numel() * length
    return 0


def _count_parameters(module: Module) -> int:
    """The parameters of a row; those in its modules have rows of their own."""
    return sum(_count_elements(p) for p in module.parameters(recurse=False))


def _count_elements(parameter: Any) -> int:
    return 0 if isinstance(parameter, UninitializedParameter) else int(parameter.numel())


def _write_count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
