"""`linear`: a product over the last axis, and a bias."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3), (0, 3), (2, 0, 3)])
def test_linear_is_a_product_over_the_last_axis(shape):
    generator = np.random.default_rng(14)
    x, w, b = generator.standard_normal(shape), generator.standard_normal((5, 3)), np.arange(5.0)
    result = F.linear(*map(minigrad.tensor, (x, w, b)))
    np.testing.assert_allclose(result.numpy(), x @ w.T + b, atol=1e-14)


def test_linear_of_halves_is_rounded_once_after_the_bias():
    generator = np.random.default_rng(16)
    x, w, b = [generator.standard_normal(s).astype(np.float16) for s in ((20, 7), (5, 7), (5,))]
    product, half = x.astype(np.float64) @ w.T.astype(np.float64), [minigrad.tensor(z) for z in (x, w, b)]
    np.testing.assert_array_equal(F.linear(*half).numpy(), (product + b).astype(np.float16))
    expected = (np.float32(0.3) * b + np.float32(1.7) * product).astype(np.float16)
    np.testing.assert_array_equal(minigrad.addmm(half[2], half[0], half[1].T, beta=0.3, alpha=1.7).numpy(), expected)


def test_a_weight_of_one_axis_gives_one_number_per_row():
    x, w = minigrad.tensor([[1.0, 2.0]]), minigrad.tensor([3.0, 4.0])
    assert F.linear(x, w).tolist() == [11.0]
    assert F.linear(x[0], w, minigrad.tensor(1.0)).tolist() == 12.0
