"""`select_scatter` and its relatives: a copy of x in which one view of it is replaced by `src`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.core import Tensor, wrap
from minigrad.autograd.views import steps_to
from minigrad.ops.arguments import as_int, axis, of_tensors, takes_out
from minigrad.ops.copies import cast
from minigrad.ops.diagonal import diagonal
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.overwrite import Path, overwrite
from minigrad.ops.rearranging import movedim
from minigrad.ops.split import select
from minigrad.ops.strides import as_strided

_scattered = {
    name: shown_as(overwrite, f"{name.title().replace('_', '')}Backward0")
    for name in ("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter")
}


def _replace(name: str, input: Any, src: Any, view: Callable[[Any], Any]) -> Any:
    part = view(wrap(input.array))
    if part.array.shape != src.array.shape:
        sizes = f"{list(src.array.shape)} and {list(part.array.shape)}"
        raise RuntimeError(f"{name}: expected src to have a size equal to that of the view, got {sizes}")
    *steps, (last, statics) = [(operation, options) for operation, options, _ in steps_to(part)[1]]
    reader = Path(steps, last) if steps else last
    return _scattered[name](input, cast(src, input.array.dtype), reader=reader, statics=statics)


@of_tensors
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with `src` in place of ``input.select(dim, index)``. Raises RuntimeError for another shape.

    >>> import minigrad as torch
    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    return _replace("select_scatter", input, src, lambda x: select(x, dim, index))


@takes_out
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy with `src` in place of the slice ``start:end:step`` along `dim`.

    >>> import minigrad as torch
    >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    d, steps = axis(dim, input.array.ndim), as_int(step, "step")
    if steps <= 0:
        raise RuntimeError(f"slice step must be positive, got {steps}")
    return _replace("slice_scatter", input, src, lambda x: movedim(movedim(x, d, 0)[start:end:steps], 0, d))


@of_tensors
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy with `src` on its diagonal.

    >>> import minigrad as torch
    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _replace("diagonal_scatter", input, src, lambda x: diagonal(x, offset, dim1, dim2))


@of_tensors
def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy with `src` in place of ``as_strided(input, size, stride, storage_offset)``.

    >>> import minigrad as torch
    >>> torch.as_strided_scatter(torch.zeros(2, 2), torch.ones(2), (2,), (2,))
    tensor([[1., 0.],
            [1., 0.]])
    """
    return _replace("as_strided_scatter", input, src, lambda x: as_strided(x, size, stride, storage_offset))
