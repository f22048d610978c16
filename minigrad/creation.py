"""Making tensors: from Python's numbers, from other libraries' arrays, filled, and drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import backend, dtypes, random
from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.autograd.operation import operation
from minigrad.ops.axes import sizes, whole
from minigrad.ops.elementwise import as_number, not_a_tensor, several, titled
from minigrad.ops.out import written
from minigrad.size import Size
from minigrad.tensor import Tensor


def _placed(array: Any, device: Any, requires_grad: bool) -> Tensor:
    """A tensor around `array`, moved to `device` (or the default one)."""
    where = backend.default_device() if device is None else backend.device(device)
    if where.type != "cpu" or type(array) is not np.ndarray:
        array = backend.to_device(array, where)
    made: Tensor = wrap(array)
    return made.requires_grad_() if requires_grad else made


def creates(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(*arguments, xp, dtype)`, which makes an array, as one that makes a tensor.

    Here stand the keywords that PyTorch's creating functions share. `xp` is the array library of
    the device; the array may also be NumPy's, and is then moved. `dtype` is NumPy's, or None.
    """
    name = function.__name__

    def call(
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        out: Any = None,
        layout: Any = None,
        pin_memory: bool = False,
        memory_format: Any = None,
        **options: Any,
    ) -> Tensor:
        if out is not None and dtype is None:
            dtype, device = out.dtype, out.device
        where = backend.default_device() if device is None else backend.device(device)
        options.update(xp=backend.library(where), dtype=None if dtype is None else dtypes.as_numpy(dtype))
        with backend.on(where):
            made = _placed(function(*args, **options), where, requires_grad)
        return made if out is None else written(name, out, made, ())

    return titled(call, name, function.__doc__)


def _real(dtype: Any) -> Any:
    """`dtype`, or the default one where none is given."""
    return dtypes.get_default_dtype().numpy if dtype is None else dtype


def _shape(name: str, size: tuple[Any, ...], by_name: Any = None) -> tuple[int, ...]:
    """The lengths that ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))`` ask for."""
    size = size if by_name is None else (by_name,)
    if not size:
        raise TypeError(f"{name}() needs a size: {name}(2, 3), {name}((2, 3)), or {name}(()) for a single number")
    shape = sizes(name, size)
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


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
    if dtype is not None:
        array = array.astype(dtypes.as_numpy(dtype), copy=False)
    return _placed(array, device, requires_grad)


def _array_of(data: Any, as_default: bool) -> Any:
    """The NumPy array of Python data, with PyTorch's types, or floats as exact as they came."""
    plain = _without_tensors(data)
    try:
        array = np.array(plain)
    except ValueError:
        lengths = {len(x) if isinstance(x, Sequence) else None for x in plain}
        where = f"lengths {sorted(lengths, key=str)}" if len(lengths) > 1 else "deeper levels differ in length"
        raise ValueError(f"expected sequences of equal length: the nested lists are ragged ({where})") from None
    if array.dtype.kind == "f" and as_default:
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype.kind in "fib":
        return array
    bad = [x for x in np.ravel(np.array(plain, dtype=object)) if not isinstance(x, (int, float))]
    if not bad:
        raise ValueError("Overflow when unpacking long long: an integer does not fit into int64")
    error = TypeError if isinstance(bad[0], (str, bytes)) else RuntimeError
    raise error(f"Could not infer dtype of {type(bad[0]).__name__}: a tensor holds numbers, got {bad[0]!r}")


def _without_tensors(data: Any) -> Any:
    """`data` with tensors replaced by their numbers, at any depth of lists."""
    if isinstance(data, (list, tuple)):
        return [_without_tensors(x) for x in data]
    return data.array.tolist() if isinstance(data, TensorBase) else data


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: without a copy when it is an array or a tensor of that dtype and device.

    >>> import minigrad as torch
    >>> torch.as_tensor([1, 2])
    tensor([1, 2])
    """
    if isinstance(data, Tensor):
        made = data if dtype is None else data.astype(dtypes.as_numpy(dtype))
        return made if device is None else made.to(device)
    if not is_array(data):
        return tensor(data, dtype=dtype, device=device)
    dtypes.from_numpy(data.dtype)
    return _placed(data if dtype is None else data.astype(dtypes.as_numpy(dtype), copy=False), device, False)


asarray = as_tensor


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array. Raises TypeError for anything else.

    >>> import minigrad as torch
    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> x = torch.from_numpy(array)
    >>> array[0] = 5
    >>> x
    tensor([5., 0.], dtype=minigrad.float64)
    """
    if type(array) is not np.ndarray:
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); for other data use minigrad.tensor")
    dtypes.from_numpy(array.dtype)
    return wrap(array)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's array, by the DLPack protocol.

    >>> import minigrad as torch
    >>> import numpy as np
    >>> torch.from_dlpack(np.arange(3.0, dtype=np.float32))
    tensor([0., 1., 2.])
    """
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

    return titled(made, name, f"A tensor of {dtype.name}: ``{name}([1])`` holds this, ``{name}(2, 3)`` is not filled.")


FloatTensor, DoubleTensor = _typed("FloatTensor", dtypes.float32), _typed("DoubleTensor", dtypes.float64)
LongTensor, IntTensor = _typed("LongTensor", dtypes.int64), _typed("IntTensor", dtypes.int32)
BoolTensor, ByteTensor = _typed("BoolTensor", dtypes.bool_), _typed("ByteTensor", dtypes.uint8)
HalfTensor, ShortTensor = _typed("HalfTensor", dtypes.float16), _typed("ShortTensor", dtypes.int16)


# ---- filled, and counted --------------------------------------------------------------------------
@creates
def zeros(*shape: Any, size: Any = None, xp: Any, dtype: Any) -> Any:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    Raises RuntimeError for negative sizes, TypeError for sizes that are no ints.

    >>> import minigrad as torch
    >>> torch.zeros(2, 3).shape
    minigrad.Size([2, 3])
    """
    return xp.zeros(_shape("zeros", shape, size), _real(dtype))


@creates
def ones(*shape: Any, size: Any = None, xp: Any, dtype: Any) -> Any:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``.

    >>> import minigrad as torch
    >>> torch.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return xp.ones(_shape("ones", shape, size), _real(dtype))


@creates
def empty(*shape: Any, size: Any = None, xp: Any, dtype: Any) -> Any:
    """A tensor of whatever the memory holds: ``empty(2, 3)`` or ``empty((2, 3))``.

    >>> import minigrad as torch
    >>> torch.empty(2, 3).shape
    minigrad.Size([2, 3])
    """
    return xp.empty(_shape("empty", shape, size), _real(dtype))


@creates
def full(size: Any, fill_value: Any, *, xp: Any, dtype: Any) -> Any:
    """A tensor of `size` filled with one number, of that number's type unless `dtype` is given.

    >>> import minigrad as torch
    >>> torch.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = as_number("full", "fill_value", fill_value)
    dtype = dtypes.result_type([value]) if dtype is None else dtype
    return xp.full(_shape("full", (size,)), np.asarray(value).astype(dtype).item(), dtype)


@creates
def arange(start: Any, end: Any = None, step: Any = 1, *, xp: Any, dtype: Any) -> Any:
    """``start, start + step, ...`` up to but without `end`; one argument counts from 0.

    Raises RuntimeError for a step of 0 or in the wrong direction.

    >>> import minigrad as torch
    >>> torch.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    given = {"end": start} if end is None else {"start": start, "end": end}
    start, end, step = [as_number("arange", *x) for x in {"start": 0, **given, "step": step}.items()]
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = _real(None) if any(isinstance(x, float) for x in (start, end, step)) else np.dtype(np.int64)
    if dtype == np.int64:
        if not int(step):
            raise ValueError(f"step must be nonzero: {step} is 0 as an integer")
        start, end, step = int(start), int(end), int(step)
    length = max(math.ceil((end - start) / step), 0)
    if dtype.kind in "iu":
        start, step = int(start), int(step)
    if dtype in (np.float32, np.float64) and (start % 1 or step % 1):
        return _counted_by_lanes(length, start, step, dtype)
    return (start + np.arange(length) * step).astype(dtype)


def _counted_by_lanes(length: int, start: float, step: float, dtype: np.dtype[Any]) -> Any:
    """PyTorch's rounding: the first of 8 float32 (4 float64) is rounded, the others count from it; not in the rest."""
    lanes, wide = (8, np.float64) if dtype == np.float32 else (4, np.longdouble)
    exact = (start + np.arange(length, dtype=np.longdouble) * step).astype(np.float64)
    whole = length - length % (2 * lanes)
    blocks = exact[:whole:lanes].astype(dtype)[:, None] + np.arange(lanes) * wide(step)  # (blocks, lanes)
    return np.concatenate([blocks.ravel(), exact[whole:]]).astype(dtype)


@creates
def linspace(start: Any, end: Any, steps: int, *, xp: Any, dtype: Any) -> Any:
    """`steps` numbers from `start` to `end`, both included, evenly spaced.

    >>> import minigrad as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    ranks = [x.array.ndim if isinstance(x, TensorBase) else 0 for x in (start, end)]
    if any(ranks):
        told = f"start with {ranks[0]} dimension(s) and end with {ranks[1]} dimension(s)"
        raise RuntimeError(f"linspace only supports 0-dimensional start and end tensors, but got {told}")
    steps = whole(steps, "steps")
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    start, end = as_number("linspace", "start", start), as_number("linspace", "end", end)
    dtype = _real(dtype)
    if dtype.kind in "iu":
        start, end = int(start), int(end)
    # As PyTorch rounds: one step of this dtype, counted up from `start` and, in the second half, down from `end`, each
    # product and sum rounded once.
    number: Any = dtype.type if dtype.kind == "f" else np.float64
    wide = np.longdouble if number is np.float64 else np.float64
    step = wide((number(end) - number(start)) / number(max(steps - 1, 1)))
    i = np.arange(steps)
    up, down = wide(number(start)) + step * i, wide(number(end)) - step * (steps - 1 - i)
    return np.where(i < max(steps // 2, 1), up, down).astype(number).astype(dtype)


@creates
def eye(n: int, m: int | None = None, *, xp: Any, dtype: Any) -> Any:
    """The identity matrix with n rows and m columns.

    >>> import minigrad as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if whole(n, "n") < 0 or (m is not None and whole(m, "m") < 0):
        raise RuntimeError(f"n must be greater or equal to 0, got n={n}, m={m}")
    return xp.eye(n, m, dtype=_real(dtype))


# ---- random: PyTorch's own numbers for the same manual_seed ---------------------------------------
@creates
def rand(*shape: Any, size: Any = None, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """Uniform numbers in [0, 1): ``rand(2, 3)`` or ``rand((2, 3))``.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return random.source_of(generator).uniform(_shape("rand", shape, size), _real(dtype))


@creates
def randn(*shape: Any, size: Any = None, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """Numbers of the standard normal distribution: ``randn(2, 3)`` or ``randn((2, 3))``.

    >>> import minigrad as torch
    >>> torch.randn(2, 3).shape
    minigrad.Size([2, 3])
    """
    return random.source_of(generator).normal(_shape("randn", shape, size), _real(dtype))


@creates
def randint(
    *bounds: Any, low: Any = None, high: Any = None, size: Any = None, generator: Any = None, xp: Any, dtype: Any
) -> Any:
    """Integers from `low` to below `high`: ``randint(high, size)`` or ``randint(low, high, size)``.

    >>> import minigrad as torch
    >>> torch.randint(0, 10, (2, 3)).shape
    minigrad.Size([2, 3])
    """
    bounds += tuple([bound for bound in (low, high) if bound is not None])
    if size is None and bounds:
        *bounds, size = bounds  # type: ignore[assignment]
    if isinstance(size, int) or not 1 <= len(bounds) <= 2:
        raise TypeError("randint() takes randint(high, size) or randint(low, high, size), size a tuple")
    lowest, beyond = (0, *bounds) if len(bounds) == 1 else bounds
    if whole(lowest, "low") < -(2**63) or whole(beyond, "high") >= 2**63:
        raise ValueError(f"randint(): bounds must fit into int64, got {lowest} and {beyond}")
    shape = _shape("randint", (size,))
    return random.source_of(generator).randint(lowest, beyond, shape, np.dtype(np.int64) if dtype is None else dtype)


@creates
def randperm(n: int, *, generator: Any = None, xp: Any, dtype: Any) -> Any:
    """The integers 0 to n-1 in random order.

    >>> import minigrad as torch
    >>> torch.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    if whole(n, "n") < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    return random.source_of(generator).permutation(n, np.dtype(np.int64) if dtype is None else dtype)


@creates
def _normal(mean: Any, std: Any, size: Any, generator: Any, *, xp: Any, dtype: Any) -> Any:
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return random.source_of(generator).normal(_shape("normal", (size,)), _real(dtype), mean, std)


# What was drawn does not move with what it was drawn from: as in PyTorch, the gradient is zero.
_unmoved = operation("normal", lambda *given, drawn: drawn, lambda g: g * 0)


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, **options: Any) -> Tensor:
    """Normal numbers of the given mean and standard deviation: numbers with a `size`, or tensors.

    >>> import minigrad as torch
    >>> torch.normal(0.0, 1.0, (2, 3)).shape
    minigrad.Size([2, 3])
    """
    given = [x for x in (mean, std) if isinstance(x, TensorBase)]
    if size is not None:
        mean, std = as_number("normal", "mean", mean), as_number("normal", "std", std)
        return _normal(mean, std, size, generator, **options)
    if not given:
        raise TypeError("normal() of two numbers needs a size: normal(0.0, 1.0, (2, 3))")
    shapes = [x.array.shape for x in given]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(f"normal(): shapes of mean and std do not broadcast: {shapes}") from None
    shift, scale = [backend.to_device(getattr(x, "array", x), backend.CPU) for x in (mean, std)]
    if np.less(scale, 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    # A spread given as a number is part of the draw; as a tensor, it scales what was drawn.
    dtype, whole = given[0].array.dtype, np.ndim(scale) or isinstance(std, TensorBase)
    values = random.source_of(generator).normal(shape, dtype, 0.0, 1.0 if whole else scale)
    if whole:
        values = values * scale.astype(dtype)
    drawn = as_tensor((values + shift).astype(dtype), options.get("dtype"), options.get("device"))
    needed = [x for x in given if x.node is not None]
    return _unmoved(*needed, drawn=drawn.array) if needed else drawn


# ---- after the model of another tensor, and on a grid ---------------------------------------------
def _like(make: Any) -> Any:
    """The form of `make` that takes shape, dtype and device from another tensor."""

    def made(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        if not isinstance(input, TensorBase):
            raise not_a_tensor(made.__name__, "input", 1, input)
        options["dtype"] = input.dtype if dtype is None else dtype
        options["device"] = input.device if device is None else device
        if make is randint:
            return make(*args, size=input.shape, **options)
        return make(input.shape, *args, **options)

    text = f"`{make.__name__}` with the shape, dtype and device of `input`, where not given."
    return titled(made, f"{make.__name__}_like", text)


zeros_like, ones_like, empty_like, full_like = _like(zeros), _like(ones), _like(empty), _like(full)
rand_like, randn_like, randint_like = _like(rand), _like(randn), _like(randint)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinate grids of one-axis tensors: views, with gradients.

    >>> import minigrad as torch
    >>> torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0]
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    given = several("meshgrid", tensors)
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if len({x.array.dtype for x in given}) > 1:
        raise RuntimeError(f"meshgrid expects tensors of one dtype, got {[str(x.dtype) for x in given]}")
    for x in given:
        if x.array.ndim > 1:
            raise RuntimeError(f"meshgrid expects scalars or tensors of one axis, got shape {tuple(x.array.shape)}")
    shape = [x.array.size for x in given]
    grids = [x.reshape([-1 if j == i else 1 for j in range(len(given))]).expand(shape) for i, x in enumerate(given)]
    return tuple([g.transpose(0, 1) for g in grids] if indexing == "xy" and len(given) > 1 else grids)
