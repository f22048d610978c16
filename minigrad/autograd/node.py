"""The record of one call: what it keeps, and how its gradient rules are run.

A `Plan` says what to keep for one choice of operands that need gradients; `record` makes the `Node`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy import ndarray

from minigrad import passes
from minigrad.autograd.core import LEAF, Edge, Gradient, TensorBase, inference_was_entered, is_array, wrap
from minigrad.autograd.inspectable import Inspectable
from minigrad.autograd.messages import freed, name_the_rule, overwritten, refuse_inference
from minigrad.half_precision import FLOAT32
from minigrad.variants import adapt_rules

if TYPE_CHECKING:
    from minigrad.autograd.recording import Operation

Rule: TypeAlias = Callable[..., Any]
Watched: TypeAlias = tuple[list[int], int, tuple[int, ...]]  # a count of writes, what it was, and the shape kept

next_order = count().__next__


def nodes_below(edges: Iterable[Edge]) -> set[Node]:
    """All nodes that a walk from these edges can come to."""
    found: set[Node] = set()
    stack = list(edges)
    while stack:
        edge = stack.pop()
        if isinstance(edge, Node) and edge not in found:
            found.add(edge)
            stack.extend(edge.edges)
    return found


def make_picker(places: list[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function that takes the values at these places from a list, as a sequence for any number of places."""
    at_most_one = slice(places[0], places[0] + 1) if places else slice(0)
    return itemgetter(*places) if len(places) > 1 else itemgetter(at_most_one)


class Plan:
    """What a call keeps for one choice of operands that need gradients, and how their rules are called.

    The rules read, in this order: values of operands, the result, shapes of operands, options. All but the first are
    constants.
    """

    def __init__(self, operation: Operation, needed: int) -> None:
        names, rules, reads = operation.operands, operation.rules, operation.reads
        self.operation = operation
        self.operands = tuple([i for i, rule in enumerate(rules) if rule and needed >> i & 1])  # whose rules run
        read = dict.fromkeys([name for i in self.operands for name in reads[i]])
        shapes = {f"{name}_shape": i for i, name in enumerate(names)}
        self.saves = tuple([i for i, name in enumerate(names) if name in read])  # operands whose values are read
        self.reads_result = "out" in read
        self.shapes = tuple([i for name, i in shapes.items() if name in read])  # operands whose shapes are read
        self.options = tuple([name for name in read if name not in {"out", *names, *shapes}])
        self.key = next((name for name in self.options if name in ("key", "statics")), None)  # may hold an index
        self.frees = operation.once or bool(self.saves)  # whether a walk frees the node, and a second one is refused
        self.kept = kept = tuple([name for name in (*names, "out", *shapes, *self.options) if name in read])
        # Each rule with a function that takes what it reads, in a row, from all that is kept.
        self.rules: Any = [(rules[i], make_picker([kept.index(name) for name in reads[i]])) for i in self.operands]
        self.only_rule = self.rules[0][0] if [reads[i] for i in self.operands] == [kept] else None  # reads all

    def record(self, operands: Sequence[Any], statics: dict[str, Any], result: Any) -> Node | None:
        """The node of one call: edges for the operands that need a gradient, and what their rules read.

        None where no operand has a rule, and for a result of integers.
        """
        array = result.array
        dtype, shape = array.dtype, array.shape
        if (dtype is not FLOAT32 and dtype.kind != "f") or not self.operands:
            return None
        node = Node()
        node.plan, node.order, node.hooks = self, next_order(), None
        node.shape, node.dtype = shape, dtype
        node.edges = edges = []
        for i in self.operands:  # plain loops: comprehensions would cost as much as the arithmetic
            x = operands[i]
            edges.append(x if x.node is LEAF else x.node)
        node.saved_operands = node.constants = node.watched = ()
        if self.saves:
            node.saved_operands = saved = []
            for i in self.saves:
                x = operands[i]
                saved.append((x, x.writes[0] if isinstance(x, TensorBase) else None))
        if self.reads_result:
            node.constants = [array]
            node.watched = ((result.writes, result.writes[0], shape),)
        if self.shapes or self.options:
            node.constants = constants = [*node.constants]
            for i in self.shapes:
                constants.append(operands[i].array.shape)  # noqa: PERF401 (as above)
            for name in self.options:
                constants.append(statics[name])  # noqa: PERF401 (as above)
            if self.key is not None and statics[self.key].__class__ is not tuple:  # which holds no arrays
                key = statics[self.key]  # an array in it that is written to would put gradients into other places
                node.watched += getattr(key.get("key") if type(key) is dict else key, "watched", ())
        if inference_was_entered:
            refuse_inference(self.operation.backward_name, node.saved_operands, node.watched)
        return node


class Node(Inspectable):
    """One recorded call: which operation, where its gradients go, and what its rules read.

    >>> import minigrad as torch
    >>> isinstance(torch.ones(1, requires_grad=True).exp().grad_fn, torch.autograd.Node)
    True
    """

    __slots__ = ("constants", "dtype", "edges", "hooks", "order", "plan", "saved_operands", "shape", "watched")

    plan: Plan
    edges: Sequence[Edge]
    saved_operands: Sequence[tuple[Any, int | None]] | None  # and how often they were written to; None once freed
    constants: Sequence[Any]  # the result, shapes and options, as far as a rule reads them
    watched: tuple[Watched, ...]  # of the saved result, which comes first, and of indices with arrays in them
    shape: tuple[int, ...] | None  # of the call's result; None for a call of several results
    dtype: Any  # that of the result; None for a call of several
    order: int  # calls are numbered as they are recorded
    hooks: Any  # by number, or None

    def vjp(self, cotangent: Gradient, create_graph: bool, wanted: set[Edge] | None = None) -> list[Gradient]:
        """The gradients along `edges`: arrays normally, Tensors when a graph is wanted.

        Only the rules of the edges in `wanted` run, if it is given; the other gradients are None. One of the edges
        at least must be wanted.

        >>> import minigrad as torch
        >>> y = torch.zeros(1, requires_grad=True).exp()
        >>> y.grad_fn.vjp(torch.ones(1).numpy(), False)
        [array([1.], dtype=float32)]
        """
        plan, rules, kind = self.plan, self.plan.rules, cotangent.__class__
        if (kind is not ndarray and kind is not self.dtype.type) or cotangent.size >= passes.LARGE:
            rules = adapt_rules(rules, plan.operation, cotangent)  # the same gradients, for large arrays and GPUs
        values = self.saved_values(create_graph) if plan.kept else ()
        try:  # the rules alone: hooks and saved tensors are the user's
            if plan.only_rule is not None and rules is plan.rules:  # as for most functions of one operand
                return [plan.only_rule(cotangent, *values)]
            gradients: list[Gradient] = []
            for edge, (rule, pick) in zip(self.edges, rules):  # noqa: B905 (as long, and asked for speed)
                gradients.append(rule(cotangent, *pick(values)) if wanted is None or edge in wanted else None)
            return gradients
        except Exception as error:  # noqa: BLE001 (whatever a rule raises)
            raise name_the_rule(error, self, create_graph) from error.__cause__

    def saved_values(self, create_graph: bool) -> list[Any]:
        """What the rules read, in the plan's order; refused once it was freed or written to.

        >>> import minigrad as torch
        >>> x = torch.tensor([3.0], requires_grad=True)
        >>> (x * x).grad_fn.saved_values(create_graph=False)
        [array([3.], dtype=float32), array([3.], dtype=float32)]
        """
        saved = self.saved_operands
        if saved is None:
            raise freed(self.name())
        if self.watched:  # mostly nothing, and a loop over nothing takes longer than a look
            for writes, then, shape in self.watched:
                if writes[0] != then:
                    raise overwritten(self.name(), self.trace, shape, then, writes[0])
        values: list[Any] = []
        for x, version in saved:
            if version is None:  # a Python number beside a tensor
                values.append(x)
            elif x.writes[0] == version:
                values.append(x if create_graph else x.array)
            else:
                raise overwritten(self.name(), self.trace, x.array.shape, version, x.writes[0])
        if self.constants:
            values += self._lift(self.constants) if create_graph else self.constants
        return values

    def _lift(self, constants: Sequence[Any]) -> list[Any]:
        """The constants, floats and masks as Tensors (indices stay); the saved result is itself again."""
        lifted = [wrap(c) if is_array(c) and c.dtype.kind in "fb" else c for c in constants]
        if self.plan.reads_result:
            lifted[0].node = self
        return lifted

    def free(self) -> None:
        """Let go of the saved values; a second walk through here is then refused.

        >>> import minigrad as torch
        >>> y = torch.ones(1, requires_grad=True).exp()
        >>> y.grad_fn.free()
        """
        if self.plan.frees or self.watched:
            self.saved_operands, self.constants = None, ()
