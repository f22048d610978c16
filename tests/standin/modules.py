"""The modules `cupy`, `cupy.linalg`, `cupyx`, ...: recorded names over NumPy's functions."""

import functools
import types

import numpy as np

import tests.standin.draws  # noqa: F401 (as those below)
from tests.standin import convolution, devices, pooling, rows  # noqa: F401 (the kernels' twins make themselves known)
from tests.standin.array import SCALARS, ndarray, sort_kind, unsupported, unwrap, wrap
from tests.standin.journal import MODULES, asked, check_call, crossings
from tests.standin.kernels import RawKernel
from tests.standin.ufuncs import ufunc

# ---- functions -----------------------------------------------------------------------------


def _function(module, name, text, compute):
    """`compute`, NumPy's function, behind CuPy's signature and CuPy's refusals."""

    def function(*args, **kwargs):
        check_call(module, name, text, args, kwargs)
        if args and text.startswith(("a,", "x,", "m,", "arr,", "ary,", "a=", "x=", "array,")):
            _needs_array(args[0])
        used: list = []
        launches = name not in VIEWS and name not in OF_ADDRESSES
        args = unwrap(args, used, devices=launches)
        kwargs = {k: unwrap(v, used, devices=launches) for k, v in kwargs.items()}
        if name in ("sort", "argsort"):
            kwargs["kind"] = sort_kind(kwargs.get("kind"))
        with np.errstate(all="ignore"):
            result = compute(*args, **kwargs)
        return result if name in HOST_RESULTS else wrap(result, used)

    function.__name__ = name
    function.__module__ = module
    return function


# Views, which CuPy makes of an array on any GPU: no kernel is launched.
VIEWS = {"as_strided", "broadcast_to"}
OF_ADDRESSES = {"may_share_memory"}  # compared on the host, on whatever GPU the arrays are
HOST_RESULTS = {
    "broadcast_shapes", "can_cast", "common_type", "iscomplexobj", "isrealobj", "isscalar",
    "issubdtype", "may_share_memory", "min_scalar_type", "ndim", "promote_types", "result_type",
    "shape", "shares_memory", "size",
}  # fmt: skip


def _needs_array(value):
    if not isinstance(value, ndarray):
        raise unsupported(value)


def _from_anything(numpy_function, copies):
    """`cupy.array` and its kin: the one way in for NumPy arrays and lists."""

    def function(a, dtype=None, copy=None, order="K", *, blocking=False, ndmin=0):
        asked.add(("cupy", numpy_function.__name__, ()))
        used: list = []
        if isinstance(a, (ndarray, list, tuple)):
            if not isinstance(a, ndarray) or a._device == devices.current.device:
                host = unwrap(a, used)
            else:
                host, copy = unwrap(a, used, devices=False), True
        else:
            host = a
        if not used:
            crossings.append(f"to device: {numpy_function.__name__}")
            if order in ("K", "A"):
                order = "F" if isinstance(host, np.ndarray) and host.flags.fnc else "C"
        copy = True if (copies and copy is None) or not used else copy
        result = np.array(host, dtype, copy=copy or None, order=order, ndmin=ndmin)
        return ndarray._of(result) if copy else wrap(result, used)

    return function


def _array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    return _from_anything(np.array, copies=bool(copy))(obj, dtype, copy or None, order, blocking=blocking, ndmin=ndmin)


def _ascontiguousarray(a, dtype=None):
    result = _asarray(a, dtype)
    return result if result.flags.c_contiguous else result.copy()


def _asfortranarray(a, dtype=None):
    result = _asarray(a, dtype)
    return result if result.flags.f_contiguous else result.copy("F")


def _asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return _from_anything(np.asarray, copies=False)(a, dtype, copy, order or "K")


def _asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(stream, order, out) if isinstance(a, ndarray) else np.asarray(a)


def _where(condition, x=None, y=None):
    asked.add(("cupy", "where", ()))
    if not isinstance(condition, np.generic):  # a NumPy number has `astype`, which is all that CuPy asks for
        _needs_array(condition)
    if x is None and y is None:
        return condition.nonzero()
    for value in (x, y):
        if not isinstance(value, (ndarray, *SCALARS)):
            raise unsupported(value)
    return _where_ufunc(condition.astype(bool, copy=False), x, y)


_loops = " ".join(f"?{c}{c}->{c}" for c in "?bBhHiIlLqQefdFD")
_where_ufunc = ufunc("cupy", "where", _loops, np.where)


def _concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    asked.add(("cupy", "concatenate", ()))
    used: list = []
    for part in tup:
        if not isinstance(part, ndarray):
            raise TypeError("Only cupy arrays can be concatenated")
    hosts = unwrap(list(tup), used)
    if out is None:
        return ndarray._of(np.concatenate(hosts, axis, dtype=dtype, casting=casting))
    np.concatenate(hosts, axis, out._host, casting=casting)
    return out


def _stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    asked.add(("cupy", "stack", ()))
    for part in tup:
        if not isinstance(part, ndarray):
            raise TypeError("Only cupy arrays can be stacked")
    return _concatenate([_functions["expand_dims"](a, axis) for a in tup], axis, out, dtype=dtype)


def _take(a, indices, axis=None, out=None):
    asked.add(("cupy", "take", ()))
    _needs_array(a)
    return a.take(indices, axis, out)


def _repeat(a, repeats, axis=None):
    asked.add(("cupy", "repeat", ()))
    _needs_array(a)
    if not isinstance(repeats, (int, list, tuple)):
        raise ValueError("'repeats' should be int or sequence of int")
    return wrap(np.repeat(a._host, repeats, axis), [a])


def _along_axis(numpy_function):
    def function(arr, indices, *rest):
        asked.add(("cupy", numpy_function.__name__, ()))
        _needs_array(arr)
        _needs_array(indices)
        axis = rest[-1]
        length = arr.size if axis is None else arr.shape[axis]
        wrapped = indices._host % max(length, 1)
        values = [unwrap(value, []) for value in rest]
        return wrap(numpy_function(arr._host, wrapped, *values))

    return lambda arr, indices, *rest, **named: function(arr, indices, *rest, *named.values())


def _get_array_module(*args):
    return cupy if any(isinstance(a, ndarray) for a in args) else np


def _from_dlpack(array, *, device=None, copy=None):
    if isinstance(array, ndarray):
        return array.view()
    raise BufferError("the stand-in cannot read another library's device memory")


class errstate:
    """`cupyx.errstate`: what linear algebra does about a singular matrix."""

    linalg = "ignore"

    def __init__(self, *, divide=None, over=None, under=None, invalid=None, linalg=None, fallback_mode=None):
        self.wanted = linalg or errstate.linalg

    def __enter__(self):
        self.before, errstate.linalg = errstate.linalg, self.wanted

    def __exit__(self, *exception):
        errstate.linalg = self.before


def _silent(numpy_function):
    """CuPy's linear algebra does not look whether it went well, unless told to."""

    @functools.wraps(numpy_function)
    def function(*operands):
        try:
            return numpy_function(*operands)
        except np.linalg.LinAlgError:
            if errstate.linalg == "raise":
                raise
            return np.full_like(operands[-1], np.nan)

    return function


LINALG = types.SimpleNamespace(
    **{name: getattr(np.linalg, name) for name in dir(np.linalg) if not name.startswith("_")}
    | {name: _silent(getattr(np.linalg, name)) for name in ("inv", "solve", "cholesky")}
)


def _scatter_add(a, slices, value):
    cupy.add.at(a, slices, value)


SPECIAL = {
    "array": _array,
    "asarray": _asarray,
    "asanyarray": _asarray,
    "ascontiguousarray": _ascontiguousarray,
    "asfortranarray": _asfortranarray,
    "asnumpy": _asnumpy,
    "where": _where,
    "concatenate": _concatenate,
    "stack": _stack,
    "take": _take,
    "repeat": _repeat,
    "take_along_axis": _along_axis(np.take_along_axis),
    "get_array_module": _get_array_module,
    "from_dlpack": _from_dlpack,
    "get_default_memory_pool": lambda: devices.memory_pool,
    "is_available": lambda: devices.cuda.is_available(),
}


# ---- modules -------------------------------------------------------------------------------


class Module(types.ModuleType):
    """Has what CuPy has: what CuPy lacks is an AttributeError, what we lack says so."""

    def __getattr__(self, name):
        entry = MODULES.get(self.__name__, {"functions": {}, "classes": {}, "others": []})
        if any(name in names for names in entry.values()):
            raise NotImplementedError(f"{self.__name__}.{name}: CuPy has it, the stand-in not yet")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _build(name, source, **extra):
    entry, module = MODULES[name], Module(name)
    for other in entry["others"]:
        if hasattr(source, other) and not isinstance(getattr(source, other), types.ModuleType):
            setattr(module, other, getattr(source, other))
    for function, text in entry["functions"].items():
        if hasattr(source, function) and text is not None:
            compute = getattr(source, function)
            setattr(module, function, _function(name, function, text, compute))
    for function, loops in entry["ufuncs"].items():
        if hasattr(source, function):
            setattr(module, function, ufunc(name, function, loops, getattr(source, function)))
    for function, value in extra.items():
        setattr(module, function, value)
    return module


def _special_module():
    from scipy import special

    return _build("cupyx.scipy.special", special)


_functions = vars(_build("cupy", np))
special = _special_module()
cupy = _build(
    "cupy",
    np,
    **SPECIAL,
    ndarray=ndarray,
    ufunc=ufunc,
    RawKernel=RawKernel,
    cuda=devices.cuda,
    linalg=_build("cupy.linalg", LINALG),
    lib=Module("cupy.lib"),
    exceptions=_build("cupy.exceptions", np.exceptions),
    __version__="standin",
)
cupy.lib.stride_tricks = _build("cupy.lib.stride_tricks", np.lib.stride_tricks)
cupyx = _build("cupyx", Module("empty"), scatter_add=_scatter_add, errstate=errstate)
cupyx.scipy = Module("cupyx.scipy")
cupyx.scipy.special = special
