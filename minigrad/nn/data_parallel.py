"""`DataParallel`: PyTorch's wrapper for several GPUs of one machine. Here it runs the module on its own device."""

from __future__ import annotations

from typing import Any

from minigrad.nn.module import Module


class DataParallel(Module):
    """``DataParallel(net)(x)`` is ``net(x)``: no batch is split over devices.

    Programs that wrap their network for several GPUs run with it on one device: `module` is the network, and
    the keys of `state_dict()` begin with "module.", as there. To train on several machines or GPUs see
    `minigrad.distributed`. As `torch.nn.DataParallel` without a GPU.

    >>> import minigrad as torch
    >>> torch.nn.DataParallel(torch.nn.Identity())(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []
        self.dim, self.output_device = dim, output_device

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
