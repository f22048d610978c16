"""Messages for arguments: what they show of a value."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

SHAPE, ROWS = (2, 3, 16, 16), [[0.5] * 100] * 100
LARGE = {
    "a tensor for sizes": (
        lambda x: mg.randn(x),
        "not Tensor of shape (2, 3, 16, 16); the sizes of a tensor are x.shape",
    ),
    "a tensor among sizes": (
        lambda x: mg.ones(3, x),
        "not Tensor of shape (2, 3, 16, 16); the sizes of a tensor are x",
    ),
    "a tensor for a size": (lambda x: mg.full(x, 1.0), "tuple of ints, not Tensor of shape (2, 3, 16, 16)"),
    "a tensor for an axis": (lambda x: x.sum(x), "argument 'dim' must be int, not Tensor of shape (2, 3, 16, 16)"),
    "a tensor for a window": (lambda x: F.max_pool2d(x, x), "tuple of 2 ints, not Tensor of shape (2, 3, 16, 16)"),
    "a tensor for its shape": (
        lambda x: nn.summary(nn.ReLU(), x),
        "of shape (2, 3, 16, 16); the shape of a tensor is x.shape",
    ),
    "an array for a number": (lambda x: mg.optim.SGD([x], lr=np.zeros(SHAPE)), "not ndarray of shape (2, 3, 16, 16)"),
    "an array for a seed": (
        lambda x: mg.manual_seed(np.zeros(SHAPE)),
        "such as 42, got ndarray of shape (2, 3, 16, 16)",
    ),
    "a list for sizes": (lambda x: mg.zeros(ROWS), "argument 'size' must be tuple of ints, not list [0.5, 0.5,"),
    "a list for an axis": (lambda x: x.sum(ROWS), "must be int, not list [0.5, 0.5,"),
}


@pytest.mark.parametrize("what", LARGE)
def test_a_message_shows_the_shape_of_many_numbers_not_the_numbers(what):
    call, message = LARGE[what]
    with pytest.raises((TypeError, ValueError)) as refused:
        call(mg.zeros(SHAPE))
    assert message in str(refused.value)
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_few_numbers_are_shown():
    with pytest.raises(TypeError, match=r"argument 'size' must be tuple of ints, not Tensor tensor\(\[1., 2.\]\)"):
        mg.zeros(mg.tensor([1.0, 2.0]))
    with pytest.raises(TypeError, match=r"argument 'size' must be tuple of ints, not float 1.5 in \(2, 1.5\)"):
        mg.zeros(2, 1.5)


def test_an_index_of_several_elements_names_a_loop_and_one_of_floats_the_rounding():
    names = ["cat", "dog"]
    with pytest.raises(
        TypeError, match=r"single element can be converted to an index, got .*int64 of shape \(2,\); .*tolist"
    ):
        names[mg.tensor([1, 0])]
    with pytest.raises(TypeError, match=r"got .*float32 of shape \(\); int\(\.\.\.\) rounds it"):
        names[mg.tensor(1.0)]
    assert names[mg.tensor([1])] == "dog"
