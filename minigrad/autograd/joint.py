"""Operations whose gradients are computed together: one function gives those of all operands.

A recurrence is one: the gradient that flows back through its steps is common to all its operands. What serves one
gradient alone may wait in a function, which is called where that gradient is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from minigrad.autograd.core import Edge, Gradient
from minigrad.autograd.messages import check_rules, name_the_rule
from minigrad.autograd.node import Node, Plan
from minigrad.autograd.recording import Operation
from minigrad.backend import select_gpu
from minigrad.half_precision import round_once, widened


def joint_operation(name: str, forward: Callable[..., Any], back: Callable[..., Any], shown: str) -> Operation:
    """Declares an operation by its forward and by `back`, which returns the gradients of all operands, as a tuple.

    The parameters of `back` are named as those of a gradient rule; each gradient is that rule's, or a function without
    parameters that computes it, for work that is not done unless the gradient is wanted. Float16 is computed in
    float32.

    >>> import minigrad as torch
    >>> from minigrad.autograd.joint import joint_operation
    >>> mul = joint_operation("mul", lambda x, y: x * y, lambda g, x, y: (g * y, g * x), "MulBackward0")
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> mul(x, x).backward()
    >>> x.grad
    tensor([6.])
    """
    code = forward.__code__
    rules = tuple([_part_of(widened(back), i) for i in range(code.co_argcount)])
    made = JointOperation(name, round_once(forward), rules, False, shown)
    check_rules(made, code)
    return made


def _part_of(back: Callable[..., Any], operand: int) -> Callable[..., Any]:
    """The gradient rule of one operand alone."""

    @wraps(back)
    def rule(*values: Any) -> Any:
        return _compute(back(*values)[operand])

    return rule


def _compute(gradient: Any) -> Gradient:
    """A gradient as it is, or what the function that stands for it returns."""
    return gradient() if callable(gradient) else gradient


class JointOperation(Operation):
    """An operation whose rules are parts of one function, which a walk calls once."""

    def __init__(self, name: str, forward: Any, rules: tuple[Any, ...], view: bool, shown: str | None) -> None:
        super().__init__(name, forward, rules, view, shown)
        self.parts, self.back = rules, rules[0].__wrapped__

    def plan(self, needed: int) -> Plan:
        return self.plans.get(needed) or self.plans.setdefault(needed, JointPlan(self, needed))


class JointPlan(Plan):
    """The plan of a call whose gradients are computed together."""

    def record(self, operands: Sequence[Any], statics: dict[str, Any], result: Any) -> Node | None:
        node = super().record(operands, statics, result)
        if node is not None:
            node.__class__ = JointNode
        return node


class JointNode(Node):
    """The record of a call whose gradients are computed together."""

    __slots__ = ()

    def vjp(self, cotangent: Gradient, create_graph: bool, wanted: set[Edge] | None = None) -> list[Gradient]:
        """The gradients along `edges`, as `Node.vjp` returns them."""
        plan: Any = self.plan
        if plan.operation.rules is not plan.operation.parts:  # one of them was replaced
            return Node.vjp(self, cotangent, create_graph, wanted)
        select_gpu(getattr(cotangent, "array", cotangent))
        pick = plan.rules[0][1]  # what all of them read
        values = self.saved_values(create_graph)
        try:
            gradients = plan.operation.back(cotangent, *pick(values))
            places = zip(self.edges, plan.operands, strict=True)
            return [_compute(gradients[i]) if wanted is None or edge in wanted else None for edge, i in places]
        except Exception as error:  # noqa: BLE001 (whatever a rule raises)
            raise name_the_rule(error, self, create_graph) from error.__cause__
