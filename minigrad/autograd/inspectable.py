"""What a node answers to who asks: its name, its neighbours, notes, hooks around its rules, saved values.

A walk asks for none of it. `node_attributes.py` finds most of the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from minigrad.autograd.handles import RemovableHandle, open_hooks
from minigrad.autograd.inspection import NOTES
from minigrad.autograd.messages import refuse_copy

_traces: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _open_attributes() -> Any:
    """What no backward walk needs stands in a file of its own, imported for the first who asks."""
    from minigrad.autograd import node_attributes

    return node_attributes


def show_name(node: Any) -> Any:
    """`node`, with a class that is named after its operation, as in PyTorch; made when the node is first shown."""
    cls, name = node.__class__, node.name()
    if cls.__name__ != name:
        node.__class__ = derive_named(cls, name)
    return node


@cache
def derive_named(cls: type[Any], name: str) -> type[Any]:
    """The class of a node that is shown under `name`."""
    says = {"__slots__": (), "__module__": "builtins", "shown": name, "__reduce_ex__": refuse_copy}
    return type(name, (cls,), says)


class Inspectable:
    """The half of a node that answers questions."""

    __slots__ = ("__weakref__",)  # who asks may hold a node weakly

    shown: ClassVar[str | None] = None  # another name than the operation's
    call = property(lambda self: self)  # the node of the call whose result this is
    unrecorded: ClassVar[bool] = False  # whether it stands for a call that was not recorded (`views.py`)
    number: Any = 0  # of the result among those of the call

    def node_of(self, _number: int) -> Any:
        """The node of one of the call's results: an operation has one result."""
        return self

    def name(self: Any) -> str:
        """The operation's name in PyTorch's manner: ``MulBackward0``.

        >>> import minigrad as torch
        >>> torch.ones(1, requires_grad=True).exp().grad_fn.name()
        'ExpBackward0'
        """
        return self.shown or self.plan.operation.backward_name

    @property
    def next_functions(self: Any) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients go to from here, operand by operand, each with the number of its result; None
        stands for an operand that needs no gradient.
        """
        return _open_attributes().find_next(self)

    def __repr__(self: Any) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for notes of one's own on this node."""
        return open_hooks(self, NOTES)

    @property
    def trace(self) -> str | None:
        """The user's line, if the call was recorded in anomaly mode."""
        return _traces.get(self)

    @trace.setter
    def trace(self, line: str) -> None:
        _traces[self] = line

    def register_prehook(self, hook: Callable[[tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the node's rules; a tuple that it returns goes on in their place.

        >>> import minigrad
        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> handle = y.grad_fn.register_prehook(lambda grad_outputs: (grad_outputs[0] * 10,))
        >>> y.backward()
        >>> x.grad
        tensor(60.)
        """
        return _open_attributes().hang_hook(self, hook, before=True)

    def register_hook(self, hook: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node's rules; a tuple that it returns replaces the first.

        >>> import minigrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> y = x * 2
        >>> handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, None))
        >>> y.sum().backward()
        >>> x.grad
        tensor([20., 20.])
        """
        return _open_attributes().hang_hook(self, hook, before=False)

    def split(self, cotangent: Any) -> list[Any]:
        """What arrived here, result by result of the call."""
        return [cotangent]

    def join(self, gradients: Sequence[Any]) -> Any:
        """What `split` took apart."""
        return gradients[0]

    def operand_places(self: Any) -> tuple[Sequence[int], int]:
        """For each edge the position of its operand among those that can have a gradient, and the number of these."""
        plan = getattr(self, "plan", None)
        if plan is None:
            return range(len(self.edges)), len(self.edges)
        with_rule = [i for i, rule in enumerate(plan.operation.rules) if rule]
        return [with_rule.index(i) for i in plan.operands], len(with_rule)

    def __call__(self: Any, *gradients: Any) -> Any:
        """The gradients of the operands for those of the results: the rules applied, recorded if the mode asks."""
        return _open_attributes().apply_rules(self, gradients)

    def _sequence_nr(self: Any) -> int:
        """The number under which the call was recorded: later ones have greater ones."""
        return self.order

    def _read_saved(self, role: str) -> Any:
        return _open_attributes().read_saved(self, role)

    # (By name: a `__getattr__` would slow every attribute of every node.)
    _saved_self = property(lambda self: self._read_saved("self"))
    _saved_other = property(lambda self: self._read_saved("other"))
    _saved_result = property(lambda self: self._read_saved("result"))
    _saved_input = property(lambda self: self._read_saved("input"))
    _saved_weight = property(lambda self: self._read_saved("weight"))
    _saved_exponent = property(lambda self: self._read_saved("exponent"))
    _saved_target = property(lambda self: self._read_saved("target"))
