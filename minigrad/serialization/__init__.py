"""`save` and `load`: files of tensors and plain data, which run no code when they are loaded."""

from minigrad import nn as _nn  # a package before its files: else threads that open both wait for each other
from minigrad.missing import explain_missing as _explain_missing
from minigrad.serialization.archive import load, save
from minigrad.serialization.files import SerializationError
from minigrad.serialization.safetensors_format import load_file, save_file

__all__ = ["SerializationError", "load", "load_file", "save", "save_file"]

_explain_missing("torch.serialization", globals())
