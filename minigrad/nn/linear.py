"""`Linear` and `Identity`, and the base class `Weighted` of all layers with a weight."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation.drawn import draw_start
from minigrad.creation.filled import empty
from minigrad.nn.functional.linear import linear
from minigrad.nn.module import Layer, describe_options
from minigrad.nn.parameter import Parameter
from minigrad.ops.arguments import as_int
from minigrad.tensor import Tensor

# sqrt(3) * GAIN is 1, so a weight's bound, sqrt(3) * (GAIN / sqrt(fan_in)), is 1 / sqrt(fan_in). PyTorch computes it in
# this order, which decides its last bit: K. He et al., "Delving deep into rectifiers", 2015, with a=sqrt(5).
GAIN = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2))


class Weighted(Layer):
    """The base of layers with a weight and an optional bias: `Linear` and the convolutions."""

    weight: Parameter
    bias: Parameter | None

    def _make_parameters(self, shape: Any, outputs: int | None, device: Any, dtype: Any) -> None:
        """Makes a weight of `shape`, and a bias of length `outputs` unless that is None."""
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        bias = None if outputs is None else Parameter(empty(outputs, device=device, dtype=dtype))
        self.register_parameter("bias", bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weight, then the bias, from U(-1/sqrt(fan_in), 1/sqrt(fan_in)); without inputs the bias is 0."""
        fan_in = math.prod(self.weight.array.shape[1:])
        if self.weight.array.size:
            draw_start(self.weight, math.sqrt(3.0) * (GAIN / math.sqrt(fan_in)))
        else:
            from minigrad.nn.init.xavier_kaiming import leave_empty

            leave_empty(self.weight)
        if self.bias is not None:
            draw_start(self.bias, 1 / math.sqrt(fan_in) if fan_in else 0)  # an int: the bias is 0.0 and not -0.0


class Linear(Weighted):
    """y = x W^T + b, over the last axis: (*, in_features) -> (*, out_features).

    weight (out_features, in_features) and bias (out_features,) start in
    U(-1/sqrt(in_features), 1/sqrt(in_features)). As `torch.nn.Linear`.

    >>> import minigrad as torch
    >>> layer = torch.nn.Linear(4, 2)
    >>> layer(torch.ones(3, 4)).shape, layer.weight.shape, layer.bias.shape
    (minigrad.Size([3, 2]), minigrad.Size([2, 4]), minigrad.Size([2]))
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = as_int(in_features, "in_features", bools=True)  # PyTorch refuses only the first of the sizes
        self.out_features = as_int(out_features, "out_features")
        self._make_parameters((self.out_features, self.in_features), self.out_features if bias else None, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return describe_options(self, "in_features= out_features= bias=")


class Identity(Layer):
    """Returns its input; the arguments of the constructor are ignored.

    >>> import minigrad as torch
    >>> torch.nn.Identity(54, unused=True)(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input
