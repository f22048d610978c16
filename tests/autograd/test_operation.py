"""Declaring one's own operations: what a rule may read, and which declarations are refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import operation
from tests.leaves import leaf


def checks(function, *inputs):
    return autograd.gradcheck(function, inputs) and autograd.gradgradcheck(function, inputs)


def test_a_rule_reads_operands_results_shapes_and_options():
    scaled_exp = operation("scaled_exp", lambda x, *, scale: np.exp(x * scale), lambda g, out, scale: g * out * scale)
    total = operation("total", lambda x: np.sum(x), lambda g, x_shape: np.broadcast_to(g, x_shape))
    product = operation("product", lambda x, y: x * y, lambda g, y: g * y, lambda g, x: g * x)
    assert checks(lambda x: scaled_exp(x, scale=0.5), leaf(2, 3))
    assert checks(total, leaf(2, 3))
    assert checks(product, leaf(2, 3), leaf(3))
    assert scaled_exp(leaf(2), scale=1.0).grad_fn.name() == "ScaledExpBackward0"


def test_called_with_arrays_it_only_computes():
    double = operation("double", lambda x: 2 * x, lambda g: 2 * g)
    result = double(np.ones(3))
    assert type(result) is np.ndarray and result.tolist() == [2, 2, 2]


def test_an_operand_without_a_rule():
    select = operation("choose", lambda x, m: x * m, lambda g, m: g * m, None)
    x, m = leaf(3), mg.tensor([1.0, 0.0, 1.0], dtype=mg.float64, requires_grad=True)
    select(x, m).sum().backward()
    assert x.grad.tolist() == [1, 0, 1] and m.grad is None
    assert not select(x.detach(), m).requires_grad


def test_any_number_of_operands():
    weighted = operation(
        "weighted",
        lambda *xs, weights: sum(w * x for w, x in zip(weights, xs, strict=True)),
        lambda g, i, weights, shapes, operands: g * weights[i],
    )
    for count in (1, 2, 5):
        xs = [leaf(3, seed=k) for k in range(count)]
        weights = tuple(float(k + 1) for k in range(count))
        weighted(*xs, weights=weights).sum().backward()
        assert [x.grad[0].item() for x in xs] == list(weights)


def test_each_of_any_number_of_operands_has_its_place_in_next_functions():
    x, c = leaf(2), mg.zeros(2, dtype=mg.float64)
    ends = [[end and end.variable for end, _ in mg.cat(parts).grad_fn.next_functions] for parts in ([x, c, c], [c, x])]
    assert ends == [[x, None, None], [None, x]]


def test_integers_go_through_without_gradients():
    double = operation("double", lambda x: 2 * x, lambda g: 2 * g)
    assert not double(mg.tensor([1, 2])).requires_grad


def test_a_view_shares_its_counter():
    first = operation("first", lambda x: x[:1], lambda g, x_shape: np.zeros(x_shape), view=True)
    x = mg.zeros(3)
    y = first(x)
    y.add_(1.0)
    assert x._version == 1 and x[0].item() == 1


REFUSED = {
    "too few rules": (
        lambda: operation("product", lambda x, y: x * y, lambda g, y: g * y),
        ("'product' has 2 operands (x, y)", "needs 2", "got 1", "None where no gradient")),
    "too many rules": (
        lambda: operation("double", lambda x: 2 * x, lambda g: g, lambda g: g),
        ("'double' has 1 operands (x)", "got 2")),
    "an unknown name": (
        lambda: operation("square", lambda x: x * x, lambda g, X: 2 * g * X),
        ("'square' reads 'X'", "out, x, x_shape")),
    "an unknown option": (
        lambda: operation("scale", lambda x, *, factor: x * factor, lambda g, scale: g * scale),
        ("'scale' reads 'scale'", "factor")),
    "the shape of nothing": (
        lambda: operation("square", lambda x: x * x, lambda g, y_shape: g), ("reads 'y_shape'", "x_shape")),
    "a rule for each of any number": (
        lambda: operation("total", lambda *xs: sum(xs), lambda g: g, lambda g: g), ("'total'", "needs 1", "got 2")),
    "no name": (
        lambda: operation(lambda x: x * x, lambda g, x: 2 * g * x),
        ("its name comes first, as a str", "got <function")),
    "a forward that is none": (lambda: operation("square", "x * x"), ("'square'", "are functions", "got 'x * x'")),
    "a rule that is none": (lambda: operation("twice", lambda x: 2 * x, 2.0), ("'twice'", "are functions", "got 2.0")),
    "a forward without a return": (
        lambda: operation("nothing", lambda x: None, lambda g: g)(mg.ones(2)),
        ("the forward of an operation returned None", "`return`")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_once(case):
    call, words = REFUSED[case]
    with pytest.raises(TypeError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
