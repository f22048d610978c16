"""`to`, `double`, `cuda` and the others of a module: they move its tensors to a device, or convert them to a dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from minigrad import devices, dtypes
from minigrad.autograd.modes import no_grad
from minigrad.layout import check_memory_format
from minigrad.nn.registry import BUFFER, PARAMETER, Registry
from minigrad.tensor import Tensor
from minigrad.tensor.conversion import read_target


class Conversions(Registry):
    """The methods of `Module` that replace all its parameters and buffers, in place."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replaces the data and the gradient of every parameter, and every buffer, by ``fn(tensor)``."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with no_grad():
            for _, tensor in [*self._members(PARAMETER), *self._members(BUFFER)]:
                for held in (tensor, tensor.grad):
                    if held is not None:
                        data = held.data
                        data.writes = held.writes  # backward notices if `fn` writes to it
                        held.data = fn(data)  # the tensor stays the same object
        return self

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without the values: parameters and buffers hold whatever is in memory there.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).to_empty(device="cpu").weight.shape
        minigrad.Size([1, 2])
        """
        from minigrad.creation.like import empty_like

        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse=recurse)

    def compile(self, *_: Any, **__: Any) -> None:
        """Nothing: there is no compiler here, and calls run as they are written; see `torch.compile`.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).compile()
        """

    def to(
        self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, memory_format: Any = None
    ) -> Self:
        """Moves to a device, or converts the floating-point tensors to a dtype, or both, in place.

        ``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``; `memory_format` orders the weights of
        four axes. Raises `TypeError` for a dtype that is not floating-point.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).to(torch.float64).weight.dtype
        minigrad.float64
        """
        if args:
            dtype, device, _ = read_target(args, dtype, device, False)
        device = None if device is None else devices.device(device)
        if dtype is not None and dtypes.as_numpy(dtype).kind != "f":
            hint = "convert the module's inputs instead: x.float()"
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got {dtype}; {hint}")

        if memory_format is not None:
            check_memory_format("to", memory_format)

        def move(tensor: Tensor) -> Tensor:
            wanted = dtype if tensor.is_floating_point() else None
            order = memory_format if tensor.ndim in (4, 5) else None
            return tensor.to(dtype=wanted, device=device, memory_format=order)

        return self._apply(move)

    def half(self) -> Self:
        """Converts the floating-point tensors to float16.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).half().weight.dtype
        minigrad.float16
        """
        return self.to(dtypes.float16)

    def type(self, dst_type: Any) -> Self:
        """Converts all tensors, integers too, as `Tensor.type` does.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).type(torch.float64).weight.dtype
        minigrad.float64
        """
        return self._apply(lambda t: t.type(dst_type))

    def double(self) -> Self:
        """Converts the floating-point tensors to float64.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).double().weight.dtype
        minigrad.float64
        """
        return self.to(dtypes.float64)

    def float(self) -> Self:
        """Converts the floating-point tensors to float32.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).double().float().weight.dtype
        minigrad.float32
        """
        return self.to(dtypes.float32)

    def cpu(self) -> Self:
        """Moves to the host's memory.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).cpu().weight.device
        device(type='cpu')
        """
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Moves to a CUDA device: the current one, or number `device`.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> layer = layer.cuda() if torch.cuda.is_available() else layer
        """
        where = devices.device("cuda", device) if isinstance(device, int) else device
        return self.to("cuda" if where is None else where)


for _name in ("to", "half", "type", "double", "float", "cpu", "cuda"):
    getattr(Conversions, _name).__qualname__ = f"Module.{_name}"  # as Python's errors name it
