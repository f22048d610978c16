"""The arithmetic of the random numbers: one rounding where PyTorch's kernels round once, draws in any pieces."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.box_muller import normal_blocks32
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


def test_draws_of_any_sizes_are_one_stream():
    generator = Generator().manual_seed(4)
    sizes = [5, 600, 30, 1, 0, 624, 612, 3000, 0, 1248, 7]
    got = [generator.randint(0, 2**24, (n,)) for n in sizes]
    bits = np.random.MT19937()
    np.random.RandomState(bits).seed(4)
    np.testing.assert_array_equal(np.concatenate(got), bits.random_raw(sum(sizes)) % 2**24)


@pytest.mark.parametrize("before", [0, 3, 500, 600])
@pytest.mark.parametrize("size", [16, 64, 608, 640])
def test_a_small_normal_draw_is_made_of_the_next_words_wherever_it_begins(before, size):
    generator = Generator().manual_seed(5)
    for _ in range(2):  # the second finds its radii and angles made, if both lie in one state
        generator.uniform((before,))
        uniforms = generator.clone_state().uniform((size,))
        np.testing.assert_array_equal(generator.normal((size,)), normal_blocks32(uniforms))


def test_a_state_between_two_small_normal_draws_continues_with_the_second():
    generator = Generator().manual_seed(6)
    generator.normal((64,))
    state = generator.get_state()
    expected = generator.normal((64,))
    generator.uniform((700,))
    np.testing.assert_array_equal(generator.set_state(state).normal((64,)), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_large_normal_draws_have_the_same_bits_on_any_number_of_threads(dtype):
    drawn, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            drawn.append(Generator().normal((300_000,), dtype, 1.0, 3.0))
    finally:
        torch.set_num_threads(before)
    assert drawn[0].tobytes() == drawn[1].tobytes()
