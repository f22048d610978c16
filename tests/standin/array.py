"""`cupy.ndarray`: a NumPy array that allows only what CuPy allows, and behaves as CuPy's.

The class defines what differs from NumPy. The other methods and the operators are added by operators.py.
"""

import contextlib
import functools

import numpy as np

from tests.standin import devices
from tests.standin.journal import MODULES, crossings

METHODS = MODULES["cupy"]["classes"]["ndarray"]["methods"]
SCALARS = (bool, int, float, complex, np.generic)
NO_IMPLICIT_CONVERSION = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)


def unsupported(value):
    return TypeError(f"Unsupported type {type(value)}")


def check_device(array):
    if array._device != devices.current.device:
        raise ValueError(
            f"The device where the array resides ({array._device}) is different from the current "
            f"device ({devices.current.device}). Peer access is unavailable between these devices."
        )


def unwrap(value, used, *, devices=True):
    """The NumPy array behind `value`, through lists and tuples; NumPy's own arrays are refused."""
    if isinstance(value, ndarray):
        if devices:
            check_device(value)
        used.append(value)
        return value._host
    if isinstance(value, np.ndarray):
        raise unsupported(value)
    if type(value) in (list, tuple):
        return type(value)(unwrap(item, used, devices=devices) for item in value)
    return value


def wrap(value, used=()):
    """NumPy's result as CuPy's: an array where NumPy gives a scalar, a view where it is one."""
    if isinstance(value, np.ndarray):
        for array in used:
            if value is array._host:
                return array
        for array in used:
            root = array if array.base is None else array.base
            if np.may_share_memory(value, root._host) if value.size else value.base is not None:
                with contextlib.suppress(ValueError):  # of memory that is read-only itself
                    value.flags.writeable = True  # CuPy writes through a broadcast view too
                return ndarray._of(value, root)
        return ndarray._of(value if value.flags.writeable else value.copy())
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return ndarray._of(np.asarray(value))
    if isinstance(value, (tuple, list)):
        items = (wrap(item, used) for item in value)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


class Flags:
    """CuPy's flags: no `writeable`."""

    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata, self.fnc, self.forc = flags.owndata, flags.fnc, flags.forc

    def __getitem__(self, name):
        return getattr(self, name.lower())


class ndarray:
    """See `tests/standin/__init__.py`."""

    __module__ = "cupy"
    __slots__ = ("__weakref__", "_device", "_host", "_memory", "base")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is None:
            self._set(np.empty(shape, dtype, order), None)
            return
        whole = memptr.owner._host.ravel(order="K")
        self._set(np.ndarray(shape, dtype, whole, memptr.offset, strides), memptr.owner)

    @classmethod
    def _of(cls, host, base=None):
        self = object.__new__(cls)
        self._set(host, base)
        return self

    def _set(self, host, base):
        if isinstance(base, ndarray):
            self._memory, self._device = base._memory, base._device
        else:
            if host.dtype.kind not in "biufc":
                raise ValueError(f"Unsupported dtype {host.dtype}")
            self._memory, self._device = devices.allocate(host.nbytes), devices.current.device
            if devices.recording() is not None:  # its pool keeps the memory for the replays
                devices.recording().append(functools.partial(id, host))
        self._host, self.base = host, base

    # ---- what NumPy must not get by itself ----

    def __array__(self, dtype=None, copy=None):
        raise TypeError(NO_IMPLICIT_CONVERSION)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from tests.standin.modules import cupy, special

        out = kwargs.get("out", ())
        if len(out) > 1:
            raise ValueError("The 'out' parameter must have exactly one array value")
        if out:
            kwargs["out"] = out[0]
        try:
            function = getattr(cupy, ufunc.__name__, None) or getattr(special, ufunc.__name__)
            function = function if method == "__call__" else getattr(function, method)
        except AttributeError:
            return NotImplemented
        if not all(isinstance(x, (*SCALARS, ndarray, np.ndarray)) for x in (*inputs, *out)):
            return NotImplemented
        if ufunc.__name__.startswith(("greater", "less", "equal", "not_equal")):
            is_host_scalar = [isinstance(x, np.ndarray) and x.ndim == 0 for x in inputs]
            inputs = [x.item() if s else x for x, s in zip(inputs, is_host_scalar, strict=True)]
        return function(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        from tests.standin.modules import cupy

        try:
            module = functools.reduce(getattr, function.__module__.split(".")[1:], cupy)
            mine = getattr(module, function.__name__)
        except AttributeError:
            return NotImplemented
        if not all(issubclass(t, (ndarray, np.ndarray)) for t in types):
            return NotImplemented
        return mine(*args, **kwargs)

    # ---- attributes ----

    dtype = property(lambda self: self._host.dtype)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: Flags(self._host.flags))
    device = property(lambda self: devices.Device(self._device))
    T = property(lambda self: wrap(self._host.T, [self]))
    real = property(lambda self: wrap(self._host.real, [self]))
    imag = property(lambda self: wrap(self._host.imag, [self]))

    @property
    def shape(self):
        return self._host.shape

    @shape.setter
    def shape(self, new):
        self._host = self._host.reshape(new)

    @property
    def data(self):
        root = self if self.base is None else self.base
        offset = self._host.ctypes.data - root._host.ctypes.data
        return devices.MemoryPointer(self._memory, offset, root)

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self._host.ctypes.data, False),
            "strides": None if self._host.flags.c_contiguous else self.strides,
            "version": 3,
        }

    # ---- to the host, each noted ----

    def _cross(self, how):
        crossings.append(f"to host: {how}")
        return self._host

    def get(self, stream=None, order="C", out=None, blocking=True):
        host = self._cross("get")
        if out is None:
            return host.copy(order)
        out[...] = host
        return out

    def item(self):
        return self._cross("item").item()

    def tolist(self):
        return self._cross("tolist").tolist()

    def tobytes(self, order="C"):
        return self._cross("tobytes").tobytes(order)

    def __bool__(self):
        if self.size > 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self._cross("bool"))

    def __int__(self):
        return int(self._cross("int"))

    def __float__(self):
        return float(self._cross("float"))

    def __complex__(self):
        return complex(self._cross("complex"))

    def __repr__(self):
        return repr(self._cross("repr"))

    def __str__(self):
        return str(self._cross("str"))

    def __format__(self, form):
        return format(self._cross("format"), form)

    def __reduce__(self):
        return _from_host, (self.get(),)

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray) or (arr.dtype, arr.shape) != (self.dtype, self.shape):
            raise TypeError("Only numpy.ndarray of the same shape and dtype can be set")
        crossings.append("to device: set")
        self._host[...] = arr

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        return self._host.__dlpack__()

    def __dlpack_device__(self):
        return 2, self._device

    # ---- copies and views ----

    def copy(self, order="C"):
        return ndarray._of(self._host.copy(order))  # on the current device, as CuPy does

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        with devices.Device(self._device):
            return self.copy()

    def fill(self, value):
        if isinstance(value, ndarray):
            if value.shape:
                raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
            value = value._host
        elif np.shape(value) != ():
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host.fill(value)

    def sort(self, axis=-1, kind=None):
        check_device(self)
        self._host.sort(axis, sort_kind(kind))

    # ---- indexing ----

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self._host)

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, slices):
        key, advanced = self._key(slices)
        if advanced:
            check_device(self)
            return ndarray._of(np.array(self._host[key]))
        try:
            return wrap(self._host[key], [self])
        except IndexError as error:
            raise IndexError(str(error).replace("index", "Index", 1)) from None  # as CuPy writes it

    def __setitem__(self, slices, value):
        key, advanced = self._key(slices)
        check_device(self)
        if isinstance(value, ndarray):
            check_device(value)
            value = value._host
            while value.ndim > self._host[key].ndim and value.shape[0] == 1:
                value = value[0]
        elif isinstance(value, np.ndarray) and advanced:
            raise unsupported(value)
        elif np.shape(value) != () and not advanced:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host[key] = value

    def _key(self, slices):
        """NumPy's index for CuPy's, and whether it takes a copy."""
        key = list(slices) if isinstance(slices, tuple) else [slices]
        for k, entry in enumerate(key):
            if isinstance(entry, np.ndarray):
                raise unsupported(entry)
            if isinstance(entry, (list, tuple, bool, np.bool_)):
                crossings.append("to device: index")
                entry = np.asarray(entry)
                key[k] = entry.astype(np.int32) if entry.size == 0 else entry
            elif isinstance(entry, ndarray):
                check_device(entry)
                key[k] = entry._host
                if entry.dtype.kind not in "biu":
                    raise IndexError(
                        f"arrays used as indices must be of integer or boolean type. (actual: {entry.dtype.type})"
                    )
        advanced = any(isinstance(entry, np.ndarray) for entry in key)
        return wrap_around(key, self.shape), advanced


def wrap_around(key, shape):
    """The key with its index arrays modulo the length of their axis: out of bounds they wrap around, as on the GPU."""
    key = list(key) if any(entry is Ellipsis for entry in key) else [*key, Ellipsis]
    used = [0 if entry is None else entry.ndim if is_mask(entry) else 1 for entry in key]  # axes of the array
    axis = 0
    for k, entry in enumerate(key):
        if entry is Ellipsis:
            axis = len(shape) - sum(used[k + 1 :])
            continue
        if isinstance(entry, np.ndarray) and not is_mask(entry) and axis < len(shape):
            key[k] = entry % max(shape[axis], 1)
        axis += used[k]
    return tuple(key)


def _from_host(host):
    from tests.standin.modules import cupy

    return cupy.array(host)


def is_mask(entry):
    return isinstance(entry, np.ndarray) and entry.dtype == np.bool_


def sort_kind(kind):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    return "stable"
