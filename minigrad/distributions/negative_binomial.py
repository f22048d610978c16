"""The negative binomial distribution: how often a coin succeeds before it has failed a number of times."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.distributions import constraints
from minigrad.distributions.discrete import OfTrials
from minigrad.distributions.gamma import Gamma
from minigrad.nn.functional import logsigmoid
from minigrad.ops.gamma import lgamma
from minigrad.tensor.drawing import poisson


class NegativeBinomial(OfTrials):
    """``p(k) = Gamma(n + k) / (k! Gamma(n)) (1 - probs)^n probs^k``, n the `total_count` of failures.

    A number is drawn from a Poisson distribution with a rate from a gamma distribution. Raises ValueError unless one of
    `probs` and `logits` is given, for probabilities outside [0, 1), and for a negative count.

    >>> import minigrad as torch
    >>> torch.distributions.NegativeBinomial(3.0, torch.tensor(0.5)).mean
    tensor(3.)
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)  # a count may be 0
            return poisson(rates.sample(sample_shape))

    def _log_prob(self, value: Any) -> Any:
        n, logits = self.total_count, self.logits
        ways = lgamma(n + value) - lgamma(value + 1) - lgamma(n)
        ways = ways.masked_fill(n + value == 0, 0.0)  # none was to fail, so none succeeds
        return n * logsigmoid(-logits) + value * logsigmoid(logits) + ways
