"""`new_zeros` and its relatives, PyTorch's older constructors, and `apply_`, `map_`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.core import Tensor, TensorBase, wrap
from minigrad.ops.arguments import as_number, of_tensors, require_tensor
from minigrad.ops.describe import rename
from minigrad.ops.inplace import assign
from minigrad.ops.shape import alias, expand
from minigrad.placement import arange_beside
from minigrad.shown_values import shorten


def _make_like(tensor: Any, make: str, *args: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """``creation.<make>(*args)``, by default with the dtype and the device of `tensor`."""
    from minigrad import creation

    dtype = tensor.dtype if dtype is None else dtype
    device = tensor.device if device is None else device
    return getattr(creation, make)(*args, dtype=dtype, device=device, requires_grad=requires_grad)


def _make_sized(make: str, what: str, example: str) -> Callable[..., Tensor]:
    """The method ``new_<make>(*size)``."""

    def new(
        self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        return _make_like(self, make, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    named: Any = rename(new, f"new_{make}", f"{what}: ``new_{make}(2, 3)`` or ``new_{make}((2, 3))``.", example)
    named.__module__, named.__qualname__ = "minigrad", f"Tensor.{named.__name__}"  # where pickle finds it
    return named


def _replace_each(tensor: Any, name: str, function: Callable[..., Any], *operands: Any) -> Tensor:
    """Writes `function` of the numbers of the `operands` into `tensor`, one by one."""
    if any(x.requires_grad for x in operands):
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    if type(tensor.array) is not np.ndarray:
        raise TypeError(f"{name}() is only implemented on CPU tensors: it calls a Python function for each number")
    rows = [x.array.reshape(-1).tolist() for x in operands]
    dtype = tensor.array.dtype
    made = np.array([dtypes.scalar(function(*row), dtype) for row in zip(*rows, strict=True)], dtype)
    return assign(tensor, wrap(made.reshape(tensor.array.shape)), name)


class NewMethods(TensorBase):
    """Methods that make tensors with the dtype and device of this one or of another, and `apply_`, `map_`."""

    __slots__: tuple[()] = ()

    def new(self: Any, *data: Any, device: Any = None, **named: Any) -> Tensor:
        """``new(2, 3)`` is uninitialized, ``new([1, 2])`` holds these numbers; dtype and device are this tensor's.

        One argument may be named `data` or `size`.

        >>> import minigrad as torch
        >>> torch.ones(2).new([1, 2])
        tensor([1., 2.])
        """
        from minigrad.creation.type_names import construct

        return construct(data, self.dtype, device, self.device, **named)

    def type(self: Any, dtype: Any = None) -> Any:
        """The name of its type, such as ``minigrad.FloatTensor``; with an argument, as `to`.

        >>> import minigrad as torch
        >>> torch.ones(1).type()
        'minigrad.FloatTensor'
        """
        from minigrad.creation import type_names

        if dtype is None:
            place = "cuda." if self.device.type == "cuda" else ""
            return f"minigrad.{place}{dtypes.SCALAR_TYPES[self.dtype.name]}Tensor"
        if isinstance(dtype, (str, type_names.TensorType)):
            chosen = type_names.type_of_name(dtype)
            return self.to(dtype=chosen.dtype, device=chosen.place)
        if isinstance(dtype, type) and issubclass(dtype, TensorBase):
            dtype = dtypes.get_default_dtype()  # that of `Tensor(2, 3)`
        if isinstance(dtype, type):  # `int`, `float`, `bool`: `to` takes them, but not PyTorch's `type`
            detail = f"x.to({dtype.__name__}) converts, as x.type(torch.int64) does"
            raise ValueError(f"invalid type: {dtype.__name__!r}; {detail}")
        return self.to(dtype=dtype)

    @of_tensors
    def type_as(self: Any, other: Tensor) -> Tensor:
        """The tensor in the dtype and on the device of `other`.

        >>> import minigrad as torch
        >>> torch.tensor([1, 2]).type_as(torch.ones(1))
        tensor([1., 2.])
        """
        return self.to(other)

    def as_subclass(self: Any, cls: Any) -> Any:
        """The same memory and graph node, as a subclass of Tensor; results of operations are of that class, too.

        >>> import minigrad as torch
        >>> class Image(torch.Tensor):
        ...     def darker(self):
        ...         return self * 0.5
        >>> dark = torch.ones(2).as_subclass(Image).darker()
        >>> type(dark).__name__, dark.tolist()
        ('Image', [0.5, 0.5])
        """
        if not (isinstance(cls, type) and issubclass(cls, TensorBase)):
            name = getattr(cls, "__name__", shorten(cls))
            raise TypeError(f"as_subclass(): cls must be a type that derives from Tensor, got {name}")
        made = alias(self)
        made.__class__ = cls
        return made

    def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Tensor:
        """Fills the main diagonal; with `wrap` it starts again below each square of a tall matrix, after a skipped row.

        Raises RuntimeError for fewer than 2 axes, and for more of different lengths.

        >>> import minigrad as torch
        >>> torch.zeros(2, 2).fill_diagonal_(1)
        tensor([[1., 0.],
                [0., 1.]])
        """
        number, shape = as_number("fill_diagonal_", "fill_value", fill_value), self.array.shape
        if len(shape) < 2:
            raise RuntimeError(f"dimensions must larger than 1: fill_diagonal_ got shape {tuple(shape)}")
        if len(shape) > 2:
            if len(set(shape)) > 1:
                raise RuntimeError(f"all dimensions of input must be of equal length, got shape {tuple(shape)}")
            self[(arange_beside(self.array, shape[0]),) * len(shape)] = number
            return self
        height, width = shape
        for start in range(0, height if wrap else 1, width + 1):
            self[start : start + width].diagonal().fill_(number)
        return self

    def apply_(self: Any, callable: Callable[[Any], Any]) -> Tensor:
        """Replaces every number by a Python function of it: slow, and not recorded.

        Raises RuntimeError for a tensor that requires grad, TypeError for one on a GPU.

        >>> import minigrad as torch
        >>> torch.tensor([1.0, 2.0]).apply_(lambda x: x * x + 1)
        tensor([2., 5.])
        """
        return _replace_each(self, "apply_", callable, self)

    def map_(self: Any, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
        """Replaces every number by a Python function of it and the number of `tensor`, as `apply_`.

        >>> import minigrad as torch
        >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda x, y: x * y)
        tensor([3., 8.])
        """
        require_tensor("map_", "other", 1, tensor)
        if tensor.dtype is not self.dtype:
            raise TypeError(f"map_: expected a tensor of {self.dtype} for 'other' (got {tensor.dtype})")
        return _replace_each(self, "map_", callable, self, expand(tensor, self.array.shape))

    # ---- new tensors of this one's dtype and device, where not given -----------------------------
    new_zeros = _make_sized("zeros", "Zeros", "torch.ones(1, dtype=torch.int64).new_zeros(2) -> tensor([0, 0])")
    new_ones = _make_sized("ones", "Ones", "torch.ones(1, dtype=torch.int64).new_ones(2) -> tensor([1, 1])")
    new_empty = _make_sized(
        "empty", "An uninitialized tensor", "torch.ones(1).new_empty(2, 3).shape -> minigrad.Size([2, 3])"
    )

    def new_full(
        self: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """A tensor filled with one number.

        >>> import minigrad as torch
        >>> torch.ones(1).new_full((2,), 7)
        tensor([7., 7.])
        """
        return _make_like(self, "full", size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_tensor(
        self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """A copy of `data`: numbers, nested lists or arrays.

        >>> import minigrad as torch
        >>> torch.ones(1).new_tensor([1, 2])
        tensor([1., 2.])
        """
        return _make_like(self, "tensor", data, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty_strided(
        self: Any, size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """An uninitialized tensor with the given strides, counted in elements.

        >>> import minigrad as torch
        >>> torch.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
        """
        return _make_like(self, "empty_strided", size, stride, dtype=dtype, device=device, requires_grad=requires_grad)
