"""What a node shows of itself, its name and its neighbours, and how the hooks on a gradient are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from minigrad.autograd.core import ANOMALY, PACKING, wrap
from minigrad.autograd.messages import refuse_copy, take_from_hook

_traces: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
# Keys among the hooks of a node or a leaf. Under RETAIN is the hook that keeps `.grad`; it moves on when its tensor is
# written to. Under each of the others are hooks that `run_hooks` leaves alone: of a node, hooks before and after its
# rules, and notes; of a leaf, hooks that run when its gradient is added to `.grad`, in the order of these keys.
RETAIN, NODE_PREHOOKS, AFTER_GRAD, NODE_HOOKS, NOTES = -1, -2, -3, -4, -5
WATCHED = ANOMALY | PACKING
watchers: dict[int, Callable[[Any], None]] = {}  # by flag: who sees what was just recorded


def notify_watchers(tensor: Any, flags: int) -> None:
    """Show the result of a call that was just recorded to those who watch."""
    for flag, see in watchers.items():
        if flags & flag:
            see(tensor)


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block."""

    def __init__(self: Any, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self.id = hooks, key

    def remove(self: Any) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self: Any) -> RemovableHandle:
        return self

    def __exit__(self: Any, *_: object) -> None:
        self.remove()


class HooksApart(dict[Any, Any]):
    """The hooks, or the notes, under one of the other keys, in order."""


def open_hooks(holder: Any, key: int) -> HooksApart:
    """The hooks under `key` of a node or a leaf, to add others to."""
    if holder.hooks is None:
        holder.hooks = {}
    found: HooksApart = holder.hooks.setdefault(key, HooksApart())
    return found


def require_callable(hook: Any) -> None:
    """Raise TypeError for a hook that cannot be called, where it is registered."""
    if not callable(hook):
        raise TypeError(f"a hook must be a function or another callable, got {type(hook).__name__} {hook!r:.80}")


def run_hooks(hooks: dict[int, Any], gradient: Any, create_graph: bool) -> Any:
    """Show the gradient to each hook as a Tensor; a hook may return another in its place."""
    for hook in list(hooks.values()):
        if hook.__class__ is HooksApart:
            continue
        changed = hook(gradient if create_graph else wrap(gradient))
        if changed is not None:
            gradient = take_from_hook(hook, gradient, changed, create_graph)
    return gradient


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


def _open_attributes() -> Any:
    """What no backward walk needs stands in a file of its own, imported for the first who asks."""
    from minigrad.autograd import node_attributes

    return node_attributes


class Inspectable:
    """The half of a node that answers questions."""

    __slots__ = ("__weakref__",)  # who asks may hold a node weakly

    shown: ClassVar[str | None] = None  # another name than the operation's
    call = property(lambda self: self)  # the node of the call whose result this is
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
        """Call ``hook(grad_outputs)`` before the node's rules; a tuple that it returns goes on in their place."""
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
        number: int = self.order
        return number

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
