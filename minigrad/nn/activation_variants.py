"""The other activation functions as layers, such as `LeakyReLU`, `GELU` and `Softmax`.

The options of a layer are those of its function in `nn.functional`.
"""

from __future__ import annotations

from typing import Any

import minigrad.nn.functional as F
from minigrad.advice import warn
from minigrad.creation.filled import full
from minigrad.nn import init
from minigrad.nn.module import Layer
from minigrad.nn.parameter import Parameter
from minigrad.nn.stateless import Stateless
from minigrad.tensor import Tensor


# ---- piecewise linear ----------------------------------------------------------------------------
class Hardtanh(Stateless, function=F.hardtanh, shown=("min_val", "max_val", "inplace")):
    """min(max(x, min_val), max_val). Raises `AssertionError` unless min_val < max_val.

    Element by element: any shape, and the result has the same. As `torch.nn.Hardtanh`.

    >>> import minigrad as torch
    >>> torch.nn.Hardtanh()(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(self, *args: Any, min_value: float | None = None, max_value: float | None = None, **options: Any):
        for old, name, value in (("min_value", "min_val", min_value), ("max_value", "max_val", max_value)):
            if value is not None:
                warn(f"Hardtanh: `{old}` is deprecated, write `{name}`", FutureWarning)
                options[name] = value
        super().__init__(*args, **options)

    def _complete(self) -> None:
        if not self.max_val > self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")


class ReLU6(Stateless, function=F.relu6):
    """min(max(x, 0), 6).

    Element by element: any shape, and the result has the same. As `torch.nn.ReLU6`.

    >>> import minigrad as torch
    >>> torch.nn.ReLU6()(torch.tensor([-1.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """


class LeakyReLU(Stateless, function=F.leaky_relu):
    """x where x > 0, else negative_slope x.

    Element by element: any shape, and the result has the same. As `torch.nn.LeakyReLU`.

    >>> import minigrad as torch
    >>> torch.nn.LeakyReLU(0.1)(torch.tensor([-1.0, 3.0]))
    tensor([-0.1000,  3.0000])
    """


class PReLU(Layer):
    """x where x > 0, else weight x: with learned slopes, one for all or one for each channel (`num_parameters`).

    They start at `init`. Input (N, C, *) for C slopes. Source: He et al., "Delving Deep into Rectifiers", 2015.

    >>> import minigrad as torch
    >>> torch.nn.PReLU()(torch.tensor([-1.0, 3.0])).detach()
    tensor([-0.2500,  3.0000])
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), init, device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Sets the slopes to `init`."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Stateless, function=F.rrelu):
    """x where x > 0, else x times a slope: random from U(lower, upper) in training, (lower + upper) / 2 in evaluation.

    Element by element: any shape, and the result has the same. As `torch.nn.RReLU`.

    >>> import minigrad as torch
    >>> torch.nn.RReLU(0.25, 0.75).eval()(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  3.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class Threshold(Stateless, function=F.threshold):
    """x where x > threshold, else value.

    Element by element: any shape, and the result has the same. As `torch.nn.Threshold`.

    >>> import minigrad as torch
    >>> torch.nn.Threshold(1.0, -1.0)(torch.tensor([0.5, 2.0]))
    tensor([-1.,  2.])
    """


class Hardshrink(Stateless, function=F.hardshrink):
    """x, but 0 for |x| <= lambd.

    Element by element: any shape, and the result has the same. As `torch.nn.Hardshrink`.

    >>> import minigrad as torch
    >>> torch.nn.Hardshrink()(torch.tensor([-1.0, 0.25]))
    tensor([-1.,  0.])
    """

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Stateless, function=F.softshrink):
    """x moved towards 0 by lambd, 0 where |x| <= lambd.

    Element by element: any shape, and the result has the same. As `torch.nn.Softshrink`.

    >>> import minigrad as torch
    >>> torch.nn.Softshrink()(torch.tensor([-1.0, 0.25]))
    tensor([-0.5000,  0.0000])
    """

    extra_repr = Hardshrink.extra_repr


class Hardsigmoid(Stateless, function=F.hardsigmoid, shown=()):
    """x / 6 + 1 / 2, clamped to [0, 1].

    Element by element: any shape, and the result has the same. As `torch.nn.Hardsigmoid`.

    >>> import minigrad as torch
    >>> torch.nn.Hardsigmoid()(torch.tensor([-4.0, 0.0]))
    tensor([0.0000, 0.5000])
    """


class Hardswish(Stateless, function=F.hardswish, shown=()):
    """x (x / 6 + 1 / 2), with the factor clamped to [0, 1].

    Element by element: any shape, and the result has the same. As `torch.nn.Hardswish`.

    >>> import minigrad as torch
    >>> torch.nn.Hardswish()(torch.tensor([1.0, 4.0]))
    tensor([0.6667, 4.0000])
    """


# ---- exponential ---------------------------------------------------------------------------------
class ELU(Stateless, function=F.elu):
    """x where x > 0, else alpha (exp(x) - 1).

    Element by element: any shape, and the result has the same. As `torch.nn.ELU`.

    >>> import minigrad as torch
    >>> torch.nn.ELU()(torch.tensor([-1.0, 3.0]))
    tensor([-0.6321,  3.0000])
    """


class SELU(Stateless, function=F.selu):
    """`ELU` with the constants that keep mean 0 and variance 1.

    Element by element: any shape, and the result has the same. As `torch.nn.SELU`.

    >>> import minigrad as torch
    >>> torch.nn.SELU()(torch.tensor([-1.0, 3.0]))
    tensor([-1.1113,  3.1521])
    """


class CELU(Stateless, function=F.celu):
    """x where x > 0, else alpha (exp(x / alpha) - 1).

    Element by element: any shape, and the result has the same. As `torch.nn.CELU`.

    >>> import minigrad as torch
    >>> torch.nn.CELU(2.0)(torch.tensor([-1.0, 3.0]))
    tensor([-0.7869,  3.0000])
    """


class GELU(Stateless, function=F.gelu):
    """x Phi(x), Phi the normal distribution function; ``approximate='tanh'`` for the tanh form.

    Element by element: any shape, and the result has the same. As `torch.nn.GELU`.

    >>> import minigrad as torch
    >>> torch.nn.GELU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """

    approximate: str = "none"


class SiLU(Stateless, function=F.silu):
    """x sigmoid(x).

    Element by element: any shape, and the result has the same. As `torch.nn.SiLU`.

    >>> import minigrad as torch
    >>> torch.nn.SiLU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """


class Mish(Stateless, function=F.mish):
    """x tanh(log(1 + exp(x))).

    Element by element: any shape, and the result has the same. As `torch.nn.Mish`.

    >>> import minigrad as torch
    >>> torch.nn.Mish()(torch.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """


class GLU(Stateless, function=F.glu):
    """a sigmoid(b) of the two halves a and b of x along axis `dim`.

    The length of axis `dim` must be even, and is halved. As `torch.nn.GLU`.

    >>> import minigrad as torch
    >>> torch.nn.GLU()(torch.tensor([3.0, 0.0]))
    tensor([1.5000])
    """


class Softplus(Stateless, function=F.softplus):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    Element by element: any shape, and the result has the same. As `torch.nn.Softplus`.

    >>> import minigrad as torch
    >>> torch.nn.Softplus()(torch.tensor([-1.0, 1.0]))
    tensor([0.3133, 1.3133])
    """


class LogSigmoid(Stateless, function=F.logsigmoid):
    """log(1 / (1 + exp(-x))).

    Element by element: any shape, and the result has the same. As `torch.nn.LogSigmoid`.

    >>> import minigrad as torch
    >>> torch.nn.LogSigmoid()(torch.tensor([-1.0, 1.0]))
    tensor([-1.3133, -0.3133])
    """


class Tanhshrink(Stateless, function=F.tanhshrink):
    """x - tanh(x).

    Element by element: any shape, and the result has the same. As `torch.nn.Tanhshrink`.

    >>> import minigrad as torch
    >>> torch.nn.Tanhshrink()(torch.tensor([-1.0, 3.0]))
    tensor([-0.2384,  2.0049])
    """


class Softsign(Stateless, function=F.softsign):
    """x / (1 + |x|).

    Element by element: any shape, and the result has the same. As `torch.nn.Softsign`.

    >>> import minigrad as torch
    >>> torch.nn.Softsign()(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """


# ---- softmax -------------------------------------------------------------------------------------
class Softmax(Stateless, function=F.softmax):
    """exp(x) / sum of exp(x) along axis `dim`; warns if `dim` is omitted.

    The result has the shape of x; along `dim` its numbers are positive and sum to 1. As `torch.nn.Softmax`.

    >>> import minigrad as torch
    >>> torch.nn.Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """


class LogSoftmax(Stateless, function=F.log_softmax):
    """x - log(sum of exp(x)) along axis `dim`.

    The logarithm of `Softmax`, without overflow, and in the same shape. As `torch.nn.LogSoftmax`.

    >>> import minigrad as torch
    >>> torch.nn.LogSoftmax(dim=1)(torch.zeros(1, 4))
    tensor([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """


class Softmin(Stateless, function=F.softmin):
    """`Softmax` of -x.

    >>> import minigrad as torch
    >>> torch.nn.Softmin(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """


class Softmax2d(Layer):
    """`Softmax` over the channels of (N, C, H, W) or (C, H, W). Raises `ValueError` for other shapes.

    >>> import minigrad as torch
    >>> torch.nn.Softmax2d()(torch.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)
