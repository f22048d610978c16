"""The NumPy twin of the kernels of `minigrad/gpu/optimizers.py`: a traced rule, statement by statement, on each row."""

import ctypes

import numpy as np

from minigrad.gpu import optimizers
from minigrad.gpu.formula import IN_C

FUNCTIONS = {name: getattr(np, name) for name in IN_C if name != "single"} | {
    "single": lambda x: np.float64(np.float32(x))
}


def run_update(name, grid, block, args, constants):
    """What the kernel of that name does to the arrays to which the table points."""
    (any_array, table), (kind, digest) = args, name.rsplit("_", 1)
    update = optimizers.WRITTEN[digest]
    assert grid[0] == (1 if kind == "count_on" else blocks(table))
    told = {x: np.float64(number) for x, number in zip(update.told, table["numbers"], strict=False)}
    types = dict(update.program.inputs)
    for row in range(table["count"]):
        arrays = {
            x: _memory(table["arrays"][k, row], table["sizes"][row], any_array.dtype)
            for k, x in enumerate(update.arrays)
        }
        counts = {x: _memory(table[x][row], 1, "f" if types[x] == "float" else "d") for x in update.counted}
        values = {
            **told,
            **{k: v.copy() for k, v in arrays.items()},
            **{k: np.float64(v[0]) for k, v in counts.items()},
        }
        _compute(update, values, any_array.dtype.type)
        for x, target in (counts if kind == "count_on" else arrays).items():
            if x in update.results:
                target[...] = values[update.results[x]]


def blocks(table):
    """How many blocks the rows of a table take; each begins where the one before it ends."""
    first = 0
    for row in range(table["count"]):
        assert table["first"][row] == first
        first += -(-int(table["sizes"][row]) // optimizers.CHUNK)
    return first


def _memory(pointer, count, dtype):
    dtype = np.dtype(dtype)
    return np.frombuffer((ctypes.c_char * (int(count) * dtype.itemsize)).from_address(int(pointer)), dtype)


def _compute(update, values, number):
    """All statements; one number for all elements meets an array in the array's type."""
    with np.errstate(all="ignore"):
        for s in update.program.statements:
            if s.name in values:
                continue  # the kernel was told it
            if not s.of_elements and not update.counted:
                continue
            operands = [values[x] for x in s.operands]
            if s.of_elements:
                operands = [x if np.ndim(x) else number(x) for x in operands]
                operands = [
                    bool(x) if s.operation == "where" and not i and not np.ndim(x) else x
                    for i, x in enumerate(operands)
                ]
            values[s.name] = FUNCTIONS[s.operation](*operands)
