"""Gradients of piecewise linear functions have the derivative 0, which differs from having none."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad import autograd

IMAGE, SIGNAL = (2, 3, 5, 4), (2, 3, 5)
LINEAR = {
    "relu": (F.relu, SIGNAL),
    "prelu": (lambda x: F.prelu(x, minigrad.full((3,), 0.2, dtype=minigrad.float64)), SIGNAL),
    "rrelu": (lambda x: F.rrelu(x, training=True), SIGNAL),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2), SIGNAL),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), IMAGE),
    "max_pool2d, overlapping": (lambda x: F.max_pool2d(x, 3, 1, 1), IMAGE),
    "max_pool2d with places": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], IMAGE),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), SIGNAL),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (2, 1), padding=(1, 0)), IMAGE),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 2), SIGNAL),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), IMAGE),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 2), SIGNAL),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 3), IMAGE),
    "adaptive_avg_pool2d, of all": (lambda x: F.adaptive_avg_pool2d(x, 1), IMAGE),
    "interpolate by area": (lambda x: F.interpolate(x, size=(2, 3), mode="area"), IMAGE),
    "pad by reflection": (lambda x: F.pad(x, (1, 2, 0, 1), mode="reflect"), IMAGE),
    "pad by the border": (lambda x: F.pad(x, (1, 2), mode="replicate"), SIGNAL),
    "max_pool2d of no image": (lambda x: F.max_pool2d(x[:0], 2), IMAGE),
    "avg_pool2d of no image": (lambda x: F.avg_pool2d(x[:0], 2), IMAGE),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_second_derivative_is_zero_and_not_missing(name):
    function, shape = LINEAR[name]
    random = np.random.default_rng(len(name))
    x = minigrad.tensor(random.normal(size=shape), requires_grad=True)
    y = function(x)
    weight = minigrad.tensor(random.normal(size=y.shape))
    (slope,) = autograd.grad(y, x, weight, create_graph=True)
    (plain,) = autograd.grad(y, x, weight, retain_graph=True)
    np.testing.assert_allclose(slope.tolist(), plain.tolist(), rtol=1e-14)  # a GPU adds in any order
    (second,) = autograd.grad(slope.sum(), x, create_graph=True)
    assert second.shape == x.shape and second.tolist() == np.zeros(shape).tolist()


@pytest.mark.parametrize("name", [n for n in LINEAR if not n.startswith("rrelu")])
def test_the_square_of_the_result_passes_gradgradcheck(name):
    function, shape = LINEAR[name]
    x = minigrad.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True)
    assert autograd.gradgradcheck(lambda x: function(x) ** 2, (x,), fast_mode=True, nondet_tol=1e-12)
