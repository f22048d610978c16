"""Results to which no gradient flows, because they change in steps: counts, orders, picks. No call is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy import ndarray

from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.messages import IN_STEPS
from minigrad.backend import quiet


def compute(function: Callable[..., Any], input: Any, /, *others: Any) -> Any:
    """``function(array of input, *others)`` as a tensor, or a tuple of them. No gradient flows there.

    For what counts, orders or picks; like a forward, it runs with NumPy's warnings off and on the GPU of `input`.

    >>> import minigrad as torch, numpy as np
    >>> from minigrad.autograd.computing import compute
    >>> compute(np.argsort, torch.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    arrays = (input.array, *others)
    if input.array.__class__ is not ndarray:
        check_same_library(function.__name__.strip("_"), arrays)
    try:
        made = quiet(function, *arrays)
    except TypeError:  # where one of the others is on a GPU
        check_same_library(function.__name__.strip("_"), arrays)
        raise
    made = tuple([wrap(part) for part in made]) if isinstance(made, tuple) else wrap(made)
    if input.node is not None:
        for tensor in made if isinstance(made, tuple) else (made,):
            tensor.cause = IN_STEPS
    return made
