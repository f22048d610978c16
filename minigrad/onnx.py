"""`torch.onnx`: not supported; each function raises an error that says what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn


def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> NoReturn:
    """Raises NotImplementedError: save the state_dict, load it in PyTorch, and export it there.

    >>> import minigrad as torch
    >>> torch.onnx.export(None)
    Traceback (most recent call last):
    NotImplementedError: minigrad does not write ONNX: save model.state_dict() as .safetensors, load it in PyTorch, export it there
    """  # noqa: E501 (an error's text is one line)
    hint = "save model.state_dict() as .safetensors, load it in PyTorch, export it there"
    raise NotImplementedError(f"minigrad does not write ONNX: {hint}")


def is_in_onnx_export() -> bool:
    """False: nothing is ever exported.

    >>> import minigrad as torch
    >>> torch.onnx.is_in_onnx_export()
    False
    """
    return False
