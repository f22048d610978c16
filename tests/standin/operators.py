"""The rest of `cupy.ndarray`: the methods that NumPy computes, called as CuPy lets them be called, and the operators.

`complete` gives them to the class.
"""

import numpy as np

from tests.standin.array import METHODS, check_device, ndarray, sort_kind, unwrap, wrap
from tests.standin.journal import check_call

ON_ANY_GPU = {"reshape", "transpose", "swapaxes", "squeeze", "view", "ravel", "diagonal"}  # no kernel is launched
BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "lshift": "left_shift",
    "rshift": "right_shift", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "divmod": "divmod", "matmul": "matmul",
}  # fmt: skip
COMPARISONS = {
    "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def complete(cls):
    """Gives the class every method and operator of CuPy's array that it does not define itself."""
    for name in METHODS:
        if hasattr(np.ndarray, name) and not name.startswith("_") and not hasattr(cls, name):
            setattr(cls, name, make_method(name))
    for name, ufunc in BINARY.items():
        forward, reflected, in_place = make_operators(ufunc)
        setattr(cls, f"__{name}__", forward)
        setattr(cls, f"__r{name}__", reflected)
        if name not in ("divmod", "matmul"):  # CuPy has no `@=` of its own
            setattr(cls, f"__i{name}__", in_place)
    for name, ufunc in COMPARISONS.items():
        setattr(cls, f"__{name}__", make_comparison(ufunc))
    for name, ufunc in UNARY.items():
        setattr(cls, f"__{name}__", make_unary(ufunc))


def lay_last(host, axis):
    """The numbers in another memory order, in which NumPy adds along `axis` by halves, as a GPU's threads do."""
    gone = range(host.ndim) if axis is None else [i % host.ndim for i in np.atleast_1d(axis)]
    order = [i for i in range(host.ndim) if i not in gone] + list(gone)
    return host.transpose(order).copy().transpose(np.argsort(order))


def make_method(name):
    def method(self, *args, **kwargs):
        check_call("cupy.ndarray", name, METHODS[name], (self, *args), kwargs)
        used = [self]
        if name not in ON_ANY_GPU:
            check_device(self)
        args, kwargs = unwrap(args, used), {k: unwrap(v, used) for k, v in kwargs.items()}
        if "kind" in kwargs or name == "argsort":
            kwargs["kind"] = sort_kind(kwargs.get("kind"))
        if name == "astype":  # CuPy's None is NumPy's default
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
        if name == "take":
            kwargs["mode"] = "wrap"
        with np.errstate(all="ignore"):
            if name in ("sum", "prod"):
                return wrap(accumulate(name, self._host, args, kwargs), used)
            return wrap(getattr(self._host, name)(*args, **kwargs), used)

    method.__name__ = name
    return method


def accumulate(name, host, args, kwargs):
    """NumPy's sum or product as CuPy computes it: of halves in single precision, and a sum by halves of its axis."""
    wanted = kwargs.get("dtype", args[1] if len(args) > 1 else None)
    in_single = host.dtype == np.float16 and wanted is None
    if in_single:
        host = host.astype(np.float32)
    found = getattr(host, name)(*args, **kwargs)
    if name == "sum" and host.dtype.kind == "f" and found.ndim:
        found[...] = lay_last(host, kwargs.get("axis", args[0] if args else None)).sum(*args, **kwargs)
    return found.astype(np.float16) if in_single else found


def make_operators(ufunc):
    """`x + y`, `y + x` where y is no array of CuPy's, and `x += y`."""

    def forward(self, other):
        if isinstance(other, ndarray):
            return find_ufunc(ufunc)(self, other)
        return NotImplemented if defers(other) else getattr(np, ufunc)(self, other)

    def reflected(self, other):
        return find_ufunc(ufunc)(other, self)

    def in_place(self, other):
        return find_ufunc(ufunc)(self, other, self)

    return forward, reflected, in_place


def make_comparison(ufunc):
    def compare(self, other):
        if other is None or type(other) is object:
            return wrap(np.full(self.shape, ufunc == "not_equal"))
        if isinstance(other, ndarray):
            return find_ufunc(ufunc)(self, other)
        return NotImplemented if defers(other) else getattr(np, ufunc)(self, other)

    return compare


def make_unary(ufunc):
    return lambda self: find_ufunc(ufunc)(self)


def defers(other):
    """Whether CuPy leaves the operation to `other`."""
    protocol = getattr(other, "__array_ufunc__", ndarray)
    if protocol is ndarray:
        return getattr(other, "__array_priority__", 0) > ndarray.__array_priority__
    return protocol is None


def find_ufunc(name):
    from tests.standin.modules import cupy

    return getattr(cupy, name)
