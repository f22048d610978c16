"""`torch.testing`: `assert_close` compares results, `make_tensor` makes operands."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.missing import missing_from as _missing_from
from minigrad.testing.comparison import assert_close
from minigrad.testing.creation import make_tensor

__all__ = ["assert_close", "make_tensor"]

if not _TYPE_CHECKING:
    __getattr__ = _missing_from("torch.testing", globals())
