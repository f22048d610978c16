"""Flags and words that are given as arrays or tensors: each error names the function, the flag and what was given."""

import copy

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from tests.leaves import leaf
from tests.refusals import refusals

ARRAY, TENSOR = np.ones(2), mg.ones(2)
LAYER = nn.Linear(2, 3)
PAIR = mg.ones(3), mg.ones(3)
OF_ARRAY = r"^The truth value of an array .* ambiguous: {}\(\) takes True or False as '{}', not ndarray array"
OF_TENSOR = r"^Boolean value of Tensor .* ambiguous: {}\(\) takes True or False as '{}', not Tensor tensor"


def weights():
    return [mg.ones(2, requires_grad=True)]


# For each flag what is called with it; the error is PyTorch's own, ValueError for an array, RuntimeError for a tensor.
FLAGS = {
    ("relu", "inplace"): lambda flag: F.relu(mg.ones(2), flag),
    ("Linear", "bias"): lambda flag: nn.Linear(2, 3, bias=flag),
    ("Conv2d", "bias"): lambda flag: nn.Conv2d(1, 2, 3, bias=flag),
    ("BatchNorm2d", "affine"): lambda flag: nn.BatchNorm2d(3, affine=flag),
    ("BatchNorm1d", "track_running_stats"): lambda flag: nn.BatchNorm1d(3, track_running_stats=flag),
    ("LayerNorm", "elementwise_affine"): lambda flag: nn.LayerNorm(3, elementwise_affine=flag),
    ("SGD", "nesterov"): lambda flag: mg.optim.SGD(weights(), 0.1, nesterov=flag),
    ("Adam", "amsgrad"): lambda flag: mg.optim.Adam(weights(), amsgrad=flag),
    ("load_state_dict", "strict"): lambda flag: LAYER.load_state_dict(LAYER.state_dict(), strict=flag),
    ("zero_grad", "set_to_none"): lambda flag: mg.optim.SGD(weights()).zero_grad(set_to_none=flag),
    ("autocast", "enabled"): lambda flag: mg.autocast("cpu", enabled=flag),
    ("loss", "size_average"): lambda flag: F.mse_loss(*PAIR, size_average=flag),
}
test_an_array_as_a_flag = refusals({
    f"{function}, {flag}": (lambda call=call: call(ARRAY), ValueError, OF_ARRAY.format(function, flag))
    for (function, flag), call in FLAGS.items()
})  # fmt: skip
test_a_tensor_as_a_flag = refusals({
    f"{function}, {flag}": (lambda call=call: call(TENSOR), RuntimeError, OF_TENSOR.format(function, flag))
    for (function, flag), call in FLAGS.items()
})  # fmt: skip


@pytest.mark.parametrize("flag", [1, "yes", np.ones(1), mg.ones(1)], ids=["number", "text", "array", "tensor"])
def test_what_has_one_truth_value_is_a_flag(flag):
    assert nn.Linear(2, 3, bias=flag).bias is not None
    x = mg.tensor([-1.0])
    assert F.relu(x, flag) is x and x.item() == 0


test_words_and_flags_of_a_walk = refusals({
    "an array as a flag in its place": (
        lambda: nn.Linear(2, 3, ARRAY), ValueError, OF_ARRAY.format("Linear", "bias")),
    "a tensor in its place": (
        lambda: nn.Linear(2, 3, TENSOR), TypeError, "Linear.. got a tensor of shape .2,. as its argument 'bias'"),
    "rounding_mode": (
        lambda: mg.div(mg.ones(2), 2, rounding_mode=ARRAY), TypeError,
        r"div\(\): argument 'rounding_mode' must be str, not ndarray array\(\[1., 1.\]\)"),
    "rounding_mode, a tensor": (
        lambda: mg.div(mg.ones(2), 2, rounding_mode=TENSOR), TypeError, "'rounding_mode' must be str, not Tensor"),
    "reduction": (
        lambda: F.mse_loss(*PAIR, reduction=ARRAY), ValueError,
        r"^\[1. 1.\] is not a valid value for reduction; use one of 'mean', 'sum', 'none'"),
    "reduction of a layer": (
        lambda: nn.MSELoss(reduction=ARRAY)(*PAIR), ValueError, r"^\[1. 1.\] is not a valid value for reduction"),
    "padding_mode": (
        lambda: nn.Conv2d(1, 1, 1, padding_mode=ARRAY), ValueError,
        "^padding_mode must be one of 'zeros', 'reflect', .* but got padding_mode=array"),
    "padding_mode of a transposed convolution": (
        lambda: nn.ConvTranspose2d(1, 1, 1, padding_mode=ARRAY), ValueError, "^Only \"zeros\" .* got array"),
    "retain_graph": (
        lambda: leaf(2).sum().backward(retain_graph=ARRAY), TypeError,
        r"^argument 'retain_graph' must be bool, not ndarray array\(\[1., 1.\]\)"),
    "retain_graph, a word": (
        lambda: leaf(2).sum().backward(retain_graph="yes"), TypeError, "'retain_graph' must be bool, not str 'yes'"),
    "create_graph": (
        lambda: leaf(2).sum().backward(create_graph=TENSOR), TypeError, "'create_graph' must be bool, not Tensor"),
    "create_graph of grad": (
        lambda: mg.autograd.grad(leaf(2).sum(), leaf(2), create_graph=ARRAY), TypeError,
        "'create_graph' must be bool, not ndarray"),
    "no device of autocast": (
        lambda: mg.autocast(3), ValueError,
        "^Expected `device_type` of type `str`, got: int 3; write 'cpu' or 'cuda'"),
})  # fmt: skip


def test_a_refused_flag_changes_nothing():
    layer = copy.deepcopy(LAYER)
    before = layer.weight.detach().clone()
    with pytest.raises(ValueError, match="strict"):
        layer.load_state_dict(nn.Linear(2, 3).state_dict(), strict=ARRAY)
    assert mg.equal(layer.weight, before)
    x = mg.ones(2, requires_grad=True)
    loss = (x * x).sum()
    with pytest.raises(TypeError, match="retain_graph"):
        loss.backward(retain_graph=ARRAY)
    assert x.grad is None
    loss.backward()  # the graph is still there
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_walk_takes_an_integer_as_a_flag():
    x = mg.ones(2, requires_grad=True)
    loss = (x * x).sum()
    loss.backward(retain_graph=1)
    loss.backward(retain_graph=np.int64(0))
    assert x.grad.tolist() == [4.0, 4.0]
