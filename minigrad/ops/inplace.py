"""Writing into tensors, differentiably.

A write makes a new value of the same memory. The tensor written to moves on to the node of its new
value; when it is a view, its parent's value is new as well: the old one with a region overwritten.
That is one operation, `overwrite`, whose gradients are the gradient without the region (for the old
value) and the region of the gradient (for what was written).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.autograd.messages import written_with_siblings
from minigrad.autograd.modes import GRAD, mode
from minigrad.autograd.node import Node
from minigrad.autograd.recording import operation
from minigrad.autograd.views import Unrecorded, move_retained, refresh
from minigrad.backend import array_module, constant_beside, copy_array, device_of
from minigrad.ops import LaterFunction
from minigrad.ops.arguments import not_a_tensor
from minigrad.ops.copies import cast
from minigrad.ops.device import move
from minigrad.ops.elementwise import rename
from minigrad.ops.index import read_at
from minigrad.ops.names import shown_as
from minigrad.ops.out import store, write_by
from minigrad.ops.overlap import are_same, check_memory, overlap_in_part, repeats
from minigrad.ops.shape import alias, expand
from minigrad.ops.strides import slide_windows

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def _overwrite_forward(x: Any, value: Any, *, reader: Any, statics: dict[str, Any]) -> Any:
    new = array_module(x).array(x)  # a copy, also of a NumPy scalar
    write_region(new, value, reader, statics)
    return new


def write_region(array: Any, value: Any, reader: Any, statics: dict[str, Any]) -> None:
    """Write `value` into the part of `array` that the operation `reader` would read."""
    if reader is read_at:
        array[statics["key"]] = value
    else:
        reader.forward(array, **statics)[...] = value


overwrite: Any = operation(
    "copy_slices",
    _overwrite_forward,
    lambda g, reader, statics: overwrite(g, 0.0, reader=reader, statics=statics),
    lambda g, reader, statics: reader(g, **statics),
    shown="CopySlices",
)
_copied_over = shown_as(overwrite, "CopyBackwards")
overwrite.once = True  # as PyTorch's CopySlices


def assign(target: Any, value: Any, name: str, one_number: bool = False) -> Any:
    """Write the tensor `value`, of the same shape, into `target`'s memory and move `target` on to its node.

    `one_number` says that all its elements are the same: these may also go where several elements
    of `target` lie in one place.
    """
    check_writable(target, name, value)
    have, wanted = target.array, value.array
    if not one_number:
        check_memory(have, name, wanted)
    _check_result(name, wanted, have)
    refresh(target)
    before = target.node
    target.writes[0] += 1  # first: it is refused for memory that was made in inference mode
    store(have, ..., wanted)
    if mode.get() & GRAD and (value.node is not None or before is not None or is_root_tracked(target)):
        move_on(target, alias(value) if value.node is LEAF else value)  # a copy of a leaf is a result, no leaf
    return target


def _check_result(name: str, result: Any, have: Any) -> None:
    """Refuse to write an array of a higher kind of type, or of another shape, into `have`."""
    if dtypes.is_category_downgrade(result.dtype, have.dtype):
        got, own = dtypes.from_numpy(result.dtype), dtypes.from_numpy(have.dtype)
        types = f"{got} can't be cast to the desired output type {own}"
        raise RuntimeError(f"result type {types}: {name} writes into the tensor it is called on; convert that first")
    if result.shape != have.shape:
        shapes = f"{list(have.shape)} doesn't match the broadcast shape {list(result.shape)}"
        raise RuntimeError(f"output with shape {shapes}: {name} writes into the tensor it is called on")


def is_root_tracked(target: TensorBase) -> bool:
    """Whether what `target` is a view of, at any depth, is in the graph."""
    view = target.view_of
    while view is not None:
        parent = view.source()
        if parent.node is not None:
            return True
        view = parent.view_of
    return False


def move_on(target: Any, value: Any) -> None:
    """Let `target` stand for `value` in the graph, and what it is a view of for the overwritten whole."""
    moved = [(target, target.node)]  # and what each stood for, from the view up to its root
    while target.view_of is not None:
        link = target.view_of
        target = link.source()
        moved.append((target, target.node))
        refresh(target)
        value = record_overwrite(target, value, link.operation, link.statics)
    target.node = value.node
    for view, before in reversed(moved):
        if view.view_of is not None:
            view.view_of.seen = -1  # stale: refreshed from the parent's new node
            refresh(view)
        move_retained(before, view.node)


def record_overwrite(whole: Any, value: Any, reader: Any, statics: dict[str, Any]) -> Any:
    """What `whole` stands for now that its memory holds `value` where `reader` reads."""
    needed = (whole.node is not None) + 2 * (value.node is not None)
    new = wrap(whole.array)
    if needed:
        new.node = overwrite.plan(needed, 2).record((whole, value), {"reader": reader, "statics": statics}, new)
    return new


def check_writable(target: Any, name: str, value: Any = None) -> None:
    """Refuse writes that would make gradients wrong."""
    if not mode.get() & GRAD:
        return
    if target.node is LEAF:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({name} on a tensor "
            f"of shape {tuple(target.array.shape)}). To update a parameter, write either\n"
            "    with minigrad.no_grad():\n        w -= lr * w.grad\nor\n    w.data -= lr * w.grad"
        )
    view = target.view_of
    tracked = view is not None and is_root_tracked(target)
    flows_in = value is not None and value.node is not None
    if view is not None and not view.recorded and (tracked or flows_in):
        hint = "Make the view outside of no_grad(), or write to it inside"
        raise RuntimeError(f"A view was created in no_grad mode and is being modified inplace by {name}. {hint}.")
    tracked = tracked or flows_in
    flows = target.node is not None and not isinstance(target.node, Unrecorded)
    while view is not None:
        parent = view.source()
        if tracked and view.several:
            raise written_with_siblings()
        if tracked:
            check_memory(parent.array, name)
        left = parent.node is None and parent.view_of is None and flows  # the graph, by detach_()
        if parent.node is LEAF or left or _is_turned_leaf(parent.node):
            hint = f"is being used in an in-place operation ({name}). Write inside minigrad.no_grad(), or through .data"
            raise RuntimeError(f"a view of a leaf Variable that requires grad {hint}")
        view = parent.view_of


def in_place(function: F, ufunc: Any = None) -> F:
    """The twin of `function` that writes its result into its first argument: ``add`` -> ``add_``."""
    if isinstance(function, LaterFunction):
        return function.then(in_place)  # type: ignore[return-value]
    name = f"{function.__name__}_"

    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, TensorBase):
            raise not_a_tensor(name, "input", 1, self)
        view = self.view_of
        if view is not None and view.operation is slide_windows and _write_in_turn(self, function, args):
            return self
        if ufunc is not None and not kwargs and _write_at_once(self, ufunc, args):
            return self
        if name in _WRITES_IN_PART and 0 in self.array.strides and _write_changes(self, function, args, kwargs):
            return self
        check_writable(self, name)
        for x in args:
            if isinstance(x, TensorBase):
                check_memory(self.array, name, x.array)
        value = function(_before(self, args), *args, **kwargs)
        assign(self, value, name)
        if value.node is not None and value.node is not LEAF and value.node.result_writes is not None:
            value.node.result_writes = self.writes, self.writes[0]  # a later write is one into what the rule reads
        return self

    return twin(write, function, "written into the tensor itself; gradients flow as if it were new")


def _write_at_once(target: Any, ufunc: Any, args: tuple[Any, ...]) -> bool:
    """Let `ufunc` write into a tensor outside the graph, from a number or a tensor outside the graph that fits as it
    is. False where it is not so.
    """
    if target.node is not None or (target.view_of is not None and is_root_tracked(target)):
        return False
    a, b = target.array, args[0] if args else None
    if isinstance(b, TensorBase) and b.node is None:
        b = b.array
    if a.dtype.char not in "fd" or 0 in a.strides:
        return False
    if type(b) is not float and not (type(b) is np.ndarray is type(a) and b.dtype is a.dtype and _fits(b, a)):
        return False
    target.writes[0] += 1
    write_by(ufunc, a, b, a)
    return True


_WRITES_IN_PART = ("masked_fill_", "tril_", "triu_", "index_put_")


def _flows(target: Any, args: tuple[Any, ...]) -> bool:
    """Whether a gradient flows by a write of what is made of `args` into `target`."""
    tracked = is_root_tracked(target) or any(isinstance(x, TensorBase) and x.node is not None for x in (target, *args))
    return bool(mode.get() & GRAD) and tracked


def _write_changes(target: Any, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Write what ``function(target, *args)`` changes, and nothing else: of an element that an expanded tensor shows in
    several places, any change counts, as in PyTorch. False where no place is repeated, or a gradient flows.
    """
    if not repeats(target.array) or _flows(target, args):
        return False
    new = function(target, *args, **options).array
    changed = new != target.array
    store(target.array, changed, new[changed])
    target.writes[0] += 1
    return True


def _write_in_turn(target: Any, function: Any, args: tuple[Any, ...]) -> bool:
    """Write ``function(target, *args)`` into windows that overlap one element after the other, as PyTorch does: later
    ones read what earlier ones wrote. False where nothing overlaps, or a gradient flows.
    """
    array = target.array
    steps = [np.arange(n) * stride for n, stride in zip(array.shape, array.strides, strict=True)]
    places = functools.reduce(np.add.outer, steps, np.zeros((), np.int64)).ravel()  # of the elements in memory
    order = np.argsort(places, kind="stable")
    new = np.diff(places[order], prepend=-1) != 0
    if new.all() or repeats(array) or _flows(target, args):
        return False
    turns = np.empty_like(places)  # 0 for the first element at a place, 1 for the second
    counted = np.arange(len(places))
    turns[order] = counted - np.maximum.accumulate(np.where(new, counted, 0))
    for turn in range(int(turns.max()) + 1):
        now = constant_beside(array, (turns == turn).reshape(array.shape))
        result = function(target, *args).array
        _check_result(f"{function.__name__}_", result, array)
        store(array, now, result[now])
    target.writes[0] += 1
    return True


def twin(method: Any, function: F, how: str) -> F:
    """`method` as the twin of `function`, under its name with an underscore and with its signature."""
    named: Any = rename(method, f"{function.__name__}_", f"`{function.__name__}`, {how}. Returns the tensor itself.")
    named.__module__, named.__qualname__ = "minigrad", f"Tensor.{named.__name__}"  # where pickle finds it
    named.__wrapped__ = function  # where `help` and `inspect.signature` look
    return named


def _before(target: Any, others: tuple[Any, ...]) -> Any:
    """`target` as it is before a write: a copy where a gradient may ask for its old value."""
    refresh(target)
    needs = any(isinstance(x, TensorBase) and x.node is not None for x in (target, *others))
    if not needs or not mode.get() & GRAD:
        return target
    old = wrap(copy_array(target.array))
    old.node = target.node
    return old


def _fits(b: Any, a: Any) -> bool:
    """True when `b` broadcasts into `a` without making it larger, and is no other part of its memory."""
    return (b.shape == a.shape or b.ndim == 0) and (a.base is None is b.base or not overlap_in_part(a, b))


def copy_(self: Any, src: Any, non_blocking: bool = False) -> Tensor:
    """Write `src`, broadcast and converted, into the tensor.

    >>> import minigrad as torch
    >>> torch.zeros(2, 2).copy_(torch.tensor([1, 2]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    if isinstance(src, (bool, int, float)):
        src = wrap(np.asarray(src))
    if not isinstance(src, TensorBase):
        raise not_a_tensor("copy_", "other", 1, src)
    value: Any = move(src, device_of(self.array))
    if src.array.shape != self.array.shape:
        check_memory(self.array, "copy_", src.array)
        value = expand(value, self.array.shape)
    value = cast(value, self.array.dtype)
    refresh(self)
    if self.node is not None and self.view_of is None and src is not self and mode.get() & GRAD:
        # What it was stays in the graph, with a gradient of zero; a view's base sees to it itself.
        value = _copied_over(self, value, reader=read_at, statics={"key": (...,)})
    return assign(self, value, "copy_", one_number=are_same(self.array, src.array))


_as_it_was = operation(
    "as_it_was", lambda x, *, turn: x, lambda g, turn: turn(g) if isinstance(g, TensorBase) else turn(wrap(g)).array
)


def reshaping_in_place(function: F) -> F:
    """The twin of a reshuffling `function` that changes the tensor itself: ``t`` -> ``t_``.

    No memory is written; the tensor becomes a view of what it was.
    """
    name = f"{function.__name__}_"

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        check_writable(self, name)
        before = wrap(self.array)
        before.node, before.view_of, before.writes = self.node, self.view_of, self.writes
        if self.node is LEAF:  # under no_grad: it stays the leaf, to which gradients of what it was come turned
            before.node = _as_it_was.plan(1, 1).record(
                (self,), {"turn": lambda x: function(x, *args, **kwargs)}, before
            )
        after = function(before, *args, **kwargs)
        self.array, self.view_of = after.array, after.view_of
        self.writes[0] += 1  # counts as a write, as in PyTorch: who saved it saved another shape
        if self.view_of is not None:
            self.view_of.seen = self.writes[0]
            _keep_kind(self.view_of, before)
        if mode.get() & GRAD:  # else it keeps its place: a parameter goes on asking for its gradient
            self.node = after.node
        return self

    return twin(change, function, "by which the tensor itself changes its shape")


def _keep_kind(link: Any, before: Any) -> None:
    """Let a tensor that was turned in place be, as a view, of the kind that it was before."""
    link.recorded = before.node is not LEAF and not _is_turned_leaf(before.node)
    if before.view_of is not None:
        link.recorded, link.several = before.view_of.recorded, before.view_of.several
    if link.several or (link.recorded and not mode.get() & GRAD):
        link.seen = -1  # its place in the graph is that of another shape: to be recorded anew, or refused


def _is_turned_leaf(node: Any) -> bool:
    return node.__class__ is Node and node.plan.operation is _as_it_was
