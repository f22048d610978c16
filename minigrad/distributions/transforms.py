"""`torch.distributions.transforms`: the transforms that are one formula, and those made of others."""

from __future__ import annotations

import math
from typing import Any

from minigrad.creation import full_like, zeros
from minigrad.distributions import constraints
from minigrad.distributions.joined_transforms import CatTransform, CumulativeDistributionTransform, StackTransform
from minigrad.distributions.simplex_transforms import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    StickBreakingTransform,
)
from minigrad.distributions.transform import (
    Compared,
    ComposeTransform,
    IndependentTransform,
    Transform,
    identity_transform,
    sum_rightmost,
)
from minigrad.nn.functional.activation_variants import softplus
from minigrad.ops.shape import broadcast_shapes
from minigrad.ops.unary import log, log1p
from minigrad.size import Size
from minigrad.tensor import Tensor
from minigrad.type_limits import finfo

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform",
    "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform", "Transform", "identity_transform",
]  # fmt: skip


class _OfReals(Compared):
    """A transform of real numbers to real numbers, if it does not say otherwise."""

    domain: Any = constraints.real
    codomain: Any = constraints.real


class _Increasing(_OfReals):
    """One of which a larger x has a larger y."""

    bijective = True
    sign = +1


class ExpTransform(_Increasing):
    """``y = exp(x)``.

    >>> import minigrad as torch
    >>> torch.distributions.ExpTransform()(torch.tensor(0.0))
    tensor(1.)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return log(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class SigmoidTransform(_Increasing):
    """``y = 1 / (1 + exp(-x))``, kept away from 0 and 1, and ``x = log(y / (1 - y))``.

    >>> import minigrad as torch
    >>> torch.distributions.SigmoidTransform()(torch.tensor(0.0))
    tensor(0.5000)
    """

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        return _clamp_to_unit(x.sigmoid())

    def _inverse(self, y: Any) -> Any:
        y = _clamp_to_unit(y)
        return log(y) - log1p(-y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x) - softplus(x)


def _clamp_to_unit(y: Any) -> Any:
    """`y` at least the smallest normal number of its dtype and at most 1 - eps, as in PyTorch: both have logarithms."""
    limits = finfo(y.dtype)
    return y.clamp(min=limits.tiny, max=1 - limits.eps)


class TanhTransform(_Increasing):
    """``y = tanh(x)``.

    >>> import minigrad as torch
    >>> torch.distributions.TanhTransform()(torch.tensor(0.0))
    tensor(0.)
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2 * (math.log(2) - x - softplus(-2 * x))  # log(1 - tanh(x)^2), exact for large x


class SoftplusTransform(_Increasing):
    """``y = log(1 + exp(x))``.

    >>> import minigrad as torch
    >>> torch.distributions.SoftplusTransform()(torch.tensor(0.0))
    tensor(0.6931)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _inverse(self, y: Any) -> Any:
        return log(-(-y).expm1()) + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x)


class AbsTransform(_OfReals):
    """``y = |x|``. The inverse takes the x that is not negative: ``x = y``.

    >>> import minigrad as torch
    >>> torch.distributions.AbsTransform()(torch.tensor(-2.0))
    tensor(2.)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y


class SoftmaxTransform(_OfReals):
    """``y = exp(x) / sum(exp(x))`` along the last axis. The inverse is ``x = log(y)``: a constant is lost.

    >>> import minigrad as torch
    >>> torch.distributions.SoftmaxTransform()(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Any) -> Any:
        powers = (x - x.max(-1, True)[0]).exp()
        return powers / powers.sum(-1, True)

    def _inverse(self, y: Any) -> Any:
        return log(y)

    def forward_shape(self, shape: Any) -> Any:
        if not len(shape):
            raise ValueError("Too few dimensions on input: 0, SoftmaxTransform needs an axis to sum along")
        return shape

    inverse_shape = forward_shape


class PowerTransform(Compared):
    """``y = x^exponent`` of positive numbers.

    >>> import minigrad as torch
    >>> torch.distributions.PowerTransform(2.0)(torch.tensor(3.0))
    tensor(9.)
    """

    parameters = ("exponent",)
    bijective = True
    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else full_like(zeros(()), exponent)

    @property
    def sign(self) -> Any:
        """That of the exponent."""
        return self.exponent.sign()

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return log((self.exponent * y / x).abs())

    def forward_shape(self, shape: Any) -> Any:
        return broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


class AffineTransform(Compared):
    """``y = loc + scale x``. The last `event_dim` axes count as parts of one value.

    >>> import minigrad as torch
    >>> torch.distributions.AffineTransform(1.0, 2.0)(torch.tensor(3.0))
    tensor(7.)
    """

    parameters = ("loc", "scale")
    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def domain(self) -> Any:
        """Real numbers, or what consists of them."""
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    @property
    def sign(self) -> Any:
        """That of the scale."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        is_tensor = isinstance(self.scale, Tensor)
        slopes = log(self.scale.abs()) if is_tensor else full_like(x, math.log(abs(self.scale)))
        return sum_rightmost(slopes, self._event_dim).expand(x.shape[: x.ndim - self._event_dim])

    def forward_shape(self, shape: Any) -> Any:
        return broadcast_shapes(shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape


class ReshapeTransform(Compared):
    """Values of shape `in_shape` as values of shape `out_shape`. Raises ValueError if their numbers of elements differ.

    >>> import minigrad as torch
    >>> torch.distributions.ReshapeTransform((2, 3), (6,))(torch.ones(5, 2, 3)).shape
    minigrad.Size([5, 6])
    """

    parameters = ("in_shape", "out_shape")
    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError(f"in_shape, out_shape have different numbers of elements: {in_shape}, {out_shape}")

    domain = property(lambda self: constraints.independent(constraints.real, len(self.in_shape)))
    codomain = property(lambda self: constraints.independent(constraints.real, len(self.out_shape)))

    def _call(self, x: Any) -> Any:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Any) -> Any:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return zeros(x.shape[: x.ndim - len(self.in_shape)], dtype=x.dtype, device=x.device)

    def forward_shape(self, shape: Any) -> Any:
        return _exchange(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return _exchange(shape, self.out_shape, self.in_shape)


def _exchange(shape: Any, old: Size, new: Size) -> Size:
    """`shape` with the axes `new` in place of its last axes `old`."""
    lead = len(shape) - len(old)
    if lead < 0 or tuple(shape[lead:]) != tuple(old):
        raise ValueError(f"Shape mismatch: expected {tuple(shape[max(lead, 0) :])} but got {tuple(old)}")
    return Size((*shape[:lead], *new))
