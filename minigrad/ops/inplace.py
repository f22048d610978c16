"""In-place operations, recorded in the graph.

A write gives the tensor a new value in the same memory, and a new node in the graph. If the tensor is a view, its base
gets a new node as well: its old value with a region overwritten (`overwrite.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from minigrad import dtypes
from minigrad.autograd import core, views
from minigrad.autograd.core import GRAD, LEAF, PACKING, Tensor, TensorBase, is_end, mode, plain_classes, wrap
from minigrad.autograd.inspection import WATCHED, notify_watchers
from minigrad.autograd.messages import made_before_its_graph, written_with_siblings
from minigrad.autograd.overriding import ask, never_overriding
from minigrad.autograd.views import Unrecorded, is_in_graph, move_retained, record_from, refresh, root_of, steps_to
from minigrad.backend import copy_array, device_of, store, write_by
from minigrad.ops import LaterFunction, complaints, write_complaints
from minigrad.ops.arguments import require_bools
from minigrad.ops.copies import cast
from minigrad.ops.describe import name_in_place
from minigrad.ops.device import move
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.index import read_at
from minigrad.ops.overwrite import Path, overwrite
from minigrad.ops.shape import alias, expand
from minigrad.ops.writes import Manner, are_same, check_memory, overlap_in_part

F = TypeVar("F", bound=Callable[..., Any])

_copied_over = shown_as(overwrite, "CopyBackwards")
index_put_over = shown_as(overwrite, "IndexPutBackward0")
_copied = shown_as(alias, "CopyBackwards")


def assign(target: Any, value: Any, name: str, one_number: bool = False) -> Any:
    """Writes the tensor `value`, of the same shape, into `target`'s memory, and gives `target` the node of `value`.

    `one_number` says that all its elements are the same: these may also go where several elements
    of `target` lie in one place.
    """
    check_writable(target, name, value)
    have, wanted = target.array, value.array
    if not one_number:
        check_memory(have, name, wanted)
    check_result(name, wanted, have)
    refresh(target)
    before = target.node
    target.writes[0] += 1  # first, because it raises for memory made in inference mode
    store(have, ..., wanted)
    if mode.get() & GRAD and (value.node is not None or before is not None or is_root_tracked(target)):
        move_on(target, value)
        if value.node is not None and value.node is not LEAF:
            _settle(value.node, target)
    return target


def check_result(name: str, result: Any, have: Any) -> None:
    """Raises if the result has another shape than `have`, or a dtype that cannot be cast to it."""
    target = f"{name} writes into the tensor it is called on"
    if dtypes.is_category_downgrade(result.dtype, have.dtype):
        raise complaints.cannot_be_cast(result.dtype, have.dtype, f"{target}; convert that first")
    if result.shape != have.shape:
        shapes = f"{list(have.shape)} doesn't match the broadcast shape {list(result.shape)}"
        raise RuntimeError(f"output with shape {shapes}: {target}")


def is_root_tracked(target: TensorBase) -> bool:
    """Whether the base of the view `target` is in the graph."""
    return target.view_of is not None and root_of(target).node is not None


def move_on(target: Any, value: Any, reader: Any = None, statics: Any = None, writer: Any = None) -> None:
    """Records in the graph that `target`, or the part of it that `reader` reads, now has the value `value`.

    The root of a view gets the node of an `overwrite`: its old value with a region replaced. `writer` is `overwrite`
    with the name in ``grad_fn=<...>`` of a write to no view.
    """
    root, seen = steps_to(target)
    steps = [(operation, options) for operation, options, _ in seen]
    if reader is None and steps:
        reader, statics = steps.pop()
    before = root.node
    if reader is None and value.node is None:  # overwritten by a value that needs no gradient
        reader, statics = read_at, {"key": (...,)}
    if reader is None:
        root.node = value.node
    else:
        reader = Path(steps, reader) if steps else reader
        writer = overwrite if steps or writer is None else writer
        plan = writer.plan((root.node is not None) + 2 * (value.node is not None))  # bit i: of operand i
        options, new = {"reader": reader, "statics": statics}, wrap(root.array)
        new.node = root.node = plan.record((root, value), options, new)
        if new.node is not None and (flags := mode.get()) & WATCHED:
            notify_watchers(new, flags)
    move_retained(before, root.node)
    refresh(target)


views.move_on = move_on


def check_writable(target: Any, name: str, value: Any = None) -> None:
    """Raises if a write would make gradients wrong."""
    if not mode.get() & GRAD:
        return
    if target.node is LEAF:
        raise write_complaints.writes_into_leaf(name, target.array.shape)
    view = target.view_of
    if view is None:
        return
    root = root_of(target)
    flows = target.node is not None and not isinstance(target.node, Unrecorded)
    tracked = flows or root.node is not None
    if not tracked and (value is None or value.node is None):
        return
    if not view.recorded:
        raise write_complaints.was_not_recorded(name, target if flows else None)
    if view.several:
        raise written_with_siblings()
    if tracked and is_end(root.node):
        raise write_complaints.writes_into_view_of_leaf(name)
    if tracked and not flows:  # as in PyTorch, where it counts as a leaf until it is read
        raise made_before_its_graph(name)


def in_place(function: F, ufunc: Any = None) -> F:
    """Makes the in-place version of `function`, which writes into its first argument: ``add`` -> ``add_``."""
    if isinstance(function, LaterFunction):
        return function.then(in_place)  # type: ignore[return-value]
    name = f"{function.__name__}_"
    manner: Manner = getattr(function, "manner", Manner())
    types = "fd" if ufunc is np.true_divide else "fdilq"  # whose results are of the same type

    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, TensorBase):
            raise complaints.not_a_tensor(name, "input", 1, self)
        overlaps = self.view_of is not None and _may_overlap(self.view_of)
        at_once = ufunc is not None and never_overriding and not (overlaps or kwargs)  # no mode is on
        if at_once and _write_at_once(self, ufunc, types, args):
            return self
        operands = (*args, *kwargs.values()) if kwargs else args
        told = getattr(core.result_class, name, write)  # the method, for its operator, too
        for x in (self, *operands):
            if x.__class__ not in never_overriding and (got := ask(told, (self, *args), kwargs)) is not NotImplemented:
                return got
        if overlaps or (manner.in_part and 0 in self.array.strides):
            from minigrad.ops.shared_elements import write_by_element

            if write_by_element(self, function, args, kwargs, manner.in_part):
                return self
        if "out" in kwargs:
            raise TypeError(f"{name}() takes no argument 'out': it writes into the tensor itself")
        check_writable(self, name)
        try:
            value = function(keep_old_value(self, operands), *args, **kwargs)
        except TypeError as refused:
            raise write_complaints.name_write(refused, function.__name__)  # noqa: B904 (the same error)
        _check_operands(self, name, operands, manner)
        return value if value is NotImplemented else assign(self, value, name)  # or the other operand answers

    return name_in_place(write, function, "written into the tensor itself; gradients flow as if it were new")


def with_in_place(function: F, ufunc: Any = None) -> tuple[F, F]:
    """`function` and its in-place version."""
    return function, in_place(function, ufunc)


def _write_at_once(target: Any, ufunc: Any, types: str, args: tuple[Any, ...]) -> bool:
    """Lets `ufunc` write directly into a tensor of one of the `types` (NumPy's letters), if no operand is in the graph,
    and no cast or broadcast of the target is needed. Returns False otherwise. A parameter under `no_grad` may be in it.
    """
    is_view = target.view_of is not None
    if target.node is not None and (is_view or mode.get() & GRAD):
        return False
    if is_view and root_of(target).node is not None:
        return False
    a: Any = target.array
    b: Any = args[0] if len(args) == 1 else None
    if b.__class__ in plain_classes and b.node is None and (b.view_of is None or not is_in_graph(b)):
        b = b.array
    char = a.dtype.char
    if char not in types or 0 in a.strides:
        return False
    is_number = (type(b) is float and char in "fd") or (type(b) is int and dtypes.every_float_holds(b))
    if not is_number and not (type(b) is np.ndarray is type(a) and b.dtype is a.dtype and _fits(b, a)):
        return False
    target.writes[0] += 1
    write_by(ufunc, a, b, a)
    return True


def _check_operands(target: Any, name: str, operands: Sequence[Any], manner: Manner) -> None:
    """Raises if operands overlap the memory written to, partly, or at all where `manner` does not allow it."""
    for x in operands:
        if isinstance(x, TensorBase):
            if not manner.read_before or (manner.read_before == "numbers" and x.array.ndim):
                check_memory(target.array, name, x.array, wholly=bool(manner.apart))
        elif manner.apart and isinstance(x, (tuple, list)):  # of indices
            _check_operands(target, name, x, manner)


def _settle(node: Any, target: Any) -> None:
    """Makes the node of a result that was written into `target` refer to the array and the dtype that are there."""
    node.dtype = target.array.dtype
    if node.plan.reads_result and not mode.get() & PACKING:  # else it is kept as the hooks want it
        # A rule reads the result: keep it only once, and notice later writes.
        node.watched = (target.writes, target.writes[0], target.array.shape), *node.watched[1:]
        node.constants[0] = target.array


def _may_overlap(view: Any) -> bool:
    """True for windows, other strided views and views of these, in which several elements may share memory."""
    while view is not None:
        if view.operation.overlaps:
            return True
        view = view.parent.view_of
    return False


def keep_old_value(target: Any, others: tuple[Any, ...]) -> Any:
    """A tensor with the value of `target` before a write; a copy if a gradient rule may need it."""
    needs = [x for x in (target, *others) if is_in_graph(x)]
    if not needs or not mode.get() & GRAD:
        return target
    old = wrap(copy_array(target.array))
    old.node = target.node
    if target.view_of is not None and old.node is not None and (old.node.hooks or target.view_of.parent.view_of):
        old.node = record_from(*steps_to(target), old)  # without the hooks of views, whose value is overwritten
    return old


def _fits(b: Any, a: Any) -> bool:
    """True if `b` broadcasts to the shape of `a`, and does not overlap its memory partly."""
    return (b.shape == a.shape or b.ndim == 0) and (a.base is None is b.base or not overlap_in_part(a, b))


def copy_(self: Any, other: Any, non_blocking: bool = False) -> Tensor:
    """Writes `other`, broadcast and converted, into the tensor.

    >>> import minigrad as torch
    >>> torch.zeros(2, 2).copy_(torch.tensor([1, 2]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    plain = self.__class__ in plain_classes and other.__class__ in never_overriding
    if not plain and (answer := ask(core.result_class.copy_, (self, other, non_blocking))) is not NotImplemented:
        return answer
    if non_blocking is not False:
        require_bools("copy_", non_blocking=non_blocking)
    if isinstance(other, (int, float, np.integer, np.floating, np.bool_)):
        other = wrap(np.asarray(other))
    if not isinstance(other, TensorBase):
        raise complaints.not_a_tensor("copy_", "other", 1, other)
    value: Any = move(other, device_of(self.array))
    if other.array.shape != self.array.shape:
        check_memory(self.array, "copy_", other.array)
        value = expand(value, self.array.shape)
    value = cast(value, self.array.dtype)
    check_writable(self, "copy_", value)
    refresh(self)
    if self.node is not None and self.view_of is None and other is not self and mode.get() & GRAD:
        # The old value stays in the graph, with a gradient of zero; for a view, its base does that.
        value = _copied_over(self, value, reader=read_at, statics={"key": (...,)})
    elif is_in_graph(value) and mode.get() & GRAD:
        value = _copied(value)  # a node of its own, without the hooks of the source
    return assign(self, value, "copy_", one_number=are_same(self.array, other.array))
