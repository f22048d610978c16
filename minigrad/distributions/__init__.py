"""`minigrad.distributions`: the one that counts, under PyTorch's name."""

from typing import TYPE_CHECKING

from minigrad.distributions.multinomial import Multinomial
from minigrad.missing import missing_from

__all__ = ["Multinomial"]

if not TYPE_CHECKING:
    __getattr__ = missing_from("torch.distributions", globals())
