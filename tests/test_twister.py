"""The arithmetic of the random numbers: one rounding where PyTorch's kernels round once, draws in any pieces."""

import numpy as np

from minigrad.random import Generator
from minigrad.twister import fused_multiply_add


def test_large_draws_equal_the_same_draws_in_pieces():
    whole, pieces = Generator(), Generator()
    got = whole.uniform((100_000,), np.float64, 0.0, 2.0)
    expected = [pieces.uniform((20_000,), np.float64, 0.0, 2.0) for _ in range(5)]
    np.testing.assert_array_equal(got, np.concatenate(expected))


def test_fused_multiply_add_rounds_once():
    from fractions import Fraction

    generator = Generator().manual_seed(2)
    for dtype in (np.float32, np.float64):
        x = generator.normal((200,), dtype)
        scale, shift = dtype(0.7), dtype(-0.3)
        exact = [float(Fraction(float(v)) * Fraction(float(scale)) + Fraction(float(shift))) for v in x]
        np.testing.assert_array_equal(fused_multiply_add(x, scale, shift), np.array(exact, dtype))
