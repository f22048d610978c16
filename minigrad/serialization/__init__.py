"""`save` and `load`: files of tensors and plain data, which run no code when they are loaded."""

import typing as _typing

from minigrad import nn as _nn  # a package before its files: else threads that open both wait for each other
from minigrad.missing import missing_from as _missing_from
from minigrad.serialization.archive import load, save
from minigrad.serialization.files import SerializationError
from minigrad.serialization.safetensors_format import load_file, save_file

__all__ = ["SerializationError", "load", "load_file", "save", "save_file"]

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing_from("torch.serialization", globals())
