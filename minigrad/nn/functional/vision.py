"""`unfold` and `fold`: the windows of an image as columns (im2col), and columns summed back into an image."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.autograd.failed_calls import names_options
from minigrad.kernels import Geometry
from minigrad.nn.functional.images import OF_UNFOLD, check_images
from minigrad.ops.arguments import Lengths, as_ints, require_floats, require_tensors
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.lengths import is_sequence
from minigrad.ops.pool import fold_windows, unfold_windows
from minigrad.tensor import Tensor


def _lay_windows(name: str, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Geometry:
    """The geometry of the windows, after checks."""
    if input.array.dtype.kind != "b":
        require_floats(name, input)
    return Geometry(
        _read_pair(name, "kernel_size", kernel_size, 1), _read_pair(name, "stride", stride, 1),
        _read_pair(name, "padding", padding, 0), _read_pair(name, "dilation", dilation, 1),
    )  # fmt: skip


def _read_pair(name: str, part: str, given: Any, least: int) -> Any:
    """`given` as two ints. Raises RuntimeError for a list of one, which layers take but these functions do not."""
    if is_sequence(given) and len(given) == 1:
        raise RuntimeError(f"{name}: It is expected {part} equals to 2, but got size 1; write {part}={given[0]!r}")
    return as_ints(name, part, given, 2, least)


@names_options
def unfold(
    input: Tensor, kernel_size: Lengths, dilation: Lengths = 1, padding: Lengths = 0, stride: Lengths = 1
) -> Tensor:
    """All windows as columns (im2col): (N, C, H, W) -> (N, C*kh*kw, windows); without N likewise.

    Convolution is then one matrix product: ``weight.view(O, -1) @ unfold(x)``.
    Raises RuntimeError for shapes that do not fit.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html

    >>> import minigrad as torch
    >>> torch.nn.functional.unfold(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    require_tensors("unfold", "input", input)
    geometry = _lay_windows("unfold", input, kernel_size, stride, padding, dilation)
    batched = check_images("unfold", 2, input, empty=False, words=OF_UNFOLD)
    counts = geometry.windows(input.array.shape[-2:])
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.array.shape[-2:])}, kernel_size={geometry.kernel}, "
            f"dilation={geometry.dilation}, padding={geometry.padding}, calculated shape of the array of sliding "
            f"blocks as {counts}, but its components must be at least one (unfold)."
        )
    columns: Tensor = unfold_windows(input if batched else input.unsqueeze(0), geometry=geometry)
    return columns if batched else name_last_call(columns.squeeze(0), "Im2ColBackward0")


@names_options
def fold(
    input: Tensor, output_size: Lengths, kernel_size: Lengths, dilation: Lengths = 1, padding: Lengths = 0,
    stride: Lengths = 1,
) -> Tensor:  # fmt: skip
    """The adjoint of `unfold`: adds columns at the positions of their windows.

    Shapes: (N, C*kh*kw, windows) -> (N, C, H, W); without N likewise.
    Raises RuntimeError for shapes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.fold(torch.ones(2, 2), (1, 3), (1, 2))
    tensor([[[1., 2., 1.]]])
    """
    require_tensors("fold", "input", input)
    shape, size = list(input.array.shape), _read_pair("fold", "output_size", output_size, 1)
    geometry = _lay_windows("fold", input, kernel_size, stride, padding, dilation)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input: fold takes (C*kh*kw, windows) or (N, C*kh*kw, windows), but got: {shape}"
        )
    if shape[-2] % prod(geometry.kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1, of (N, C*kh*kw, windows), to be divisible by the product of "
            f"kernel_size, but got input.size={shape} and kernel_size={geometry.kernel} (fold)."
        )
    counts = geometry.windows(size)
    if min(counts) < 1 or prod(counts) != shape[-1]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={geometry.kernel}, dilation={geometry.dilation}, "
            f"padding={geometry.padding}, stride={geometry.stride}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {counts[0]} * {counts[1]} = {prod(counts)}, but got {shape[-1]} "
            "(fold)."
        )
    image: Tensor = fold_windows(input if len(shape) == 3 else input.unsqueeze(0), size=size, geometry=geometry)
    return image if len(shape) == 3 else image.squeeze(0)
