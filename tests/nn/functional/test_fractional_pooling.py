"""Fractional max pooling against its definition; values of PyTorch are among the recorded functions."""

import minigrad
import minigrad.nn.functional as F
from minigrad import nn
from tests.refusals import refusals

X = minigrad.randn(2, 3, 9, 8, generator=minigrad.Generator().manual_seed(0))


def test_the_indices_are_those_of_the_values():
    values, places = F.fractional_max_pool2d(X, 2, (4, 5), return_indices=True)
    assert values.shape == places.shape == (2, 3, 4, 5) and places.dtype == minigrad.int64
    assert minigrad.equal(X.flatten(2).gather(2, places.flatten(2)).view(values.shape), values)


def test_no_windows_make_an_empty_result_and_a_gradient_of_zeros():
    x = minigrad.ones(2, 3, 4, 5, requires_grad=True)
    values, places = F.fractional_max_pool2d(x, 2, (0, 1), return_indices=True)
    assert values.shape == places.shape == (2, 3, 0, 1)
    values.sum().backward()
    assert x.grad.shape == x.shape and not x.grad.any()


def test_the_last_window_ends_at_the_last_pixel():
    ramp = minigrad.arange(72.0).view(1, 9, 8)
    assert F.fractional_max_pool2d(ramp, 3, output_ratio=0.6)[0, -1, -1] == 71


def test_each_channel_draws_windows_of_its_own_from_the_generator():
    minigrad.manual_seed(1)
    chances, following = minigrad.rand(2, 3, 2), minigrad.rand(1)
    minigrad.manual_seed(1)
    drawn = F.fractional_max_pool2d(X, 2, 5)
    assert minigrad.equal(minigrad.rand(1), following)
    given = F.fractional_max_pool2d(X, 2, 5, _random_samples=chances)
    assert minigrad.equal(drawn, given)
    assert minigrad.equal(F.fractional_max_pool2d(X[1], 2, 5, _random_samples=chances[1:]), given[1])


def test_the_gradient_goes_to_the_maxima_and_adds_up_where_windows_overlap():
    x = minigrad.arange(9.0).view(1, 3, 3).requires_grad_()
    y = F.fractional_max_pool2d(x, 2, 2, _random_samples=minigrad.zeros(1, 1, 2))
    assert y.tolist() == [[[4, 5], [7, 8]]] and "FractionalMaxPool2DBackward0" in repr(y)
    F.fractional_max_pool2d(x, 3, 1).sum().backward()
    y.sum().backward()
    assert x.grad.flatten().tolist() == [0, 0, 0, 0, 1, 1, 0, 1, 2]


def test_the_layer_keeps_given_samples_as_a_buffer():
    layer = nn.FractionalMaxPool2d(2, output_ratio=0.5, _random_samples=minigrad.rand(2, 3, 2))
    assert list(layer.state_dict()) == ["_random_samples"] and repr(layer) == "FractionalMaxPool2d()"
    assert minigrad.equal(layer(X), layer(X)) and layer(X).shape == (2, 3, 4, 4)
    assert nn.FractionalMaxPool2d((2, 3), (4, 5), return_indices=True)(X)[1].shape == (2, 3, 4, 5)


test_refused = refusals({
    "neither size nor ratio": (lambda: F.fractional_max_pool2d(X, 2), ValueError, "either an output_size or an"),
    "windows too high": (
        lambda: F.fractional_max_pool2d(X, 6, 5), RuntimeError, ("pool height 6 too large", "height 9", "at least 10"),
    ),
    "windows too wide": (
        lambda: F.fractional_max_pool2d(X, 2, (5, 8)), RuntimeError, ("pool width 2 too large", "at least 9 pixels"),
    ),
    "no windows": (
        lambda: F.fractional_max_pool2d(X, 2, -1), RuntimeError, ("negative output_size", "give 0 or more"),
    ),
    "no channels": (
        lambda: F.fractional_max_pool2d(X[:, :0], 2, 5), RuntimeError, ("non-zero size for non-batch", "[2, 0, 9, 8]"),
    ),
    "integers": (lambda: F.fractional_max_pool2d(X.int(), 2, 5), NotImplementedError, "not implemented for 'Int'"),
    "samples": (
        lambda: F.fractional_max_pool2d(X, 2, 5, _random_samples=minigrad.rand(2, 2)), RuntimeError,
        ("_random_samples of shape [2, 3, 2], got [2, 2]",),
    ),
    "samples of another dtype": (
        lambda: F.fractional_max_pool2d(X, 2, 5, _random_samples=minigrad.rand(2, 3, 2).double()), RuntimeError,
        ("float32) and _random_samples type (float64)",),
    ),
    "layer without a size": (lambda: nn.FractionalMaxPool2d(2), ValueError, "an output size, or a pooling ratio"),
    "both": (lambda: nn.FractionalMaxPool2d(2, 3, 0.5), ValueError, "only one of output_size and output_ratio"),
    "ratio": (
        lambda: nn.FractionalMaxPool2d(2, None, (0.5, 1)), ValueError, ("between 0 and 1 (got (0.5, 1))",),
    ),
})  # fmt: skip
