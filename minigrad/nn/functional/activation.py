"""`relu`, `sigmoid` and `tanh`. Other activation functions stand in `activation_variants.py` and `softmax.py`."""

from __future__ import annotations

from minigrad.autograd.core import plain_classes
from minigrad.ops import activation, unary
from minigrad.ops.complaints import as_flag, ask_or_refuse
from minigrad.ops.inplace import assign, check_writable
from minigrad.tensor import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``, elementwise.

    >>> import minigrad as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if input.__class__ not in plain_classes and (answer := ask_or_refuse(relu, (input, inplace))) is not NotImplemented:
        return answer
    if inplace is False or not as_flag("relu", "inplace", inplace) or not isinstance(input, Tensor):
        return activation.relu(input)
    check_writable(input, "relu_")
    return assign(input, activation.relu(input), "relu_")  # its gradient needs only the result: nothing is copied


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``.

    >>> import minigrad as torch
    >>> torch.nn.functional.sigmoid(torch.tensor([0.0]))
    tensor([0.5000])
    """
    return unary.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    >>> import minigrad as torch
    >>> torch.nn.functional.tanh(torch.tensor([1.0]))
    tensor([0.7616])
    """
    return unary.tanh(input)
