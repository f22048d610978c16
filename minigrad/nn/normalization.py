"""Normalization layers: mean 0 and variance 1, over a batch, over features or over groups."""

from __future__ import annotations

from typing import Any, ClassVar

import minigrad.nn.functional as F
from minigrad.advice import warn
from minigrad.creation import empty
from minigrad.dtypes import int64
from minigrad.nn import init
from minigrad.nn.module import Layer, describe_options
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import BUFFER, PARAMETER
from minigrad.nn.stateless import Stateless
from minigrad.ops.arguments import as_int, require_tensors, sizes
from minigrad.ops.lengths import is_sequence
from minigrad.tensor import Tensor


def _read_shape(name: str, given: Any) -> tuple[int, ...]:
    """A `normalized_shape`: one length, or several."""
    return sizes(name, (tuple(given) if is_sequence(given) else given,), "normalized_shape")


class Normalization(Layer):
    """The base class of normalization layers: a weight of ones and a bias of zeros, each optional."""

    weight: Parameter | None
    bias: Parameter | None

    def _make_parameters(self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, wanted in (("weight", weight), ("bias", weight and bias)):
            values = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, values)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the weight to ones and the bias to zeros."""
        for name, parameter in self._members(PARAMETER):
            init.constant_(parameter, float(name == "weight"))


_RUNNING = {"running_mean": 0.0, "running_var": 1.0, "num_batches_tracked": 0}  # initial values


class RunningNorm(Normalization):
    """The base class of batch and instance norm, with running statistics."""

    _version = 2
    _came_with_version: ClassVar = {"num_batches_tracked": 2}
    accepts: ClassVar[dict[int, str]]  # the layout for each number of axes
    made_for: ClassVar[dict[int, str]]  # the layer of this family for each number of axes, if one is meant
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name in _RUNNING:
            size, kind = ((), int64) if name == "num_batches_tracked" else (num_features, dtype)
            self.register_buffer(name, empty(size, device=device, dtype=kind) if track_running_stats else None)
        self._make_parameters(num_features, affine, bias, device, dtype)

    def reset_parameters(self) -> None:
        """Sets the weight to ones and the bias to zeros, and resets the running statistics."""
        self.reset_running_stats()
        super().reset_parameters()

    def reset_running_stats(self) -> None:
        """Resets the running statistics: mean 0, variance 1, no batch counted.

        >>> import minigrad as torch
        >>> norm = torch.nn.BatchNorm1d(1)
        >>> _ = norm(torch.tensor([[1.0], [3.0]]))
        >>> norm.reset_running_stats()
        >>> norm.running_mean
        tensor([0.])
        """
        for name, buffer in self._members(BUFFER):
            buffer.fill_(_RUNNING[name])

    def _check_input_dim(self, input: Tensor) -> None:  # PyTorch's name, which subclasses call and override
        require_tensors(type(self).__name__, "input", input)
        if input.ndim not in self.accepts:
            ranks, layouts = " or ".join(f"{n}D" for n in self.accepts), " or ".join(self.accepts.values())
            cure = f"; {self.made_for[input.ndim]} takes it" if input.ndim in self.made_for else ""
            batched = self.accepts.get(input.ndim + 1, "").startswith("(N, ")
            if batched and input.shape[:1] == (self.num_features,):
                cure += "; one example without its batch axis is written x[None]"
            detail = f"{type(self).__name__} takes {layouts}, got {tuple(input.shape)}{cure}"
            raise ValueError(f"expected {ranks} input (got {input.ndim}D input): {detail}")

    def extra_repr(self) -> str:
        return describe_options(self, "num_features eps= momentum= affine= bias= track_running_stats=")


class BatchNorm(RunningNorm):
    """The base class of the batch norms of signals, images and volumes."""

    made_for: ClassVar = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = self._count_batch()
        # In evaluation the running statistics are used, if there are any.
        tracks = not self.training or self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if tracks else (None, None)
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)

    def _count_batch(self) -> float:
        """The share of this batch in the running statistics; counts it in training, if batches are counted."""
        batches = self.num_batches_tracked if self.training and self.track_running_stats else None
        if batches is not None:
            batches.add_(1)
        if self.momentum is not None:
            return self.momentum
        return 0.0 if batches is None else 1.0 / float(batches)  # the mean of all batches so far


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

    accepts: ClassVar = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(BatchNorm):
    """Normalizes each channel over batch, height and width: (N, C, H, W) to the same shape.

    y = (x - mean) / sqrt(var + eps) * weight + bias; mean, var, weight and bias are (C,). In training mean and var are
    those of the batch, and enter the running ones; after `eval()` the running ones are used (see `BatchNorm1d`).
    Raises `ValueError` for other shapes, and in training for one number in each channel. As `torch.nn.BatchNorm2d`.

    >>> import minigrad as torch
    >>> torch.nn.BatchNorm2d(1)(torch.tensor([[[[1.0, 3.0]]], [[[1.0, 3.0]]]])).detach().flatten()
    tensor([-1.0000,  1.0000, -1.0000,  1.0000])
    """

    accepts: ClassVar = {4: "(N, C, H, W)"}


class BatchNorm3d(BatchNorm):
    """Normalizes each channel over batch, depth, height and width, (N, C, D, H, W) to the same shape.

    >>> import minigrad as torch
    >>> torch.nn.BatchNorm3d(1)(torch.tensor([1.0, 3.0]).reshape(1, 1, 2, 1, 1)).detach().flatten()
    tensor([-1.0000,  1.0000])
    """

    accepts: ClassVar = {5: "(N, C, D, H, W)"}


class InstanceNorm(RunningNorm):
    """The base class of the instance norms: statistics of each example by itself."""

    made_for: ClassVar = {2: "InstanceNorm1d", 4: "InstanceNorm2d", 5: "InstanceNorm3d"}

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = max(self.accepts)
        channels = input.shape[1 - batched]
        if channels != self.num_features and self.affine:
            raise ValueError(f"expected input of num_features={self.num_features} channels, got {channels}")
        if channels != self.num_features:
            warn(f"the input has {channels} channels; num_features={self.num_features} is not used with affine=False")
        images = input if input.ndim == batched else input.unsqueeze(0)
        by_image = self.training or not self.track_running_stats
        momentum = self.momentum or 0.0
        result = F.instance_norm(
            images, self.running_mean, self.running_var, self.weight, self.bias, by_image, momentum, self.eps
        )
        return result if input.ndim == batched else result.squeeze(0)


class InstanceNorm1d(InstanceNorm):
    """Normalizes each channel of each example over its length: (N, C, L) or (C, L); see `InstanceNorm2d`.

    >>> import minigrad as torch
    >>> torch.nn.InstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    accepts: ClassVar = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(InstanceNorm):
    """Normalizes each channel of each image by itself: (N, C, H, W) or (C, H, W) to the same shape.

    y = (x - mean) / sqrt(var + eps) * weight + bias with the image's own mean and variance; weight and bias
    only with `affine`, running statistics only with `track_running_stats`. As `torch.nn.InstanceNorm2d`.

    >>> import minigrad as torch
    >>> torch.nn.InstanceNorm2d(1)(torch.tensor([[[[1.0, 3.0]]], [[[10.0, 30.0]]]])).flatten()
    tensor([-1.0000,  1.0000, -1.0000,  1.0000])
    """

    accepts: ClassVar = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class InstanceNorm3d(InstanceNorm):
    """Normalizes each channel of each volume by itself: (N, C, D, H, W) or (C, D, H, W); see `InstanceNorm2d`.

    >>> import minigrad as torch
    >>> torch.nn.InstanceNorm3d(1)(torch.tensor([1.0, 3.0]).reshape(1, 1, 2, 1, 1)).flatten()
    tensor([-1.0000,  1.0000])
    """

    accepts: ClassVar = {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}


class LocalResponseNorm(Stateless, function=F.local_response_norm):
    """x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta: (N, C, *) to the same shape.

    >>> import minigrad as torch
    >>> torch.nn.LocalResponseNorm(2)(torch.ones(1, 4, 3)).shape
    minigrad.Size([1, 4, 3])
    """

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class RMSNorm(Normalization):
    """y = x / sqrt(mean(x^2) + eps) * weight over the last axes, those of `normalized_shape`.

    >>> import minigrad as torch
    >>> torch.nn.RMSNorm(2)(torch.tensor([[3.0, 4.0]])).detach()
    tensor([[0.8485, 1.1314]])
    """

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
        dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _read_shape("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return describe_options(self, "normalized_shape eps= elementwise_affine=")


class LayerNorm(Normalization):
    """Normalizes over the last axes, those of `normalized_shape`, each example by itself.

    y = (x - mean) / sqrt(var + eps) * weight + bias; weight and bias have `normalized_shape`. As
    `torch.nn.LayerNorm`.

    >>> import minigrad as torch
    >>> torch.nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _read_shape("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._make_parameters(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return describe_options(self, "normalized_shape eps= elementwise_affine= bias=")


class GroupNorm(Normalization):
    """Normalizes over groups of channels, each example by itself: (N, C, *) to the same shape.

    Raises `ValueError` when `num_groups` does not divide `num_channels`. As `torch.nn.GroupNorm`.

    >>> import minigrad as torch
    >>> torch.nn.GroupNorm(2, 4)(torch.tensor([[1.0, 3.0, 10.0, 30.0]])).detach()  # two groups of two channels
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if as_int(num_channels, "num_channels") % as_int(num_groups, "num_groups"):
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.affine = affine
        self._make_parameters(num_channels, affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return describe_options(self, "num_groups num_channels eps= affine= bias=")
