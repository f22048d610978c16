"""`SyncBatchNorm`: batch norm with the mean and the variance of the batches of all ranks."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.creation import tensor
from minigrad.distributed.nn.functional import all_reduce
from minigrad.distributed.process_group import group_or_world, is_initialized
from minigrad.nn.functional.normalization import one_value_per_channel
from minigrad.nn.module import Module
from minigrad.nn.normalization import BatchNorm
from minigrad.ops.join import cat
from minigrad.tensor import Tensor


class SyncBatchNorm(BatchNorm):
    """Normalizes each channel of (N, C, ...) over the batches of all ranks of `process_group`; see `BatchNorm2d`.

    In training, with n_r positions per channel on rank r and n their sum:
    mean = (sum over ranks of sum x) / n, var = (sum over ranks of sum (x - mean)^2) / n. Gradients flow through both
    sums, to any order, so all ranks must run backward. In evaluation, and in a world of one, it is plain batch norm.
    Batches may differ in size. Raises ValueError for fewer than two axes, and for one value per channel in all.
    As `torch.nn.SyncBatchNorm`, on the CPU too.

    >>> import minigrad as torch
    >>> torch.nn.SyncBatchNorm(1)(torch.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, process_group: Any = None, device: Any = None, dtype: Any = None, *,
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input): SyncBatchNorm takes (N, C, ...)")

    def forward(self, input: Tensor) -> Tensor:
        """Plain batch norm if no other rank is needed, else over all ranks."""
        by_batch = self.training or self.running_mean is None
        group = group_or_world(self.process_group) if by_batch and is_initialized() else None
        if group is None or group.size() == 1:
            return super().forward(input)
        self._check_input_dim(input)
        column = (1, -1, *[1] * (input.ndim - 2))
        dims = [0, *range(2, input.ndim)]
        here = tensor([input.numel() / input.shape[1]], dtype=input.dtype, device=input.device)
        sums = all_reduce(cat([input.sum(dims), here]), group=group)  # (C + 1,)
        count = sums[-1].detach()
        if count.item() <= 1:
            raise one_value_per_channel(input.shape, "a larger batch, or eval()")
        mean = sums[:-1] / count
        centred = input - mean.reshape(column)
        var = all_reduce((centred * centred).sum(dims), group=group) / count
        self._update_running(mean.detach(), (var * (count / (count - 1))).detach())
        result = centred * (var + self.eps).rsqrt().reshape(column)
        if self.weight is not None:
            result = result * self.weight.reshape(column)
        return result if self.bias is None else result + self.bias.reshape(column)

    def _update_running(self, mean: Tensor, var: Tensor) -> None:
        """Updates the running mean and the running (unbiased) variance."""
        if not (self.training and self.track_running_stats):
            return
        with no_grad():
            momentum = self._count_batch()
            for running, observed in ((self.running_mean, mean), (self.running_var, var)):
                if running is not None:
                    running.mul_(1 - momentum).add_(observed * momentum)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Replaces every batch norm in `module` by a `SyncBatchNorm` with the same tensors.

        >>> import minigrad as torch
        >>> torch.nn.SyncBatchNorm.convert_sync_batchnorm(torch.nn.Sequential(torch.nn.BatchNorm2d(3)))
        Sequential(
          (0): SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        )
        """
        converted = module
        if isinstance(module, BatchNorm) and not isinstance(module, SyncBatchNorm):
            converted = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group, bias=module.bias is not None,
            )  # fmt: skip
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(converted, name, getattr(module, name))
            converted.train(module.training)
        for name, child in module.named_children():
            setattr(converted, name, cls.convert_sync_batchnorm(child, process_group))
        return converted
