"""Tools around the library: `data` loads and batches, `checkpoint` computes again what it did not keep."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.utils import data as data

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "checkpoint":
            return import_module("minigrad.utils.checkpoint")  # when it is first asked for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
