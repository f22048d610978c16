"""Unpooling and power means against their definitions."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad import nn
from tests.marks import NOT_ASKED

X = minigrad.tensor(np.random.default_rng(5).standard_normal((2, 3, 6, 7)))


@pytest.mark.parametrize("options", [(2,), (2, 2), (3, 2, 1), ((2, 3), (1, 2))])
def test_unpooling_puts_maxima_back(options):
    values, places = F.max_pool2d(X, *options, return_indices=True)
    found = F.max_unpool2d(values, places, *options, output_size=X.shape)
    expected = np.zeros((2, 3, 42))
    np.put_along_axis(expected, places.flatten(2).numpy(), values.flatten(2).numpy(), 2)
    np.testing.assert_array_equal(found.flatten(2).numpy(), expected)
    layer = nn.MaxUnpool2d(*options)
    assert minigrad.equal(layer(values, places, X.shape[2:]), found)


def test_max_unpool1d_takes_one_signal_and_an_output_size():
    x = X[0, :, 0]
    values, places = nn.MaxPool1d(2, return_indices=True)(x)
    found = nn.MaxUnpool1d(2)(values, places, output_size=(7,))
    assert found.shape == (3, 7) and minigrad.equal(found[found != 0].sort().values, values.flatten().sort().values)
    assert F.max_unpool1d(values, places, 2).shape == (3, 6)


def test_gradients_go_back_to_the_maxima():
    x = X.clone().requires_grad_()
    y = F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(6, 7))
    g = minigrad.rand(*y.shape).double()
    y.backward(g)
    kept = y.detach() != 0
    assert minigrad.equal(x.grad[kept], g[kept]) and int((x.grad != 0).sum()) == int(kept.sum())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda v, i: F.max_unpool2d(v, i[:1], 2), RuntimeError, "shape of indices to be the same"),
        (lambda v, i: F.max_unpool2d(v.int(), i, 2), NotImplementedError, "max_unpool2d. not implemented for 'Int'"),
        (lambda v, i: F.max_unpool2d(v, i.int(), 2), RuntimeError, "type int64 but got: minigrad.int32"),
        pytest.param(
            lambda v, i: F.max_unpool2d(v, i + 100, 2), RuntimeError, "Found an invalid max index", marks=NOT_ASKED
        ),
        (lambda v, i: F.max_unpool2d(v, i, 2, output_size=(9, 7)), ValueError, "invalid output_size"),
        (lambda v, i: F.max_unpool2d(v, i, 2, output_size=(9,)), ValueError, "must have 2 or 4 elements"),
        (lambda v, i: F.max_unpool2d(v[0, 0], i[0, 0], 2), RuntimeError, "Input to max_unpooling2d should be a 3d or"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(*F.max_pool2d(X.to(minigrad.get_default_device()), 2, return_indices=True))


@pytest.mark.parametrize("p", [1, 2, 3.5, float("inf")])
def test_lp_pooling_is_the_norm_of_each_window(p):
    found = nn.LPPool2d(p, (2, 3), 2)(X.abs())
    windows = X.abs().unfold(2, 2, 2).unfold(3, 3, 2).numpy()
    np.testing.assert_allclose(found.numpy(), np.linalg.norm(windows.reshape(*windows.shape[:4], -1), p, axis=-1))
    row = nn.LPPool1d(p, 3, 2)(X[0].abs())
    np.testing.assert_allclose(row.numpy(), np.linalg.norm(X[0].abs().unfold(2, 3, 2).numpy(), p, axis=-1))


@pytest.mark.parametrize("pool", [F.lp_pool1d, F.lp_pool2d])
@pytest.mark.parametrize("p", [2.0, float("inf")])
def test_errors_of_power_pooling_name_the_function(pool, p):
    with pytest.raises((RuntimeError, IndexError), match=rf": {pool.__name__} takes"):
        pool(minigrad.ones(2), p, 2)
    with pytest.raises(RuntimeError, match=rf"too small \({pool.__name__}"):
        pool(minigrad.ones(1, 2, 2), p, 3)
