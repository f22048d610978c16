"""`cupy.ufunc`: its recorded loops choose the types, NumPy computes."""

import numpy as np

from tests.standin.array import SCALARS, check_device, ndarray, unsupported, unwrap, wrap
from tests.standin.journal import asked

CAN_SCATTER = {
    "add": "ilefdIL", "subtract": "iI", "maximum": "ilfdIL", "minimum": "ilfdIL",
    "bitwise_and": "ilIL", "bitwise_or": "ilIL", "bitwise_xor": "ilIL",
}  # fmt: skip


class ufunc:
    """One of CuPy's ufuncs: its loops (recorded) choose the types, NumPy computes."""

    __module__ = "cupy"

    def __init__(self, module, name, loops, function):
        self._module, self._function = module, function
        self.__name__, self.name = name, f"cupy_{name}"
        self.types = loops.split()
        self._loops = [tuple(loop.split("->")) for loop in self.types]
        self.nin, self.nout = len(self._loops[0][0]), len(self._loops[0][1])
        self.nargs = self.nin + self.nout

    def __repr__(self):
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", _where=None, **kwargs):
        asked.add((self._module, self.__name__, ()))
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(
                f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or "
                f"{self.nargs} (with outputs), but given {len(args)}."
            )
        inputs, outs = args[: self.nin], args[self.nin :] or out
        outs = outs if isinstance(outs, tuple) else (outs,) * (outs is not None)
        for value in (*inputs, *outs):
            if isinstance(value, ndarray):
                check_device(value)
            elif not isinstance(value, SCALARS):
                raise unsupported(value)
        in_types, out_types = self._choose(inputs, dtype)
        hosts = [
            np.asarray(x._host if isinstance(x, ndarray) else x).astype(t, copy=False)
            for x, t in zip(inputs, in_types, strict=True)
        ]
        with np.errstate(all="ignore"):
            results = self._function(*hosts)
        results = results if isinstance(results, tuple) else (results,)
        results = tuple(np.asarray(r).astype(t) for r, t in zip(results, out_types, strict=True))
        for target, result in zip(outs, results, strict=False):
            if not np.can_cast(result.dtype, target.dtype, casting):
                raise TypeError(
                    f"output (typecode '{result.dtype.char}') could not be coerced to provided "
                    f"output parameter (typecode '{target.dtype.char}') according to the casting "
                    f'rule "{casting}"'
                )
            if np.broadcast_shapes(result.shape, target.shape) != target.shape:
                raise ValueError("non-broadcastable output operand")
            target._host[...] = result
        results = outs or tuple(wrap(result) for result in results)
        return results[0] if self.nout == 1 else results

    def _choose(self, inputs, dtype):
        """The first loop that the operands can be cast to safely; a Python number is weak."""
        if dtype is not None:
            char = np.dtype(dtype).char
            for loop in self._loops:
                if set(loop[1]) == {char}:
                    return loop
            raise TypeError(f"No matching signature of {self.name} for dtype {dtype}")
        kinds = [type(x) if type(x) in (bool, int, float, complex) else None for x in inputs]
        kinds = [None if kind is bool else kind for kind in kinds]
        strong = [_dtype(x) for x, kind in zip(inputs, kinds, strict=True) if kind is None]
        rank = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
        highest = max((rank[np.dtype(t).kind] for t in strong), default=-1)
        weak = strong and highest >= max((rank[np.dtype(k).kind] for k in kinds if k), default=-1)
        for loop in self._loops:
            for x, kind, char in zip(inputs, kinds, loop[0], strict=True):
                if np.can_cast(_dtype(x), char):
                    continue
                if not (weak and kind and np.result_type(kind(0), np.dtype(char)) == char):
                    break
            else:
                return loop
        raise TypeError(f"Wrong type ({tuple(_dtype(x) for x in inputs)}) of arguments for {self.name}")

    def outer(self, A, B, **kwargs):
        from tests.standin.modules import cupy

        A, B = cupy.array(A), cupy.array(B)
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape))

    def at(self, a, indices, b=None):
        asked.add((self._module, f"{self.__name__}.at", ()))
        if self.__name__ not in CAN_SCATTER:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        if a.dtype.char not in CAN_SCATTER[self.__name__]:
            raise TypeError(f"cupy.{self.__name__}.at does not support {a.dtype}")
        check_device(a)
        key, _ = a._key(indices)
        self._function.at(a._host, key, unwrap(b, []))

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        return self._as_method({"add": "sum", "multiply": "prod"}, "reduce")(array, axis, dtype, out, keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        return self._as_method({"add": "cumsum", "multiply": "cumprod"}, "accumulate")(array, axis, dtype, out)

    def _as_method(self, methods, name):
        if self.__name__ not in methods:
            raise NotImplementedError(f"`{self.name}.{name}` is not supported yet")
        return getattr(ndarray, methods[self.__name__])


def _dtype(value):
    return np.dtype(type(value)) if type(value) in (bool, int, float, complex) else value.dtype
