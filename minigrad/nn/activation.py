"""`ReLU`, `Sigmoid` and `Tanh` as layers."""

from __future__ import annotations

from minigrad.nn.functional.activation import relu, sigmoid, tanh
from minigrad.nn.stateless import Stateless


class ReLU(Stateless, function=relu):
    """max(x, 0).

    >>> import minigrad as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """


class Sigmoid(Stateless, function=sigmoid):
    """1 / (1 + exp(-x)).

    >>> import minigrad as torch
    >>> torch.nn.Sigmoid()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 0.7311])
    """


class Tanh(Stateless, function=tanh):
    """tanh(x).

    >>> import minigrad as torch
    >>> torch.nn.Tanh()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.0000,  0.7616])
    """
