"""Gradient descent on the summed squared error of the 6x8 bars, computed on paper."""

from collections.abc import Sequence

import numpy as np

HESSIAN = 2 * np.array([[18.0, 12.0], [12.0, 18.0]])  # eigenvalues 60 and 12
TARGET = np.array([1.0, -1.0])


def after(first: Sequence[float], lr: float, steps: int) -> np.ndarray:
    """w_n = w* + (I - lr H)^n (w_0 - w*)."""
    shrink = np.linalg.matrix_power(np.eye(2) - lr * HESSIAN, steps)
    return TARGET + shrink @ (np.asarray(first) - TARGET)
