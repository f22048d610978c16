"""Activation functions as layers: every one maps a tensor to one of the same shape."""

from __future__ import annotations

from minigrad.nn.stateless import Stateless


class ReLU(Stateless, function="relu"):
    """max(x, 0).

    >>> import minigrad as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    inplace: bool = False


class Hardtanh(Stateless, function="hardtanh", shown=("min_val", "max_val", "inplace")):
    """min(max(x, min_val), max_val). Raises `AssertionError` unless min_val < max_val.

    >>> import minigrad as torch
    >>> torch.nn.Hardtanh()(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False

    def _complete(self) -> None:
        if not self.max_val > self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")


class ReLU6(Stateless, function="relu6"):
    """min(max(x, 0), 6).

    >>> import minigrad as torch
    >>> torch.nn.ReLU6()(torch.tensor([-1.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """

    inplace: bool = False


class LeakyReLU(Stateless, function="leaky_relu"):
    """x where x > 0, else negative_slope x.

    >>> import minigrad as torch
    >>> torch.nn.LeakyReLU(0.1)(torch.tensor([-1.0, 3.0]))
    tensor([-0.1000,  3.0000])
    """

    negative_slope: float = 0.01
    inplace: bool = False


class ELU(Stateless, function="elu"):
    """x where x > 0, else alpha (exp(x) - 1).

    >>> import minigrad as torch
    >>> torch.nn.ELU()(torch.tensor([-1.0, 3.0]))
    tensor([-0.6321,  3.0000])
    """

    alpha: float = 1.0
    inplace: bool = False


class GELU(Stateless, function="gelu"):
    """x Phi(x), Phi the normal distribution function; ``approximate='tanh'`` for the tanh form.

    >>> import minigrad as torch
    >>> torch.nn.GELU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """

    approximate: str = "none"


class SiLU(Stateless, function="silu"):
    """x sigmoid(x).

    >>> import minigrad as torch
    >>> torch.nn.SiLU()(torch.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """

    inplace: bool = False


class Softplus(Stateless, function="softplus"):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    >>> import minigrad as torch
    >>> torch.nn.Softplus()(torch.tensor([-1.0, 1.0]))
    tensor([0.3133, 1.3133])
    """

    beta: float = 1.0
    threshold: float = 20.0


class Sigmoid(Stateless, function="sigmoid"):
    """1 / (1 + exp(-x)).

    >>> import minigrad as torch
    >>> torch.nn.Sigmoid()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 0.7311])
    """


class Tanh(Stateless, function="tanh"):
    """tanh(x).

    >>> import minigrad as torch
    >>> torch.nn.Tanh()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.0000,  0.7616])
    """


class LogSigmoid(Stateless, function="logsigmoid"):
    """log(1 / (1 + exp(-x))).

    >>> import minigrad as torch
    >>> torch.nn.LogSigmoid()(torch.tensor([-1.0, 1.0]))
    tensor([-1.3133, -0.3133])
    """


class Softmax(Stateless, function="softmax"):
    """exp(x) / sum of exp(x) along axis `dim`.

    >>> import minigrad as torch
    >>> torch.nn.Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    dim: int | None = None


class LogSoftmax(Stateless, function="log_softmax"):
    """x - log(sum of exp(x)) along axis `dim`.

    >>> import minigrad as torch
    >>> torch.nn.LogSoftmax(dim=1)(torch.zeros(1, 4))
    tensor([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """

    dim: int | None = None
