"""Hooks on tensors saved for backward: `pack` runs when a call is recorded, `unpack` when its rules read the tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from minigrad.autograd.core import GRAD, PACKING, TensorBase, is_array, value_of, wrap
from minigrad.autograd.function_node import FunctionNode
from minigrad.autograd.handles import require_callable
from minigrad.autograd.inspection import watchers
from minigrad.autograd.messages import freed
from minigrad.autograd.modes import ModeSwitch
from minigrad.autograd.node import Node, Watched, next_order
from minigrad.autograd.node_attributes import edge_of
from minigrad.backend import copy_array

_hooks: ContextVar[tuple[Any, Any] | None] = ContextVar("minigrad_saved_tensors_hooks", default=None)
_disabled: ContextVar[str | None] = ContextVar("minigrad_saved_tensors_hooks_disabled", default=None)
_copying: ContextVar[bool] = ContextVar("minigrad_allow_mutation_on_saved_tensors", default=False)
_NEVER_WRITTEN: Watched = ([0], 0, ())  # with it backward frees the copy of an index that a node keeps


class saved_tensors_hooks:
    """A context in which tensors are saved for backward as ``pack_hook(tensor)``, and read by ``unpack_hook(packed)``.

    Of hooks within each other, the inner ones are called. What is packed is in no graph and must not be written to.
    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.saved_tensors_hooks

    >>> import minigrad as torch
    >>> from minigrad.autograd.graph import saved_tensors_hooks
    >>> x = torch.tensor([0.126, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.half(), lambda packed: packed.float()):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([0.2520, 4.0000])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        require_callable(pack_hook)
        require_callable(unpack_hook)
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._switch = ModeSwitch(set_flags=PACKING)
        self._before: tuple[Any, Any] | None = None

    def __enter__(self) -> None:
        message = _disabled.get()
        if message:
            raise RuntimeError(message)
        self._before = _hooks.get()
        _hooks.set((self.pack_hook, self.unpack_hook))
        self._switch.__enter__()

    def __exit__(self, *_: object) -> None:
        self._switch.__exit__()
        _hooks.set(self._before)


class save_on_cpu(saved_tensors_hooks):
    """A context in which tensors saved for backward are stored on the CPU, and copied back when they are read.

    >>> import minigrad as torch
    >>> x = torch.tensor([2.0], requires_grad=True)
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = x**3
    >>> y.backward()
    >>> x.grad
    tensor([12.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda x: (x.device, x.cpu()), lambda packed: packed[1].to(packed[0]))


class _Copies:
    """The copies that one `allow_mutation_on_saved_tensors` has made, as long as backward may read them."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Refuses backward through what was recorded so far in the context: begins another part of it."""
        self._part = object()

    def copy(self, tensor: Any) -> tuple[object, Any]:
        """What a tensor is saved as."""
        return self._part, tensor.clone()

    def read(self, saved: tuple[object, Any]) -> Any:
        """The copy of a saved tensor."""
        part, copy = saved
        if part is not self._part:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded: call backward() inside the with block"
            )
        return copy


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_Copies]:
    """A context in which tensors may be written to after they were saved for backward: it saves copies of them.

    Backward must run in the context. Raises RuntimeError within another such context.
    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.allow_mutation_on_saved_tensors

    >>> import minigrad as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     loss = (y**2).sum()
    ...     _ = y.zero_()
    ...     loss.backward()
    >>> x.grad
    tensor([2., 2.])
    """
    if _copying.get():
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    copies = _Copies()
    token = _copying.set(True)
    try:
        with saved_tensors_hooks(copies.copy, copies.read):
            yield copies
    finally:
        copies.clear()
        _copying.reset(token)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A context in which `saved_tensors_hooks` raises RuntimeError(`error_message`); so does entering it within one.

    >>> import minigrad as torch
    >>> with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     y = torch.ones(1, requires_grad=True).exp()
    """
    if _hooks.get() is not None:
        raise RuntimeError(error_message)
    before = _disabled.get()
    _disabled.set(error_message)
    try:
        yield
    finally:
        _disabled.set(before)


class Packed(NamedTuple):
    """The result of a pack hook, its unpack hook, and the graph node of the tensor."""

    content: Any
    unpack_hook: Callable[[Any], Any]
    edge: Any

    def unpack(self) -> Any:
        """The unpacked tensor, with its graph node."""
        tensor = self.unpack_hook(self.content)
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor, got {type(tensor).__name__}")
        if self.edge is None:
            return tensor
        placed = wrap(tensor.array)
        placed.node = LeafBehind(self.edge) if isinstance(self.edge, TensorBase) else self.edge
        return placed


class LeafBehind(Node):
    """A node that passes gradients of an unpacked value on to its leaf."""

    __slots__ = ()

    def __init__(self, leaf: Any) -> None:
        self.order, self.hooks = next_order(), None
        self.edges, self.shape, self.dtype = (leaf,), leaf.array.shape, leaf.array.dtype

    def vjp(self, cotangent: Any, create_graph: bool, wanted: Any = None) -> list[Any]:
        return [cotangent]

    def free(self) -> None:
        pass

    def name(self) -> str:
        return "AliasBackward0"


def pack(tensor: Any) -> Any:
    """`tensor` packed by the hooks; unchanged without hooks."""
    hooks = _hooks.get()
    if hooks is None or not isinstance(tensor, TensorBase):
        return tensor
    before = tensor.writes[0]
    packed = Packed(hooks[0](tensor), hooks[1], edge_of(tensor))
    if tensor.writes[0] != before:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not "
            "be modified by in-place operations: the call's result, or its operand, is that tensor. Pack a copy."
        )
    return packed


class PackedNode(Node):
    """A node whose saved tensors are packed."""

    __slots__ = ()

    def saved_values(self, create_graph: bool) -> list[Any]:
        if self.saved_operands is None:
            raise freed(self.name())
        values = _convert_operands(self, lambda x: x.unpack() if isinstance(x, Packed) else x)
        if not create_graph:
            values = list(map(value_of, values))
        constants = [_convert_constant(x, _is_packed, lambda y: y.unpack().array) for x in self.constants]
        return values + (self._lift(constants) if create_graph else constants)


def pack_saved(result: Any) -> None:
    """Packs the tensors that the call of `result` has saved."""
    call = result.node.call
    with ModeSwitch(clear_flags=PACKING | GRAD):  # what the hooks compute is neither packed nor recorded
        if isinstance(call, FunctionNode):
            call.ctx._kept = [kept._replace(tensor=pack(kept.tensor)) for kept in call.ctx._kept]
        else:
            _pack_operation(call, result)


def _convert_operands(node: Any, convert: Callable[[Any], Any]) -> list[Any]:
    """`convert` of each saved operand of `node`, called in PyTorch's order.

    That is the order of the alphabet: the second operand y, there "other" or "mat2", comes before x, there "self"; a
    second one declared as `target` comes after it.
    """
    step = -1 if node.plan.operation.operands == ("x", "y") else 1
    return [convert(x) for x, _ in node.saved_operands[::step]][::step]


def _pack_operation(node: Any, result: Any) -> None:
    versions = [version for _, version in node.saved_operands]
    node.saved_operands = list(zip(_convert_operands(node, pack), versions, strict=True))
    if node.plan.reads_result:
        kept = wrap(result.array)  # a node must not refer to its own output
        kept.writes = result.writes
        node.constants[0] = pack(kept)
    indices = node.watched[1:] if node.plan.reads_result else node.watched
    if indices:  # the hooks get a copy, as others may write to the tensor
        node.constants = [_convert_constant(x, is_array, lambda y: pack(wrap(copy_array(y)))) for x in node.constants]
        node.watched = (_NEVER_WRITTEN,)
    node.__class__ = PackedNode


def _convert_constant(constant: Any, chosen: Callable[[Any], bool], convert: Callable[[Any], Any]) -> Any:
    """`convert` of a chosen constant, and of the chosen parts of a key, which may be an option in a dict."""
    if hasattr(constant, "watched"):
        saved = [chosen(part) and i not in constant.own for i, part in enumerate(constant)]
        key = type(constant)([convert(x) if is_saved else x for is_saved, x in zip(saved, constant, strict=True)])
        key.watched, key.own = (_NEVER_WRITTEN,), constant.own
        return key
    if type(constant) is dict:
        return {name: _convert_constant(x, chosen, convert) for name, x in constant.items()}
    return convert(constant) if isinstance(constant, Packed) and chosen(constant) else constant


def _is_packed(x: Any) -> bool:
    return isinstance(x, Packed)


watchers[PACKING] = pack_saved
