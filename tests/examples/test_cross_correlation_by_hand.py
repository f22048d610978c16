"""examples/cross_correlation_by_hand.py: both loops agree with SciPy, and a layer learns the flipped kernel."""

import numpy as np
import pytest
from scipy import signal

import cross_correlation_by_hand as example
import minigrad

pytestmark = pytest.mark.lesson


def test_outputs_are_those_of_the_lesson() -> None:
    X = minigrad.arange(9.0).reshape(3, 3)
    K = minigrad.arange(4.0).reshape(2, 2)
    assert example.corr2d(X, K).tolist() == [[19, 25], [37, 43]]


def test_both_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 7)).astype(np.float32)
    K = rng.normal(size=(2, 3)).astype(np.float32)
    correlated = example.corr2d(minigrad.tensor(X), minigrad.tensor(K)).numpy()
    convolved = example.convolve2d(minigrad.tensor(X), minigrad.tensor(K)).numpy()
    np.testing.assert_allclose(correlated, signal.correlate2d(X, K, "valid"), atol=1e-5)
    np.testing.assert_allclose(convolved, signal.convolve2d(X, K, "valid"), atol=1e-5)


def test_a_layer_learns_the_flipped_kernel() -> None:
    minigrad.manual_seed(1)
    X, K = minigrad.randn(12, 12), minigrad.tensor([[1.0, 2.0], [3.0, 4.0]])
    learned = example.learn_kernel(X, example.convolve2d(X, K), (2, 2))
    np.testing.assert_allclose(learned, [[4, 3], [2, 1]], atol=1e-4)


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--seed", "1"])
    printed = capsys.readouterr().out
    assert "0*0 + 1*1 + 3*2 + 4*3 = 19\n" in printed
    assert "learns the flipped kernel:\ntensor([[4." in printed
