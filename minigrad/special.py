"""`minigrad.special`: mathematical functions under the names of `torch.special`, differentiable to any order."""

from __future__ import annotations

import math

import numpy as np

from minigrad.autograd.core import Tensor
from minigrad.missing import explain_missing
from minigrad.ops.activation import log_softmax, softmax
from minigrad.ops.arguments import takes_out
from minigrad.ops.elementwise import unary
from minigrad.ops.error_function import erf, erfc, erfinv
from minigrad.ops.gamma import digamma, i0, i0e, i1, i1e, polygamma
from minigrad.ops.gamma import lgamma as gammaln
from minigrad.ops.gamma import mvlgamma as multigammaln
from minigrad.ops.incomplete_gamma import gammainc, gammaincc
from minigrad.ops.normal_distribution import erfcx, log_ndtr, ndtri
from minigrad.ops.precision import as_float
from minigrad.ops.reduce_variants import logsumexp
from minigrad.ops.special import logit, sinc, xlog1py, xlogy
from minigrad.ops.unary import exp2, expm1, log1p, round
from minigrad.ops.unary import sigmoid as expit

psi = digamma

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc",
    "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "multigammaln",
    "ndtr", "ndtri", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py", "xlogy",
]  # fmt: skip


entr = unary(
    "special_entr",
    lambda x: np.where(x < 0, -math.inf, np.where(x == 0, 0.0, -x * np.log(x))).astype(x.dtype),
    lambda g, x: -g * (np.log(x) + 1),
    formula="-input * log(input), the share of a probability in the entropy",
    domain="input >= 0; -inf below",
    example="[0.0, 0.5] -> [0.0000, 0.3466]",
)


@takes_out(cast=True)
def ndtr(input: Tensor) -> Tensor:
    """The probability that a normal number is at most x, ``erfc(-x / sqrt(2)) / 2``.

    >>> import minigrad as torch
    >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    return erfc(as_float(input) * -math.sqrt(0.5)) / 2


for _name in __all__:
    if globals()[_name].__name__ == f"special_{_name}":  # as PyTorch's errors say; pickle finds it under the other
        globals()[_name].__module__, globals()[_name].__qualname__ = __name__, _name

explain_missing("torch.special", globals())
