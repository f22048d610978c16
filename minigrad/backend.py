"""NumPy or CuPy: which library holds an array, and moving arrays between them.

CuPy is imported when a GPU is first asked for (`find_gpu.py`), never by `import minigrad`, which works without it.
`why_not` says why no GPU can be used.

The other files need not choose: NumPy's functions dispatch to CuPy by themselves (`np.exp(cupy_array)`). Where they
do not (creation, strides), `array_module(array)` gives the library of an array. The engine runs every function by
`quiet`: on the GPU of its arrays, without NumPy's warnings.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from operator import setitem
from typing import Any, ParamSpec, TypeVar

import numpy as np

import minigrad.memory  # noqa: F401 (imported, it asks malloc to keep what a step frees)
from minigrad.devices import CPU, device
from minigrad.layout import apply_in_order, find_memory_order

Array = Any  # a NumPy or CuPy array
P = ParamSpec("P")
R = TypeVar("R")


# ---- the libraries ---------------------------------------------------------------------------
RECORDING: list[Any] = []  # CUDA graphs that are capturing
_cuda: Any = None  # CuPy, or the tests' stand-in, after a successful check
_several = False  # whether there is more than one GPU
_why_not: str | None = None  # the reason why there is no GPU, after a failed check


def is_available() -> bool:
    """Whether a GPU can be used: CuPy imports, finds a device, and one tiny kernel ran on it.

    >>> import minigrad as torch
    >>> device = "cuda" if torch.cuda.is_available() else "cpu"
    """
    global _cuda, _why_not
    if _cuda is None and _why_not is None:
        from minigrad.find_gpu import find_cupy

        _cuda, _why_not = find_cupy()
        if _cuda is not None:
            _begin(_cuda)
    return _cuda is not None


def why_not() -> str | None:
    """The reason why no GPU can be used, and what to do; None if one can be used.

    >>> import minigrad as torch
    >>> reason = torch.cuda.why_not()  # None where a GPU can be used
    """
    return None if is_available() else _why_not


def device_count() -> int:
    """The number of usable GPUs: 0 without CuPy, a driver or a device.

    >>> import minigrad as torch
    >>> count = torch.cuda.device_count()  # 0 without a GPU
    """
    return int(_cuda.cuda.runtime.getDeviceCount()) if is_available() else 0


def _begin(cupy: Any) -> None:
    """Prepares a GPU: sets an allocator with clear errors, and imports our CUDA kernels."""
    global _several
    from minigrad.find_gpu import explain_exhaustion

    explain_exhaustion(cupy)
    _several = device_count() > 1
    importlib.import_module("minigrad.gpu.served")


@contextlib.contextmanager
def use_library(module: Any) -> Iterator[Any]:
    """A context in which `module` is the library of device "cuda"; None means the CuPy of this machine.

    Tests use it to install a strict stand-in for CuPy on machines without a GPU.
    """
    global _cuda, _several, _why_not
    before = _cuda, _several, _why_not
    _cuda, _several, _why_not = module, False, None
    if module is not None:
        _begin(module)
    try:
        yield module
    finally:
        _cuda, _several, _why_not = before


def library(device: device) -> Any:
    """The array library of `device`: NumPy or CuPy. Raises RuntimeError with `why_not` in words."""
    if device.type == "cpu":
        return np
    if _cuda is None and not is_available():
        raise RuntimeError(f"device {str(device)!r} was asked for. {why_not()}")
    if device.index and device.index >= device_count():
        detail = f"but this machine has {device_count()} GPU(s), the last one is 'cuda:{device_count() - 1}'"
        raise RuntimeError(f"device {str(device)!r} was asked for, {detail}")
    return _cuda


def on(device: device) -> contextlib.AbstractContextManager[object]:
    """A context in which CuPy creates arrays and computes on that GPU."""
    if device.type == "cpu" or device.index is None:
        return contextlib.nullcontext()
    return library(device).cuda.Device(device.index)


@functools.cache
def _cuda_device(index: int) -> device:
    return device("cuda", index)


def gpu_array_type() -> Any:
    """The class of arrays on a GPU; there must be a GPU."""
    return _cuda.ndarray


# ---- where an array is, and moving it --------------------------------------------------------
def array_module(array: Array) -> Any:
    """The library that holds `array`: NumPy or CuPy (NumPy for anything that is no array)."""
    if type(array) is np.ndarray:
        return np
    if _cuda is not None and isinstance(array, _cuda.ndarray):
        return _cuda
    if type(array).__module__.partition(".")[0] == "cupy" and is_available():
        return _cuda  # the user made it with CuPy before we looked for a GPU
    return np


def device_of(array: Array) -> device:
    """The device of `array`: the CPU, or the GPU with its number."""
    if type(array) is np.ndarray or array_module(array) is np:
        return CPU
    return _cuda_device(array.device.id)


def are_on_one_gpu(*arrays: Array) -> bool:
    """Whether all are arrays on the same GPU."""
    if _cuda is None or any(type(array) is not _cuda.ndarray for array in arrays):
        return False
    return not _several or len({array.device.id for array in arrays}) == 1


def address_of(array: Array) -> int:
    """The address of the first element of `array`."""
    return int(array.__array_interface__["data"][0] if type(array) is np.ndarray else array.data.ptr)


def to_device(array: Array, device: device) -> Array:
    """`array` on `device`: itself if it is there already, else a copy, which keeps the order of the axes in memory."""
    held = device_of(array)
    if held.type == device.type and device.index in (None, held.index):
        return array
    if device.type == "cpu":
        return _move(array, lambda x: x.get()) if held.type == "cuda" else array
    cuda = library(device)
    with on(device):
        if held.type == "cuda":
            return _move(array, lambda x: x.copy())
        # A single number is the argument of a kernel, which nobody waits for and a CUDA graph may record.
        if array.ndim:
            return _move(array, cuda.asarray)
        number = cuda.empty((), array.dtype)
        number.fill(array[()])
        return number


def _move(array: Array, copy: Callable[[Array], Array]) -> Array:
    """Copies `array` by `copy`, which writes rows: the axes are given in their order in memory, and keep that order."""
    if array.flags.c_contiguous:
        return copy(array)
    order = find_memory_order(array.shape, [abs(step) for step in array.strides])
    return apply_in_order(copy, array, order)


def copy_array(array: Array) -> Array:
    """A copy on the device of `array`."""
    if array.__class__ is np.ndarray or isinstance(array, np.generic):
        return array.copy()
    return _run_there(copy_on_gpu, (array,), {})


def copy_on_gpu(array: Array) -> Array:
    """A copy on the selected GPU."""
    return array.copy()


def is_finite(array: Array) -> Any:
    """Whether all elements are finite, by one product; also False if the sum of their squares overflows."""
    return np.vdot(array, array) < np.inf


# ---- running a function: on the GPU of its arrays, without NumPy's warnings ------------------
def _find_warning_settings() -> tuple[ContextVar[Any], Any]:
    """NumPy's context variable with the floating-point error settings, and its value for "ignore".

    `np.errstate` takes a microsecond to enter and leave; setting the variable itself takes a tenth.
    """
    context = Context()
    context.run(np.seterr, all="ignore")
    [(variable, silent)] = context.items()
    return variable, silent


WARNINGS, SILENT = _find_warning_settings()
set_warnings, restore_warnings = WARNINGS.set, WARNINGS.reset  # the look-up costs as much as the call


def quiet(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args, **kwargs)` with NumPy's floating-point warnings off: inf and nan are values.

    The engine calls every forward and every write by this function. On a GPU it selects the device of the first
    array among `args`, because CuPy computes on the selected one.
    """
    before = set_warnings(SILENT)
    try:
        return function(*args, **kwargs) if _cuda is None else _run_there(function, args, kwargs)
    finally:
        restore_warnings(before)


def store(array: Array, key: Any, source: Any) -> None:
    """``array[key] = source``."""
    write_by(setitem, array, key, source)


def write_by(write: Callable[..., Any], array: Array, *others: Any) -> None:
    """Calls ``write(array, *others)``, which writes into `array`. All writes into tensors are made by this function.

    Raises RuntimeError if the memory is read-only.
    """
    try:
        quiet(write, array, *others)
    except ValueError:
        if array.__class__ is np.ndarray and not array.flags.writeable:
            what = f"the memory of this tensor of shape {array.shape} is read-only"
            cause = "it is that of a NumPy array with flags.writeable=False"
            raise RuntimeError(f"{what} ({cause}): write into a copy, x.clone()") from None
        raise


# Function of arrays -> the CUDA kernel that computes it on a GPU (registered by `gpu/`). A function without an entry
# runs as it is written, with one launch for each of its steps.
KERNELS: dict[Callable[..., Any], Callable[..., Any]] = {}


def _run_there(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    """Calls `function` on the GPU of the first array among `args`, and its CUDA kernel in its place if it has one."""
    for x in (*args, getattr(function, "__self__", None)):  # of an array's method, that array
        array = getattr(x, "array", x)
        if isinstance(array, _cuda.ndarray):
            return on_gpu_of(array, KERNELS.get(function, function), *args, **kwargs)
    return on_gpu_of(None, function, *args, **kwargs)


def on_gpu_of(array: Array, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls `function(*args, **kwargs)` on the GPU of `array`, and selects the previous one again."""
    if not _several:
        return function(*args, **kwargs)
    runtime = _cuda.cuda.runtime
    before = runtime.getDevice()
    select_gpu(getattr(array, "array", array))
    try:
        return function(*args, **kwargs)
    finally:
        if runtime.getDevice() != before:
            runtime.setDevice(before)


def select_gpu(array: Array) -> bool:
    """Selects the GPU of `array` for CuPy; for NumPy's arrays does nothing and returns False."""
    if _cuda is None or not isinstance(array, _cuda.ndarray):
        return False
    if _several and array.device.id != _cuda.cuda.runtime.getDevice():
        _cuda.cuda.runtime.setDevice(array.device.id)
    return True
