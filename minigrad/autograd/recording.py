"""How a differentiable operation is declared, called and recorded: declare -> call -> plan -> node.

    square = operation("square", lambda x: x * x, lambda g, x: g * 2 * x)

An operation is a forward on arrays and one gradient rule per operand. The names of a rule's
parameters say what the node must keep: ``g`` is the gradient that arrives, the name of an operand its
value, ``x_shape`` only its shape, ``out`` the result, and any keyword-only parameter of the forward its
value. Rules are written in NumPy's vocabulary. The engine runs them on plain arrays; under
``create_graph=True`` it runs the same rules on Tensors, which answer NumPy's dispatch protocols by
recording. So a derivative is written once and holds to any order.

Forward and rules always run with NumPy's warnings off and on the GPU of their operands: the engine
sees to both, here and in the walk, and no operation mentions either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.anomaly import check_forward
from minigrad.autograd.core import LEAF, RETAIN, Edge, Key, TensorBase, Uncounted, is_array, wrap
from minigrad.autograd.inspection import Inspectable, next_functions
from minigrad.autograd.messages import (
    check_rules,
    check_same_library,
    freed,
    inference_saved,
    overwritten,
    written_with_siblings,
)
from minigrad.autograd.modes import ANOMALY, GRAD, PACKING, inference_was_entered, mode
from minigrad.backend import SILENT, WARNINGS, quiet, select

Rule: TypeAlias = Callable[..., Any]
Reader: TypeAlias = Callable[[Sequence[Any], dict[str, Any], Any], Any]

next_order = count().__next__
_new = object.__new__


# ---- declare -------------------------------------------------------------------------------------
def operation(
    name: str, forward: Callable[..., Any], *rules: Rule | None, view: bool = False, shown: str | None = None
) -> Operation:
    """Declare a differentiable operation from its forward and one gradient rule per operand.

    Formula: ``rules[i](g, ...) = g @ d forward / d operand_i``. A rule of None says that no gradient
    flows to that operand. ``view=True`` says that the result may share its first operand's memory;
    `shown` is the name in ``grad_fn=<...>`` where PyTorch's differs from `name`.
    A forward with ``*operands`` takes one rule for all of them.

    Raises TypeError when a rule asks for a name that the forward does not have.

    >>> import minigrad, numpy as np
    >>> from minigrad.autograd import operation
    >>> cube = operation("cube", lambda x: x**3, lambda g, x: g * 3 * x**2)
    >>> x = minigrad.tensor([2.0], requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor([12.])
    """
    code = getattr(forward, "__code__", None)
    variadic = bool(code and code.co_flags & _VARIADIC)
    made = (VariadicOperation if variadic else Operation)(name, forward, rules, view, shown)
    check_rules(made, code, variadic)
    return made


_VARIADIC = 0x04  # the code flag of *args


class Operation:
    """A forward and its gradient rules. Called with Tensors it records, with arrays it only computes."""

    __slots__ = ("backward_name", "forward", "name", "operands", "plans", "reads", "rules", "view")

    def __init__(
        self, name: str, forward: Callable[..., Any], rules: tuple[Rule | None, ...], view: bool, shown: str | None
    ) -> None:
        code = getattr(forward, "__code__", None)
        self.name = name
        self.backward_name = shown or name.title().replace("_", "") + "Backward0"
        self.forward = forward
        self.operands: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else tuple("xyz"[: len(rules)])
        self.rules = rules
        self.reads = [_parameters(rule)[1:] if rule else () for rule in rules]
        self.view = view
        self.plans: dict[Any, Plan | None] = {}

    # ---- call ------------------------------------------------------------------------------------
    def __call__(self, *operands: Any, **statics: Any) -> Any:
        """The call in general: operands are tensors, arrays, numbers or None."""
        if len(operands) == 1 and isinstance(x := operands[0], TensorBase):
            return self.of_one(x, statics)
        arrays: list[Any] = []
        needed = 0  # the bits of the operands that need a gradient
        library = None
        for i, x in enumerate(operands):
            if isinstance(x, TensorBase):
                if x.view_of is not None:
                    refresh(x)
                if x.node is not None:
                    needed |= 1 << i
                x = x.array
                if library is None:
                    library = x.__class__
                elif x.__class__ is not library or library is not np.ndarray:
                    check_same_library(self.name, [getattr(y, "array", y) for y in operands])
            arrays.append(x)
        if library is None:
            return self.forward(*operands, **statics)
        if library is not np.ndarray:
            check_same_library(self.name, arrays)
        tensor = wrap(quiet(self.forward, *arrays, **statics))
        if self.view:
            self.link(tensor, operands[0], statics)
        return self.finish(tensor, operands, needed, statics)

    def of_one(self, x: Any, statics: dict[str, Any]) -> Any:
        """The call with one operand, a tensor."""
        if x.view_of is not None:
            refresh(x)
        if self.view and x.array.__class__ is np.ndarray:  # it computes nothing that could warn
            tensor = wrap(self.forward(x.array, **statics))
        else:
            tensor = wrap(quiet(self.forward, x.array, **statics))
        if self.view:
            self.link(tensor, x, statics)
        return self.finish(tensor, (x,), x.node is not None, statics)

    def of_two(self, x: Any, y: Any, a: Any, b: Any, forward: Any = None) -> Any:
        """The call with two operands, tensors or numbers, whose values `a` and `b` have one type already."""
        if a.__class__ is np.ndarray or b.__class__ is np.ndarray:  # `quiet` in plain sight, without its call
            loud = WARNINGS.set(SILENT)
            try:
                tensor = wrap((forward or self.forward)(a, b))
            finally:
                WARNINGS.reset(loud)
        else:
            tensor = wrap(quiet(forward or self.forward, a, b))
        needed = 0
        if isinstance(x, TensorBase):
            if x.view_of is not None:
                refresh(x)
            if x.node is not None:
                needed = 1
            elif x.cause is not None:
                tensor.cause = x.cause
        if isinstance(y, TensorBase):
            if y.view_of is not None:
                refresh(y)
            if y.node is not None:
                needed |= 2
            elif y.cause is not None:
                tensor.cause = tensor.cause or y.cause
        return self.finish(tensor, (x, y), needed, {}) if needed else tensor

    def finish(self, tensor: Any, operands: Sequence[Any], needed: int, statics: dict[str, Any]) -> Any:
        """`tensor`, the result; recorded if the mode asks for it and any operand needs a gradient."""
        if needed:
            flags = mode.get()
            if not flags & GRAD:
                tensor.cause = "it was made under no_grad() or inference_mode()"
                if tensor.view_of is not None:
                    tensor.node = Unrecorded(tensor.array)
                return tensor
            plan = self.plans.get(needed) or self.plan(needed, len(operands))
            if plan is not None and tensor.array.dtype.kind == "f":
                tensor.node = record(plan, self, operands, statics, tensor)
                if flags & WATCHED:
                    watch(tensor, flags)
            return tensor
        for x in operands:
            if isinstance(x, TensorBase) and x.cause is not None:
                tensor.cause = x.cause
                break
        return tensor

    def link(self, tensor: Any, operand: Any, statics: dict[str, Any]) -> None:
        """Tie `tensor` to `operand` if it looks at the same memory."""
        array, base = operand.array, tensor.array.base
        if base is not None and (base is array or base is array.base):  # NumPy and CuPy keep bases flat
            tensor.writes = operand.writes
            tensor.view_of = View(operand, self, statics, bool(mode.get() & GRAD))

    # ---- plan ------------------------------------------------------------------------------------
    def plan(self, needed: int, count: int) -> Plan | None:
        """The plan for the operands whose bits are set in `needed`; None when none of them has a rule."""
        plan = self.plans[needed] = self.new_plan(tuple([i for i in range(count) if needed >> i & 1]), count)
        return plan

    def new_plan(self, needed: tuple[int, ...], count: int) -> Plan | None:
        """Work out what must be saved for the operands `needed`."""
        plan = Plan()
        plan.operands = tuple([i for i in needed if self.rules[i] is not None])
        if not plan.operands:
            return None
        wanted = list(dict.fromkeys(n for i in plan.operands for n in self.reads[i]))
        values = [n for n in wanted if n in self.operands]
        others = [n for n in wanted if n not in self.operands]
        plan.saves = tuple([self.operands.index(n) for n in values])
        plan.constants = tuple([self.reader(n) for n in others])
        plan.result_position = others.index("out") if "out" in others else None
        plan.keys = tuple([i for i, n in enumerate(others) if n in ("key", "statics")])
        order = values + others
        plan.reads = bool(order)
        plan.rules = tuple(
            [(self.rules[i], tuple([order.index(n) for n in self.reads[i]])) for i in plan.operands]  # type: ignore[misc]
        )
        return plan

    def reader(self, name: str) -> Reader:
        """A function that fetches what a rule's parameter `name` stands for when a call is recorded."""
        if name == "out":
            return lambda operands, statics, result: result
        if name.endswith("_shape") and name[:-6] in self.operands:
            i = self.operands.index(name[:-6])
            return lambda operands, statics, result: operands[i].array.shape
        return lambda operands, statics, result: statics[name]

    def __repr__(self) -> str:
        return f"<operation {self.name}({', '.join(self.operands)})>"


class Plan:
    """What to keep for one choice of operands that need gradients, and how to call their rules."""

    __slots__ = ("constants", "keys", "operands", "reads", "result_position", "rules", "saves")

    operands: tuple[int, ...]  # that need a gradient, and have a rule
    saves: tuple[int, ...]  # operands whose values the rules read
    constants: tuple[Reader, ...]  # fetch the shapes, options and the result that the rules read
    result_position: int | None  # of the result among the constants
    keys: tuple[int, ...]  # of indices among the constants
    reads: bool  # whether the rules read anything at all
    rules: tuple[tuple[Rule, tuple[int, ...]], ...]  # each with the positions of what it reads


class VariadicOperation(Operation):
    """An operation over any number of operands, such as `cat`: one rule serves them all.

    The rule may read `i` (which operand), `shapes` (of all) and `operands` (their values).
    """

    __slots__ = ()

    def plan(self, needed: int, count: int) -> Plan | None:
        plan = self.plans.get((needed, count))
        if plan is None:
            plan = self.new_plan(tuple([i for i in range(count) if needed >> i & 1]), count)
            self.plans[needed, count] = plan
        return plan

    def new_plan(self, needed: tuple[int, ...], count: int) -> Plan | None:
        rule = self.rules[0]
        if rule is None:
            return None
        plan = Plan()
        names = [n for n in self.reads[0] if n not in ("i", "operands")]
        plan.operands = needed
        plan.saves = tuple(range(count)) if "operands" in self.reads[0] else ()
        plan.constants = tuple([self.reader(n) for n in names])
        plan.result_position = names.index("out") if "out" in names else None
        plan.reads, plan.keys = True, ()
        everything = tuple(range(len(plan.saves) + len(names)))
        plan.rules = tuple([(_for_operand(rule, i, len(plan.saves), names), everything) for i in needed])
        return plan

    def reader(self, name: str) -> Reader:
        if name == "shapes":
            return lambda operands, statics, result: [x.array.shape for x in operands]
        return super().reader(name)


def _for_operand(rule: Rule, i: int, saved: int, names: list[str]) -> Rule:
    """The common rule of a variadic operation, bound to its operand `i`."""
    reads = _parameters(rule)

    def bound(g: Any, *values: Any) -> Any:
        arguments = dict(zip(names, values[saved:], strict=True))
        if "i" in reads:
            arguments["i"] = i
        if saved:
            arguments["operands"] = values[:saved]
        return rule(g, **arguments)

    return bound


def _parameters(function: Any) -> tuple[str, ...]:
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


# ---- node ----------------------------------------------------------------------------------------
class Node(Inspectable):
    """One recorded call: which operation, where its gradients go, and what its rules read."""

    __slots__ = (
        "__weakref__", "constants", "dtype", "edges", "hooks", "operation", "order", "plan", "result_writes",
        "shape", "tensors", "trace", "versions",
    )  # fmt: skip

    operation: Operation
    plan: Plan
    edges: Sequence[Edge]
    tensors: Sequence[Any] | None  # saved operands; None once the graph was freed
    versions: Sequence[int]  # how often their memory had been written to
    constants: Sequence[Any]  # saved shapes, options and the result, if a rule reads it
    result_writes: tuple[list[int], int] | None  # the saved result's counter, and its version then
    shape: tuple[int, ...] | None  # of the call's result; None for a call of several results
    dtype: Any
    order: int  # calls are numbered as they are recorded
    hooks: Any  # by number, or None
    trace: str | None  # the user's line, in anomaly mode

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        """The gradients along `edges`: arrays normally, Tensors when a graph is wanted.

        Only the rules of the edges in `wanted` run, if it is given; the other gradients are None.
        """
        if cotangent.__class__ is not np.ndarray:
            select(cotangent.array if create_graph else cotangent)
        values = self.saved_values(create_graph) if self.plan.reads else ()
        gradients: list[Any] = []
        for edge, (rule, reads) in zip(self.edges, self.plan.rules):  # noqa: B905 (as long, and asked for speed)
            if wanted is not None and edge not in wanted:
                gradients.append(None)
            elif not reads:
                gradients.append(rule(cotangent))
            elif len(reads) == 1:
                gradients.append(rule(cotangent, values[reads[0]]))
            else:
                gradients.append(rule(cotangent, *[values[i] for i in reads]))
        return gradients

    def saved_values(self, create_graph: bool) -> list[Any]:
        """What the rules read, in the plan's order; refused once it was freed or written to."""
        tensors, writes = self.tensors, self.result_writes
        if tensors is None:
            raise freed(self.name())
        if writes is not None and writes[0][0] != writes[1]:
            raise overwritten(self, self.shape, writes[1], writes[0][0])
        values: list[Any] = []
        for x, version in zip(tensors, self.versions):  # noqa: B905 (as long, and asked for speed)
            if isinstance(x, TensorBase):
                if x.writes[0] != version:
                    raise overwritten(self, x.array.shape, version, x.writes[0])
                values.append(x if create_graph else x.array)
            else:
                values.append(x)  # a Python number beside a tensor
        for key in self._keys() if self.plan.keys else ():
            for counter, version, shape in key.watched if isinstance(key, Key) else ():
                if counter[0] != version:
                    raise overwritten(self, shape, version, counter[0])
        values += self._lifted(self.constants) if create_graph else self.constants
        return values

    def _lifted(self, constants: Sequence[Any]) -> list[Any]:
        """The constants, floats and masks as Tensors (indices stay); the saved result is itself again."""
        lifted = [wrap(c) if is_array(c) and c.dtype.kind in "fb" else c for c in constants]
        if self.plan.result_position is not None:
            lifted[self.plan.result_position].node = self
        return lifted

    def free(self) -> None:
        """Let go of the saved values; a second walk through here is then refused."""
        if self.tensors or self.result_writes is not None or any(isinstance(key, Key) for key in self._keys()):
            self.tensors, self.constants = None, ()

    def _keys(self) -> list[Any]:
        """The indices among the constants."""
        kept = [self.constants[i] for i in self.plan.keys] if self.constants else []
        return [k.get("key") if type(k) is dict else k for k in kept]

    def name(self) -> str:
        """The operation's name in PyTorch's manner: ``MulBackward0``."""
        return self.operation.backward_name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients go to from here, each with PyTorch's output number 0."""
        return next_functions(self)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Unrecorded(Node):
    """In the place of a node for a view of a tensor that asks for a gradient, made while nothing was recorded.

    As in PyTorch the view says that it requires a gradient, and what is computed from it is recorded; but what
    flows back to it ends here.
    """

    __slots__ = ()

    def __init__(self, array: Any) -> None:
        self.order, self.hooks, self.trace = next_order(), None, None
        self.edges, self.shape, self.dtype = (), array.shape, array.dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return []

    def free(self) -> None:
        pass

    def name(self) -> str:
        return "UnrecordedView"


def record(plan: Plan, operation: Operation, operands: Sequence[Any], statics: dict[str, Any], result: Any) -> Node:
    """The node of one call: edges for the operands that need a gradient, and what their rules read."""
    array = result.array
    node = _new(Node)
    node.operation, node.plan = operation, plan
    edges: list[Edge] = []
    for i in plan.operands:  # plain loops: comprehensions would cost as much as the arithmetic
        x = operands[i]
        edges.append(x if x.node is LEAF else x.node)
    node.edges, node.tensors, node.versions = edges, (), ()
    if plan.saves:
        node.tensors, node.versions = saved, versions = [], []
        for i in plan.saves:
            x = operands[i]
            saved.append(x)
            versions.append(x.writes[0] if isinstance(x, TensorBase) else 0)
        if inference_was_entered:
            refuse_inference(operation.backward_name, saved)
    node.constants = [read(operands, statics, array) for read in plan.constants] if plan.constants else ()
    node.result_writes = None if plan.result_position is None else (result.writes, result.writes[0])
    node.shape, node.dtype = array.shape, array.dtype
    node.hooks = node.trace = None
    node.order = next_order()
    return node


WATCHED = ANOMALY | PACKING
watchers: dict[int, Callable[[Any], None]] = {ANOMALY: check_forward}  # by flag: who sees what was just recorded


def watch(tensor: Any, flags: int) -> None:
    """Show the result of a call that was just recorded to those who watch."""
    for flag, see in watchers.items():
        if flags & flag:
            see(tensor)


def refuse_inference(name: str, saved: Sequence[Any]) -> None:
    """Refuse to keep tensors of which nobody counts the writes."""
    for x in saved:
        if isinstance(x, TensorBase) and isinstance(x.writes, Uncounted):
            raise inference_saved(name, x.array.shape)


# ---- views ---------------------------------------------------------------------------------------
class View:
    """How a tensor looks at its parent's memory, so that a write through it reaches the graph."""

    __slots__ = ("operation", "parent", "recorded", "seen", "several", "state", "statics")

    def __init__(self, parent: TensorBase, operation: Operation, statics: dict[str, Any], recorded: bool) -> None:
        self.parent, self.operation, self.statics = parent, operation, statics
        self.state = parent.view_of
        self.several = False  # True when one call made several views, as split does
        self.recorded = recorded  # False when made under no_grad
        self.seen = parent.writes[0]  # writes up to here are in the view's node

    def source(self) -> TensorBase:
        """The parent as it was looked at: ``t_()`` and the like may have turned it since."""
        parent = self.parent
        while parent.view_of is not self.state and parent.view_of is not None:
            parent = parent.view_of.parent
        return parent


def move_retained(before: Any, node: Any) -> None:
    """Let what keeps a tensor's gradient go on with the tensor, from the node that it had to its new one."""
    if before is not None and before is not LEAF and before.hooks and RETAIN in before.hooks and node:
        node.hooks = {RETAIN: before.hooks.pop(RETAIN), **(node.hooks or {})}


def follow_leaf(view: TensorBase) -> None:
    """Let a view say that it requires a gradient, as what it is a view of was asked to later."""
    link = view.view_of
    while link is not None:
        parent = link.source()
        if parent.node is not None:
            view.node = Unrecorded(view.array)
            return
        link = parent.view_of


def refresh(view: TensorBase, use: bool = True) -> None:
    """Bring a view's place in the graph up to date after writes through its parent or siblings.

    Raises RuntimeError, unless the view is only asked about (`use=False`), when it is one of several.
    """
    if view.node is None and len(view.writes) > 1:
        follow_leaf(view)
    stale = []  # from the view towards its root
    while True:
        link = view.view_of
        if link is None or link.seen == view.writes[0] or not link.recorded:
            break
        parent = link.source()
        stale.append((view, link, parent))
        view = parent
    for view, link, parent in reversed(stale):
        if parent.node is not None:
            if link.several:
                if use and mode.get() & GRAD:
                    raise written_with_siblings()
                return
            plan = link.operation.plan(1, 1)
            if plan is not None:
                before, view.node = view.node, record(plan, link.operation, (parent,), link.statics, view)
                move_retained(before, view.node)
        elif view.node is not LEAF:
            view.node = None
        link.seen = view.writes[0]
