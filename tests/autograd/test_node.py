"""What a node keeps, and when it is freed."""

import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd
from tests.autograd.test_core import check_backward_refuses
from tests.leaves import leaf


def test_an_operand_without_gradient_is_not_saved():
    x, data = leaf(1000), mg.ones(1000, dtype=mg.float64)
    watched = weakref.ref(data)
    (x + data).grad_fn  # noqa: B018
    y = (x * 2.0) + data
    del data
    assert watched() is None  # addition reads no operand
    y.sum().backward()
    assert (x.grad == 2).all()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize(
    "build",
    [
        lambda x: x.exp().tanh().softmax(-1).sum(),
        lambda x: (x.relu() * x.sigmoid()).std(),
        lambda x: x[1:].prod() + x[[0, 2]].norm(),
        lambda x: write_in_place(x).sum(),
        lambda x: F.conv2d(x.reshape(1, 1, 2, 2), x[:2].reshape(1, 1, 1, 2)).sum(),
    ],
)
@pytest.mark.parametrize("walked", [False, True])
def test_a_graph_is_freed_with_its_last_tensor(build, walked):
    x = leaf(4)
    y = build(x)
    node = weakref.ref(y.grad_fn)
    array = weakref.ref(y.array)
    if walked:
        y.backward()
    del y
    assert node() is None
    assert array() is None


def write_in_place(x):
    y = x * 1.0
    y[:2].mul_(y[2:].clone())
    y[[0, 1]] = x[:2]
    return y.exp_()


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x.reshape(2, 2) + y.sum(),
        lambda x, y: mg.cat([x, y]),
        lambda x, y: x.clone() + y.mean(),
    ],
)
def test_linear_operations_save_no_operands(call):
    x = leaf(4)
    y = mg.ones(4, dtype=mg.float64) * 2
    values, result = weakref.ref(y.array), call(x, y)
    assert result.requires_grad
    del y
    assert values() is None


def test_exp_saves_its_result_and_not_its_operand():
    x = leaf(4)
    inner = x * 2
    operand = weakref.ref(inner.array)
    y = inner.exp()
    del inner
    assert operand() is None
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * x.detach().numpy()))


def test_saved_values_are_freed_by_backward():
    x, factor = leaf(4), mg.ones(4, dtype=mg.float64)
    value = weakref.ref(factor.array)
    y = x * factor
    del factor
    assert value() is not None
    y.sum().backward()
    assert value() is None


def test_backward_refuses_a_saved_operand_that_was_written_to():
    x = leaf(2, 3)
    y = x * 2
    z = y * y
    y.add_(1.0)
    y.add_(1.0)
    check_backward_refuses(z.sum(), "MulBackward0", "shape (2, 3)", "at version 0", "at version 2 now", "x.clone()")


def test_backward_refuses_a_saved_result_that_was_written_to():
    y = leaf(3).exp()
    z = y.sum()
    y.mul_(2.0)
    check_backward_refuses(z, "ExpBackward0", "shape (3,)", "at version 0", "at version 1 now")


def test_backward_refuses_a_saved_view_whose_storage_was_written_to():
    y = leaf(4) * 1.0
    z = (y[:2] * y[:2]).sum()
    y[3] = 0.0  # elsewhere, but the counter belongs to the storage
    check_backward_refuses(z, "MulBackward0")


def test_a_rule_that_reads_its_result_is_differentiable_again():
    x = leaf(3)
    y = x.exp()
    (first,) = autograd.grad(y.sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x, create_graph=True)
    (third,) = autograd.grad(second.sum(), x)
    np.testing.assert_allclose(third.numpy(), np.exp(x.detach().numpy()))
