"""Leaves of graphs for tests."""

import numpy as np

import minigrad as mg


def leaf(*shape, seed=0):
    """Normal numbers in double precision that ask for a gradient."""
    numbers = np.random.default_rng(seed).normal(size=shape)
    return mg.tensor(numbers, requires_grad=True)
