"""The stand-in's NumPy twins compute what their kernels compute, also where numbers overflow or cancel."""

import numpy as np
import pytest

from minigrad.gpu import classes, normalization, pooling, rows, squares, sums
from minigrad.kernels import Geometry
from minigrad.ops.normalization import Moments
from tests.conftest import install_stand_in
from tests.gpu.on_processor import run_kernels_on_processor

BIG = [[0.0, 1e38, -3e38], [0.0, -2.0, 1e38], [3e38, 3e38, 3e38], [1.0, 2.0, 4.0]]
HALVES = [[6e4, 6e4, -6e4, 1.0], [0.1, 0.2, 0.3, 1e-6]]
FAR = 1e7 + np.random.default_rng(0).standard_normal((40, 3))


def make_normalization(dims, columns):
    """A function of x: the normalized result, the statistics, and the gradient; over rows or over columns."""

    def compute(x):
        moments = Moments(x.shape, dims, columns, 1e-5)
        out = normalization.normalize(x, None, None, moments=moments, running=(None, None), momentum=0.1)
        measured = (moments.mean, moments.scale) if 0 not in dims else (moments.mean, moments.variance, moments.scale)
        return out, *measured, normalization.x_rule(x[::-1] - x, x, None, moments)

    return compute


def add_losses(x, labels, weights):
    """The loss, and its gradient."""
    how = {"ignore_index": -100, "reduction": "mean"}
    return classes.nll(x, labels, weights, **how), classes.nll_rule(weights[-1:], x, labels, weights, **how)


def softmax(x):
    return [rows.forward_along(name, x, dim=1) for name in rows.FORWARDS]


def pool(x):
    geometry = Geometry((1, 2), (1, 2), (0, 0), (1, 1), 1)
    x = x.reshape(1, 1, *x.shape)
    y = pooling.pool_mean(x, geometry=geometry, windows=(x.shape[2], x.shape[3] // 2), count=(None, True))
    return y, pooling.pool_mean_rule(y, x, geometry, y.shape[2:], (None, True))


LABELS = np.array([0, 2, 1, 1])
CASES = {
    "layers": (make_normalization((1,), (1, 3)), [np.array(BIG, "f")]),
    "layers of halves": (make_normalization((1,), (1, 4)), [np.array(HALVES, "e")]),
    "layers of doubles": (make_normalization((1,), (1, 3)), [np.array(BIG)]),
    "layers far from zero": (make_normalization((1,), (1, 3)), [FAR.astype("f")]),
    "batches": (make_normalization((0,), (1, 3)), [np.array(BIG[:2], "f")]),
    "batches of halves": (make_normalization((0,), (1, 4)), [np.array(HALVES, "e")]),
    "batches far from zero": (make_normalization((0,), (1, 3)), [FAR.astype("f")]),
    "batches of doubles far from zero": (make_normalization((0,), (1, 3)), [FAR]),
    "classes": (add_losses, [np.array(BIG, "f"), LABELS, np.array([3.0, 1.0, 0.1], "f")]),
    "classes by large weights": (add_losses, [np.array(BIG, "f") / 1e38, LABELS, np.array([3e38, 3e38, 1], "f")]),
    "classes of halves": (add_losses, [np.array([*HALVES, *HALVES], "e"), LABELS, np.array([6e4, 1e-4, 6e4, 1], "e")]),
    "squares": (lambda x: [squares.add_squares(x, x[::-1].copy(), reduction="sum")], [np.array(BIG, "f")]),
    "squares of halves": (lambda x: [squares.add_squares(x, x * 2, reduction="mean")], [np.array(HALVES, "e") / 3]),
    "sums": (lambda x: [sums.add_up(x, dim=(1,), keepdim=False)], [np.array(BIG, "f")]),
    "sums of halves": (lambda x: [sums.add_up(x, dim=(0,), keepdim=False)], [np.array(HALVES, "e")]),
    "softmax": (softmax, [np.array([*BIG, [np.inf, 0, 1], [-np.inf] * 3, [np.nan, 0, 1]], "f")]),
    "softmax of halves": (softmax, [np.array(HALVES, "e")]),
    "windows of halves": (pool, [np.array(HALVES, "e")]),
    "windows": (pool, [np.array(BIG, "f")[:, :2]]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_numpy_twin_computes_in_the_type_of_its_kernel(name, monkeypatch):
    compute, operands = CASES[name]
    with np.errstate(all="ignore"), run_kernels_on_processor(monkeypatch) as launched:
        wanted = compute(*operands)
    assert launched
    with install_stand_in() as cupy, np.errstate(all="ignore"):
        found = [x.get() for x in compute(*[cupy.asarray(x) for x in operands])]
    for have, want in zip(found, wanted, strict=True):
        assert have.dtype == want.dtype
        tolerance = 8 * float(np.finfo(want.dtype).eps)
        np.testing.assert_allclose(
            have, want, rtol=tolerance, atol=tolerance * abs(want[np.isfinite(want)]).max(initial=0)
        )
