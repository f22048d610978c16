"""`torch.nn.attention`: which kernel computes attention. Here one formula does, whatever is chosen.

Source: https://docs.pytorch.org/docs/stable/nn.attention.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from minigrad.missing import explain_missing

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(Enum):
    """PyTorch's names of its kernels for `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict[str, object]]:
    """A context in which PyTorch computes `scaled_dot_product_attention` by one of `backends`; here nothing changes.

    `backends` is an `SDPBackend` or a list of them. Raises AssertionError for anything else.

    >>> import minigrad as torch
    >>> from minigrad.nn.attention import SDPBackend, sdpa_kernel
    >>> x = torch.ones(2, 1)
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     torch.nn.functional.scaled_dot_product_attention(x, x, x).T
    tensor([[1., 1.]])
    """
    if not isinstance(backends, (list, SDPBackend)):
        wanted = "an SDPBackend, such as SDPBackend.MATH, or a list of them"
        raise AssertionError(f"sdpa_kernel(): backends must be {wanted}, not {type(backends).__name__}")
    yield {}


explain_missing("torch.nn.attention", globals())
