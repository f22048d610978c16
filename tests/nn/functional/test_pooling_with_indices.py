"""The poolings that always return places: the same as with `return_indices=True`."""

import pytest

import minigrad as torch
import minigrad.nn.functional as F

X = torch.tensor([[[[3.0, 1.0, 7.0, 0.0], [2.0, 9.0, 4.0, 5.0], [8.0, 6.0, 2.0, 1.0], [0.0, 3.0, 5.0, 11.0]]]])
SAMPLES = torch.tensor([[[0.2, 0.7]]])


@pytest.mark.parametrize(
    ("name", "arguments", "values", "places"),
    [
        ("max_pool2d", (X, 2), [[[[9, 7], [8, 11]]]], [[[[5, 2], [8, 15]]]]),
        ("max_pool2d", (X, 3, 2, 1), [[[[9, 9], [9, 11]]]], [[[[5, 5], [5, 15]]]]),
        ("max_pool1d", (X[0], 2), [[[3, 7], [9, 5], [8, 2], [3, 11]]], [[[0, 2], [1, 3], [0, 2], [1, 3]]]),
        ("adaptive_max_pool1d", (X[0], 1), [[[7], [9], [8], [11]]], [[[2], [1], [0], [3]]]),
        ("adaptive_max_pool2d", (X, (1, 2)), [[[[9, 11]]]], [[[[5, 15]]]]),
        ("fractional_max_pool2d", (X, 2, 2, None), [[[[9, 7], [8, 11]]]], [[[[5, 2], [8, 15]]]]),
    ],
)
def test_values_and_places_are_returned_whatever_is_asked(name, arguments, values, places):
    options = {"_random_samples": SAMPLES} if name.startswith("fractional") else {}
    for asked in (False, True):
        found = getattr(F, f"{name}_with_indices")(*arguments, return_indices=asked, **options)
        assert [x.tolist() for x in found] == [values, places] and found[1].dtype == torch.int64


def test_the_maxima_have_the_gradient_of_the_plain_pooling():
    x = X.clone().requires_grad_()
    F.max_pool2d_with_indices(x, 2)[0].sum().backward()
    assert x.grad.nonzero()[:, 2:].tolist() == [[0, 2], [1, 1], [2, 0], [3, 3]]
