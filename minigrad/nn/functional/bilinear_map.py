"""`bilinear`: ``x1 @ A @ x2 + b``, linear in each of two inputs."""

from __future__ import annotations

from minigrad.autograd.failed_calls import names_options
from minigrad.nn.functional.parts import check_parts
from minigrad.ops.arguments import require_tensors
from minigrad.ops.complaints import check_same_dtype
from minigrad.ops.einsum import einsum
from minigrad.tensor import Tensor


@names_options
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``out[..., o] = input1 @ weight[o] @ input2 + bias[o]``, over the last axes.

    Shapes: input1 (*, I), input2 (*, J), weight (O, I, J), bias (O,), output (*, O).
    Raises RuntimeError for sizes that do not fit and for several dtypes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html

    >>> import minigrad as torch
    >>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])
    """
    require_tensors("bilinear", "input1 input2 weight bias?", input1, input2, weight, bias)
    if weight.ndim != 3 or not input1.ndim or input1.shape[:-1] != input2.shape[:-1]:
        got = [list(x.shape) for x in (input1, input2, weight)]
        detail = f"expected (*, I), (*, J), a weight (O, I, J), got {got}"
        raise RuntimeError(f"bilinear(): input batch dimensions do not match: {detail}")
    for part, x in (("input2", input2), ("weight", weight), ("bias", bias)):
        if x is not None:
            check_same_dtype("bilinear", input1, part, x)
    outputs, *inner = weight.shape
    check_parts("bilinear", weight, (*input1.shape[:-1], inner[0]), "as the weight says", input1=input1)
    check_parts("bilinear", weight, (*input2.shape[:-1], inner[1]), "as the weight says", input2=input2)
    check_parts("bilinear", weight, (outputs,), "one for each output", bias=bias)
    y: Tensor = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias
