"""`Bilinear`: a layer that is linear in each of two inputs."""

from __future__ import annotations

import math
from typing import Any

from minigrad.nn import init
from minigrad.nn.functional.bilinear_map import bilinear
from minigrad.nn.module import Weighted, describe_options
from minigrad.nn.registry import PARAMETER
from minigrad.tensor import Tensor


class Bilinear(Weighted):
    """y[o] = x1^T W[o] x2 + b[o], over the last axes: (*, in1), (*, in2) -> (*, out_features).

    weight (out_features, in1_features, in2_features) and bias start in U(-1/sqrt(in1), 1/sqrt(in1)).
    Raises `ValueError` for an in1_features below 1.

    >>> import minigrad as torch
    >>> torch.nn.Bilinear(4, 3, 2)(torch.ones(5, 4), torch.ones(5, 3)).shape
    minigrad.Size([5, 2])
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        shape = (out_features, in1_features, in2_features)
        self._make_parameters(shape, out_features if bias else None, device, dtype)

    def reset_parameters(self) -> None:
        """Draws the weight, then the bias, from U(-1/sqrt(in1_features), 1/sqrt(in1_features))."""
        bound = 1 / math.sqrt(self.in1_features)
        for _, parameter in self._members(PARAMETER):
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return describe_options(self, "in1_features= in2_features= out_features= bias=")
