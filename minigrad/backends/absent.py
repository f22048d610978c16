"""PyTorch's backends that minigrad does not have (MPS, MKL, ...): each reports that it is not available."""

from __future__ import annotations


class Absent:
    """A backend that is not available: ``is_available()`` and ``is_built()`` are False."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_available(self) -> bool:
        """False: it is not used here."""
        return False

    def is_built(self) -> bool:
        """False: it is not used here."""
        return False

    def __repr__(self) -> str:
        return f"<minigrad.backends.{self.name}: not used>"


mps, mkl, mkldnn, openmp = Absent("mps"), Absent("mkl"), Absent("mkldnn"), Absent("openmp")
xnnpack, opt_einsum, nnpack = Absent("xnnpack"), Absent("opt_einsum"), Absent("nnpack")
