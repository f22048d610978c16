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


def test_sets_of_matrices():
    one, lower = torch.eye(2), T([[1.0, 0.0], [0.6, 0.8]])
    inside = {
        "square": [one, -one, lower, one * 0], "symmetric": [one, -one, one * 0],
        "positive_semidefinite": [one, one * 0], "positive_definite": [one],
        "lower_triangular": [one, -one, lower, one * 0], "lower_cholesky": [one, lower],
        "corr_cholesky": [one, lower],
    }  # fmt: skip
    for name, matrices in inside.items():
        constraint = getattr(constraints, name)
        assert constraint.event_dim == 2 and not constraint.is_discrete
        for matrix in (one, -one, lower, one * 0):
            assert constraint.check(matrix).item() == any(matrix is m or torch.equal(matrix, m) for m in matrices), name
    assert not constraints.square.check(torch.ones(2, 3)) and not constraints.positive_definite.check(torch.ones(2, 3))
    assert constraints.positive_definite.check(torch.stack([one, -one])).tolist() == [True, False]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_matrix_that_is_not_finite_is_not_definite(value):
    matrices = torch.stack([torch.full((2, 2), value), torch.eye(2)])
    assert constraints.positive_definite.check(matrices).tolist() == [False, True]
    if math.isnan(value):
        assert constraints.positive_semidefinite.check(matrices).tolist() == [False, True]


def test_a_vector_has_an_axis():
    with pytest.raises(ValueError, match=r"^Expected value.dim\(\) >= 1 but got 0$"):
        constraints.real_vector.check(T(1.0))


def test_sets_side_by_side():
    joined = constraints.cat([constraints.positive, constraints.real], 0, [1, 2])
    assert joined.check(T([-1.0, -1.0, 0.0])).tolist() == [False, True, True] and joined.event_dim == 0
    stacked = constraints.stack([constraints.positive, constraints.real], 1)
    assert stacked.check(T([[-1.0, -1.0], [1.0, math.nan]])).tolist() == [[False, True], [True, False]]
    assert constraints.stack([constraints.positive, constraints.simplex], -2).event_dim == 2
    assert stacked.check(T([[-1.0, -1.0, 5.0]])).tolist() == [[False, True]]  # as in PyTorch: a third one has no set
    assert stacked.check(T([[-1.0]])).tolist() == [[False]]
    assert constraints.cat([constraints.boolean, constraints.real]).is_discrete
    assert constraints.positive_integer.check(T([0.0, 1.0, 1.5])).tolist() == [False, True, False]


def test_a_set_that_depends_on_parameters():
    class Above(D.Distribution):
        def __init__(self, low):
            self.low = low
            super().__init__()

        @constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return constraints.greater_than(self.low)

    assert constraints.is_dependent(Above.support) and not constraints.is_dependent(constraints.real)
    assert Above(2.0).support.lower_bound == 2.0 and Above.support.event_dim == 0 and not Above.support.is_discrete
    assert constraints.dependent(event_dim=2).event_dim == 2


test_joined_refused = refusals({
    "no set": (lambda: constraints.cat([3]), AssertionError, "must be Constraint instances"),
    "two lengths for one": (
        lambda: constraints.cat([constraints.real], 0, [1, 2]), AssertionError, r"lengths \(2\) must match cseq \(1\)"),
    "no axis": (
        lambda: constraints.stack([constraints.real], 1).check(T([1.0])), AssertionError, "dim 1 out of range for"),
    "a dependent set": (lambda: constraints.dependent.check(T(1.0)), ValueError, "validity of dependent constraint"),
    "axes not known": (lambda: constraints.dependent.event_dim, NotImplementedError, "be determined statically"),
})  # fmt: skip
