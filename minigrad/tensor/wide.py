"""Adds to `Tensor` the methods that only few programs need, family by family."""

from __future__ import annotations

from minigrad.tensor.absent import AbsentNames
from minigrad.tensor.algebra import AlgebraMethods
from minigrad.tensor.drawing import DrawingMethods
from minigrad.tensor.models import ModelMethods
from minigrad.tensor.parts import PartMethods
from minigrad.tensor.special import SpecialMethods
from minigrad.tensor.statistics import StatisticsMethods
from minigrad.tensor.storage import StorageMethods


class WideMethods(
    SpecialMethods,
    StatisticsMethods,
    PartMethods,
    AlgebraMethods,
    ModelMethods,
    DrawingMethods,
    StorageMethods,
    AbsentNames,
):
    """What tensors can do beyond the heart."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """What a notebook shows: shape, dtype and range, an image where it is one, and the numbers."""
        from minigrad.tensor.html import show_tensor

        return show_tensor(self)
