"""`torch.testing`: `assert_close` compares results, `make_tensor` makes operands."""

from minigrad.missing import explain_missing as _explain_missing
from minigrad.testing.comparison import assert_close
from minigrad.testing.creation import make_tensor

__all__ = ["assert_close", "make_tensor"]

_explain_missing("torch.testing", globals())
