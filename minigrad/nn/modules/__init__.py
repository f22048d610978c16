"""`torch.nn.modules`: where PyTorch keeps the layers; here they stand in `minigrad.nn`, and are answered from there."""

from typing import Any

from minigrad.missing import missing_name


def __getattr__(name: str) -> Any:
    from minigrad import nn

    if hasattr(nn, name) and not name.startswith("_"):
        return getattr(nn, name)
    raise missing_name("torch.nn.modules", name)
