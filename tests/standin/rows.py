"""The twins of the kernels over rows: softmax, normalization, losses."""

import numpy as np

from tests.standin.kernels import TWINS, widen


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


def make_row_twin(function):
    """The twin of a kernel whose arguments end with how many rows there are, and how long they are."""

    def twin(grid, block, arguments, constants):
        *arrays, out, rows, n = arguments
        assert grid[0] * block[1] >= rows > (grid[0] - 1) * block[1]
        assert block[0] == constants["P"] and 4 * constants["P"] * constants["K"] >= n
        compute(function, arrays, out, (int(rows), int(n)), 1)

    return twin


def make_column_twin(function):
    def twin(grid, block, arguments, constants):
        *arrays, out, columns, n, step = arguments
        assert grid[0] * block[0] >= columns > (grid[0] - 1) * block[0]
        compute(function, arrays, out, (int(columns // step), int(n), int(step)), 1)

    return twin


def compute(function, arrays, out, shape, axis):
    with np.errstate(all="ignore"):
        out[...] = function(*[widen(a).reshape(shape) for a in arrays], axis).reshape(out.shape)


for function in (softmax, log_softmax, softmax_rule, log_softmax_rule):
    TWINS[function.__name__] = make_row_twin(function)
    TWINS[f"{function.__name__}_of_columns"] = make_column_twin(function)


def make_place_twins(find):
    """The twins of a kernel that finds a place in each row, and in each column."""

    def of_rows(grid, block, arguments, constants):
        x, out, rows, n = arguments
        assert grid[0] * block[1] >= rows > (grid[0] - 1) * block[1] and block[0] == constants["P"]
        out[...] = find(x.reshape(int(rows), int(n)), 1).reshape(out.shape)

    def of_columns(grid, block, arguments, constants):
        x, out, columns, n, step = arguments
        assert grid[0] * block[0] >= columns > (grid[0] - 1) * block[0]
        out[...] = find(x.reshape(int(columns // step), int(n), int(step)), 1).reshape(out.shape)

    return {find.__name__: of_rows, f"{find.__name__}_of_columns": of_columns}


TWINS.update(make_place_twins(np.argmax) | make_place_twins(np.argmin))


def nll(grid, block, arguments, constants):
    logs, labels, weights, out, *numbers = arguments
    logs = widen(logs)
    kept, places = find_labelled(labels, weights, logs.dtype, *numbers)
    assert grid == (1,) and block == (constants["P"],)
    known = np.isin(labels, [*range(numbers[1]), numbers[3]]).all()
    with np.errstate(all="ignore"):
        total = -(logs.reshape(kept.shape)[kept] * places[kept]).sum() if known else np.nan
        out[...] = total / (places.sum() if numbers[4] else 1)


def nll_rule(grid, block, arguments, constants):
    gradient, labels, weights, out, *numbers = arguments
    wide = widen(gradient)
    kept, places = find_labelled(labels, weights, wide.dtype, *numbers)
    assert 4 * grid[0] * block[0] >= out.size
    with np.errstate(all="ignore"):
        slope = widen((wide / (places.sum() if numbers[4] else 1)).astype(out.dtype))
        out[...] = np.where(kept, -slope * places, 0).reshape(out.shape)


def find_labelled(labels, weights, dtype, count, classes, rest, ignored, mean, weighted):
    """The elements of (N, classes, rest) that labels name, and how much each of them counts."""
    labels = labels.reshape(-1, 1, int(rest))
    kept = (labels != ignored) & (np.arange(classes)[:, None] == labels)  # (N, classes, rest)
    weights = weights.reshape(-1) if weighted else np.ones(classes)
    places = np.where(kept, weights.astype(dtype)[:, None], dtype.type(0))
    return kept, places


TWINS.update(nll=nll, nll_rule=nll_rule)


# ---- normalization -------------------------------------------------------------------------------
def make_sum_twins(end):
    """The twins of a pair of sums: the launch that ends it does all."""

    def whole(grid, block, arguments, constants):
        x, g, parts, outer, channels, inner, many, *own = arguments
        assert grid[1] == many == parts.shape[0] and (grid[0] == channels or grid[0] * 32 >= channels)
        if many == 1:
            end(x, g, (int(outer), int(channels), int(inner)), *own)
        else:
            parts[...] = 0

    def last(grid, block, arguments, constants):
        x, g, parts, outer, channels, inner, many, *own = arguments
        assert many > 1 and not parts.any()
        end(x, g, (int(outer), int(channels), int(inner)), *own)

    return {"of_images": whole, "of_columns": whole, "at_last": last}


def measure(x, g, shape, means, variances, scales, running_mean, running_var, tracked, eps, momentum):
    x = x.reshape(shape).astype(np.float64)
    count, first = shape[0] * shape[2], x[0, :, 0]
    with np.errstate(all="ignore"):
        x = x - first[:, None]
        shift = x.sum((0, 2)) / count
        mean, var = first + shift, np.maximum((x * x).sum((0, 2)) / count - shift * shift, 0)
        means[...], variances[...] = mean.reshape(means.shape), var.reshape(means.shape)
        scales[...] = 1 / np.sqrt(variances.astype(np.float64) + eps)
    if tracked:
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * count / max(count - 1, 1)


def slope(x, g, shape, means, scales, per_outer, per_mean, w_slopes, b_slopes, shifts, turns):
    outer, channels, inner = shape
    place = np.arange(outer)[:, None] * int(per_outer) + np.arange(channels) // int(per_mean)  # (outer, channels)
    hat = (x.reshape(shape) - means.reshape(-1)[place][:, :, None]) * scales.reshape(-1)[place][:, :, None]
    g = g.reshape(shape).astype(np.float64)
    a, b = g.sum((0, 2)), (g * hat).sum((0, 2))
    for target, value in ((w_slopes, b), (b_slopes, a), (shifts, a / (outer * inner)), (turns, b / (outer * inner))):
        target[...] = value


def total(x, g, shape, out, divisor):
    out[...] = (x.reshape(shape).astype(np.float64).sum((0, 2)) / divisor).reshape(out.shape)


def squares(x, g, shape, out, divisor):
    with np.errstate(all="ignore"):
        out[...] = ((widen(x) - widen(g)).astype(np.float64) ** 2).sum() / divisor


for name, end in (("moments", measure), ("slopes", slope), ("total", total), ("squares", squares)):
    TWINS.update({f"{name}_{part}": twin for part, twin in make_sum_twins(end).items()})


def repeat_weights(w, rows, n, periods, per, step):
    """The weight of each element of each row."""
    places = np.arange(rows)[:, None] % int(periods) * int(per) + np.arange(n) // int(step)
    return widen(w).reshape(-1)[places]


def normalize_rows(grid, block, arguments, constants):
    x, w, b, out, means, scales, rows, n, periods, per, step, weighted, shifted, eps = arguments
    assert grid[0] * block[1] >= rows and 4 * constants["P"] * constants["K"] >= n
    x = widen(x).reshape(int(rows), int(n))
    with np.errstate(all="ignore"):
        mean = x.sum(1, keepdims=True) / x.dtype.type(n)
        y = x - mean
        scale = 1 / np.sqrt((y * y).sum(1, keepdims=True) / x.dtype.type(n) + x.dtype.type(eps))
        means[...], scales[...] = mean.reshape(means.shape), scale.reshape(scales.shape)
        y = y * scale
        y = y * repeat_weights(w, rows, n, periods, per, step) if weighted else y
        out[...] = (y + repeat_weights(b, rows, n, periods, per, step) if shifted else y).reshape(out.shape)


def normalize_rows_rule(grid, block, arguments, constants):
    g, x, w, out, means, scales, rows, n, periods, per, step, weighted = arguments
    assert grid[0] * block[1] >= rows and 4 * constants["P"] * constants["K"] >= n
    g, x = [widen(v).reshape(int(rows), int(n)) for v in (g, x)]
    scale = scales.reshape(-1, 1)
    with np.errstate(all="ignore"):
        y = (x - means.reshape(-1, 1)) * scale
        g = g * repeat_weights(w, rows, n, periods, per, step) if weighted else g
        dx = (g - g.mean(1, keepdims=True) - y * (g * y).mean(1, keepdims=True)) * scale
        out[...] = dx.reshape(out.shape)


TWINS.update(normalize_rows=normalize_rows, normalize_rows_rule=normalize_rows_rule)
