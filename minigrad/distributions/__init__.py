"""`minigrad.distributions`: probability distributions with `sample`, `rsample`, `log_prob`, `entropy`."""

from typing import TYPE_CHECKING

from minigrad.distributions.continuous import Exponential, Normal, Uniform
from minigrad.distributions.discrete import Bernoulli, Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.kl import kl_divergence
from minigrad.distributions.multinomial import Multinomial
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.missing import missing_from

__all__ = [
    "Bernoulli", "Categorical", "Distribution", "Exponential", "Multinomial", "MultivariateNormal", "Normal", "Uniform",
    "kl_divergence",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = missing_from("torch.distributions", globals())
