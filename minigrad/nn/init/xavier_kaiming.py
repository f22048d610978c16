"""Initialization by constants, by random numbers, and by Xavier's and Kaiming's rules for their range.

Each function fills its tensor in place, without recording.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ParamSpec

from minigrad.advice import warn
from minigrad.autograd.modes import no_grad
from minigrad.generator import Generator
from minigrad.ops.arguments import as_number, of_tensors
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

P = ParamSpec("P")

_CONVOLUTIONS = [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]
_GAINS: dict[str, float] = dict.fromkeys(["linear", "sigmoid", *_CONVOLUTIONS], 1)
_GAINS |= {"tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def fills_outside_graph(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Decorates an initializer: no recording, and an AttributeError, as in PyTorch, unless it gets a tensor."""
    return of_tensors(no_grad()(function), error=AttributeError)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that makes up for how `nonlinearity` shrinks a standard deviation: sqrt(2) for 'relu'.

    For 'leaky_relu' with slope `param` (0.01): sqrt(2 / (1 + param^2)). Raises `ValueError` for
    unknown names. Source: https://docs.pytorch.org/docs/stable/nn.init.html

    >>> from minigrad import nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if isinstance(nonlinearity, str) and nonlinearity == "leaky_relu":
        if isinstance(param, bool) or not isinstance(param, (int, float, type(None))):
            raise ValueError(f"negative_slope {shorten(param, str)} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if not isinstance(nonlinearity, str) or nonlinearity not in _GAINS:
        raise ValueError(
            f"Unsupported nonlinearity {shorten(nonlinearity, str)}; known are {', '.join(_GAINS)}, leaky_relu"
        )
    return _GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """fan_in, the number of inputs of one output of a weight (out, in, *kernel), and fan_out, the reverse."""
    if tensor.ndim < 2:
        detail = f"a weight is (out, in) or (out, in, *kernel), got {tuple(tensor.shape)}"
        raise ValueError(f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: {detail}")
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _calculate_fan_in_and_fan_out(tensor), strict=True))
    if not isinstance(mode, str) or mode.lower() not in fans:
        raise ValueError(f"Mode {shorten(mode, str)} not supported, please use one of {list(fans)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode.lower()])


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return as_number("xavier", "gain", gain) * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))


@fills_outside_graph
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fills with numbers from U(a, b), uniform between a and b, in place and without a graph. Returns the tensor.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.init.uniform_(torch.empty(3), 5.0, 6.0)
    tensor([5.4963, 5.7682, 5.0885])
    """
    return tensor.uniform_(a, b, generator=generator)


@fills_outside_graph
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fills with numbers from N(mean, std^2), in place and without a graph. Returns the tensor.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.init.normal_(torch.empty(3), mean=5.0, std=0.01)
    tensor([5.0154, 4.9971, 4.9782])
    """
    return tensor.normal_(mean, std, generator=generator)


@fills_outside_graph
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Sets every element to `val`, in place and without a graph. Returns the tensor.

    >>> import minigrad as torch
    >>> torch.nn.init.constant_(torch.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Sets every element to 1, in place and without a graph. Returns the tensor.

    >>> import minigrad as torch
    >>> torch.nn.init.ones_(torch.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Sets every element to 0, in place and without a graph. Returns the tensor.

    >>> import minigrad as torch
    >>> torch.nn.init.zeros_(torch.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


@fills_outside_graph
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """U(-a, a) with a = gain sqrt(6 / (fan_in + fan_out)): Glorot and Bengio, 2010.

    >>> import minigrad as torch
    >>> bool(torch.nn.init.xavier_uniform_(torch.empty(3, 3)).abs().max() <= 1.0)
    True
    """
    a = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return tensor.uniform_(-a, a, generator=generator)


@fills_outside_graph
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std^2) with std = gain sqrt(2 / (fan_in + fan_out)): Glorot and Bengio, 2010.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.init.xavier_normal_(torch.empty(100, 100)).std().round(decimals=2)  # sqrt(2 / 200)
    tensor(0.1000)
    """
    return tensor.normal_(0.0, _xavier_std(tensor, gain), generator=generator)


@fills_outside_graph
def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """U(-b, b) with b = gain sqrt(3 / fan): He et al., 2015. `a` is the leaky ReLU's slope.

    >>> import minigrad as torch
    >>> bool(torch.nn.init.kaiming_uniform_(torch.empty(2, 6)).abs().max() <= 1.0)
    True
    """
    if not tensor.numel():
        return leave_empty(tensor)
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


@fills_outside_graph
def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """N(0, std^2) with std = gain / sqrt(fan): He et al., 2015. `a` is the leaky ReLU's slope.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.init.kaiming_normal_(torch.empty(100, 50)).std().round(decimals=2)  # sqrt(2 / 50)
    tensor(0.2000)
    """
    if not tensor.numel():
        return leave_empty(tensor)
    return tensor.normal_(0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator=generator)


def leave_empty(tensor: Tensor) -> Tensor:
    """Warns that a tensor has no elements to fill."""
    warn("Initializing zero-element tensors is a no-op")
    return tensor
