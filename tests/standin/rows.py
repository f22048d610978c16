"""The twins of the kernels over rows: softmax, normalization, losses."""

import numpy as np

from tests.standin.kernels import TWINS


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis):
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


def softmax_rule(g, y, axis):
    return (g - (g * y).sum(axis, keepdims=True)) * y


def log_softmax_rule(g, y, axis):
    return g - np.exp(y) * g.sum(axis, keepdims=True)


def along(function):
    """The twin of a kernel whose arguments end with how many rows there are, and how long they are."""

    def twin(grid, block, arguments, constants):
        *arrays, out, rows, n = arguments
        assert grid[0] * block[1] >= rows > (grid[0] - 1) * block[1]
        assert block[0] == constants["P"] and 4 * constants["P"] * constants["K"] >= n
        compute(function, arrays, out, (int(rows), int(n)), 1)

    return twin


def down(function):
    def twin(grid, block, arguments, constants):
        *arrays, out, columns, n, step = arguments
        assert grid[0] * block[0] >= columns > (grid[0] - 1) * block[0]
        compute(function, arrays, out, (int(columns // step), int(n), int(step)), 1)

    return twin


def compute(function, arrays, out, shape, axis):
    wide = np.float32 if out.dtype == np.float16 else out.dtype
    with np.errstate(all="ignore"):
        out[...] = function(*[a.reshape(shape).astype(wide) for a in arrays], axis).reshape(out.shape)


for function in (softmax, log_softmax, softmax_rule, log_softmax_rule):
    TWINS[function.__name__] = along(function)
    TWINS[f"{function.__name__}_of_columns"] = down(function)


def nll(grid, block, arguments, constants):
    logs, labels, weights, out, *numbers = arguments
    counts, places, kept = labelled(labels, weights, *numbers)
    assert grid == (1,) and block == (constants["P"],)
    with np.errstate(all="ignore"):
        total = -np.where(kept, logs.reshape(places.shape) * places, 0).sum()  # what is ignored may be inf or NaN
        out[...] = total / (counts if numbers[4] else 1)


def nll_rule(grid, block, arguments, constants):
    gradient, labels, weights, out, *numbers = arguments
    counts, places, _ = labelled(labels, weights, *numbers)
    assert 4 * grid[0] * block[0] >= out.size
    with np.errstate(all="ignore"):
        out[...] = np.where(places != 0, -(gradient / (counts if numbers[4] else 1)) * places, 0).reshape(out.shape)


def labelled(labels, weights, count, classes, rest, ignored, mean, weighted):
    """How much counts; of (N, classes, rest) the weight of what a label names, and what that is."""
    labels = labels.reshape(-1, 1, int(rest))
    kept = (labels != ignored) & (np.arange(classes)[:, None] == labels)  # (N, classes, rest)
    wide = weights.reshape(-1).astype(np.float64) if weighted else np.ones(classes)
    places = np.where(kept, wide[:, None], 0)
    return places.sum(), places, kept


TWINS.update(nll=nll, nll_rule=nll_rule)
