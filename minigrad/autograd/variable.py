"""`Variable`: PyTorch's old name for a tensor that requires a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase, wrap


class _AnyTensor(type):
    """Every tensor is a `Variable`."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TensorBase)


class Variable(metaclass=_AnyTensor):
    """``Variable(data, requires_grad=True)``: a new tensor in the memory of `data`, which is left as it is.

    Tensors do all that it did: write ``data.requires_grad_()``. Raises TypeError for what is no tensor.
    `volatile` has no effect any more, and a warning says so.

    >>> import minigrad as torch
    >>> x = torch.ones(2)
    >>> torch.autograd.Variable(x, requires_grad=True), x.requires_grad
    (tensor([1., 1.], requires_grad=True), False)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        """A tensor, of the class of `data`'s values."""
        if data is None:
            data = wrap(np.empty(0, np.float32))
        if not isinstance(data, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile and requires_grad:
            raise ValueError("Variable can't be volatile and require_grad at the same time!")
        if volatile:
            hint = "volatile was removed and now has no effect. Use `with minigrad.no_grad():` instead."
            warn(hint)
        alias: Any = data.detach()  # type: ignore[attr-defined]
        return alias.requires_grad_() if requires_grad else alias
