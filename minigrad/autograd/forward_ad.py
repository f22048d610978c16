"""Forward-mode derivatives by dual numbers: a tensor x and a tangent v, and of each result y(x) the product J v.

    with dual_level():
        y = function(make_dual(x, v))
        y, jvp = unpack_dual(y)

The rules are those of the backward walk: what is computed from a dual tensor is recorded, and `unpack_dual` takes two
walks back, as `derivatives.push` does. So a dual tensor says that it requires a gradient, and `no_grad` stops its
tangent.
Source: https://docs.pytorch.org/docs/stable/autograd.html#forward-mode-automatic-differentiation
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from minigrad.autograd import derivatives
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.gradients import grad
from minigrad.autograd.inference import inference_mode
from minigrad.autograd.modes import is_grad_enabled
from minigrad.autograd.node import next_order
from minigrad.autograd.node_attributes import edge_of
from minigrad.autograd.saved import LeafBehind
from minigrad.dtypes import from_numpy
from minigrad.missing import explain_missing

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A tensor and its tangent, or None where it has none.

    >>> import minigrad as torch
    >>> primal, tangent = torch.autograd.forward_ad.unpack_dual(torch.ones(1))
    >>> print(tangent)
    None
    """

    primal: Any
    tangent: Any


class _Dual(LeafBehind):
    """Where a dual tensor begins: it passes gradients on to its `point`, at which the derivative is taken."""

    __slots__ = ("point", "tangent")

    def __init__(self, point: Any, tangent: Any) -> None:
        super().__init__(point)
        self.edges, self.point, self.tangent = (edge_of(point),), point, tangent


class _Level:
    """The dual tensors between `enter_dual_level` and `exit_dual_level`."""

    def __init__(self) -> None:
        self.duals: list[_Dual] = []
        self.start = next_order()

    def unpack(self, tensor: Any) -> UnpackedDualTensor:
        """The tensor outside of the level, and its tangent."""
        own = {dual.edges[0] for dual in self.duals if dual.point.is_leaf}
        reaches_beyond = derivatives.reaches_beyond(tensor, own, self.start)
        primal = tensor if reaches_beyond else tensor.detach()
        edge = edge_of(tensor)
        if isinstance(edge, _Dual) and edge in self.duals:
            return UnpackedDualTensor(primal, edge.tangent)
        may_depend = tensor.requires_grad and self.duals
        return UnpackedDualTensor(primal, self._push(tensor, reaches_beyond) if may_depend else None)

    def _push(self, tensor: Any, reaches_beyond: bool) -> Any:
        """The tangent of `tensor`; None if it depends on no dual tensor."""
        points = [dual.point for dual in self.duals]
        with inference_mode(False):
            probe = tensor.new_zeros(tensor.shape).requires_grad_()
            found = grad([tensor], points, [probe], retain_graph=True, create_graph=True, allow_unused=True)
        used = [(g, dual.tangent.to(g.dtype)) for g, dual in zip(found, self.duals, strict=True) if g is not None]
        if not used:
            return None
        gradients, tangents = zip(*used, strict=True)
        wanted = is_grad_enabled() and (reaches_beyond or any(tangent.requires_grad for tangent in tangents))
        return derivatives.pull(gradients, [probe], tangents, wanted)[0]


_current: ContextVar[_Level | None] = ContextVar("minigrad_dual_level", default=None)


def enter_dual_level() -> int:
    """Begins a level of dual tensors, and returns its number, 0. Raises RuntimeError within another level.

    >>> import minigrad as torch
    >>> torch.autograd.forward_ad.enter_dual_level()
    0
    >>> torch.autograd.forward_ad.exit_dual_level()
    """
    if _current.get() is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _current.set(_Level())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Ends the level: its tensors have no tangents any more. Raises RuntimeError if there is none.

    >>> import minigrad as torch
    >>> level = torch.autograd.forward_ad.enter_dual_level()
    >>> torch.autograd.forward_ad.exit_dual_level(level=level)
    """
    if _current.get() is None or level not in (None, 0):
        detail = "This is not supported."
        raise RuntimeError(f"Trying to exit a forward AD level that was not the last one that was created. {detail}")
    _current.set(None)


@contextmanager
def dual_level() -> Iterator[int]:
    """A context with a level of dual tensors; tangents end with it.

    >>> import minigrad as torch
    >>> from minigrad.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(torch.tensor([3.0]), torch.tensor([1.0]))
    ...     forward_ad.unpack_dual(x * x)
    UnpackedDualTensor(primal=tensor([9.]), tangent=tensor([6.]))
    """
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def _check_is_floating(name: str, given: Any) -> None:
    """Raise unless ``given`` is a Tensor of a floating dtype. No Tensor is an AttributeError, as in PyTorch."""
    if not isinstance(given, TensorBase):
        hint = "wrap it with minigrad.tensor(...)"
        raise AttributeError(f"make_dual(): the {name} must be a Tensor, not {type(given).__name__}; {hint}")
    if given.array.dtype.kind != "f":
        raise ValueError(f"Expected {name} to be floating point or complex, but got: {from_numpy(given.array.dtype)}")


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A tensor with the same memory as `tensor`, and a `tangent` of its shape. Writes to it change both.

    Raises RuntimeError outside of a level and for another shape, ValueError for integers.

    >>> import minigrad as torch
    >>> from minigrad.autograd.forward_ad import dual_level, make_dual, unpack_dual
    >>> with dual_level():
    ...     x = make_dual(torch.tensor([0.0, 1.0]), torch.ones(2))
    ...     unpack_dual(x.exp()).tangent
    tensor([1.0000, 2.7183])
    """
    current = _current.get()
    if current is None:
        hint = "make sure to enter_dual_level() first."
        raise RuntimeError(f"Trying to create a dual Tensor for forward AD but no level exists, {hint}")
    for name, given in (("primal", tensor), ("tangent", tangent)):
        _check_is_floating(name, given)
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient of the size {tuple(tangent.shape)} that has a different size than that "
            f"of the original Tensor, {tuple(tensor.shape)}, this is not supported."
        )
    if edge_of(tensor) in current.duals:
        raise RuntimeError("make_dual(): the tensor has a tangent at this level; take unpack_dual(tensor).primal")
    (point,) = derivatives.points_at([tensor], is_grad_enabled())
    dual, node = wrap(tensor.array), _Dual(point, tangent)
    dual.node, dual.writes = node, tensor.writes
    current.duals.append(node)
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor, and its tangent: None if it depends on no dual tensor, and outside of a level.

    >>> import minigrad as torch
    >>> torch.autograd.forward_ad.unpack_dual(torch.ones(1))
    UnpackedDualTensor(primal=tensor([1.]), tangent=None)
    """
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"unpack_dual(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}")
    current = _current.get()
    return UnpackedDualTensor(tensor, None) if current is None else current.unpack(tensor)


explain_missing("torch.autograd.forward_ad", globals())
