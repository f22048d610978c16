"""`Parameter`: a tensor of a module that is trained; `Buffer`: one that belongs to its state but is not trained."""

from __future__ import annotations

from typing import Any, Self, TypeVar, cast

from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.creation.filled import empty
from minigrad.tensor import Tensor

T = TypeVar("T", bound=Tensor)


def share_memory(data: Any, cls: type[T]) -> T:
    """A tensor of class `cls` that shares the memory of `data`."""
    if data is None:
        data = empty(0)
    elif not isinstance(data, TensorBase):
        hint = "minigrad.from_numpy(array)" if is_array(data) else f"minigrad.tensor({data!r:.40})"
        detail = f"which has no gradient and no device: write nn.{cls.__name__}({hint})"
        raise AttributeError(f"nn.{cls.__name__} expects a Tensor, got {type(data).__name__}, {detail}")
    return wrap(data.array, cls, writes=data.writes)  # the same memory, so the same version counter


class Parameter(Tensor, plain=True):
    """A tensor that a `Module` lists among its `parameters()` when assigned as an attribute.

    It shares the memory of `data`, is a leaf, and requires a gradient by default.
    Raises `RuntimeError` for integers that are to require a gradient. As `torch.nn.Parameter`.

    >>> import minigrad as torch
    >>> torch.nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Self:
        parameter = share_memory(data, cls)
        parameter.requires_grad_(requires_grad)
        return parameter

    def __repr__(self) -> str:
        text = super().__repr__()  # of a user's own class, it begins with the class's name
        return "Parameter containing:\n" + (text if text.startswith("tensor(") else f"Parameter({text})")

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # As in PyTorch, a copied parameter is made by its class, and has no gradient.
        copied = memo.setdefault(id(self), type(self)(self.data.clone(), self.requires_grad))
        return cast("Self", copied)


class Buffer(Tensor, plain=True):
    """A tensor that a `Module` moves and saves but does not train, when assigned as an attribute.

    `persistent=False` keeps it out of `state_dict()`. As `torch.nn.Buffer`.

    >>> import minigrad as torch
    >>> torch.nn.Buffer(torch.ones(2))
    tensor([1., 1.])
    """

    __slots__ = ()

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Self:
        buffer = share_memory(data, cls)
        if data is not None:
            buffer.requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        return buffer


def __getattr__(name: str) -> Any:
    """PyTorch has the tensors of lazy layers in this file too; they are imported when first asked for."""
    if name not in ("UninitializedParameter", "UninitializedBuffer"):
        from minigrad.missing import missing_name

        raise missing_name("torch.nn.parameter", name, globals())
    from minigrad.nn import uninitialized

    return getattr(uninitialized, name)
