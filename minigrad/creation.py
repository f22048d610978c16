"""Making tensors: from Python's numbers, from other libraries' arrays, filled, and drawn at random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from minigrad import backend, dtypes, random
from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.autograd.operation import operation
from minigrad.ops.axes import sizes
from minigrad.ops.elementwise import not_a_tensor
from minigrad.size import Size
from minigrad.tensor import Tensor


def _library(device: Any) -> tuple[Any, backend.device]:
    where = backend.default_device() if device is None else backend.device(device)
    return backend.library(where), where


def _made(array: Any, device: Any, dtype: Any, requires_grad: bool) -> Tensor:
    """`array` on `device` (or the default one) as a new tensor."""
    if dtype is not None:
        array = array.astype(dtypes.as_numpy(dtype), copy=False)
    where = backend.default_device() if device is None else backend.device(device)
    if where.type != "cpu" or type(array) is not np.ndarray:
        array = backend.to_device(array, where)
    made: Tensor = wrap(array)
    if requires_grad:
        made.requires_grad_()
    return made


# ---- from data ------------------------------------------------------------------------------------
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, NumPy arrays or tensors.

    Python floats become float32 (see ``set_default_dtype``), ints int64; arrays keep their dtype.
    Raises ValueError for ragged lists, TypeError for anything that holds no numbers.

    >>> import minigrad as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, TensorBase):
        array = backend.copied(data.array)
        device = data.device if device is None else device  # type: ignore[attr-defined]
    elif is_array(data) or hasattr(data, "__array__"):
        array = data.copy() if is_array(data) else np.array(data)
        dtypes.from_numpy(array.dtype)
    else:
        array = _array_of(data, as_default=dtype is None)
    return _made(array, device, dtype, requires_grad)


def _array_of(data: Any, as_default: bool = True) -> Any:
    """The NumPy array of Python data, with PyTorch's types, or floats as exact as they came."""
    plain = _without_tensors(data)
    try:
        array = np.array(plain)
    except ValueError:
        raise ValueError(
            f"expected sequences of equal length: the nested lists are ragged ({_where_ragged(plain)})"
        ) from None
    if array.dtype.kind not in "fiub":
        if array.size or array.dtype.kind in "OUS":
            bad = next((x for x in np.ravel(np.array(plain, dtype=object)) if not isinstance(x, (int, float))), plain)
            if isinstance(bad, str):
                raise TypeError(f"new(): invalid data type 'str': a tensor holds numbers, got {bad!r}")
            if isinstance(bad, int):
                raise RuntimeError("Overflow when unpacking long long: an integer does not fit into int64")
            raise RuntimeError(f"Could not infer dtype of {type(bad).__name__}: a tensor holds numbers, got {bad!r}")
        return array.astype(dtypes.get_default_dtype().numpy)
    if as_default and array.dtype == np.float64 and not isinstance(plain, np.generic):
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype == np.uint64:
        raise RuntimeError("Overflow when unpacking long long: an integer does not fit into int64")
    return array


def _without_tensors(data: Any) -> Any:
    """`data` with tensors replaced by their numbers, at any depth of lists."""
    if isinstance(data, (list, tuple)):
        return [_without_tensors(x) for x in data]
    return data.array.tolist() if isinstance(data, TensorBase) else data


def _where_ragged(data: Any) -> str:
    lengths = {len(x) if isinstance(x, Sequence) else None for x in data}
    return f"lengths {sorted(lengths, key=str)}" if len(lengths) > 1 else "deeper levels differ in length"


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: without a copy when it is an array or a tensor of that dtype and device."""
    if isinstance(data, Tensor):
        made = data if dtype is None else data.astype(dtypes.as_numpy(dtype))
        return made if device is None else made.to(device)
    if not is_array(data):
        return tensor(data, dtype=dtype, device=device)
    dtypes.from_numpy(data.dtype)
    return _made(data, device, dtype, False)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array. Raises TypeError for anything else."""
    if type(array) is not np.ndarray:
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); for other data use minigrad.tensor")
    dtypes.from_numpy(array.dtype)
    return wrap(array)


asarray = as_tensor


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's array, by the DLPack protocol."""
    if not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack needs an object with __dlpack__, got {type(ext_tensor).__name__}")
    kind, _ = ext_tensor.__dlpack_device__()
    xp = np if kind in (1, 3) else backend.library(backend.device("cuda"))
    array = xp.from_dlpack(ext_tensor)
    dtypes.from_numpy(array.dtype)
    return wrap(array)


def legacy(data: tuple[Any, ...], dtype: Any, device: Any) -> Tensor:
    """PyTorch's old constructors: ``Tensor(2, 3)`` is a size, ``Tensor([2, 3])`` are numbers."""
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        return as_tensor(data[0], dtype or dtypes.get_default_dtype(), device)
    size = data[0] if data and isinstance(data[0], Size) else data or (0,)
    return empty(size, dtype=dtype, device=device)


def _typed(name: str, dtype: Any) -> Any:
    def made(*data: Any, device: Any = None) -> Tensor:
        return legacy(data, dtype, device)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"A tensor of {dtype.name}: ``{name}([1, 2])`` holds these numbers, ``{name}(2, 3)`` is not filled."
    return made


FloatTensor, DoubleTensor = _typed("FloatTensor", dtypes.float32), _typed("DoubleTensor", dtypes.float64)
CharTensor = _typed("CharTensor", dtypes.int8)
HalfTensor, BoolTensor = _typed("HalfTensor", dtypes.float16), _typed("BoolTensor", dtypes.bool_)
LongTensor, IntTensor = _typed("LongTensor", dtypes.int64), _typed("IntTensor", dtypes.int32)
ShortTensor, ByteTensor = _typed("ShortTensor", dtypes.int16), _typed("ByteTensor", dtypes.uint8)


# ---- filled ---------------------------------------------------------------------------------------
def _filling(name: str, fill: str, text: str) -> Any:
    """``zeros``, ``ones`` or ``empty``: a size as ints or as one tuple, then keywords."""

    def made(
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
        pin_memory: bool = False,
        layout: Any = None,
        out: Any = None,
        **named: Any,
    ) -> Tensor:
        size = size or (named["size"],) if "size" in named else size
        if not size:
            raise TypeError(f"{name}() needs a size, such as {name}(2, 3) or {name}((2, 3))")
        shape = _shape(name, size)
        xp, where = _library(device)
        with backend.on(where):
            tensor: Tensor = wrap(getattr(xp, fill)(shape, _dtype(dtype)))
        return tensor.requires_grad_() if requires_grad else tensor

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"""A tensor of {text}: ``{name}(2, 3)`` or ``{name}((2, 3))``.

    Raises RuntimeError for negative sizes, TypeError for sizes that are no ints.

    >>> import minigrad as torch
    >>> torch.{name}(2, 3).shape
    minigrad.Size([2, 3])
    """
    return made


zeros = _filling("zeros", "zeros", "zeros")
ones = _filling("ones", "ones", "ones")
empty = _filling("empty", "empty", "whatever the memory holds")


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """A tensor of `size` filled with one number, of that number's type unless `dtype` is given."""
    value = fill_value.array.item() if isinstance(fill_value, TensorBase) else fill_value
    xp, where = _library(device)
    numpy_dtype = dtypes.result_type([value]) if dtype is None else dtypes.as_numpy(dtype)
    with backend.on(where):
        tensor: Tensor = wrap(
            xp.full(_shape("full", (size,)), np.asarray(value).astype(numpy_dtype).item(), numpy_dtype)
        )
    return tensor.requires_grad_() if requires_grad else tensor


def _like(make: Any) -> Any:
    """The form of `make` that takes shape, dtype and device from another tensor."""
    name = f"{make.__name__}_like"

    def made(
        input: Tensor,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
        layout: Any = None,
        pin_memory: bool = False,
        **options: Any,
    ) -> Tensor:
        if not isinstance(input, TensorBase):
            raise not_a_tensor(name, "input", 1, input)
        given: dict[str, Any] = {
            "dtype": input.dtype if dtype is None else dtype,
            "device": input.device if device is None else device,
            "requires_grad": requires_grad,
            **options,
        }
        if make is randint:
            return make(*args, size=input.shape, **given)
        return make(input.shape, *args, **given)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"`{make.__name__}` with the shape, dtype and device of `input`, where not given."
    return made


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """``start, start + step, ...`` up to but without `end`; one argument counts from 0.

    Raises RuntimeError for a step of 0 or in the wrong direction.

    >>> import minigrad as torch
    >>> torch.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = [x.array.item() if isinstance(x, TensorBase) else x for x in (start, end, step)]
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not all(math.isfinite(x) for x in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    floating = any(isinstance(x, float) for x in (start, end, step))
    numpy_dtype = dtypes.as_numpy(dtype) if dtype is not None else _dtype(None) if floating else np.dtype(np.int64)
    if numpy_dtype == np.int64:
        start, end, step = int(start), int(end), int(step) or 1
    length = max(math.ceil((end - start) / step), 0)
    if numpy_dtype.kind in "iu":
        start, step = int(start), int(step)
    if numpy_dtype == np.float32 and (start % 1 or step % 1):
        return _made(_counted_by_eights(length, start, step), device, None, requires_grad)
    return _made((start + np.arange(length) * step).astype(numpy_dtype), device, None, requires_grad)


def _counted_by_eights(length: int, start: float, step: float) -> Any:
    """PyTorch's rounding: every eighth number is rounded to float32, the next seven count from it; not in the rest."""
    exact = (start + np.arange(length, dtype=np.longdouble) * step).astype(np.float64)
    whole = length - length % 16
    eights = exact[:whole:8].astype(np.float32)[:, None] + np.arange(8) * np.float64(step)  # (blocks, 8)
    return np.concatenate([eights.ravel(), exact[whole:]]).astype(np.float32)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, evenly spaced."""
    ranks = [x.array.ndim if isinstance(x, TensorBase) else 0 for x in (start, end)]
    if any(ranks):
        raise RuntimeError(
            "linspace only supports 0-dimensional start and end tensors, but got start with "
            f"{ranks[0]} dimension(s) and end with {ranks[1]} dimension(s)."
        )
    start, end = [x.array.item() if isinstance(x, TensorBase) else x for x in (start, end)]
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    numpy_dtype = _dtype(dtype)
    if numpy_dtype.kind in "iu":
        start, end = int(start), int(end)
    return _made(np.linspace(start, end, steps).astype(numpy_dtype), device, None, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """The identity matrix with n rows and m columns."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n must be greater or equal to 0, got n={n}, m={m}")
    return _made(np.eye(n, m, dtype=_dtype(dtype)), device, None, requires_grad)


# ---- random: PyTorch's own numbers for the same manual_seed ---------------------------------------
def _drawing(name: str, method: str, text: str) -> Any:
    """``rand`` or ``randn``: a size as ints or as one tuple, then keywords."""

    def made(
        *sizes: Any,
        size: Any = None,
        generator: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
        out: Any = None,
    ) -> Tensor:
        sizes = sizes if size is None else (size,)
        source = random.source_of(generator)
        numpy_dtype = _dtype(dtype)
        if not sizes:
            raise TypeError(f"{name}() needs a size: {name}(2, 3), or {name}(()) for a single number")
        drawn = getattr(source, method)(_shape(name, sizes), numpy_dtype)
        return _made(drawn, device, None, requires_grad)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"""{text}: ``{name}(2, 3)`` or ``{name}((2, 3))``.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.{name}(2).shape
    minigrad.Size([2])
    """
    return made


rand = _drawing("rand", "uniform", "Uniform numbers in [0, 1)")
randn = _drawing("randn", "normal", "Numbers of the standard normal distribution")


def randint(
    *bounds: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """Integers from `low` to below `high`: ``randint(high, size)`` or ``randint(low, high, size)``."""
    bounds += tuple([bound for bound in (low, high) if bound is not None])
    if size is None and bounds:
        *bounds, size = bounds  # type: ignore[assignment]
    if isinstance(size, int) or not 1 <= len(bounds) <= 2:
        raise TypeError("randint() takes randint(high, size) or randint(low, high, size), size a tuple")
    lowest, beyond = (0, *bounds) if len(bounds) == 1 else bounds
    if index(lowest) < -(2**63) or index(beyond) >= 2**63:
        raise ValueError(f"randint(): bounds must fit into int64, got {lowest} and {beyond}")
    source = random.source_of(generator)
    numpy_dtype = np.dtype(np.int64) if dtype is None else dtypes.as_numpy(dtype)
    drawn = source.randint(lowest, beyond, _shape("randint", (size,)), numpy_dtype)
    return _made(drawn, device, None, requires_grad)


def randperm(
    n: int, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The integers 0 to n-1 in random order."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    source = random.source_of(generator)
    numpy_dtype = np.dtype(np.int64) if dtype is None else dtypes.as_numpy(dtype)
    return _made(source.permutation(n, numpy_dtype), device, None, requires_grad)


# What was drawn does not move with what it was drawn from: as in PyTorch, the gradient is zero.
_unmoved = operation("normal", lambda *given, drawn: drawn, lambda g: g * 0)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Any = None,
) -> Tensor:
    """Normal numbers of the given mean and standard deviation: numbers with a `size`, or tensors."""
    if size is None:
        tensors = [x.array for x in (mean, std) if isinstance(x, TensorBase)]
        if not tensors:
            raise TypeError("normal() of two numbers needs a size: normal(0.0, 1.0, (2, 3))")
        source = random.source_of(generator)
        try:
            shape = np.broadcast_shapes(*[x.shape for x in tensors])
        except ValueError:
            raise RuntimeError(
                f"normal(): shapes of mean and std do not broadcast: {[x.shape for x in tensors]}"
            ) from None
        # A spread given as a number is part of the draw; as a tensor, it scales what was drawn.
        spread = 1.0 if isinstance(std, TensorBase) else std
        values = source.normal(shape, tensors[0].dtype, 0.0, spread)
        if isinstance(std, TensorBase):
            scale = backend.to_device(std.array, backend.CPU)
            if (scale < 0).any():
                raise RuntimeError("normal expects all elements of std >= 0.0")
            values = values * scale.astype(values.dtype)
        shift = backend.to_device(mean.array, backend.CPU) if isinstance(mean, TensorBase) else mean
        drawn = _made((values + shift).astype(values.dtype), device, dtype, requires_grad)
        given = [x for x in (mean, std) if isinstance(x, TensorBase) and x.node is not None]
        return _unmoved(*given, drawn=drawn.array) if given else drawn
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    source = random.source_of(generator)
    drawn = source.normal(_shape("normal", (size,)), _dtype(dtype), mean, std)
    return _made(drawn, device, None, requires_grad)


zeros_like, ones_like, empty_like, full_like = _like(zeros), _like(ones), _like(empty), _like(full)
rand_like, randn_like, randint_like = _like(rand), _like(randn), _like(randint)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinate grids of one-axis tensors: views, with gradients."""
    given = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    shape = [x.array.size for x in given]
    grids = [
        x.reshape([-1 if i == axis else 1 for i in range(len(given))]).expand(shape) for axis, x in enumerate(given)
    ]
    if indexing == "xy" and len(given) > 1:
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


def _dtype(dtype: Any) -> Any:
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.as_numpy(dtype)


def _shape(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes(name, size)
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape
