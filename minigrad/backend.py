"""NumPy or CuPy: which library holds an array, moving arrays between them, and the default device.

The one file that imports CuPy, and only once a GPU is asked for: `import minigrad` never touches it
and never fails for want of it. `why_not` says in words why there is no GPU.

Everywhere else the library comes from the data: NumPy's functions dispatch to CuPy by themselves
(`np.exp(cupy_array)`), and `array_module(array)` serves where they do not (creation, strides).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

import minigrad.memory  # noqa: F401 (imported, it asks malloc to keep what a step frees)

Array = Any  # a NumPy or CuPy array
P = ParamSpec("P")
R = TypeVar("R")


# ---- floating-point warnings ----------------------------------------------------------------


def _find_warning_settings() -> tuple[ContextVar[Any], Any]:
    """The context variable in which NumPy keeps what to do about inf and nan, and its value for "nothing".

    `np.errstate` takes a microsecond to enter and leave; setting the variable itself takes a tenth.
    """
    context = Context()
    context.run(np.seterr, all="ignore")
    [(variable, silent)] = context.items()
    return variable, silent


WARNINGS, SILENT = _find_warning_settings()
set_warnings, restore_warnings = WARNINGS.set, WARNINGS.reset  # bound once: to find them costs as much as the call


def quiet(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args, **kwargs)` with NumPy's floating-point warnings off: inf and nan are values.

    The door to array code: the engine passes every forward and every write through it. On a GPU it
    computes where the first array among `args` lives: CuPy itself computes on the selected one.
    """
    before = set_warnings(SILENT)
    try:
        return function(*args, **kwargs) if _cuda is None else _there(function, args, kwargs)
    finally:
        restore_warnings(before)


# The seam for the GPU's wing: what computes a function of arrays, of which the heart tells the steps, where these
# are on a GPU. A function that is not here runs there as it is written, one launch for each of its steps.
KERNELS: dict[Callable[..., Any], Callable[..., Any]] = {}


def _there(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    for x in args:
        array = getattr(x, "array", x)
        if isinstance(array, _cuda.ndarray):
            return on_gpu_of(array, KERNELS.get(function, function), *args, **kwargs)
    return on_gpu_of(None, function, *args, **kwargs)


def on_its_gpu(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, computed on the GPU of its first tensor or array; then the one before is selected
    again. For functions that work on plain arrays beside operations, which see to it themselves.
    """

    @functools.wraps(function)
    def there(*args: P.args, **kwargs: P.kwargs) -> R:
        if _cuda is None:
            return function(*args, **kwargs)
        return _there(function, args, kwargs)

    return there


def on_gpu_of(array: Array, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args, **kwargs)` on the GPU that holds `array`; then the one before is selected again."""
    if not _several:
        return function(*args, **kwargs)
    runtime = _cuda.cuda.runtime
    before = runtime.getDevice()
    select(getattr(array, "array", array))
    try:
        return function(*args, **kwargs)
    finally:
        if runtime.getDevice() != before:
            runtime.setDevice(before)


def select(array: Array) -> bool:
    """Lets CuPy compute on the GPU that holds `array` from now on; False, and nothing done, for NumPy's arrays."""
    if _cuda is None or not isinstance(array, _cuda.ndarray):
        return False
    if _several and array.device.id != _cuda.cuda.runtime.getDevice():
        _cuda.cuda.runtime.setDevice(array.device.id)
    return True


# ---- devices --------------------------------------------------------------------------------


class device(contextlib.ContextDecorator):
    """Where a tensor lives: `device("cpu")`, `device("cuda")`, `device("cuda:1")`.

    A name only: it can be made on a machine without a GPU. As a context manager or a decorator it
    is the default device for what is created within. Raises RuntimeError for an unknown name, and,
    on entering, for a GPU that is not there. Follows PyTorch's `torch.device`.

    >>> import minigrad as torch
    >>> torch.device("cuda:1")
    device(type='cuda', index=1)
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __new__(cls, type: str | int | device, index: int | None = None) -> device:
        if isinstance(type, device) and index is None:
            return type
        if isinstance(type, int) and not isinstance(type, bool) and index is None:
            index, type = type, "cuda"
        if not isinstance(type, str):
            raise TypeError(f"device() takes a name ('cpu', 'cuda', 'cuda:1') or the number of a GPU, got {type!r}")
        kind, colon, number = type.partition(":")
        if kind not in ("cpu", "cuda"):
            raise RuntimeError(f"Expected one of cpu, cuda device type at start of device string: {type!r}")
        if colon and not re.fullmatch("0|[1-9][0-9]*", number):
            raise RuntimeError(f"Invalid device string: {type!r}; write it as '{kind}:0'")
        if colon and index is not None:
            raise RuntimeError(
                "type (string) must not include an index because index was passed explicitly: "
                f"{type!r} and index={index!r}"
            )
        index = int(number) if colon else index
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, got {index}")
        self = object.__new__(cls)
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", index)
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of 'minigrad.device' objects is not writable")

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}{'' if self.index is None else f', index={self.index}'})"

    def __enter__(self) -> device:
        library(self)
        _scoped_devices.set((*_scoped_devices.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        _scoped_devices.set(_scoped_devices.get()[:-1])


_Device = device  # for functions whose parameter has that name
CPU = device("cpu")
_scoped_devices: ContextVar[tuple[device, ...]] = ContextVar("scoped_devices", default=())
_default_device: device | None = None  # None: MINIGRAD_DEVICE was not read yet


def default_device() -> device:
    """The device of tensors created without one: the innermost `with device(...)`, else
    `set_default_device`'s, else the environment variable MINIGRAD_DEVICE's, else the CPU.

    >>> import minigrad as torch
    >>> torch.get_default_device()
    device(type='cpu')
    """
    scoped = _scoped_devices.get()
    if scoped:
        return scoped[-1]
    if _default_device is None:
        name = os.environ.get("MINIGRAD_DEVICE") or CPU
        try:
            set_default_device(name)
        except RuntimeError as error:
            raise RuntimeError(f"environment variable MINIGRAD_DEVICE={name!r}: {error}") from None
    return _default_device or CPU


def set_default_device(device: str | int | device | None) -> None:
    """Creates tensors on `device` from now on; None goes back to MINIGRAD_DEVICE, or the CPU.

    Raises RuntimeError for an unknown device and for a GPU that is not there.

    >>> import minigrad as torch
    >>> torch.set_default_device("cpu")
    >>> torch.zeros(2).device
    device(type='cpu')
    """
    global _default_device
    if device is not None:
        device = _Device(device)
        library(device)
    _default_device = device


def device_of(array: Array) -> device:
    """Where `array` lives: the CPU, or the GPU with its number."""
    if type(array) is np.ndarray or array_module(array) is np:
        return CPU
    return _cuda_device(array.device.id)


@functools.cache
def _cuda_device(index: int) -> device:
    return device("cuda", index)


# ---- libraries ------------------------------------------------------------------------------

RECORDING: list[Any] = []  # the CUDA graphs that record now: a wing puts them here
_cuda: Any = None  # CuPy, or the tests' stand-in, once it has shown that it works
_several = False  # whether there are GPUs of which one must be selected
_why_not: str | None = None  # why there is no GPU, once it was looked for in vain


def array_module(array: Array) -> Any:
    """The library that holds `array`: NumPy or CuPy (NumPy for anything that is no array)."""
    if type(array) is np.ndarray:
        return np
    if _cuda is not None and isinstance(array, _cuda.ndarray):
        return _cuda
    if type(array).__module__.partition(".")[0] == "cupy" and is_available():
        return _cuda  # made by the user, with CuPy itself, before we looked for a GPU
    return np


def library(device: device) -> Any:
    """The array library of `device`: NumPy or CuPy. Raises RuntimeError with `why_not` in words."""
    if device.type == "cpu":
        return np
    if _cuda is None and not is_available():
        raise RuntimeError(f"device {str(device)!r} was asked for. {why_not()}")
    if device.index and device.index >= device_count():
        raise RuntimeError(
            f"device {str(device)!r} was asked for, but this machine has {device_count()} GPU(s), "
            f"the last one is 'cuda:{device_count() - 1}'"
        )
    return _cuda


def on(device: device) -> contextlib.AbstractContextManager[object]:
    """A context within which CuPy creates arrays and computes on that GPU."""
    if device.type == "cpu" or device.index is None:
        return contextlib.nullcontext()
    selected: contextlib.AbstractContextManager[object] = library(device).cuda.Device(device.index)
    return selected


def to_device(array: Array, device: device) -> Array:
    """`array` on `device`: itself if it is there already, else a copy."""
    held = device_of(array)
    if held.type == device.type and device.index in (None, held.index):
        return array
    if device.type == "cpu":
        return array.get() if held.type == "cuda" else array
    cuda = library(device)
    with on(device):
        if held.type == "cuda":
            return array.copy()
        # A single number is the argument of a kernel, which nobody waits for and a CUDA graph may record.
        if array.ndim:
            return cuda.asarray(array)
        number = cuda.empty((), array.dtype)
        number.fill(array[()])
        return number


def arange_beside(array: Array, n: int) -> Array:
    """0, 1, ..., n - 1, where `array` lives."""
    return np.arange(n) if type(array) is np.ndarray else on_gpu_of(array, array_module(array).arange, n)


def constant_beside(array: Array, host: np.ndarray[Any, Any]) -> Array:
    """Numbers that a geometry or an option decides, where `array` lives; not to be written to.

    A GPU is sent them once: the next step, or a CUDA graph, finds them there.
    """
    if type(array) is np.ndarray:
        return host
    number = device_of(array).index
    if host.nbytes > 2**20:
        return on_gpu_of(array, _cuda.asarray, host)
    constant = on_gpu_of(array, _send, _cuda, number, host.dtype, host.shape, host.tobytes())
    for capture in RECORDING:
        capture.needs.append(constant)
    return constant


@functools.lru_cache(maxsize=256)
def _send(cuda: Any, number: int, dtype: Any, shape: tuple[int, ...], numbers: bytes) -> Array:
    return cuda.asarray(np.frombuffer(numbers, dtype).reshape(shape))


def as_index(array: Array) -> Array:
    """Integers as NumPy takes indices and counts: on 32-bit platforms, Pyodide among them, int64 is too wide for it."""
    return array.astype(np.intp, copy=False)


def as_int64(array: Array) -> Array:
    """Indices that NumPy found, which are 32 bits wide on 32-bit platforms, as PyTorch gives them."""
    return array.astype(np.int64, copy=False)


def address_of(array: Array) -> int:
    """Where in memory the first element of `array` lies."""
    return int(array.__array_interface__["data"][0] if type(array) is np.ndarray else array.data.ptr)


def copy_array(array: Array) -> Array:
    """A copy where `array` lives."""
    if array.__class__ is np.ndarray or isinstance(array, np.generic):
        return array.copy()
    return _there(copy_one, (array,), {})


def copy_one(array: Array) -> Array:
    """A copy, on the GPU that is selected."""
    return array.copy()


def linear_algebra_that_raises(array: Array) -> contextlib.AbstractContextManager[object]:
    """A context in which CuPy raises LinAlgError for a singular matrix, as NumPy does; by itself it goes on."""
    if array_module(getattr(array, "array", array)) is np:
        return contextlib.nullcontext()
    raising: contextlib.AbstractContextManager[object] = importlib.import_module("cupyx").errstate(linalg="raise")
    return raising


def number_device(device: device) -> device:
    """`device` with its number: "cuda" alone stands for the GPU that is selected now."""
    if device.type == "cpu" or device.index is not None:
        return device
    return _cuda_device(library(device).cuda.runtime.getDevice())


def are_on_one_gpu(*arrays: Array) -> bool:
    """Whether all are arrays, of one GPU."""
    if _cuda is None or any(type(array) is not _cuda.ndarray for array in arrays):
        return False
    return not _several or len({array.device.id for array in arrays}) == 1


def gpu_array_type() -> Any:
    """The type of arrays on a GPU; there must be one."""
    return _cuda.ndarray


def is_available() -> bool:
    """Whether a GPU can be used: CuPy imports, finds a device, and one tiny kernel ran on it.

    >>> import minigrad as torch
    >>> device = "cuda" if torch.cuda.is_available() else "cpu"
    """
    global _cuda, _why_not
    if _cuda is None and _why_not is None:
        _cuda, _why_not = _probe()
        if _cuda is not None:
            _begin(_cuda)
    return _cuda is not None


def why_not() -> str | None:
    """Why no GPU can be used, in words that say what to do; None where one can.

    >>> import minigrad as torch
    >>> reason = torch.cuda.why_not()  # None where a GPU can be used
    """
    return None if is_available() else _why_not


def device_count() -> int:
    """How many GPUs can be used: 0 without CuPy, a driver or a device.

    >>> import minigrad as torch
    >>> count = torch.cuda.device_count()  # 0 without a GPU
    """
    return int(_cuda.cuda.runtime.getDeviceCount()) if is_available() else 0


@contextlib.contextmanager
def use_library(module: Any) -> Iterator[Any]:
    """Within, `module` is the library of device "cuda"; None: whatever CuPy this machine has.

    The seam for the tests: they install a strict stand-in for CuPy on machines without a GPU.
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


def _begin(cupy: Any) -> None:
    """What a GPU that was found is given: an allocator that fails in words, and the wing with kernels of our own."""
    global _several
    _explain_exhaustion(cupy)
    _several = device_count() > 1
    importlib.import_module("minigrad.gpu.served")


def _probe() -> tuple[Any, str | None]:
    """CuPy and None where a kernel runs, otherwise None and the reason."""
    install = "pip install cupy-cuda12x for CUDA 12, cupy-cuda13x for CUDA 13"
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # noqa: BLE001 (a broken CUDA installation raises what it likes)
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        return (
            None,
            f"CuPy is {'not installed' if missing else f'installed, but does not import ({error})'}: {install}.",
        )
    try:
        runtime = cupy.cuda.runtime
        driver, built_for = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if driver == 0:
            return None, "CuPy is installed, but this machine has no NVIDIA driver."
        if driver // 1000 < built_for // 1000:  # any driver of one major version serves it
            return None, (
                f"The NVIDIA driver is too old: it serves CUDA {_version(driver)}, and the CuPy "
                f"installed needs CUDA {_version(built_for)}. Update the driver, or {install}."
            )
        if runtime.getDeviceCount() == 0:
            return None, "CuPy and the NVIDIA driver are there, but no GPU (CUDA_VISIBLE_DEVICES?)."
        if int((cupy.arange(3) + 1).sum()) != 6:
            return None, "A GPU is there, but a first sum on it came out wrong."
    except Exception as error:  # noqa: BLE001 (whatever fails here is the reason)
        return None, f"CuPy cannot use a GPU here: {type(error).__name__}: {error}"
    return cupy, None


class OutOfMemoryError(RuntimeError):
    """A GPU has less memory free than an array needs: the message says how much of each."""


def _explain_exhaustion(cupy: Any) -> None:
    """Let CuPy's allocator, whichever is set, fail in words."""
    inner = cupy.cuda.get_allocator()
    if hasattr(inner, "explains"):
        return

    class ExhaustedError(OutOfMemoryError, cupy.cuda.memory.OutOfMemoryError):  # type: ignore[misc]
        def __init__(self, message: str) -> None:
            RuntimeError.__init__(self, message)

    def allocate(size: int) -> Any:
        try:
            return inner(size)
        except cupy.cuda.memory.OutOfMemoryError as error:
            if isinstance(error, OutOfMemoryError):
                raise
            free, total = cupy.cuda.runtime.memGetInfo()
            pool = cupy.get_default_memory_pool()
            message = (
                f"CUDA out of memory. Tried to allocate {_bytes(size)}. GPU {cupy.cuda.runtime.getDevice()} has "
                f"{_bytes(total)}, of which {_bytes(free)} is free; arrays of this program hold "
                f"{_bytes(pool.used_bytes())}, and {_bytes(pool.total_bytes() - pool.used_bytes())} is kept for reuse. "
                "Smaller batches, no_grad() for evaluation and .item() on losses kept save memory; cuda.empty_cache() "
                f"gives back what is kept. ({error})"
            )
        raise ExhaustedError(message)

    allocate.explains = True  # type: ignore[attr-defined]
    with contextlib.suppress(ValueError):  # within CuPy's `using_allocator` it cannot be set
        cupy.cuda.set_allocator(allocate)


def _bytes(count: int) -> str:
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    unit = ("bytes", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{count / 1024**power:.{2 if power else 0}f} {unit}"


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
