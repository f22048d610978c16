"""`Tensor`: what a user touches first. Every method is one line that names the operation in `ops/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import numpy as np

from minigrad import backend, dtypes
from minigrad.autograd import backward as walks
from minigrad.autograd.core import LEAF, Node, TensorBase, set_result_class, user_line, wrap
from minigrad.autograd.operation import refresh
from minigrad.ops import arithmetic, index, matmul as products, reduce, shape as shapes
from minigrad.ops.elementwise import NUMPY_TWINS, promoted
from minigrad.ops.inplace import copy_, in_place, setitem
try:
    from minigrad.printing import format_tensor
except ImportError:
    format_tensor = lambda t: f"tensor({t.array})"
from minigrad.size import Size


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self.id = hooks, key

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Tensor(TensorBase):
    """An n-dimensional array that remembers how it was computed.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x ** 2).sum().backward(); x.grad
    tensor([2., 4.])
    """

    __hash__ = object.__hash__

    # ---- its facts ------------------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        """The lengths of its axes."""
        return tuple.__new__(Size, self.array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of its elements."""
        return dtypes.from_numpy(self.array.dtype)

    @property
    def device(self) -> backend.device:
        """Where its memory is."""
        return backend.device_of(self.array)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        if self.view_of is not None:
            refresh(self)
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here; None before, and for tensors that keep none."""
        return self.gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: {tuple(value.array.shape)}, the tensor has "
                    f"{tuple(self.array.shape)}"
                )
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: {value.dtype}, the tensor has {self.dtype}"
                )
        self.gradient = value

    @property
    def grad_fn(self) -> Node | None:
        """The node of the call that made it; None for leaves."""
        if self.view_of is not None:
            refresh(self)
        return None if self.node is LEAF else self.node

    @property
    def is_leaf(self) -> bool:
        """True unless a recorded call made it."""
        return self.grad_fn is None

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph: writes through it are not seen by autograd."""
        alias: Tensor = wrap(self.array)
        alias.cause = "it was taken with .data, which leaves the graph"
        return alias

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self.array = value.array

    @property
    def _version(self) -> int:
        return self.writes[0]

    # ---- autograd -------------------------------------------------------------------------------
    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add d(self * gradient)/d(leaf) to ``.grad`` of every leaf it was computed from."""
        walks.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory outside the graph; writes through it are noticed by autograd."""
        alias: Tensor = wrap(self.array)
        alias.writes = self.writes
        if self.node is not None:
            alias.cause = f"it, or something it was computed from, was detached at {user_line()}"
        return alias

    def detach_(self) -> Tensor:
        """Leave the graph: the tensor becomes a leaf that needs no gradient."""
        self.node, self.view_of = None, None
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient, or no longer. Raises RuntimeError for integers and for results of recorded calls."""
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                    "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
        elif requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, got {self.dtype}; convert it "
                "first, for example with .float()"
            )
        else:
            self.node = LEAF if requires_grad else None
            if requires_grad:
                self.view_of = None
        return self

    def retain_grad(self) -> None:
        """Keep ``.grad`` here too, although no leaf: filled by the next backward."""
        node = self.grad_fn
        if node is None:
            if self.node is None:
                raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
            return
        kept = ref(self)

        def keep(gradient: Tensor) -> None:
            tensor = kept()
            if tensor is not None:
                tensor.gradient = gradient if tensor.gradient is None else tensor.gradient + gradient

        if node.hooks is None:
            node.hooks = {}
        node.hooks[-1] = keep

    @property
    def retains_grad(self) -> bool:
        """True for a result of a call on which retain_grad() was called."""
        node = self.grad_fn
        return node is not None and bool(node.hooks) and -1 in (node.hooks or {})

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook` with each gradient that arrives here; what it returns goes on in its place."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        holder: Any = self if self.node is LEAF else self.node
        if holder.hooks is None:
            holder.hooks = {}
        key = len(holder.hooks) + max([0, *holder.hooks])
        retained = holder.hooks.pop(-1, None)
        holder.hooks[key] = hook
        if retained is not None:
            holder.hooks[-1] = retained  # it sees the gradient last
        return RemovableHandle(holder.hooks, key)

    # ---- NumPy's protocols ----------------------------------------------------------------------
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        twin = NUMPY_TWINS.get(ufunc)
        if twin is None or method != "__call__" or kwargs or type(inputs[0]) is np.ndarray:
            return NotImplemented
        return twin(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        twin = NUMPY_TWINS.get(function)
        return NotImplemented if twin is None else twin(*args, **kwargs)

    def numpy(self, *, force: bool = False) -> Any:
        """The NumPy array of its memory, shared. Raises RuntimeError for tensors in the graph."""
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if type(self.array) is not np.ndarray:
            if not force:
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                    "to host memory first."
                )
            return backend.to_device(self.array, backend.CPU)
        return self.array

    def item(self) -> Any:
        """The Python number of a tensor of one element."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar (shape {tuple(self.array.shape)}); "
                "reduce it first, or use .tolist()"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Nested Python lists of its numbers."""
        return self.array.tolist()

    def __bool__(self) -> bool:
        if self.array.size != 1:
            which = "more than one value" if self.array.size else "no values"
            raise RuntimeError(
                f"Boolean value of Tensor with {which} is ambiguous (shape {tuple(self.array.shape)}); "
                "use .any() or .all(), or compare one element"
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind == "f" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self.array))])

    def __repr__(self) -> str:
        return format_tensor(self)

    # ---- arithmetic -----------------------------------------------------------------------------
    add = arithmetic.add
    sub = arithmetic.sub
    mul = arithmetic.mul
    div = arithmetic.true_divide
    pow = arithmetic.pow
    neg = arithmetic.neg
    abs = arithmetic.abs
    sign = arithmetic.sign
    exp = arithmetic.exp
    log = arithmetic.log
    sqrt = arithmetic.sqrt
    tanh = arithmetic.tanh
    sigmoid = arithmetic.sigmoid
    __add__ = __radd__ = arithmetic.add
    __sub__ = arithmetic.sub
    __mul__ = __rmul__ = arithmetic.mul
    __truediv__ = arithmetic.true_divide
    __pow__ = arithmetic.pow
    __neg__ = arithmetic.neg
    __abs__ = arithmetic.abs
    add_ = __iadd__ = in_place(arithmetic.add, np.add)
    sub_ = __isub__ = in_place(arithmetic.sub, np.subtract)
    mul_ = __imul__ = in_place(arithmetic.mul, np.multiply)
    div_ = __itruediv__ = in_place(arithmetic.true_divide, np.true_divide)

    def __rsub__(self, other: Any) -> Tensor:
        return arithmetic.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return arithmetic.true_divide(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return arithmetic.pow(other, self)

    # ---- reductions -----------------------------------------------------------------------------
    sum = reduce.sum
    mean = reduce.mean

    # ---- shape and index ------------------------------------------------------------------------
    reshape = view = shapes.reshape
    permute = shapes.permute
    transpose = swapaxes = shapes.transpose
    t = shapes.t
    expand = shapes.expand
    broadcast_to = shapes.broadcast_to
    clone = shapes.clone
    astype = shapes.cast
    copy_ = copy_
    __getitem__ = index.getitem
    __setitem__ = setitem

    # ---- products -------------------------------------------------------------------------------
    matmul = __matmul__ = products.matmul


set_result_class(Tensor)
