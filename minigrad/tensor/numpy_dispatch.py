"""NumPy's ufuncs and functions on tensors: called by a gradient rule with tensors, they record what they compute.

If minigrad has the function, minigrad computes it, with gradients: ``np.exp(x)``. `numpy_functions.py`, a wing, decides
which of NumPy's other functions return a tensor to a user's program, and which an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, is_array, wrap
from minigrad.backend import SILENT, WARNINGS
from minigrad.ops.elementwise import NUMPY_TWINS

_BOTH_WAYS = frozenset({np.equal, np.not_equal, np.true_divide})  # allowed between an array and a tensor


def find_twin(function: Any) -> Any:
    """Our function for one of NumPy's; None where there is none."""
    if function not in NUMPY_TWINS:
        import minigrad.tensor.numpy_functions  # noqa: F401 (there the wings' functions are known)
    return NUMPY_TWINS.get(function)


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """Calls NumPy's ``function(*args, **kwargs)`` with tensors among the arguments."""
    if WARNINGS.get() is SILENT:  # called by a gradient rule
        twin = find_twin(function)
        if twin is not None:
            return twin(*args, **kwargs)
    from minigrad.tensor.numpy_functions import call_for_user

    return call_for_user(function, args, kwargs)


def as_arrays(x: Any) -> Any:
    """Replaces tensors by NumPy arrays, at any depth. Raises RuntimeError for a tensor that requires grad."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(as_arrays, x))
    if isinstance(x, dict):
        return {key: as_arrays(value) for key, value in x.items()}
    return x.numpy() if isinstance(x, TensorBase) else x  # type: ignore[attr-defined]


def as_tensors(x: Any) -> Any:
    """Replaces NumPy arrays by tensors, at any depth of tuples; unsigned integers of more than 8 bits become int64."""
    if isinstance(x, tuple):
        return tuple(map(as_tensors, x))
    if isinstance(x, (np.ndarray, np.generic)):
        return wrap(np.asarray(x, np.int64 if x.dtype.kind == "u" and x.dtype.itemsize > 1 else None))
    return wrap(x) if is_array(x) else x


def _need_twin(inputs: Any) -> bool:
    """Whether our function replaces NumPy's, whose results may have another dtype: for a call by a gradient rule, if a
    gradient is wanted, on a GPU, or if a NumPy number is on the left, as in ``np.float64(2) * x``.
    """
    if WARNINGS.get() is SILENT or isinstance(inputs[0], (bool, int, float, np.generic)):
        return True
    return any(x.node is not None or type(x.array) is not np.ndarray for x in inputs if isinstance(x, TensorBase))


def call_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """Calls the ufunc's method, such as "__call__" or "reduce", with tensors among the operands.

    Raises TypeError for an array on the left and a tensor on the right, as PyTorch does, except for division and
    comparisons for equality. NumPy's scalars count as numbers.
    """
    inputs = tuple([x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs])
    if isinstance(inputs[0], np.ndarray) and ufunc not in _BOTH_WAYS and len(inputs) > 1:
        hint = "put the tensor first, or turn the array into one with minigrad.from_numpy(...)"
        raise TypeError(f"unsupported operand type(s) for {ufunc.__name__}: 'numpy.ndarray' and 'Tensor'; {hint}")
    twin = find_twin(ufunc)
    if method == "__call__" and not kwargs and twin is not None and _need_twin(inputs):
        if not getattr(twin, "takes_numbers", True):  # in PyTorch both are tensors; NumPy's functions accept numbers
            inputs = tuple([wrap(np.asarray(x)) if isinstance(x, (bool, int, float)) else x for x in inputs])
        return twin(*inputs)
    result = getattr(ufunc, method)(*as_arrays(inputs), **as_arrays(kwargs))
    return result if "out" in kwargs or method == "outer" else as_tensors(result)
