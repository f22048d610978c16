"""The loss on class indices: the source of the kernels against the functions that they replace."""

import numpy as np
import pytest

from minigrad.gpu import classes
from minigrad.gpu.launch import or_else
from minigrad.ops.likelihood import nll

FORWARD, RULE = nll.forward, nll.rules[0]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("shape", [(7, 5), (300, 3), (2, 4, 3, 5)], ids=str)
def test_the_loss_and_its_gradient_are_those_of_the_operation(launched, shape, weighted, reduction):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape).astype("f")
    labels = random.integers(0, shape[1], (shape[0], *shape[2:]))
    labels.flat[3] = -100
    weight = random.random(shape[1]).astype("f") if weighted else None
    g = np.array(1.5, "f")
    how = {"ignore_index": -100, "reduction": reduction}
    loss = or_else(classes.nll, FORWARD)(x, labels, weight, **how)
    np.testing.assert_allclose(loss, FORWARD(x, labels, weight, **how), rtol=1e-5)
    dx = or_else(classes.nll_rule, RULE)(g, x, labels, weight, -100, reduction)
    np.testing.assert_allclose(dx, RULE(g, x, labels, weight, -100, reduction), rtol=1e-5)
    assert launched == ["nll", "nll_rule"] and loss.dtype == dx.dtype == x.dtype and loss.shape == ()


def test_ignored_classes_add_nothing_and_unknown_ones_give_nan(launched):
    x = np.log(np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], "f"))
    forward = or_else(classes.nll, FORWARD)
    loss = forward(x, np.array([0, 1, 1]), None, ignore_index=1, reduction="mean")
    np.testing.assert_allclose(loss, -x[0, 0])
    dx = or_else(classes.nll_rule, RULE)(np.array(1, "f"), x, np.array([0, 1, 1]), None, 1, "mean")
    assert dx.tolist() == [[-1, 0], [0, 0], [0, 0]]
    assert np.isnan(forward(x, np.array([0, 2, 1]), None, ignore_index=-100, reduction="mean"))
    with np.errstate(all="ignore"):
        assert np.isnan(forward(x, np.full(3, -100), None, ignore_index=-100, reduction="mean"))


def test_halves_are_summed_in_float32(launched):
    x = np.full((4096, 2), -0.7, "e")
    loss = or_else(classes.nll, FORWARD)(x, np.zeros(4096, int), None, ignore_index=-100, reduction="mean")
    assert loss.dtype == x.dtype and abs(loss - np.float16(0.7)) < 1e-3


@pytest.mark.parametrize(
    ("labels", "reduction"),
    [(np.zeros(3, int), "none"), (np.zeros(3, "B"), "mean"), (np.zeros(6, int)[::2], "sum")],
    ids=["no reduction", "bytes", "strides"],
)
def test_other_operands_are_left_to_the_operation(launched, labels, reduction):
    x = np.zeros((3, 2), "f")
    how = {"ignore_index": -100, "reduction": reduction}
    np.testing.assert_array_equal(
        or_else(classes.nll, FORWARD)(x, labels, None, **how), FORWARD(x, labels, None, **how)
    )
    assert launched == []
