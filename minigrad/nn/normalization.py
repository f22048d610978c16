"""Normalization layers: mean 0 and variance 1, over a batch, over features or over groups."""

from __future__ import annotations

from typing import Any, ClassVar

import minigrad.nn.functional as F
from minigrad.creation import empty, ones, tensor, zeros
from minigrad.dtypes import int64
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor


class Normalization(Module):
    """What the normalization layers share: a weight of ones and a bias of zeros, each optional."""

    weight: Parameter | None
    bias: Parameter | None
    eps: float

    def _make_parameters(
        self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            values = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, values)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Back to a weight of ones and a bias of zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class BatchNorm(Normalization):
    """What `BatchNorm1d` and `BatchNorm2d` share; they differ in the inputs they accept."""

    _version = 2
    accepts: ClassVar[tuple[int, ...]]  # numbers of axes
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_buffers(device, dtype)
        self._make_parameters(num_features, affine, affine and bias, device, dtype)

    def _make_buffers(self, device: Any, dtype: Any) -> None:
        tracked, size = self.track_running_stats, self.num_features
        mean = zeros(size, device=device, dtype=dtype) if tracked else None
        self.register_buffer("running_mean", mean)
        var = ones(size, device=device, dtype=dtype) if tracked else None
        self.register_buffer("running_var", var)
        count = tensor(0, dtype=int64, device=device) if tracked else None
        self.register_buffer("num_batches_tracked", count)

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far."""
        for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            if self._buffers[name] is not None:
                self._buffers[name].fill_(value)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the mean of all batches so far
                momentum = 1.0 / float(self.num_batches_tracked)
        # Outside training the running statistics serve, unless there are none.
        tracks = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracks else None,
            self.running_var if tracks else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )

    def _check(self, input: Tensor) -> None:
        if input.ndim not in self.accepts:
            wanted = " or ".join(f"{axes}D" for axes in self.accepts)
            layouts = {2: "(N, C)", 3: "(N, C, L)", 4: "(N, C, H, W)"}
            raise ValueError(
                f"expected {wanted} input (got {input.ndim}D input): {type(self).__name__} takes "
                f"{' or '.join(layouts[axes] for axes in self.accepts)}, got {tuple(input.shape)}"
            )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *args: Any
    ) -> None:
        # Before version 2 there was no count of batches: such a checkpoint is complete without it.
        count = self.num_batches_tracked
        if (local_metadata.get("version") or 1) < 2 and count is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", count)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm):
    """Normalizes each feature over the batch: (N, C) or (N, C, L) to the same shape.

    y = (x - mean) / sqrt(var + eps) * weight + bias, with the batch's mean and (biased) variance in
    training, the running ones in evaluation: running = (1 - momentum) running + momentum batch's
    (unbiased variance). ``momentum=None`` takes the mean of all batches. Raises `ValueError` for
    other shapes. As `torch.nn.BatchNorm1d`.

    >>> import minigrad as torch
    >>> torch.nn.BatchNorm1d(1)(torch.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    accepts = (2, 3)


class BatchNorm2d(BatchNorm):
    """Normalizes each channel over batch, height and width: (N, C, H, W); see `BatchNorm1d`.

    >>> import minigrad as torch
    >>> torch.nn.BatchNorm2d(3)(torch.ones(2, 3, 4, 4)).shape
    minigrad.Size([2, 3, 4, 4])
    """

    accepts = (4,)


class LayerNorm(Normalization):
    """Normalizes over the last axes, those of `normalized_shape`, each example by itself.

    y = (x - mean) / sqrt(var + eps) * weight + bias; weight and bias have `normalized_shape`. As
    `torch.nn.LayerNorm`.

    >>> import minigrad as torch
    >>> torch.nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        whole = isinstance(normalized_shape, int)
        self.normalized_shape = (normalized_shape,) if whole else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = affine = elementwise_affine
        self._make_parameters(self.normalized_shape, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class GroupNorm(Normalization):
    """Normalizes over groups of channels, each example by itself: (N, C, *) to the same shape.

    Raises `ValueError` when `num_groups` does not divide `num_channels`. As `torch.nn.GroupNorm`.

    >>> import minigrad as torch
    >>> torch.nn.GroupNorm(3, 6)(torch.ones(2, 6, 4)).shape
    minigrad.Size([2, 6, 4])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make_parameters(num_channels, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
