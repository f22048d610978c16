"""Formulas of arrays, and what shows that a pass is split over threads, for tests of large arrays."""

from __future__ import annotations

import numpy as np

from minigrad import parallel


def record_spreads(monkeypatch):
    """A list that gets the length of each pass that is split over threads."""
    found, spread_as_before = [], parallel.spread

    def spread(work, length, size):
        found.append(length)
        spread_as_before(work, length, size)

    monkeypatch.setattr(parallel, "spread", spread)
    return found


def draw(*shape, dtype=np.float32):
    return np.random.default_rng(len(shape)).uniform(0.1, 0.9, shape).astype(dtype)


FORMULAS = {
    "a function of NumPy": (np.exp, 1),
    "two operands": (np.multiply, 2),
    "the rule of tanh": (lambda g, y: g * (1 - y * y), 2),
    "the rule of the sigmoid": (lambda g, y: g * (y * (1 - y)), 2),
    "a value used twice, and late": (lambda x, y: (t := x - y) * (np.exp(t) / (t + 2)), 2),
    "a result of another type": (lambda x, y: np.logical_and(x < y, y > 0.5), 2),
    "a mask between": (lambda x, y: (x < y) * x, 2),
    "a choice": (lambda x, y: np.where(x > 0.5, y, 0.0) * y, 2),
    "a choice at last": (lambda x, y: np.where(x > 0.5, y * x, 1), 2),
    "a square": (lambda x: x**2, 1),
    "one more call than it needs": (lambda x: (x + 1, x + 2)[0], 1),
    "memory of its own": (lambda x: np.exp(x, out=np.empty_like(x)), 1),
    "a number on the left": (lambda x: 1 / (np.exp(-x) + 1), 1),
}
