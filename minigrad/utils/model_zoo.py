"""`torch.utils.model_zoo`: not supported, because minigrad downloads nothing; the error says what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn


def load_url(url: str, model_dir: Any = None, map_location: Any = None, **options: Any) -> NoReturn:
    """Raises NotImplementedError: fetch the file yourself, convert it to .safetensors, and load it.

    >>> import minigrad as torch
    >>> from minigrad.utils import model_zoo
    >>> model_zoo.load_url("https://example.org/net.pth")
    Traceback (most recent call last):
    NotImplementedError: minigrad fetches nothing: get https://example.org/net.pth yourself, save its state_dict as .safetensors, and load that
    """  # noqa: E501 (an error's text is one line)
    hint = f"get {url} yourself, save its state_dict as .safetensors, and load that"
    raise NotImplementedError(f"minigrad fetches nothing: {hint}")
