"""`minigrad.distributions`: the one that counts, under PyTorch's name."""

from minigrad.distributions.multinomial import Multinomial

__all__ = ["Multinomial"]
