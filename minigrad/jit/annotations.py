"""`torch.jit.annotations`: typing's words, which older code of detectors imports from here."""

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035 (the names are what is asked for)

__all__ = ["Any", "Dict", "List", "Optional", "Tuple", "Union"]
