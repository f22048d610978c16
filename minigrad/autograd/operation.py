"""How a differentiable operation is declared: a forward on arrays, and a gradient rule per operand.

    square = operation("square", lambda x: x * x, lambda g, x: g * 2 * x)

The names of a rule's parameters say what the node must keep: ``g`` is the gradient that arrives, the
name of an operand its value, ``x_shape`` only its shape, ``out`` the result, and any keyword-only
parameter of the forward its value. Rules are written in NumPy's vocabulary. The engine runs them on
plain arrays; under ``create_graph=True`` it runs the same rules on Tensors, which answer NumPy's
dispatch protocols by recording. So a derivative is written once and holds to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.anomaly import check_forward
from minigrad.autograd.core import LEAF, TensorBase, View, is_array, record, wrap
from minigrad.autograd.modes import ANOMALY, GRAD, mode
from minigrad.backend import device_of, quiet

Rule: TypeAlias = Callable[..., Any]
Reader: TypeAlias = Callable[[Sequence[Any], dict[str, Any], Any], Any]


class Plan:
    """What to keep for one choice of operands that need gradients, and how to call their rules."""

    __slots__ = ("constants", "operands", "result_position", "rules", "saves")

    operands: tuple[int, ...]  # that need a gradient, and have a rule
    saves: tuple[int, ...]  # operands whose values the rules read
    constants: tuple[Reader, ...]  # fetch the shapes, options and the result that the rules read
    result_position: int | None  # of the result among the constants
    rules: tuple[tuple[Rule, tuple[int, ...]], ...]  # each with the positions of what it reads


class Operation:
    """A forward and its gradient rules. Called with Tensors it records, with arrays it only computes."""

    __slots__ = ("backward_name", "forward", "name", "operands", "plans", "reads", "rules", "view")

    def __init__(self, name: str, forward: Callable[..., Any], rules: tuple[Rule | None, ...], view: bool) -> None:
        code = getattr(forward, "__code__", None)
        self.name = name
        self.backward_name = "".join(w.capitalize() for w in name.split("_")) + "Backward0"
        self.forward = forward
        self.operands: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else tuple("xyz"[: len(rules)])
        self.rules = rules
        self.reads = [_parameters(rule)[1:] if rule else () for rule in rules]
        self.view = view
        self.plans: dict[Any, Plan | None] = {}

    def __call__(self, *operands: Any, **statics: Any) -> Any:
        if len(operands) == 1 and isinstance(x := operands[0], TensorBase) and x.array.__class__ is np.ndarray:
            return self.of_one(x, statics)  # what follows, with nothing to compare
        arrays = []
        library = None
        needed = tensors = 0
        for i, x in enumerate(operands):
            if isinstance(x, TensorBase):
                if x.view_of is not None:
                    refresh(x)
                if x.node is not None:
                    needed |= 1 << i
                tensors, x = 1, x.array
                if x.__class__ is not library:
                    if library is not None:
                        check_same_library(self.name, [getattr(y, "array", y) for y in operands])
                    library = x.__class__
            arrays.append(x)
        if not tensors:
            return self.forward(*operands, **statics)
        if library is np.ndarray:
            tensor = wrap(self.forward(*arrays, **statics))
        else:
            if len(arrays) > 1:
                check_same_library(self.name, arrays)
            tensor = wrap(quiet(self.forward, *arrays, **statics))
        if self.view:
            self.link(tensor, operands[0], statics)
        finish(self, operands, needed, statics, tensor)
        return tensor

    def of_one(self, x: Any, statics: dict[str, Any]) -> Any:
        """The call with one operand, a tensor in NumPy's memory."""
        if x.view_of is not None:
            refresh(x)
        tensor = wrap(self.forward(x.array, **statics))
        if self.view:
            self.link(tensor, x, statics)
        finish(self, (x,), x.node is not None, statics, tensor)
        return tensor

    def link(self, tensor: Any, operand: Any, statics: dict[str, Any]) -> None:
        """Tie `tensor` to `operand` if it looks at the same memory."""
        array, base = operand.array, tensor.array.base
        if base is not None and (base is array or base is array.base):  # NumPy and CuPy keep bases flat
            tensor.writes = operand.writes
            tensor.view_of = View(operand, self, statics, bool(mode.get() & GRAD))

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
        order = values + others
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


def operation(name: str, forward: Callable[..., Any], *rules: Rule | None, view: bool = False) -> Operation:
    """Declare a differentiable operation from its forward and one gradient rule per operand.

    Formula: ``rules[i](g, ...) = g @ d forward / d operand_i``. A rule of None says that no gradient
    flows to that operand. ``view=True`` says that the result may share its first operand's memory.
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
    made = (VariadicOperation if variadic else Operation)(name, forward, rules, view)
    _check_rules(made, code, variadic)
    return made


_VARIADIC = 0x04  # the code flag of *args


def _check_rules(made: Operation, code: Any, variadic: bool) -> None:
    """Refuse a rule that reads what the forward does not offer: a typing mistake, found at once."""
    known = {"out", *made.operands, *(f"{n}_shape" for n in made.operands)}
    if variadic:
        known |= {"i", "shapes", "operands"}
    if code:
        known |= set(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    expected = 1 if variadic else len(made.operands)
    if len(made.rules) != expected:
        raise TypeError(
            f"operation {made.name!r} has {expected} operands ({', '.join(made.operands) or '*'}), so it "
            f"needs {expected} gradient rules; got {len(made.rules)}. Give None where no gradient flows."
        )
    for reads in made.reads:
        for name in reads:
            if name not in known:
                raise TypeError(
                    f"a gradient rule of operation {made.name!r} reads {name!r}; it can read {', '.join(sorted(known))}"
                )


def _parameters(function: Any) -> tuple[str, ...]:
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def finish(made_by: Operation, operands: Sequence[Any], needed: int, statics: dict[str, Any], tensor: Any) -> None:
    """Record the call that made `tensor`, if the mode asks for it and any operand needs a gradient.

    `needed` has the bits of the operands that need one set.
    """
    if needed:
        flags = mode.get()
        if not flags & GRAD:
            tensor.cause = "it was made under no_grad() or inference_mode()"
            return
        plan = made_by.plans.get(needed) or made_by.plan(needed, len(operands))
        if plan is not None and tensor.array.dtype.kind == "f":
            tensor.node = record(plan, made_by, operands, statics, tensor)
            if flags & ANOMALY:
                check_forward(tensor)
        return
    for x in operands:
        if isinstance(x, TensorBase) and x.cause is not None:
            tensor.cause = x.cause
            break


def refresh(view: TensorBase, use: bool = True) -> None:
    """Bring a view's place in the graph up to date after writes through its parent or siblings.

    Raises RuntimeError, unless the view is only asked about (`use=False`), when it is one of several.
    """
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
                if use:
                    raise written_with_siblings()
                return
            plan = link.operation.plan(1, 1)
            if plan is not None:
                view.node = record(plan, link.operation, (parent,), link.statics, view)
        elif view.node is not LEAF:
            view.node = None
        link.seen = view.writes[0]


def written_with_siblings() -> RuntimeError:
    """The error for writes to views of which one call made several."""
    return RuntimeError(
        "This tensor is one of several views that one call made (split, chunk or unbind), and it or "
        "the tensor it is a view of has been modified inplace. Such functions do not allow the output "
        "views to be modified inplace: take the part by index, x[i] or x[i:j], or replace the "
        "inplace operation by an out-of-place one."
    )


def check_same_library(name: str, arrays: Sequence[Any], operands: Sequence[Any] = ()) -> None:
    """Refuse operands on different devices, naming the one to move and how.

    `operands`, where given, tell which of the arrays are tensors', and which the user's own.
    """
    first = None
    for i, array in enumerate(arrays):
        if not is_array(array):
            continue
        if first is None:
            first = (i, array)
        elif type(array) is not type(first[1]) or (
            type(array) is not np.ndarray and device_of(array) != device_of(first[1])
        ):
            here, there = device_of(first[1]), device_of(array)
            for j, other in ((first[0], there), (i, here)):
                if operands and type(operands[j]) is np.ndarray:
                    raise RuntimeError(
                        f"{name}: expected all tensors to be on the same device, but operand {j} is a NumPy array of "
                        f"shape {operands[j].shape}, on cpu, beside a tensor on {other}. Move it there with "
                        f"minigrad.from_numpy(array).to('{other}')"
                    )
            raise RuntimeError(
                f"{name}: expected all tensors to be on the same device, but operand {first[0]} of shape "
                f"{tuple(first[1].shape)} is on {here} and operand {i} of shape {tuple(array.shape)} is on "
                f"{there}. Move one of them, for example operand {i} with .to('{here}')"
            )
