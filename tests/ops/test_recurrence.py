"""The way through the rows of a batch of sequences, forward and backward."""

import numpy as np
import pytest

from minigrad.ops.recurrence import find_path


def add_up(sizes, reverse, x, start):
    """The sums of all rows so far of each sequence, by a loop over the sequences."""
    ends, out = np.cumsum((0, *sizes)), np.empty_like(x)
    for b in range(sizes[0]):
        times = [t for t, n in enumerate(sizes) if b < n]
        state = start[b]
        for t in reversed(times) if reverse else times:
            state = out[ends[t] + b] = state + x[ends[t] + b]
    return out


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 2, 2, 1), (1,), (4, 4, 1)])
@pytest.mark.parametrize("reverse", [False, True])
def test_states_go_from_row_to_row_of_their_sequence(sizes, reverse):
    path, random = find_path(sizes, reverse), np.random.default_rng(0)
    x, start = random.normal(size=(sum(sizes), 2)), random.normal(size=(sizes[0], 2))

    def step(rows, before, after):
        after[...] = before + x[rows]

    states = path.run(step, start)
    np.testing.assert_allclose(states, add_up(sizes, reverse, x, start))
    np.testing.assert_allclose(path.shift(start, states), states - x)
    totals = start.copy()
    for t, n in enumerate(sizes):
        totals[:n] += x[sum(sizes[:t]) : sum(sizes[: t + 1])]
    np.testing.assert_allclose(np.concatenate([states[rows] for rows in path.last]), totals)
    g = random.normal(size=states.shape)
    slopes, begun = path.walk_back(lambda rows, gradient: (gradient, gradient), g)
    np.testing.assert_allclose(slopes, add_up(sizes, not reverse, g, np.zeros_like(start)))
    np.testing.assert_allclose((begun * start).sum() + (slopes * x).sum(), (states * g).sum())


def test_a_path_is_kept_from_call_to_call():
    assert find_path((2, 1), False) is find_path((2, 1), False) is not find_path((2, 1), True)
