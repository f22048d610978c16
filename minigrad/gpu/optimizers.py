"""Fused optimizer steps: one launch updates all parameters, by a kernel that is traced from the optimizer's rule.

The argument of the kernel holds a table of the addresses and lengths of the parameters and their buffers: nothing is
copied to the GPU beforehand. Each block updates `CHUNK` elements of one parameter; each thread loads four elements at a
time. The formula stands only in the optimizer's rule (`minigrad/optim`); every multiplication and addition is rounded
by itself, so the results equal the rule's.

With `capturable=True` the step count is on the GPU: the kernel reads it, and a second kernel increments it afterwards.

The table follows multi_tensor_apply of NVIDIA's apex, as do PyTorch's `foreach` and `fused`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, TypeAlias

import numpy as np

from minigrad.backend import Array, on_gpu_of
from minigrad.gpu.cuda_c import HELPERS, OPTIONS, print_line, type_in_memory, type_of_step
from minigrad.gpu.formula import Program, trace_rule
from minigrad.gpu.launch import THREADS, Kernel, blocks_for
from minigrad.layout import is_dense
from minigrad.tracing import Step

CHUNK = 2048  # elements of a block: eight of each thread
ARGUMENT_BYTES = 4000  # CUDA takes 4,096 bytes of arguments on every GPU

Row: TypeAlias = tuple[Array, ...]  # a parameter, its gradient, its buffers, and counters on the GPU

TABLE = """
struct Table {{
    {element}* arrays[{arrays}][{rows}];
    {counts}
    double numbers[{numbers}];
    long long sizes[{rows}];
    int first[{rows}];  // block of each row
    int count;
}};
"""
# The row of the table that a block works on: each row has as many blocks as it needs, in the order of the rows.
FIND_ROW = """
template <class Table> __device__ int find_row(const Table& table) {  // the last that begins at or before this block
    int row = 0;
    for (int half = 128; half; half /= 2)
        if (row + half < table.count && table.first[row + half] <= blockIdx.x) row += half;
    return row;
}
"""
UPDATE = """
extern "C" __global__ void {name}(const {element}* any, const Table table) {{
    int row = find_row(table);
    long long size = table.sizes[row], start = (long long)(blockIdx.x - table.first[row]) * {chunk} + threadIdx.x;
    {numbers}
    {pointers}
    for (int part = 0; part < {chunk}; part += 4 * {threads}) {{
        {element} {loaded};
        for (int k = 0; k < 4; k++) {{
            long long i = start + part + k * {threads};
            if (i < size) {{ {load} }}
        }}
        for (int k = 0; k < 4; k++) {{
            long long i = start + part + k * {threads};
            if (i < size) {{
                {steps}
                {store}
            }}
        }}
    }}
}}
"""
# One thread per row increments the counters, after all blocks of the update have read them.
COUNT = """
extern "C" __global__ void {name}(const {element}* any, const Table table) {{
    int row = threadIdx.x;
    if (row >= table.count) return;
    {numbers}
    {store}
}}
"""


class Update:
    """The kernels of a traced rule, for rows of one kind."""

    def __init__(self, program: Program, arrays: int, counts: int) -> None:
        self.program = program
        self.arrays, self.counts = program.before[:arrays], program.before[arrays : arrays + counts]
        self.after = dict(zip(program.before, program.after, strict=False))
        # The numbers passed to the kernel: those that the rule uses, or, without step counts, those computed from them.
        self.numbers = list(program.constants) + list(program.before[arrays + counts :])
        if not counts:
            used = dict.fromkeys([s for step in program.of_elements for s in step.inputs] + list(program.after))
            self.numbers = [s for s in used if not s.over]
        bytes_each = 8 * (arrays + counts) + 8 + 4
        self.rows = min(THREADS, (ARGUMENT_BYTES - 8 * (len(self.numbers) + 1)) // bytes_each)
        self.table = np.dtype(
            [
                ("arrays", np.uint64, (arrays, self.rows)),
                *[(f"c{i}", np.uint64, self.rows) for i in range(counts)],
                ("numbers", np.float64, max(1, len(self.numbers))),
                ("sizes", np.int64, self.rows),
                ("first", np.int32, self.rows),
                ("count", np.int32),
            ],
            align=True,
        )
        self.update, self.count_on = self._write()
        like = WRITTEN.setdefault(self.digest, self)  # other numbers need no other kernels
        self.update, self.count_on = like.update, like.count_on

    def _write(self) -> tuple[Kernel, Kernel | None]:
        """The kernels' source. The names in it are those of the steps."""
        dtype, names = self.arrays[0].dtype, dict[Step, str]()
        element = type_in_memory(dtype)
        numbers = [self._declare(step, f"n{i}", f"table.numbers[{i}]", names) for i, step in enumerate(self.numbers)]
        numbers += [self._declare(step, f"c{i}", f"*table.c{i}[row]", names) for i, step in enumerate(self.counts)]
        if self.counts:
            numbers += [print_line(step, names) for step in self.program.of_numbers]
        held, wrap = ("from_half({})", "to_half({})") if dtype.char == "e" else ("{}", "{}")
        indices = range(len(self.arrays))
        steps = [self._declare(a, f"a{i}", held.format(f"of{i}[k]"), names) for i, a in enumerate(self.arrays)]
        steps += [print_line(step, names) for step in self.program.of_elements]
        changed = [i for i in indices if self.after[self.arrays[i]] is not self.arrays[i]]
        words = {
            "element": element, "rows": self.rows, "arrays": len(self.arrays), "chunk": CHUNK, "threads": THREADS,
            "counts": _join([f"{type_in_memory(c.dtype)}* c{i}[{self.rows}];" for i, c in enumerate(self.counts)]),
            "pointers": _join([f"{element}* __restrict__ at{i} = table.arrays[{i}][row];" for i in indices]),
            "loaded": ", ".join([f"of{i}[4]" for i in indices]), "steps": _join(steps, 16),
            "load": " ".join([f"of{i}[k] = at{i}[i];" for i in indices]),
        }  # fmt: skip
        store = [f"at{i}[i] = {wrap.format(names[self.after[self.arrays[i]]])};" for i in changed]
        moved = [(i, self.after[count]) for i, count in enumerate(self.counts) if self.after[count] is not count]
        counted = [f"*table.c{i}[row] = {names[after]};" for i, after in moved]
        table = TABLE.format(**words | {"numbers": max(1, len(self.numbers))})
        words["numbers"] = _join(numbers)
        text = table + UPDATE.format(name="", store=store + counted, **words)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        update = self._make_kernel("update", UPDATE, words, _join(store, 16), table)
        return update, self._make_kernel("count_on", COUNT, words, _join(counted), table) if counted else None

    def _make_kernel(self, name: str, text: str, words: dict[str, Any], store: str, table: str) -> Kernel:
        name = f"{name}_{self.digest}"
        return Kernel(name, text.format(name=name, store=store, **words), HELPERS + FIND_ROW + table, OPTIONS)

    @staticmethod
    def _declare(step: Step, name: str, value: str, names: dict[Step, str]) -> str:
        names[step] = name
        return f"{type_of_step(step.dtype)} {name} = {value};"

    def list_numbers(self, values: dict[Step, Any]) -> list[Any]:
        """The numbers in the kernel's argument, from `values` of the rule's constants and given numbers."""
        if not self.counts:
            values = self.program.compute_numbers(values)
        return [values[step] for step in self.numbers]

    def launch(self, rows: Sequence[Row], numbers: list[Any]) -> None:
        """Updates all `rows`."""
        for start in range(0, len(rows), self.rows):
            part = rows[start : start + self.rows]
            table, blocks = self.fill(part)
            table["numbers"][: len(numbers)] = numbers
            self.launch_table(part[0][0], table, blocks)

    def launch_table(self, any_array: Array, table: Any, blocks: int) -> None:
        """Launches the update of a table."""
        self.update((blocks,), (THREADS,), (any_array, table), "f")
        if self.count_on is not None:
            self.count_on((1,), (THREADS,), (any_array, table), "f")

    def fill(self, rows: Sequence[Row]) -> tuple[Any, int]:
        """The table of some rows, and their number of blocks."""
        table, blocks = start_table(self.table, [row[0] for row in rows])
        n, columns = len(rows), [[array.data.ptr for array in column] for column in zip(*rows, strict=True)]
        table["arrays"][:, :n] = columns[: len(self.arrays)]
        for i, pointers in enumerate(columns[len(self.arrays) :]):
            table[f"c{i}"][:n] = pointers
        return table, blocks


def start_table(dtype: np.dtype[Any], arrays: Sequence[Array]) -> tuple[Any, int]:
    """A table of the sizes of some arrays and of the block with which each begins; and how many blocks they take."""
    table, n, sizes = np.zeros((), dtype), len(arrays), [x.size for x in arrays]
    blocks = np.cumsum([0, *[blocks_for(size, CHUNK) for size in sizes]])
    table["sizes"][:n], table["first"][:n], table["count"] = sizes, blocks[:-1], n
    return table, int(blocks[-1])


class CachedTable:
    """A cached table, valid while the addresses of all arrays but the gradients stay the same."""

    def __init__(self, kernels: Update, constants: dict[Step, float], rows: Sequence[Row]) -> None:
        self.kernels, self.constants, self.columns = kernels, constants, list(zip(*rows, strict=True))
        self.names = kernels.program.before[len(rows[0]) :]
        self.strides = [row[0].strides for row in rows]
        self.table, self.blocks = kernels.fill(rows)

    def serves(self, columns: list[tuple[Array, ...]]) -> bool:
        """Whether the table holds these arrays, and gradients have the memory order of the parameters."""
        if len(columns) != len(self.columns) or len(columns[0]) != len(self.strides):
            return False
        pairs = list(zip(columns, self.columns, strict=True))
        stays = all(all(map(is_, *pair)) for pair in pairs[:1] + pairs[2:])
        return stays and [g.strides for g in columns[1]] == self.strides

    def launch(self, gradients: Sequence[Array], given: dict[str, float]) -> None:
        """Takes a step."""
        numbers = self.kernels.list_numbers({**self.constants, **dict(zip(self.names, given.values(), strict=True))})
        table = self.table.copy()
        table["arrays"][1, : len(gradients)] = [g.data.ptr for g in gradients]
        table["numbers"][: len(numbers)] = numbers
        self.kernels.launch_table(self.columns[0][0], table, self.blocks)


def _join(lines: list[str], depth: int = 4) -> str:
    return f"\n{' ' * depth}".join(lines)


WRITTEN: dict[str, Update] = {}  # the first with each kernel, by its digest


def update(
    formula: Callable[..., None], rows: Sequence[Row], counted: int, given: dict[str, float], kept: dict[Any, Any]
) -> list[Row]:
    """Updates `rows` by `formula(row, **given)`; returns those that have to be updated one by one.

    The last `counted` arrays of a row are single numbers on the GPU. `given` are numbers of this step. `kept`
    caches what is known about `formula`.
    """
    cached = kept.get("cached")
    columns = list(zip(*rows, strict=True))
    if cached is not None and cached.serves(columns):
        on_gpu_of(columns[0][0], cached.launch, columns[1], given)
        return []
    batches: dict[Any, list[Row]] = {}
    left = []
    for row in rows:
        w = row[0]
        if w.dtype.char not in "efd" or not (fitting := _bring_into_one_order(row, counted)):
            left.append(row)
        elif w.size:
            batches.setdefault((w.data.device_id, w.dtype.char), []).append(fitting)
    for key, batch in batches.items():
        key = (*key, len(batch[0]))
        if key not in kept:
            kept[key] = _trace(formula, batch[0], counted, given)
        kernels, constants = kept[key]
        if kernels is None:
            left += batch
        else:
            names = kernels.program.before[len(batch[0]) :]
            numbers = kernels.list_numbers({**constants, **dict(zip(names, given.values(), strict=True))})
            on_gpu_of(batch[0][0], kernels.launch, batch, numbers)
            if len(rows) == len(batch) <= kernels.rows and all(map(is_, batch, rows)):  # no gradient had to be copied
                kept["cached"] = CachedTable(kernels, constants, batch)
    return left


def _bring_into_one_order(row: Row, counted: int) -> Row | None:
    """`row` in the memory order of its parameter; the gradient is copied if needed. None if buffers differ."""
    w, g = row[:2]
    buffers = row[2 : len(row) - counted]
    if not (w.flags.forc or is_dense(w)) or any(buffer.strides != w.strides for buffer in buffers if w.size > 1):
        return None
    if g.strides == w.strides or w.size < 2:
        return row
    return (w, on_gpu_of(w, _lay_like, w, g), *row[2:])


def _lay_like(w: Array, g: Array) -> Array:
    """A copy of `g` in the memory order of `w`."""
    copy = np.empty_like(w)
    copy[...] = g
    return copy


def _trace(
    formula: Callable[..., None], row: Row, counted: int, given: dict[str, float]
) -> tuple[Update | None, dict[Step, float]]:
    """The kernels of `formula` for such rows, and its constants; None if it cannot be traced."""
    width, dtypes = len(row) - counted, [array.dtype for array in row]

    def rule(*symbols: Any) -> None:
        formula(symbols[: len(row)], **dict(zip(given, symbols[len(row) :], strict=True)))

    try:
        program, numbers = trace_rule(rule, dtypes[:width], dtypes[width:], list(given))
    except Exception:  # noqa: BLE001 (whatever it is, it shows again where the rule runs on arrays)
        return None, {}
    return Update(program, width, counted), dict(zip(program.constants, numbers, strict=True))
