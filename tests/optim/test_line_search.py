"""The line search: what it finds satisfies the strong Wolfe conditions, read off the functions themselves."""

import math

import numpy as np
import pytest

from minigrad.optim.line_search import FLAT_ENOUGH, LOW_ENOUGH, Trial, find_cubic_minimum, keep_inside, search_line

# Functions with their derivatives; all fall at 0.
FUNCTIONS = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far away": (lambda t: (t - 500) ** 2, lambda t: 2 * (t - 500)),
    "near": (lambda t: (t - 1e-3) ** 2, lambda t: 2 * (t - 1e-3)),
    "waves": (lambda t: math.sin(5 * t) + 0.05 * t * t - 2 * t, lambda t: 5 * math.cos(5 * t) + 0.1 * t - 2),
    "steep wall": (lambda t: math.exp(4 * t) - 20 * t, lambda t: 4 * math.exp(4 * t) - 20),
    "flat valley": (lambda t: (t - 2) ** 4, lambda t: 4 * (t - 2) ** 3),
    "hill": (lambda t: -math.sin(t), lambda t: -math.cos(t)),  # flat, and high, at 3 pi / 2
    "quotient": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
}
FALLING = [name for name in FUNCTIONS if FUNCTIONS[name][1](0.0) < 0]


def search(name, first, most=25):
    """The point found along a function, the start, and the lengths that were tried."""
    function, slope = FUNCTIONS[name]
    tried = []

    def evaluate(t):
        tried.append(float(t))
        return Trial(t, function(t), np.array([slope(t)]), slope(t))

    start = Trial(0, function(0.0), np.array([slope(0.0)]), slope(0.0))
    found, count = search_line(evaluate, start, first, 1.0, most)
    assert count == len(tried) and tried[0] == first
    return found, start, tried


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 4.7, 30.0])
@pytest.mark.parametrize("name", FALLING)
def test_the_point_found_satisfies_both_conditions(name, first):
    found, start, tried = search(name, first)
    assert found.t in tried
    assert found.loss <= start.loss + LOW_ENOUGH * found.t * start.slope
    assert abs(found.slope) <= FLAT_ENOUGH * abs(start.slope)
    assert (found.loss, found.slope) == (FUNCTIONS[name][0](found.t), FUNCTIONS[name][1](found.t))


def test_a_first_length_that_is_good_enough_is_taken_at_once():
    found, _, tried = search("parabola", 2.5)
    assert found.t == 2.5 and tried == [2.5]


@pytest.mark.parametrize("most", [0, 1, 2])
def test_the_search_ends_after_so_many_trials_with_the_best_of_its_ends(most):
    found, start, tried = search("far away", 1e-3, most)
    assert len(tried) == most + 1
    assert found.loss == min(start.loss, FUNCTIONS["far away"][0](tried[-1]))


def test_a_cubic_is_minimized_in_one_interpolation():
    """A cubic through two points with their slopes is the function itself, whose minimum is known."""

    def cubic(t):
        return Trial(t, t**3 - 3 * t, None, 3 * t * t - 3)  # the minimum is at 1

    for a, b in ((0.2, 2.0), (2.0, 0.2), (-0.5, 1.7)):
        assert find_cubic_minimum(cubic(a), cubic(b), -5.0, 5.0) == pytest.approx(1.0)
    assert find_cubic_minimum(cubic(0.2), cubic(2.0), 1.5, 5.0) == 1.5  # kept between the limits
    falling = Trial(0.0, 0.0, None, -2.0)  # -8 t^3 + 12 t^2 - 2 t has these slopes and ends at 2
    assert find_cubic_minimum(falling, Trial(1.0, 2.0, None, -2.0), 0.0, 1.0) == pytest.approx((1 - (2 / 3) ** 0.5) / 2)
    assert find_cubic_minimum(falling, Trial(1.0, -4 / 3, None, -2.0), 0.0, 1.0) == 0.5  # it falls all the way


@pytest.mark.parametrize(
    ("t", "stalled", "kept"),
    [
        (5.0, True, (5.0, False)),  # far from both ends
        (9.5, False, (9.5, True)),  # near an end for the first time
        (0.5, False, (0.5, True)),
        (9.5, True, (9.0, False)),  # for the second time: moved inside by a tenth
        (0.5, True, (1.0, False)),
        (10.0, False, (9.0, False)),  # at an end
        (0.0, False, (1.0, False)),
    ],
)
def test_a_trial_near_an_end_of_the_interval_is_moved_inside(t, stalled, kept):
    assert keep_inside(t, 0.0, 10.0, stalled) == kept
