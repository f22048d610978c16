"""Declaring one's own operations: what a rule may read, and which declarations are refused."""

import numpy as np

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import operation
from tests.leaves import leaf
from tests.refusals import refusals


def check_gradients(function, *inputs):
    return autograd.gradcheck(function, inputs) and autograd.gradgradcheck(function, inputs)


def test_a_rule_may_read_operands_results_shapes_and_options():
    scaled_exp = operation("scaled_exp", lambda x, *, scale: np.exp(x * scale), lambda g, out, scale: g * out * scale)
    total = operation("total", lambda x: np.sum(x), lambda g, x_shape: np.broadcast_to(g, x_shape))
    product = operation("product", lambda x, y: x * y, lambda g, y: g * y, lambda g, x: g * x)
    assert check_gradients(lambda x: scaled_exp(x, scale=0.5), leaf(2, 3))
    assert check_gradients(total, leaf(2, 3))
    assert check_gradients(product, leaf(2, 3), leaf(3))
    assert scaled_exp(leaf(2), scale=1.0).grad_fn.name() == "ScaledExpBackward0"


def test_an_operation_called_with_arrays_returns_an_array():
    double = operation("double", lambda x: 2 * x, lambda g: 2 * g)
    result = double(np.ones(3))
    assert type(result) is np.ndarray and result.tolist() == [2, 2, 2]


def test_an_operand_whose_rule_is_none_gets_no_gradient():
    select = operation("choose", lambda x, m: x * m, lambda g, m: g * m, None)
    x, m = leaf(3), mg.tensor([1.0, 0.0, 1.0], dtype=mg.float64, requires_grad=True)
    select(x, m).sum().backward()
    assert x.grad.tolist() == [1, 0, 1] and m.grad is None
    assert not select(x.detach(), m).requires_grad


def test_an_operation_on_integers_requires_no_grad():
    double = operation("double", lambda x: 2 * x, lambda g: 2 * g)
    assert not double(mg.tensor([1, 2])).requires_grad


def test_a_view_shares_the_version_counter():
    first = operation("first", lambda x: x[:1], lambda g, x_shape: np.zeros(x_shape), view=True)
    x = mg.zeros(3)
    y = first(x)
    y.add_(1.0)
    assert x._version == 1 and x[0].item() == 1


REFUSED = {
    "too few rules": (
        lambda: operation("product", lambda x, y: x * y, lambda g, y: g * y), TypeError,
        ("'product' has 2 operands (x, y)", "needs 2", "got 1", "None where no gradient")),
    "too many rules": (
        lambda: operation("double", lambda x: 2 * x, lambda g: g, lambda g: g), TypeError,
        ("'double' has 1 operands (x)", "got 2")),
    "an unknown name": (
        lambda: operation("square", lambda x: x * x, lambda g, X: 2 * g * X), TypeError,
        ("'square' reads 'X'", "out, x, x_shape")),
    "an unknown option": (
        lambda: operation("scale", lambda x, *, factor: x * factor, lambda g, scale: g * scale), TypeError,
        ("'scale' reads 'scale'", "factor")),
    "the shape of nothing": (
        lambda: operation("square", lambda x: x * x, lambda g, y_shape: g), TypeError, ("reads 'y_shape'", "x_shape")),
    "a rule for each of any number": (
        lambda: operation("total", lambda *xs: sum(xs), lambda g: g, lambda g: g), TypeError,
        ("'total'", "needs 1", "got 2")),
    "no name": (
        lambda: operation(lambda x: x * x, lambda g, x: 2 * g * x), TypeError,
        ("its name comes first, as a str", "got <function")),
    "a forward that is none": (
        lambda: operation("square", "x * x"), TypeError, ("'square'", "are functions", "got 'x * x'")),
    "a rule that is none": (
        lambda: operation("twice", lambda x: 2 * x, 2.0), TypeError, ("'twice'", "are functions", "got 2.0")),
    "a rule without names": (
        lambda: operation("square", lambda x: x * x, np.multiply), TypeError,
        ("'square'", "<ufunc 'multiply'> tells no parameters", "lambda g, x")),
    "a forward without a return": (
        lambda: operation("nothing", lambda x: None, lambda g: g)(mg.ones(2)), TypeError,
        ("the forward of an operation returned None", "`return`")),
}  # fmt: skip


test_refused = refusals(REFUSED)
