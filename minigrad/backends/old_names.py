"""`torch.has_cuda`, `has_cudnn`, `has_mkldnn` and `has_mps`: PyTorch keeps them for old programs, and warns.

Source: https://github.com/pytorch/pytorch/blob/main/torch/__init__.py (`_deprecated_attrs`)
"""

from __future__ import annotations

from minigrad import backends
from minigrad.advice import warn

_ASKED = {"cuda": "is_built", "cudnn": "is_available", "mkldnn": "is_available", "mps": "is_built"}


def __getattr__(name: str) -> bool:
    backend = name.removeprefix("has_")
    if name == backend or backend not in _ASKED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn(f"'{name}' is deprecated, please use 'torch.backends.{backend}.{_ASKED[backend]}()'")
    return getattr(getattr(backends, backend), _ASKED[backend])()
