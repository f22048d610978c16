"""Random numbers of the gamma distribution, computed from normal and uniform ones as PyTorch computes them.

Source: G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

import numpy as np

_THIRD, _SQUEEZE = float(np.float32(1 / 3)), float(np.float32(0.0331))  # PyTorch's constants are float32


def draw_gamma(concentration: float, unit: Callable[[], float], normal: Callable[[], float]) -> float:
    """A random number with density ``x^(concentration - 1) exp(-x)``, from numbers of U[0, 1) and N(0, 1).

    >>> from minigrad.gamma_draws import draw_gamma
    >>> draw_gamma(1.0, lambda: 0.5, lambda: 0.0)
    0.6666666567325592
    """
    if concentration == 0:
        return 0.0
    scale = 1.0
    if concentration < 1:  # x of concentration + 1, times u^(1 / concentration)
        scale = (1 - unit()) ** (1 / concentration)
        concentration += 1
    d = concentration - _THIRD
    c = 1 / sqrt(9 * d)
    while True:
        x, y = 0.0, 0.0
        while y <= 0:
            x = normal()
            y = 1 + c * x
        v, u, squared = y * y * y, 1 - unit(), x * x
        if u < 1 - _SQUEEZE * squared * squared or log(u) < 0.5 * squared + d * (1 - v + log(v)):
            return scale * d * v
