"""`autocast`, which casts nothing here, and the decorators of functions that take part in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from minigrad import cuda
from minigrad.absent_dtypes import NAMES
from minigrad.advice import advise, warn
from minigrad.compiler import as_it_is
from minigrad.devices import device
from minigrad.dtypes import float16
from minigrad.ops.complaints import as_flag
from minigrad.shown_values import show_value

F = TypeVar("F", bound=Callable[..., Any])


class autocast:
    """``with autocast("cuda"): ...``: PyTorch computes products in half precision inside; here no dtype is changed.

    PyTorch makes matrix products, linear layers, convolutions and attention in `dtype` (on a CPU bfloat16, on CUDA
    float16), losses and `prod` in float32, and everything else in the type that it gets. Here products of float32
    numbers are float32: at least as accurate, though some GPUs are faster with autocast. Their dtype, and the digits
    after the third, differ from PyTorch's. Advice says so once. It is a decorator too. If CUDA is asked for and not
    available, or on a CPU a dtype but float16 and bfloat16, it warns as PyTorch does and is disabled. Raises ValueError
    where `device_type` is no string.

    >>> import minigrad as torch
    >>> with torch.autocast("cpu", enabled=False):
    ...     y = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> y.dtype
    minigrad.float32
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: {show_value(device_type)}; write 'cpu' or 'cuda'"
            )
        self.device = device(device_type).type
        self.fast_dtype = dtype or get_autocast_dtype(self.device)
        wanted = as_flag("autocast", "enabled", enabled)
        self._enabled = wanted and is_there(self.device, _NO_AUTOCAST) and _casts_to(self.device, dtype)
        if self._enabled:
            advise("autocast", _NOTHING_CAST)

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, function: F) -> F:
        return function


_NO_AUTOCAST = "CUDA is not available or torch_xla is imported. Disabling autocast."
_NOTHING_CAST = (
    "autocast: every tensor keeps its type here; for half precision write model.half(). What PyTorch computes in "
    "bfloat16 or float16 inside stays float32, which is more accurate"
)
_NO_HALF = (
    "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
    "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
)


def is_there(device_type: str, warning: str) -> bool:
    """Whether the device is available; warns if it is CUDA and is not."""
    if device_type != "cuda" or cuda.is_available():
        return True
    warn(warning)
    return False


def _casts_to(device_type: str, dtype: Any) -> bool:
    """Whether PyTorch's autocast casts to this dtype; warns if it does not. As there, CUDA takes any."""
    if device_type == "cuda" or dtype in (None, float16, NAMES["bfloat16"]):
        return True
    warn(_NO_HALF)
    return False


def is_autocast_available(device_type: str) -> bool:
    """True for a device that `autocast` may name. Raises TypeError where `device_type` is no string.

    >>> import minigrad as torch
    >>> torch.amp.is_autocast_available("cpu")
    True
    """
    if not isinstance(device_type, str):
        raise TypeError(f"is_autocast_available(): argument 'device_type' must be str, not {show_value(device_type)}")
    return device(device_type).type in ("cpu", "cuda")


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: nothing is ever cast.

    >>> import minigrad as torch
    >>> torch.is_autocast_enabled()
    False
    """
    return False


def is_autocast_cpu_enabled() -> bool:
    """False: nothing is ever cast. `is_autocast_enabled("cpu")` is PyTorch's newer name.

    >>> import minigrad as torch
    >>> torch.is_autocast_cpu_enabled()
    False
    """
    return False


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype to which PyTorch's `autocast` casts by default on a device: bfloat16 on a CPU, float16 on CUDA.

    Raises TypeError where `device_type` is no string, RuntimeError for a device that is not here.

    >>> import minigrad as torch
    >>> torch.get_autocast_dtype("cuda")
    minigrad.float16
    """
    if not isinstance(device_type, str):
        raise TypeError(f"get_autocast_dtype(): argument 'device_type' must be str, not {show_value(device_type)}")
    return float16 if device(device_type).type == "cuda" else NAMES["bfloat16"]


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Marks the forward of a `Function`; inputs are never cast to `cast_inputs`, as autocast casts nothing.

    >>> import minigrad as torch
    >>> torch.amp.custom_fwd(abs, device_type="cuda") is abs
    True
    """
    return as_it_is(fwd)


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """Marks the backward of a `Function`, which runs unchanged.

    >>> import minigrad as torch
    >>> torch.amp.custom_bwd(abs, device_type="cuda") is abs
    True
    """
    return as_it_is(bwd)
