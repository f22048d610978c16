"""A table of operations: each one, the same in NumPy, and the shapes of its operands.

`C(ours, numpys, shapes)`: `ours` gets tensors, `numpys` the same numbers as NumPy arrays. Operands are drawn from
(0.5, 1.5), away from kinks and poles; `smooth=False` leaves derivatives out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

import minigrad as mg


class C(NamedTuple):
    ours: Callable[..., Any]
    numpys: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((2, 3),)
    smooth: bool = True


PAIR = ((2, 3), (3,))
MASK = np.array([[True, False, True], [False, True, True]])
ROWS = np.array([[0, 1, 0], [1, 1, 0]])


def place(values, like):
    """Integers or bools as a tensor on the device of `like`."""
    return mg.tensor(values, device=like.device)


def write(x, y, key):
    """A copy of x with y written at `key`."""
    whole = x.copy() if isinstance(x, np.ndarray) else x.clone()
    whole[key] = y
    return whole


ARITHMETIC = {
    "add": C(lambda x, y: x + y, np.add, PAIR),
    "add a number": C(lambda x: 2.5 + x + 1, lambda x: x + 3.5),
    "sub": C(lambda x, y: x - y, np.subtract, PAIR),
    "rsub": C(lambda x: 1 - x, lambda x: 1 - x),
    "mul": C(lambda x, y: x * y, np.multiply, PAIR),
    "div": C(lambda x, y: x / y, np.divide, PAIR),
    "rdiv": C(lambda x: 2 / x, lambda x: 2 / x),
    "pow": C(lambda x, y: x**y, np.power, PAIR),
    "square": C(lambda x: x**2, np.square),
    "power of a number": C(lambda x: 2**x, lambda x: 2.0**x),
    "maximum": C(mg.maximum, np.maximum, PAIR),
    "minimum": C(mg.minimum, np.minimum, PAIR),
    "atan2": C(mg.atan2, np.arctan2, PAIR),
    "logaddexp": C(mg.logaddexp, np.logaddexp, PAIR),
    "logaddexp2": C(mg.logaddexp2, np.logaddexp2, PAIR),
    "hypot": C(mg.hypot, np.hypot, PAIR),
    "xlogy": C(mg.xlogy, lambda x, y: x * np.log(y), PAIR),
    "xlog1py": C(mg.special.xlog1py, lambda x, y: x * np.log1p(y), PAIR),
    "sinc": C(mg.sinc, np.sinc),
    "floor_divide": C(lambda x: x.detach() // 0.3, lambda x: x // 0.3, smooth=False),
    "remainder": C(lambda x: x % 0.6, lambda x: np.remainder(x, 0.6), smooth=False),
    "fmod": C(lambda x: mg.fmod(x, 0.6), lambda x: np.fmod(x, 0.6), smooth=False),
    "clamp": C(lambda x: x.clamp(0.8, 1.2), lambda x: np.clip(x, 0.8, 1.2)),
    "clamp by a tensor": C(lambda x, y: mg.clamp(x, max=y), np.minimum, PAIR),
    "in place": C(lambda x, y: x.clone().add_(y).mul_(2.0), lambda x, y: (x + y) * 2, PAIR),
}

FUNCTIONS = {
    name: C(getattr(mg, name), function)
    for name, function in {
        "abs": np.abs, "neg": np.negative, "sign": np.sign, "square": np.square,
        "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": np.reciprocal,
        "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
        "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
        "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "atan": np.arctan,
        "asinh": np.arcsinh, "sigmoid": special.expit, "erf": special.erf,
    }.items()
} | {
    name: C(getattr(mg, name), function, smooth=False)
    for name, function in {
        "floor": np.floor, "ceil": np.ceil, "round": np.round, "trunc": np.trunc,
    }.items()
} | {
    "asin": C(lambda x: mg.asin(x / 2), lambda x: np.arcsin(x / 2)),
    "acos": C(lambda x: mg.acos(x / 2), lambda x: np.arccos(x / 2)),
    "atanh": C(lambda x: mg.atanh(x / 2), lambda x: np.arctanh(x / 2)),
    "acosh": C(lambda x: mg.acosh(x + 1), lambda x: np.arccosh(x + 1)),
}  # fmt: skip

REDUCTIONS = {
    "sum": C(lambda x: x.sum(), np.sum),
    "sum over an axis": C(lambda x: x.sum(1), lambda x: x.sum(1)),
    "sum, kept": C(lambda x: x.sum((0, 2), keepdim=True), lambda x: x.sum((0, 2), keepdims=True),
                   ((2, 3, 4),)),
    "mean": C(lambda x: x.mean(), np.mean),
    "mean over an axis": C(lambda x: x.mean(0), lambda x: x.mean(0)),
    "prod": C(lambda x: x.prod(), np.prod),
    "prod over an axis": C(lambda x: x.prod(1), lambda x: x.prod(1)),
    "var": C(lambda x: x.var(), lambda x: x.var(ddof=1)),
    "std over an axis": C(lambda x: x.std(1, correction=0), lambda x: x.std(1)),
    "max": C(lambda x: x.max(), np.max),
    "max over an axis": C(lambda x: x.max(1).values, lambda x: x.max(1)),
    "min over an axis": C(lambda x: x.min(0).values, lambda x: x.min(0)),
    "amax": C(lambda x: x.amax((0, 1)), np.max),
    "amin": C(lambda x: x.amin(1), lambda x: x.min(1)),
    "norm": C(lambda x: x.norm(), np.linalg.norm),
    "norm of order 3": C(lambda x: x.norm(3, 1), lambda x: (x**3).sum(1) ** (1 / 3)),
    "logsumexp": C(lambda x: x.logsumexp(1), lambda x: special.logsumexp(x, 1)),
    "cumsum": C(lambda x: x.cumsum(1), lambda x: x.cumsum(1)),
    "sort": C(lambda x: x.sort(1, descending=True).values, lambda x: -np.sort(-x, 1)),
    "topk": C(lambda x: x.topk(2, 1).values, lambda x: -np.sort(-x, 1)[:, :2]),
}  # fmt: skip

SHAPES = {
    "reshape": C(lambda x: x.reshape(3, -1), lambda x: x.reshape(3, -1)),
    "flatten": C(lambda x: x.flatten(), np.ravel),
    "permute": C(lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), ((2, 3, 4),)),
    "transpose": C(lambda x: x.transpose(0, 1), np.transpose),
    "expand": C(lambda x: x.expand(2, 2, 3), lambda x: np.broadcast_to(x, (2, 2, 3))),
    "squeeze": C(lambda x: x.squeeze(1), lambda x: x.squeeze(1), ((2, 1, 3),)),
    "unsqueeze": C(lambda x: x.unsqueeze(1), lambda x: x[:, None]),
    "cat": C(lambda x, y: mg.cat([x, y], 0), lambda x, y: np.concatenate([x, y]), ((2, 3), (1, 3))),
    "stack": C(lambda x, y: mg.stack([x, y], 1), lambda x, y: np.stack([x, y], 1), ((3,), (3,))),
    "split": C(lambda x: x.split(2, 1)[1] * x.split(2, 1)[0][:, :1], lambda x: x[:, 2:] * x[:, :1]),
    "flip": C(lambda x: x.flip(0, 1), lambda x: x[::-1, ::-1]),
    "roll": C(lambda x: x.roll(1, 1), lambda x: np.roll(x, 1, 1)),
    "tile": C(lambda x: x.tile((2, 2)), lambda x: np.tile(x, (2, 2))),
    "repeat_interleave": C(lambda x: x.repeat_interleave(2, 1), lambda x: np.repeat(x, 2, 1)),
    "tril": C(lambda x: x.tril(), np.tril, ((3, 3),)),
    "triu": C(lambda x: x.triu(1), lambda x: np.triu(x, 1), ((3, 3),)),
    "diagonal": C(lambda x: x.diagonal(), np.diagonal, ((3, 4),)),
}

INDICES = {
    "an element": C(lambda x: x[1, 2], lambda x: x[1, 2]),
    "slices": C(lambda x: x[:, ::2], lambda x: x[:, ::2]),
    "a new axis": C(lambda x: x[None, ..., 1], lambda x: x[None, ..., 1]),
    "a list": C(lambda x: x[[0, 1, 1]], lambda x: x[[0, 1, 1]]),
    "an index tensor": C(lambda x: x[:, place([2, 0, 0], x)], lambda x: x[:, [2, 0, 0]]),
    "two index tensors": C(lambda x: x[place([0, 1, 0], x), place([2, 0, 2], x)], lambda x: x[[0, 1, 0], [2, 0, 2]]),
    "a mask": C(lambda x: x[place(MASK, x)], lambda x: x[MASK]),
    "write an element": C(lambda x, y: write(x, y, (1, 2)), lambda x, y: write(x, y, (1, 2)), ((2, 3), ())),
    "write a slice": C(
        lambda x, y: write(x, y, (slice(None), 1)), lambda x, y: write(x, y, (slice(None), 1)), ((2, 3), (2,))
    ),
    "write by a mask": C(lambda x: write(x, 7.0, place(MASK, x)), lambda x: write(x, 7.0, MASK)),
    "where": C(lambda x, y: mg.where(place(MASK, x), x, y), lambda x, y: np.where(MASK, x, y), PAIR),
    "masked_fill": C(lambda x: x.masked_fill(place(MASK, x), 0.5), lambda x: np.where(MASK, 0.5, x)),
    "gather": C(lambda x: x.gather(0, place(ROWS, x)), lambda x: np.take_along_axis(x, ROWS, 0)),
    "index_select": C(lambda x: x.index_select(1, place([2, 2], x)), lambda x: x[:, [2, 2]]),
    "take_along_dim": C(
        lambda x: mg.take_along_dim(x, x.argmax(1, keepdim=True), 1), lambda x: x.max(1, keepdims=True)
    ),
    "masked_select": C(lambda x: x.masked_select(place(MASK, x)), lambda x: x[MASK]),
    "scatter": C(
        lambda x: x.scatter(0, place(ROWS[:1], x), 5.0), lambda x: np.where(np.arange(2)[:, None] == ROWS[0], 5.0, x)
    ),
    "scatter_add": C(
        lambda x: mg.zeros_like(x).scatter_add(0, place(ROWS, x), x),
        lambda x: np.array([[sum(x[r, c] for r in (0, 1) if ROWS[r, c] == i) for c in range(3)] for i in (0, 1)]),
    ),
}

PRODUCTS = {
    "vector and vector": C(lambda x, y: x @ y, np.matmul, ((3,), (3,))),
    "matrix and vector": C(lambda x, y: x @ y, np.matmul, ((2, 3), (3,))),
    "matrices": C(lambda x, y: x @ y, np.matmul, ((2, 3), (3, 4))),
    "bmm": C(mg.bmm, np.matmul, ((5, 2, 3), (5, 3, 2))),
    "outer": C(mg.outer, np.outer, ((3,), (2,))),
    "einsum": C(
        lambda x, y: mg.einsum("bij,jk->kb", x, y), lambda x, y: np.einsum("bij,jk->kb", x, y), ((2, 2, 3), (3, 4))
    ),
    "tensordot": C(
        lambda x, y: mg.tensordot(x, y, dims=([1], [0])),
        lambda x, y: np.tensordot(x, y, ([1], [0])),
        ((2, 3, 2), (3, 4)),
    ),
    "addmm": C(lambda x, y, z: mg.addmm(x, y, z, beta=0.5), lambda x, y, z: x / 2 + y @ z, ((2, 4), (2, 3), (3, 4))),
    "trace": C(mg.trace, np.trace, ((3, 3),)),
    "batches": C(lambda x, y: x @ y, np.matmul, ((5, 2, 3), (3, 4))),
    "broadcast batches": C(lambda x, y: x @ y, np.matmul, ((2, 1, 2, 3), (3, 3, 2))),
}

CASES = {
    f"{family}: {name}": case
    for family, table in {
        "arithmetic": ARITHMETIC,
        "function": FUNCTIONS,
        "reduction": REDUCTIONS,
        "shape": SHAPES,
        "index": INDICES,
        "product": PRODUCTS,
    }.items()
    for name, case in table.items()
}
