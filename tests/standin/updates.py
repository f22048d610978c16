"""The NumPy twin of the kernels of `minigrad/gpu/optimizers.py`: a traced rule, step by step, on each row."""

import ctypes

import numpy as np

from minigrad.gpu import optimizers
from minigrad.gpu.formula import compute_step


def run_update(name, grid, block, args, constants):
    """What the kernel of that name does to the arrays to which the table points."""
    (any_array, table), (kind, digest) = args, name.rsplit("_", 1)
    update = optimizers.WRITTEN[digest]
    assert grid[0] == (1 if kind == "count_on" else count_blocks(table))
    numbers = {step: step.dtype.type(number) for step, number in zip(update.numbers, table["numbers"], strict=False)}
    for row in range(table["count"]):
        arrays = {
            step: read_memory(table["arrays"][k, row], table["sizes"][row], any_array.dtype)
            for k, step in enumerate(update.arrays)
        }
        counts = {step: read_memory(table[f"c{i}"][row], 1, step.dtype) for i, step in enumerate(update.counts)}
        values = {**numbers, **{k: v.copy() for k, v in arrays.items()}, **{k: v[0].copy() for k, v in counts.items()}}
        with np.errstate(all="ignore"):
            for step in (*(update.program.of_numbers if counts else ()), *update.program.of_elements):
                values[step] = compute_step(step, [values[s] for s in step.inputs])
        for step, target in (counts if kind == "count_on" else arrays).items():
            if update.after[step] is not step:
                target[...] = values[update.after[step]]


def count_blocks(table):
    """How many blocks the rows of a table take; each begins where the one before it ends."""
    first = 0
    for row in range(table["count"]):
        assert table["first"][row] == first
        first += -(-int(table["sizes"][row]) // optimizers.CHUNK)
    return first


def read_memory(pointer, count, dtype):
    dtype = np.dtype(dtype)
    return np.frombuffer((ctypes.c_char * (int(count) * dtype.itemsize)).from_address(int(pointer)), dtype)
