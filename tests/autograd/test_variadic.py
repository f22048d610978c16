"""Operations of any number of operands."""

import math

import numpy as np

import minigrad as mg
from minigrad.autograd import operation
from tests.leaves import leaf


def test_one_rule_serves_any_number_of_operands():
    weighted = operation(
        "weighted",
        lambda *xs, weights: sum(w * x for w, x in zip(weights, xs, strict=True)),
        lambda g, i, weights, others: g * (weights[i] if len(others) + 1 == len(weights) else np.nan),
    )
    product = operation("product", lambda *xs: math.prod(xs), lambda g, others: g * math.prod(others))
    for count in (1, 2, 5):
        xs = [leaf(3, seed=k) for k in range(count)]
        weights = tuple(float(k + 1) for k in range(count))
        weighted(*xs, weights=weights).sum().backward()
        assert [x.grad[0].item() for x in xs] == list(weights)
        (found,) = mg.autograd.grad(product(*xs).sum(), xs[-1])
        np.testing.assert_allclose(found.numpy(), np.prod([np.ones(3), *[x.detach().numpy() for x in xs[:-1]]], axis=0))


def test_each_of_any_number_of_operands_has_its_place_in_next_functions():
    x, c = leaf(2), mg.zeros(2, dtype=mg.float64)
    ends = [[end and end.variable for end, _ in mg.cat(parts).grad_fn.next_functions] for parts in ([x, c, c], [c, x])]
    assert ends == [[x, None, None], [None, x]]
