"""`minigrad.nn.grad`: the two gradients of a convolution as functions, to compare a hand-written backward with.

They are operations of `ops/conv.py` and `ops/volumes.py`, so they are differentiable themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.kernels import Geometry
from minigrad.missing import explain_missing
from minigrad.nn.functional.conv import find_geometry
from minigrad.ops.arguments import Lengths, as_ints, require_tensors
from minigrad.ops.complaints import check_same_dtype
from minigrad.ops.conv import conv_input, conv_weight
from minigrad.ops.volumes import conv3d_input as volume_input
from minigrad.ops.volumes import conv3d_weight as volume_weight
from minigrad.size import Size
from minigrad.tensor import Tensor


def conv2d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` in its input: every element of `grad_output`, times the kernel, is added to the image.

    Shapes: weight (O, C/groups, kh, kw), grad_output (N, O, Ho, Wo), result `input_size` = (N, C, H, W).
    Raises RuntimeError where `grad_output` is not of the size that `conv2d` gives.
    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> torch.nn.grad.conv2d_input((1, 1, 2, 3), torch.tensor([[[[1.0, -1.0]]]]), torch.ones(1, 1, 2, 2))
    tensor([[[[ 1.,  0., -1.],
              [ 1.,  0., -1.]]]])
    """
    return _find_input(weight, grad_output, "conv2d_input", input_size, (stride, padding, dilation, groups))


def conv2d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` in its weight: the image, correlated with `grad_output`, summed over the batch.

    Shapes: input (N, C, H, W), grad_output (N, O, Ho, Wo), result `weight_size` = (O, C/groups, kh, kw).
    Raises RuntimeError where `grad_output` is not of the size that `conv2d` gives.
    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> torch.nn.grad.conv2d_weight(torch.arange(6.0).reshape(1, 1, 2, 3), (1, 1, 1, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[ 8., 12.]]]])
    """
    return _find_weight(input, grad_output, "conv2d_weight", weight_size, (stride, padding, dilation, groups))


def conv1d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` in its input, of size (N, C, L): see `conv2d_input`.

    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> torch.nn.grad.conv1d_input((1, 1, 3), torch.tensor([[[1.0, -1.0]]]), torch.ones(1, 1, 2))
    tensor([[[ 1.,  0., -1.]]])
    """
    return _find_input(weight, grad_output, "conv1d_input", input_size, (stride, padding, dilation, groups))


def conv1d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` in its weight, of size (O, C/groups, k): see `conv2d_weight`.

    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> torch.nn.grad.conv1d_weight(torch.arange(3.0).reshape(1, 1, 3), (1, 1, 2), torch.ones(1, 1, 2))
    tensor([[[1., 3.]]])
    """
    return _find_weight(input, grad_output, "conv1d_weight", weight_size, (stride, padding, dilation, groups))


def conv3d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` in its input, of size (N, C, D, H, W): see `conv2d_input`.

    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> torch.nn.grad.conv3d_input((1, 1, 3, 1, 1), torch.ones(1, 1, 2, 1, 1), torch.ones(1, 1, 2, 1, 1)).flatten()
    tensor([1., 2., 1.])
    """
    return _find_input(weight, grad_output, "conv3d_input", input_size, (stride, padding, dilation, groups))


def conv3d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Lengths = 1,
    padding: str | Lengths = 0, dilation: Lengths = 1, groups: int = 1
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` in its weight, of size (O, C/groups, kd, kh, kw): see `conv2d_weight`.

    Source: https://docs.pytorch.org/docs/stable/nn.functional.html

    >>> import minigrad as torch
    >>> video = torch.arange(3.0).reshape(1, 1, 3, 1, 1)
    >>> torch.nn.grad.conv3d_weight(video, (1, 1, 2, 1, 1), torch.ones(1, 1, 2, 1, 1)).flatten()
    tensor([1., 3.])
    """
    return _find_weight(input, grad_output, "conv3d_weight", weight_size, (stride, padding, dilation, groups))


def _find_input(weight: Any, grad_output: Any, name: str, input_size: Sequence[int], options: Any) -> Any:
    require_tensors(name, "weight grad_output", weight, grad_output)
    check_same_dtype(name, weight, "grad_output", grad_output)
    size = Size(input_size)
    geometry = _find_geometry(name, size, weight.shape, grad_output.shape, options)
    if len(size) > 3:
        adjoint = conv_input if len(size) == 4 else volume_input
        return adjoint(grad_output, weight, None, size=tuple(size[2:]), geometry=geometry)
    # A signal is an image of height 1: (N, O, Lo) -> (N, O, 1, Lo) -> (N, C, 1, L) -> (N, C, L)
    image = conv_input(grad_output.unsqueeze(-2), weight.unsqueeze(-2), None, size=(1, size[2]), geometry=geometry)
    return image.squeeze(-2)


def _find_weight(input: Any, grad_output: Any, name: str, weight_size: Sequence[int], options: Any) -> Any:
    require_tensors(name, "input grad_output", input, grad_output)
    check_same_dtype(name, input, "grad_output", grad_output)
    geometry = _find_geometry(name, input.shape, Size(weight_size), grad_output.shape, options)
    if input.ndim > 3:
        return (conv_weight if input.ndim == 4 else volume_weight)(input, grad_output, geometry=geometry)
    return conv_weight(input.unsqueeze(-2), grad_output.unsqueeze(-2), geometry=geometry).squeeze(-2)


def _find_geometry(name: str, image: Size, kernel: Size, result: Size, options: Any) -> Geometry:
    """The geometry of the convolution. Raises RuntimeError unless `result` has the size that it gives."""
    space = int(name[4])  # axes of the image: conv1d_input, conv2d_weight
    for what, shape in (("input", image), ("weight", kernel)):
        if len(shape) != space + 2:
            raise RuntimeError(f"{name}: expected a size of {space + 2} numbers for {what}, got {list(shape)}")
    *numbers, groups = options
    (groups,) = as_ints(name, "groups", groups, 1, 1)
    names = ("stride", "padding", "dilation")
    steps = [n for what, given in zip(names, numbers, strict=True) for n in as_ints(name, what, given, space, 0)]
    geometry = find_geometry(tuple(image), tuple(kernel), groups, *steps)
    expected = [image[0], kernel[0], *geometry.windows((1, *image[2:])[-len(geometry.kernel) :])[-space:]]
    if list(result) != expected:
        raise RuntimeError(f"{name}: expected grad_output of the convolution's size {expected}, got {list(result)}")
    return geometry


explain_missing("torch.nn.grad", globals())
