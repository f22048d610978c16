"""`torch.cuda.nvtx`: names for parts of a program, which NVIDIA's profilers show beside the kernels.

    with torch.cuda.nvtx.range("forward"):
        y = model(x)

`nsys profile python train.py` then shows "forward" above the kernels that `model` launched. Without a GPU every
function raises RuntimeError with the reason.

Source: https://docs.pytorch.org/docs/stable/cuda.html#nvidia-tools-extension-nvtx
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from minigrad.cuda.devices import cupy
from minigrad.missing import explain_missing

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


class _Depth(threading.local):
    """The number of ranges that this thread has pushed; CuPy does not tell it."""

    count = 0


_depth = _Depth()


def mark(msg: str) -> None:
    """Names the present moment.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.nvtx.mark("epoch 3")
    """
    cupy().cuda.nvtx.Mark(msg)


def range_push(msg: str) -> int:
    """Begins a part named `msg`, within the one that was begun before. Returns its depth, 0 for the outermost.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     depth = torch.cuda.nvtx.range_push("backward")
    ...     depth = torch.cuda.nvtx.range_pop()
    """
    cupy().cuda.nvtx.RangePush(msg)
    _depth.count += 1
    return _depth.count - 1


def range_pop() -> int:
    """Ends the part that was begun last by `range_push`. Returns its depth, -1 if there is none.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     depth = torch.cuda.nvtx.range_push("backward")
    ...     depth = torch.cuda.nvtx.range_pop()
    """
    cupy().cuda.nvtx.RangePop()
    depth = _depth.count - 1
    _depth.count = max(depth, 0)
    return depth


def range_start(msg: str) -> int:
    """Begins a part that may overlap others, and end in another thread. Returns the number for `range_end`.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.nvtx.range_end(torch.cuda.nvtx.range_start("loading"))
    """
    return int(cupy().cuda.nvtx.RangeStart(msg, 0))


def range_end(range_id: int) -> None:
    """Ends the part that `range_start` numbered.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     torch.cuda.nvtx.range_end(torch.cuda.nvtx.range_start("loading"))
    """
    cupy().cuda.nvtx.RangeEnd(range_id)


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A context, or a decorator, whose body is named ``msg.format(*args, **kwargs)``.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     with torch.cuda.nvtx.range("layer {}", 3):
    ...         y = torch.ones(1, device="cuda") * 2
    """
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()


explain_missing("torch.cuda.nvtx", globals())
