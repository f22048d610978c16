"""How a differentiable operation is declared and called: declare -> call -> plan; `node.py` keeps the record.

    square = operation("square", lambda x: x * x, lambda g, x: g * 2 * x)

An operation is a forward on arrays and one gradient rule per operand. The names of a rule's
parameters say what the node must keep: ``g`` is the gradient that arrives, the name of an operand its
value, ``x_shape`` only its shape, ``out`` the result, and any keyword-only parameter of the forward its
value. One called ``key`` may be an index, one called ``statics`` may hold one: what an index was made of
is watched for writes.

Rules are written in NumPy's vocabulary. The engine runs them on plain arrays; under
``create_graph=True`` it runs the same rules on Tensors, which answer NumPy's dispatch protocols by
recording. So a derivative is written once and holds to any order.

Forward and rules always run with NumPy's warnings off and on the GPU of their operands: the engine
sees to both, here and in the walk, and no operation mentions either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import CO_VARARGS, unwrap
from operator import is_
from typing import Any

from numpy import ndarray

from minigrad.autograd.core import GRAD, TensorBase, View, mode, wrap
from minigrad.autograd.failed_calls import check_same_library, name_failed_call
from minigrad.autograd.inspection import WATCHED, notify_watchers
from minigrad.autograd.messages import IN_STEPS, check_declaration, check_rules
from minigrad.autograd.node import Plan, Rule
from minigrad.autograd.views import leave_unrecorded, refresh
from minigrad.backend import SILENT, quiet, restore_warnings, set_warnings
from minigrad.half_precision import HALF, as_usual, round_once, widened
from minigrad.passes import in_parts, is_large


# ---- declare -------------------------------------------------------------------------------------
def operation(
    name: str, forward: Callable[..., Any], *rules: Rule | None, view: bool = False, shown: str | None = None,
    in_float32: bool = False,
) -> Operation:  # fmt: skip
    """Declare a differentiable operation from its forward and one gradient rule per operand.

    Formula: ``rules[i](g, ...) = g @ d forward / d operand_i``. A rule of None says that no gradient
    flows to that operand. ``view=True`` says that the result may share its first operand's memory;
    `shown` is the name in ``grad_fn=<...>`` where PyTorch's differs from `name`. With `in_float32`, float16 is computed
    in float32 and rounded once, in the forward and in each rule.
    A forward with ``*operands`` takes one rule for all of them: it may read `i` (which operand) and `others` (the
    values of all but this one).

    Raises TypeError when a rule asks for a name that the forward does not have, and for what is no name, no function.

    >>> import minigrad, numpy as np
    >>> from minigrad.autograd import operation
    >>> cube = operation("cube", lambda x: x**3, lambda g, x: g * 3 * x**2)
    >>> x = minigrad.tensor([2.0], requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor([12.])
    """
    check_declaration(name, forward, rules)
    if in_float32:
        forward, rules = round_once(forward), tuple([rule and widened(rule) for rule in rules])
    kind, code = Operation, _code(forward)
    if code and code.co_flags & CO_VARARGS:
        from minigrad.autograd.variadic import Variadic

        kind = Variadic
    made = kind(name, forward, rules, view, shown)
    check_rules(made, code)
    return made


class Operation:
    """A forward and its gradient rules. Called with Tensors it records, with arrays it only computes."""

    def __init__(
        self, name: str, forward: Callable[..., Any], rules: tuple[Rule | None, ...], view: bool, shown: str | None
    ) -> None:
        code = _code(forward)
        self.name, self.forward, self.rules, self.view = name, forward, rules, view
        self.usual_forward = as_usual(forward)
        self.backward_name = shown or name.title().replace("_", "") + "Backward0"
        self.operands: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else tuple("xyz"[: len(rules)])
        # Of each rule: the names of its parameters after `g`.
        self.reads = [c.co_varnames[1 : c.co_argcount + c.co_kwonlyargcount] if c else () for c in map(_code, rules)]
        self.elementwise = False  # whether large operands may be computed in parts
        self.overlaps = False  # whether elements of its results may share memory
        self.once = False  # True where the graph may be walked once, though nothing is saved
        self.plans: dict[int, Plan] = {}  # by the operands that need a gradient

    # ---- call ------------------------------------------------------------------------------------
    def __call__(self, *operands: Any, **statics: Any) -> Any:
        """The call of any operands: tensors, arrays, numbers or None. Of arrays alone it makes an array."""
        if len(operands) == 1 and (statics or not self.elementwise) and isinstance(operands[0], TensorBase):
            return self.call(operands, (operands[0].array,), statics)
        arrays: list[Any] = []
        for x in operands:
            arrays.append(x.array if isinstance(x, TensorBase) else x)  # noqa: PERF401 (a comprehension is a call more)
        if arrays[0] is operands[0] and all(map(is_, arrays, operands)):  # none is a tensor
            is_half = getattr(operands[0], "dtype", None) is HALF
            return (self.forward if is_half else self.usual_forward)(*operands, **statics)
        if arrays[0].__class__ is not ndarray:
            check_same_library(self.name, arrays)
        large = self.elementwise and not statics and any(map(is_large, arrays))
        return self.call(operands, arrays, statics, partial(in_parts, self.forward) if large else None)

    def call(self, operands: Sequence[Any], arrays: Sequence[Any], statics: dict[str, Any], forward: Any = None) -> Any:
        """``forward(*arrays, **statics)`` as a tensor, recorded as the call with `operands`, whose values are `arrays`.

        By default `forward` is the operation's own. A view may be made by a method of its operand's array; `arrays`
        are then the arguments of that method.
        """
        if self.view:
            tensor = self.call_view(operands[0], arrays, statics, forward)
        elif arrays[0].__class__ is ndarray:
            if forward is None:
                forward = self.forward if arrays[0].dtype is HALF else self.usual_forward
            loud = set_warnings(SILENT)  # what `quiet` does, without the time of its call
            try:
                tensor = wrap(forward(*arrays, **statics) if statics else forward(*arrays))
            except (TypeError, MemoryError) as refused:
                name_failed_call(refused, self.name, arrays)
                raise
            finally:
                restore_warnings(loud)
        else:  # an array on a GPU, or a number before the tensor
            tensor = wrap(quiet(forward or self.forward, *arrays, **statics))
        needed, bit = 0, 1  # bit i of `needed`: whether operand i needs a gradient
        for x in operands:
            if isinstance(x, TensorBase):
                if x.view_of is not None and x.view_of.seen != x.writes and any(self.rules):
                    refresh(x)
                if x.node is not None:
                    needed += bit
                elif x.cause is not None:
                    tensor.cause = x.cause
            bit *= 2
        if not needed:
            return tensor
        if not (flags := mode.get()) & GRAD:
            return leave_unrecorded(tensor)
        plan = self.plans.get(needed) or self.plan(needed)
        tensor.node = node = plan.record(operands, statics, tensor)
        if node is None:
            tensor.cause = IN_STEPS
        elif flags & WATCHED:
            notify_watchers(tensor, flags)
        return tensor

    def call_view(self, operand: Any, arguments: Sequence[Any], statics: dict[str, Any], method: Any) -> Any:
        """The result of a view operation, which cannot warn: tied to `operand` if it shares its memory."""
        array = operand.array
        if array.__class__ is not ndarray:
            seen = quiet(self.forward, array, **statics)
        else:
            seen = method(*arguments) if method else self.forward(array, **statics)
        base = seen.base
        if base is None or not (base is array or base is array.base):  # NumPy and CuPy keep bases flat
            return wrap(seen)
        tensor = wrap(seen, None, None, operand.writes)
        tensor.view_of = View(operand, self, statics)
        return tensor

    # ---- plan ------------------------------------------------------------------------------------
    def plan(self, needed: int) -> Plan:
        """The plan for those operands whose bits are set in `needed`."""
        return self.plans.get(needed) or self.plans.setdefault(needed, Plan(self, needed))

    def __repr__(self) -> str:
        return f"<operation {self.name}({', '.join(self.operands)})>"


def _code(function: Any) -> Any:
    """The code of a function within its decorators, which tells its parameters; NumPy's functions have none."""
    return getattr(unwrap(function) if hasattr(function, "__wrapped__") else function, "__code__", None)
