"""`ReLU`, `Sigmoid` and `Tanh` as layers."""

from __future__ import annotations

from minigrad.nn.functional.activation import relu, sigmoid, tanh
from minigrad.nn.stateless import Stateless


class ReLU(Stateless, function=relu):
    """max(x, 0), element by element: any shape, and the result has the same.

    The gradient passes where x > 0, and is 0 elsewhere, at 0 too. As `torch.nn.ReLU`.

    >>> import minigrad as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """


class Sigmoid(Stateless, function=sigmoid):
    """1 / (1 + exp(-x)), element by element: any shape, and the result has the same.

    The slope is s (1 - s), where s is the result: at most 1/4. As `torch.nn.Sigmoid`.

    >>> import minigrad as torch
    >>> torch.nn.Sigmoid()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 0.7311])
    """


class Tanh(Stateless, function=tanh):
    """tanh(x), element by element: any shape, and the result has the same.

    The slope is 1 - t^2, where t is the result. As `torch.nn.Tanh`.

    >>> import minigrad as torch
    >>> torch.nn.Tanh()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.0000,  0.7616])
    """
