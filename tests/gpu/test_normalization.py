"""Batch, layer, group and instance normalization: the source of the kernels against the functions that they replace."""

import numpy as np
import pytest

from minigrad.gpu import normalization
from minigrad.gpu.launch import or_else
from minigrad.ops.normalization import Moments, batch_norm, group_norm, layer_norm, normalize_by

FORWARD, W_RULE = batch_norm.forward, batch_norm.rules[1]
# shape of the input, rows, dims, columns
KINDS = {
    "batch of images": ((4, 3, 5, 6), (4, 3, 5, 6), (0, 2, 3), (1, 3, 1, 1)),
    "batch of rows": ((150, 5), (150, 5), (0,), (1, 5)),
    "layer": ((7, 10), (7, 10), (1,), (1, 10)),
    "layer of two axes": ((2, 3, 4, 35), (2, 3, 4, 35), (2, 3), (1, 1, 4, 35)),
    "group": ((2, 6, 3, 5), (2, 3, 2, 15), (2, 3), (1, 3, 2, 1)),
    "instance": ((2, 3, 4, 5), (2, 3, 4, 5), (2, 3), (1, 3, 1, 1)),
}
OPERATIONS = {"layer": layer_norm, "layer of two axes": layer_norm, "group": group_norm}


def draw_operands(kind, dtype="f"):
    shape, rows, dims, columns = KINDS[kind]
    random = np.random.default_rng(0)
    x, g = (random.standard_normal((2, *shape)) * 2 + 3).astype(dtype)
    size = int(np.prod(columns))
    w, b = random.random((2, *([size] if kind != "layer of two axes" else [4, 35]))).astype(dtype)
    return x, g, w, b, [Moments(rows, dims, columns, 1e-5) for _ in range(2)]


@pytest.mark.parametrize("affine", [True, False], ids=["affine", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_and_rules_are_those_of_the_operation(launched, kind, affine):
    x, g, w, b, (mine, moments) = draw_operands(kind)
    w, b = (w, b) if affine else (None, None)
    x_rule = OPERATIONS.get(kind, batch_norm).rules[0]
    how = {"running": (None, None), "momentum": 0.1}
    out = or_else(normalization.normalize, FORWARD)(x, w, b, moments=mine, **how)
    np.testing.assert_allclose(out, FORWARD(x, w, b, moments=moments, **how), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mine.mean, moments.mean, rtol=1e-5)
    np.testing.assert_allclose(mine.scale, moments.scale, rtol=1e-5)
    assert mine.mean.shape == moments.mean.shape
    dx = or_else(normalization.x_rule, x_rule)(g, x, w, mine)
    np.testing.assert_allclose(dx, x_rule(g, x, w, moments), rtol=1e-3, atol=1e-4)
    assert out.shape == dx.shape == x.shape and out.dtype == dx.dtype == x.dtype
    if affine:
        dw = or_else(normalization.w_rule, W_RULE)(g, x, w.shape, mine)
        np.testing.assert_allclose(dw, W_RULE(g, x, w.shape, moments), rtol=1e-3, atol=1e-4)
        count = len(launched)
        b_rule = OPERATIONS.get(kind, batch_norm).rules[2]
        weights = (w,) if kind == "group" else ()  # which group_norm's rule reads
        db = or_else(normalization.b_rule, b_rule)(g, *weights, b.shape, mine)
        np.testing.assert_allclose(db, b_rule(g, *weights, b.shape, moments), rtol=1e-4)
        assert len(launched) == count and dw.shape == db.shape == w.shape  # summed with the weights'
    assert len(launched) <= 6


def test_running_statistics_are_updated(launched):
    x, _, w, b, (mine, moments) = draw_operands("batch of images")
    running = [np.array([[0, 0, 0], [1, 1, 1]], "f") for _ in range(2)]
    or_else(normalization.normalize, FORWARD)(x, w, b, moments=mine, running=tuple(running[0]), momentum=0.25)
    FORWARD(x, w, b, moments=moments, running=tuple(running[1]), momentum=0.25)
    np.testing.assert_allclose(running[0], running[1], rtol=1e-5)
    np.testing.assert_allclose(mine.variance, moments.variance, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("e", 2e-2), ("d", 1e-9)])
@pytest.mark.parametrize("kind", ["batch of images", "layer"])
def test_halves_and_doubles_are_served(launched, kind, dtype, tolerance):
    x, g, w, b, (mine, moments) = draw_operands(kind, dtype)
    how = {"running": (None, None), "momentum": 0.1}
    out = or_else(normalization.normalize, FORWARD)(x, w, b, moments=mine, **how)
    np.testing.assert_allclose(out, FORWARD(x, w, b, moments=moments, **how), rtol=tolerance, atol=tolerance)
    x_rule = OPERATIONS.get(kind, batch_norm).rules[0]
    dx = or_else(normalization.x_rule, x_rule)(g, x, w, mine)
    np.testing.assert_allclose(dx, x_rule(g, x, w, moments), rtol=tolerance, atol=tolerance)
    assert out.dtype == dx.dtype == x.dtype


def test_a_mean_far_from_zero_costs_no_digits(launched):
    x = (1000 + np.random.default_rng(0).standard_normal((64, 2, 8, 8))).astype("f")
    x[0, :, 0, 0] = 0  # what a sum about the first element would stumble over
    mine, moments = [Moments(x.shape, (0, 2, 3), (1, 2, 1, 1), 1e-5) for _ in range(2)]
    for measured, forward in ((mine, or_else(normalization.normalize, FORWARD)), (moments, FORWARD)):
        forward(x, None, None, moments=measured, running=(None, None), momentum=0.1)
    np.testing.assert_allclose(mine.variance, moments.variance, rtol=1e-5)


def test_given_statistics_are_used(launched):
    x, g, w, b, _ = draw_operands("batch of images")
    mean, var, columns = np.array([1, 2, 3], "f"), np.array([0.5, 1, 2], "f"), (1, 3, 1, 1)
    for weight, bias in ((w, b), (w, None), (None, b), (None, None)):
        how = (x, weight, bias, mean, var)
        out = or_else(normalization.normalize_by_given, normalize_by.forward)(*how, columns=columns, eps=1e-5)
        np.testing.assert_allclose(out, normalize_by.forward(*how, columns=columns, eps=1e-5), rtol=1e-4, atol=1e-5)
        dx = or_else(normalization.given_x_rule, normalize_by.rules[0])(g, weight, var, columns, 1e-5)
        np.testing.assert_allclose(dx, normalize_by.rules[0](g, weight, var, columns, 1e-5), rtol=1e-5)
    assert len(launched) == 8


def test_rows_that_are_too_long_are_left_to_the_operation(launched):
    x = np.ones((2, 20000), "f")
    forward = or_else(normalization.normalize, lambda *operands, **options: "as before")
    moments = Moments(x.shape, (1,), (1, 20000), 1e-5)
    assert forward(x, None, None, moments=moments, running=(None, None), momentum=0.0) == "as before"
    assert launched == []
