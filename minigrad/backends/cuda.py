"""Settings of the GPU's matrix products, and whether there is a GPU."""

from __future__ import annotations

import os

from minigrad.backend import is_available
from minigrad.gpu.blas import allows_tf32


class _Matmul:
    """``allow_tf32``: whether float32 products may round their factors to 10 bits, which is faster."""

    @property
    def allow_tf32(self) -> bool:
        """False unless asked for. CuPy reads the environment variable CUPY_TF32 at every product."""
        return allows_tf32()

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        os.environ["CUPY_TF32"] = "1" if value else "0"


matmul = _Matmul()


def is_built() -> bool:
    """Whether CuPy and a GPU are there: the same as `cuda.is_available()`.

    >>> import minigrad as torch
    >>> torch.backends.cuda.is_built() == torch.cuda.is_available()
    True
    """
    return is_available()
