"""Methods that convert to other dtypes, other devices, Python numbers and NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import devices, dtypes
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.ops import copies
from minigrad.ops.arguments import require_bools
from minigrad.ops.complaints import not_a_tensor
from minigrad.ops.describe import rename
from minigrad.ops.device import move


def _as(method: str, dtype: dtypes.dtype) -> Callable[..., Tensor]:
    """Makes the method that converts to `dtype`."""

    def convert(self: Any, memory_format: Any = None) -> Tensor:
        if not isinstance(self, TensorBase):
            raise not_a_tensor(method, "input", 1, self)
        made = copies.cast(self, dtype.numpy)
        return made if memory_format is None else copies.to_memory_format(method, made, memory_format)

    example = f">>> import minigrad as torch\n>>> torch.ones(1).{method}().dtype\nminigrad.{dtype.name}"
    named: Any = rename(convert, method, f"The tensor as {dtype.name}; itself when it is so already.\n\n{example}\n")
    named.__module__, named.__qualname__ = "minigrad", f"Tensor.{method}"  # where pickle finds it
    return named


_DTYPES = (dtypes.dtype, type)


def read_target(args: tuple[Any, ...], dtype: Any, device: Any, copy: bool) -> tuple[Any, Any, bool]:
    """Reads the positional arguments of `to`: a tensor, a dtype, or device and dtype; then non_blocking and copy."""
    first, *rest = args
    understood = True
    if isinstance(first, TensorBase):
        dtype, device = first.dtype, first.device  # type: ignore[attr-defined]
    elif isinstance(first, _DTYPES):
        dtype = first
    elif first is None or isinstance(first, (str, devices.device)) or type(first) is int:
        asked = rest.pop(0) if rest else None
        understood = asked is None or isinstance(asked, _DTYPES)
        dtype, device = dtype if asked is None else asked, device if first is None else first
    else:
        understood = False
    if not understood or len(rest) > 2 or not all(type(flag) is bool for flag in rest):
        got = ", ".join([f"{type(given).__name__} {given!r:.40}" for given in args])
        rule = "a dtype, a device or a tensor; after a device a dtype; then non_blocking and copy"
        raise TypeError(f"to() takes {rule}, got ({got})")
    return dtype, device, copy or rest[1:] == [True]


class ConversionMethods(TensorBase):
    """Methods that change dtype and device."""

    __slots__ = ()

    def to(
        self: Any, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
        memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        """The tensor with another dtype or on another device; the same tensor if nothing changes.

        Takes a dtype, a device, both, or another tensor that has them.

        >>> import minigrad as torch
        >>> torch.tensor([1, 2]).to(torch.float64)
        tensor([1., 2.], dtype=minigrad.float64)
        """
        if copy is not False or non_blocking is not False:
            require_bools("to", copy=copy, non_blocking=non_blocking)
        if args:
            dtype, device, copy = read_target(args, dtype, device, copy)
        moved: Any = self
        if device is not None:
            moved = move(moved, devices.device(device))
        if dtype is not None:
            moved = copies.cast(moved, dtypes.as_numpy(dtype))
        if copy and moved is self:
            moved = moved.clone()
        return copies.to_memory_format("to", moved, memory_format)

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """The tensor on the CPU; the same tensor if it is there already.

        >>> import minigrad as torch
        >>> torch.ones(1).cpu().device
        device(type='cpu')
        """
        return self.to(device=devices.CPU, memory_format=memory_format)

    def cuda(self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
        """The tensor on a GPU; raises RuntimeError with the reason if there is none.

        Raises RuntimeError for the CPU too. `non_blocking` has no effect.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     x = torch.ones(1).cuda()
        """
        where = devices.device("cuda" if device is None else device)
        if where.type != "cuda":
            raise RuntimeError(f"Invalid device, must be cuda device: got {where}")
        return self.to(where, non_blocking=non_blocking, memory_format=memory_format)

    float = _as("float", dtypes.float32)
    double = _as("double", dtypes.float64)
    half = _as("half", dtypes.float16)
    long = _as("long", dtypes.int64)
    int = _as("int", dtypes.int32)
    short = _as("short", dtypes.int16)
    char = _as("char", dtypes.int8)
    byte = _as("byte", dtypes.uint8)
    bool = _as("bool", dtypes.bool_)
