"""`Stateless`: a layer that has options and no parameters."""

from __future__ import annotations

from typing import Any

from minigrad.nn.module import Module


class Stateless(Module):
    """Options become attributes, and are what the layer prints; ``inplace`` only when it is on."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.__dict__.update(options)
        self._shown = tuple(options)

    def extra_repr(self) -> str:
        options = [(name, self.__dict__[name]) for name in self._shown]
        return ", ".join(f"{name}={v!r}" for name, v in options if name != "inplace" or v)
