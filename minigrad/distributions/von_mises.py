"""The distribution of von Mises: angles around a mean angle."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minigrad.autograd.modes import no_grad
from minigrad.creation import rand, zeros
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, as_parameters
from minigrad.ops.gamma import i0e, i1e
from minigrad.ops.masks import where
from minigrad.ops.unary import cos, log, sin, sqrt


class VonMises(Distribution):
    """``p(x)`` is in proportion to ``exp(concentration cos(x - loc))``: angles in radians, drawn from [-pi, pi).

    Mean and variance are those on the circle. Raises ValueError for a concentration that is not positive.
    Source: D. J. Best and N. I. Fisher, "Efficient simulation of the von Mises distribution", 1979.

    >>> import minigrad as torch
    >>> torch.distributions.VonMises(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-1.0738)
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = as_parameters(loc, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: 1 - i1e(self.concentration) / i0e(self.concentration))

    def _log_prob(self, value: Any) -> Any:
        k = self.concentration
        fall = -2 * k * sin((value - self.loc) / 2) ** 2  # k cos(value - loc) - k, exact near loc
        return fall - math.log(2 * math.pi) - log(i0e(k))

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values by trial and rejection in float64, as in PyTorch: all are drawn again until each was accepted once."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            k = self.concentration.double()
            ratio = self._find_envelope(k)
            angles = zeros(shape, dtype=k.dtype, device=k.device)
            waiting = angles == 0
            while bool(waiting.any()):
                u1, u2, u3 = rand((3, *shape), dtype=k.dtype, device=k.device).unbind()
                z = cos(math.pi * u1)
                f = (1 + ratio * z) / (ratio + z)
                c = k * (ratio - f)
                accepted = (c * (2 - c) - u2 > 0) | (log(c / u2) + 1 - c >= 0)
                angles = where(accepted, (u3 - 0.5).sign() * f.acos(), angles)
                waiting = waiting & ~accepted
            turned = (angles + math.pi + self.loc.double()) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)

    @staticmethod
    def _find_envelope(k: Any) -> Any:
        """The parameter of the wrapped Cauchy distribution that lies above this one; near k = 0 by its series."""
        tau = 1 + sqrt(1 + 4 * k**2)
        rho = (tau - sqrt(2 * tau)) / (2 * k)
        return where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
