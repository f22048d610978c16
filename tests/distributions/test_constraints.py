"""The sets of values: what lies inside, and how they are printed."""

import copy
import math
import pickle

import pytest

import minigrad as torch
from minigrad.distributions import constraints
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


def test_constraints_check_values_and_print_their_bounds():
    shown = [constraints.positive, constraints.unit_interval, constraints.real_vector, constraints.less_than(3)]
    assert [repr(c) for c in shown] == [
        "GreaterThan(lower_bound=0.0)", "Interval(lower_bound=0.0, upper_bound=1.0)",
        "IndependentConstraint(Real(), 1)", "LessThan(upper_bound=3)",
    ]  # fmt: skip
    x = T([0.0, 0.5, 1.0, -2.0, math.nan])
    assert constraints.boolean.check(x).tolist() == [True, False, True, False, False]
    assert constraints.nonnegative.check(x).tolist() == [True, True, True, False, False]
    assert constraints.real.check(x).tolist() == [True, True, True, True, False]
    assert constraints.less_than(0.5).check(x).tolist() == [True, False, False, True, False]
    assert constraints.integer_interval(-2, 0).check(x).tolist() == [True, False, False, True, False]
    assert constraints.nonnegative_integer.check(x).tolist() == [True, False, True, False, False]
    assert constraints.simplex.check(T([[0.5, 0.5], [0.5, 0.6]])).tolist() == [True, False]
    assert constraints.real_vector.check(T([[0.0, 1.0], [math.nan, 0.0]])).tolist() == [True, False]


def test_sets_of_vectors_and_matrices_are_checked_whole():
    rows = T([[1.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
    assert constraints.one_hot.check(rows).tolist() == [True, False, False]
    assert constraints.multinomial(1).check(rows).tolist() == [True, False, True]
    squares = torch.stack([torch.eye(2), T([[1.0, 0.2], [0.1, 1.0]])])
    assert constraints.positive_definite.check(squares).tolist() == [True, False]
    assert not constraints.positive_definite.check(-squares).any()
    assert constraints.positive_definite.check(squares * float("nan")).tolist() == [False, False]
    assert constraints.lower_cholesky.check(squares).tolist() == [True, False]
    sets = [constraints.one_hot, constraints.multinomial(1), constraints.positive_definite, constraints.lower_cholesky]
    assert [repr(c) for c in sets] == ["OneHot()", "Multinomial()", "PositiveDefinite()", "LowerCholesky()"]
    assert [c.event_dim for c in sets] == [1, 1, 2, 2]


REFUSED = {
    "no check": (lambda: constraints.Constraint().check(1), NotImplementedError, "Constraint has no check"),
}  # fmt: skip

test_refused = refusals(REFUSED)


@pytest.mark.parametrize("name", ["real", "boolean", "one_hot", "simplex", "positive_definite", "lower_cholesky"])
def test_a_set_is_copied_and_pickled(name):
    given = getattr(constraints, name)
    for copied in (copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        assert repr(copied) == repr(given) and copied.check(torch.eye(2)).tolist() == given.check(torch.eye(2)).tolist()
    assert pickle.loads(pickle.dumps(constraints.multinomial(3))).upper_bound == 3
