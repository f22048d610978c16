"""NumPy's ufuncs and functions on tensors: called by a gradient rule with tensors, they record what they compute.

If minigrad has the function, minigrad computes it, with gradients: ``np.exp(x)``. `numpy_functions.py`, a wing, decides
which of NumPy's other functions return a tensor to a user's program, and which an array.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minigrad.backend import SILENT, WARNINGS
from minigrad.ops.elementwise import NUMPY_TWINS


@cache
def _open_functions() -> Any:
    """The file of what NumPy's callers expect; kept, as an import statement in each call would take longer."""
    from minigrad.tensor import numpy_functions

    return numpy_functions


def find_twin(function: Any) -> Any:
    """Our function for one of NumPy's; None where there is none."""
    if function not in NUMPY_TWINS:
        _open_functions()  # there the wings' functions are known
    return NUMPY_TWINS.get(function)


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """Calls NumPy's ``function(*args, **kwargs)`` with tensors among the arguments."""
    if WARNINGS.get() is SILENT:  # called by a gradient rule
        twin = find_twin(function)
        if twin is not None:
            return twin(*args, **kwargs)
    return _open_functions().call_for_user(function, args, kwargs)


def call_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """Calls the ufunc's method, such as "__call__" or "reduce", with tensors among the operands."""
    by_rule = WARNINGS.get() is SILENT and method == "__call__" and not kwargs
    if by_rule and not any(isinstance(x, np.ndarray) for x in inputs):  # of tensors and numbers alone
        twin = find_twin(ufunc)
        if twin is not None and getattr(twin, "takes_numbers", True):
            return twin(*inputs)
    return _open_functions().call_ufunc_for_user(ufunc, method, inputs, kwargs)
