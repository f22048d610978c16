"""`Linear` and `Identity`."""

from __future__ import annotations

from typing import Any

from minigrad.nn.functional.linear import linear
from minigrad.nn.module import Layer, Weighted, describe_options
from minigrad.ops.arguments import as_int
from minigrad.tensor import Tensor


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
