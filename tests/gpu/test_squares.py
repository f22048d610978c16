"""The squared error: the source of the kernel against the functions that it replaces."""

import numpy as np
import pytest

from minigrad.gpu import squares
from minigrad.gpu.launch import or_else
from minigrad.ops.loss import mse


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("char", "tolerance"), [("f", 1e-5), ("e", 3e-3), ("d", 1e-12)])
def test_mse_and_its_gradients_are_those_of_the_operation(launched, char, tolerance, reduction):
    x, y = np.random.default_rng(0).standard_normal((2, 3, 70)).astype(char)
    g = np.array(0.5, char)
    loss = or_else(squares.add_squares, mse.forward)(x, y, reduction=reduction)
    np.testing.assert_allclose(loss, mse.forward(x, y, reduction=reduction), rtol=tolerance)
    for rule, swapped in zip(mse.rules, (False, True), strict=True):
        found = squares.squares_rule(g, x, y, reduction, swapped)
        np.testing.assert_allclose(found, rule(g, x, y, reduction), rtol=tolerance)
        assert found.dtype == x.dtype
    assert loss.dtype == x.dtype and loss.shape == () and len(launched) == 3


@pytest.mark.parametrize(
    "y", [np.ones((3, 1), "f"), np.ones((4, 3), "f").T, np.ones((3, 4))], ids=["broadcast", "T", "d"]
)
def test_other_operands_are_left_to_the_operation(launched, y):
    x = np.zeros((3, 4), "f")
    np.testing.assert_allclose(or_else(squares.add_squares, mse.forward)(x, y, reduction="mean"), 1)
    np.testing.assert_array_equal(or_else(squares.add_squares, mse.forward)(x, y, reduction="none"), np.ones((3, 4)))
    assert launched == []
