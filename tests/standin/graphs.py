"""Capturing: while a stream captures, launches are recorded and not computed; they can be replayed.

Each of CuPy's functions and methods, called in a capture, is called for the shapes of its results; what it wrote is
taken back, and its results are spoilt, as on a GPU, where nobody has computed them yet. A replay calls all of them
again on the same arrays, and puts new results where the old ones lie. What CuPy or CUDA refuse in a capture is
refused: what crosses over to the host or needs to know a value, and CuPy's calls of cuBLAS.
"""

import functools
import types

import numpy as np

from tests.standin import devices, journal
from tests.standin.array import METHODS, ndarray

CAPTURING = "the current stream is capturing, so synchronous API calls are disallowed"
NEEDS_VALUES = {
    "nonzero", "flatnonzero", "argwhere", "unique", "unique_all", "unique_values", "unique_counts", "unique_inverse",
    "bincount", "extract", "compress", "histogram", "isin", "intersect1d", "union1d", "setdiff1d", "trim_zeros",
}  # fmt: skip
BY_CUBLAS = {"matmul", "dot", "vdot", "inner", "tensordot"}
CROSS = {"get", "item", "tolist", "set", "tobytes", "dump", "dumps", "tofile"}
IN_PLACE = ("__setitem__", "fill", "sort", "put", "partition")


class Graph:
    """What a stream recorded."""

    __module__ = "cupy.cuda"

    def __init__(self, steps):
        self.graph, self.graphExec, self._steps = id(self), id(self) + 1, steps

    def launch(self, stream=None):
        journal.launches.append("graph")
        for step in self._steps:
            step()

    def upload(self, stream=None):
        pass

    def debug_dot_str(self, flags=0):
        return "digraph dot {\n" + "".join(f'"{i}"\n' for i in range(len(self._steps))) + "}"


def refuse(name, args):
    """What CuPy or CUDA do not let into a capture."""
    if name in NEEDS_VALUES or (name == "__getitem__" and any(map(_is_mask, _keys(args[1])))):
        raise RuntimeError(CAPTURING)
    several = sum(isinstance(x, ndarray) for x in args) > 1
    if name in BY_CUBLAS or (name == "einsum" and several) or name.startswith("linalg."):
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")


def _keys(key):
    return key if isinstance(key, tuple) else (key,)


def _is_mask(key):
    return isinstance(key, (ndarray, np.ndarray)) and key.dtype == bool


def captured(function, name):
    """`function`, written down while the current stream captures."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        recording = devices.recording()
        if recording is None or devices.current.inside:
            return function(*args, **kwargs)
        refuse(name, args)
        operands = list(_arrays_in((args, kwargs)))
        before = [array._host.copy() for array in operands]
        devices.current.inside = True
        try:
            result = function(*args, **kwargs)
        finally:
            devices.current.inside = False
            for array, values in zip(operands, before, strict=True):
                if array._host.flags.writeable:
                    array._host[...] = values
        fresh = [x for x in _arrays_in(result) if not any(np.may_share_memory(x._host, y._host) for y in operands)]
        if fresh or result is None or name in IN_PLACE or any(x is y for x in _arrays_in(result) for y in operands):
            recording.append(functools.partial(_again, function, args, kwargs, fresh))
        for array in fresh:
            _spoil(array._host)
        return result

    return call


def _again(function, args, kwargs, kept):
    devices.current.inside = True
    try:
        result = function(*args, **kwargs)
    finally:
        devices.current.inside = False
    if kept:
        for array, new in zip(kept, [x for x in _arrays_in(result) if x._host is not None], strict=True):
            array._host[...] = new._host


def _arrays_in(value):
    if isinstance(value, ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays_in(item)
    elif isinstance(value, dict):
        yield from _arrays_in(list(value.values()))


def _spoil(host):
    if host.flags.writeable and host.size:
        host.fill({"f": np.nan, "c": np.nan, "b": True}.get(host.dtype.kind, 99))


def launch(function, *args):
    """A kernel: written down where the current stream captures, else called."""
    recording = devices.recording()
    if recording is None:
        function(*args)
    else:
        recording.append(functools.partial(function, *args))


def teach(cupy, cupyx, special):
    """Let all that computes be captured."""
    methods = {name for name in METHODS if not name.startswith("_")}  # operators call what is captured itself
    for name in methods.union({"__setitem__", "__getitem__", "copy", "fill", "sort"}) - CROSS:
        if name in vars(ndarray) and callable(vars(ndarray)[name]):
            setattr(ndarray, name, captured(vars(ndarray)[name], name))
    cupy.ufunc.at = captured(cupy.ufunc.at, "at")
    compute = cupy.ufunc.__call__
    cupy.ufunc.__call__ = lambda self, *args, **kwargs: captured(compute, self.__name__)(self, *args, **kwargs)
    for module, prefix in ((cupy, ""), (cupy.linalg, "linalg."), (cupyx, ""), (special, "")):
        for name, value in list(vars(module).items()):
            if isinstance(value, types.FunctionType):
                setattr(module, name, captured(value, prefix + name))
