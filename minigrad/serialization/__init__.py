"""`save` and `load`: tensors and plain data in a file that runs nothing when it is read."""

from minigrad.serialization.archive import load, save
from minigrad.serialization.files import SerializationError
from minigrad.serialization.safetensors_format import load_file, save_file

__all__ = ["SerializationError", "load", "load_file", "save", "save_file"]
