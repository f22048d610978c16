"""Leaves of graphs for tests."""

import numpy as np

import minigrad as mg


def leaf(*shape, seed=0):
    """Normal numbers in double precision that require a gradient."""
    return mg.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def counting_leaf(*shape):
    """1, 2, 3, ... in double precision, which require a gradient."""
    return mg.tensor(np.arange(1.0, 1 + np.prod(shape)).reshape(shape), requires_grad=True)


def leaf_of(*numbers, dtype=None):
    """These numbers, which require a gradient."""
    return mg.tensor(numbers, dtype=dtype, requires_grad=True)
