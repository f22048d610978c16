"""One launch updates all parameters: an optimizer's rule, traced into a kernel that works through a table of arrays.

The kernel is told by value, in its argument, where each parameter and its buffers lie and how long they are: nothing is
copied to the GPU beforehand. Each block updates `CHUNK` elements of one parameter, which it finds in the table; each
thread takes four at a time, so that their loads are under way together. The formula stands in the rule of the optimizer
alone (`minigrad/optim`); multiplications and additions are rounded one by one, so it gives what the rule gives.

With `capturable=True` the count of steps lives on the GPU: the kernel reads it, and a second one, a thread for each
parameter, counts on when all have read.

The idea of the table is that of NVIDIA's apex (multi_tensor_apply), where PyTorch's `foreach` and `fused` have it from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minigrad.backend import Array, on_gpu_of
from minigrad.gpu.formula import Program, trace
from minigrad.gpu.launch import C_TYPES, THREADS, Kernel, blocks_for

CHUNK = 2048  # elements of a block: eight of each thread
ARGUMENT_BYTES = 4000  # CUDA takes 4,096 bytes of arguments on every GPU
OPTIONS = ("--fmad=false",)  # each product and each sum is rounded, as NumPy rounds it

Row: TypeAlias = tuple[Array, ...]  # a parameter, its gradient, its buffers, and what is counted on the GPU

TABLE = """
struct Table {{
    T* arrays[{arrays}][{rows}];
    {fields}
    long long sizes[{rows}];
    int first[{rows}];  // block of each row
    int count;
}};
"""
UPDATE = """
extern "C" __global__ void {name}(const T* any, const Table table) {{
    int row = 0;
    for (int half = 128; half; half /= 2)  // the last row whose first block is not behind this one
        if (row + half < table.count && table.first[row + half] <= blockIdx.x) row += half;
    long long size = table.sizes[row], start = (long long)(blockIdx.x - table.first[row]) * {chunk} + threadIdx.x;
    {numbers}
    {pointers}
    for (int part = 0; part < {chunk}; part += 4 * {threads}) {{
        {loaded}
        for (int k = 0; k < 4; k++) {{
            long long i = start + part + k * {threads};
            if (i < size) {{ {load} }}
        }}
        for (int k = 0; k < 4; k++) {{
            long long i = start + part + k * {threads};
            if (i < size) {{
                {element}
                {store}
            }}
        }}
    }}
}}
"""
# A thread for each row: what is counted on the GPU goes on, when all blocks of the update have read it.
COUNT = """
extern "C" __global__ void {name}(const T* any, const Table table) {{
    int row = threadIdx.x;
    if (row >= table.count) return;
    {numbers}
    {store}
}}
"""


class Update:
    """A traced rule as kernels, for rows of one kind."""

    def __init__(self, program: Program) -> None:
        kinds = dict(program.inputs)
        self.arrays = [name for name, kind in kinds.items() if kind == "T"]
        self.counted = [name for name, kind in kinds.items() if name.startswith("c")]
        self.program, self.results = program, dict(program.results)
        used = {x for s in program.statements if s.of_elements for x in s.operands} | set(self.results.values())
        own = {s.name for s in program.statements if s.of_elements}.union(self.arrays)
        # The numbers that the kernel is told: what the rule brought along, or all that follows from it.
        self.told = program.numbers if self.counted else tuple(sorted(used - own))
        fields = [("arrays", np.uint64, len(self.arrays)), *[(name, np.uint64, 1) for name in self.counted]]
        bytes_each = 8 * sum(n for _, _, n in fields) + 8 + 4
        self.rows = min(THREADS, (ARGUMENT_BYTES - 8 * (len(self.told) + 1)) // bytes_each)
        self.table = np.dtype(
            [
                ("arrays", np.uint64, (len(self.arrays), self.rows)),
                *[(name, np.uint64, self.rows) for name in self.counted],
                ("numbers", np.float64, max(1, len(self.told))),
                ("sizes", np.int64, self.rows),
                ("first", np.int32, self.rows),
                ("count", np.int32),
            ],
            align=True,
        )
        self.digest = hashlib.sha256(repr(program).encode()).hexdigest()[:12]  # of its kernels' names
        self.update, self.count_on = self._kernels(kinds, used)

    def _kernels(self, kinds: dict[str, str], used: set[str]) -> tuple[Kernel, Kernel | None]:
        program, names = self.program, self.arrays
        fields = [f"{kinds[name]}* {name}[{self.rows}];" for name in self.counted]
        fields.append(f"double numbers[{max(1, len(self.told))}];")
        table = TABLE.format(arrays=len(names), rows=self.rows, fields=_lines(fields))
        numbers = [f"double {name} = table.numbers[{i}];" for i, name in enumerate(self.told)]
        if self.counted:
            numbers += [f"double {name} = *table.{name}[row];" for name in self.counted] + program.in_c(
                of_elements=False
            )
        read = [name for name in names if name in used]
        body = UPDATE.format(
            name=f"update_{self.digest}", chunk=CHUNK, threads=THREADS, numbers=_lines(numbers),
            pointers=_lines([f"T* __restrict__ at_{name} = table.arrays[{k}][row];" for k, name in enumerate(names)]),
            loaded=f"T {', '.join(f'of_{name}[4]' for name in read)};",
            load=" ".join(f"of_{name}[k] = at_{name}[i];" for name in read),
            element=_lines([f"T {name} = of_{name}[k];" for name in read] + program.in_c(of_elements=True), 16),
            store=_lines([f"at_{name}[i] = {self.results[name]};" for name in names if name in self.results], 16),
        )  # fmt: skip
        update = Kernel(f"update_{self.digest}", body, table, OPTIONS)
        if not self.counted:
            return update, None
        store = _lines([f"*table.{name}[row] = {self.results[name]};" for name in self.counted if name in self.results])
        name = f"count_on_{self.digest}"
        return update, Kernel(name, COUNT.format(name=name, numbers=_lines(numbers), store=store), table, OPTIONS)

    def launch(self, rows: Sequence[Row], numbers: dict[str, float]) -> None:
        """Update all `rows`; `numbers` are what the rule brought along, and what it was given."""
        if not self.counted:
            numbers = self.program.compute_numbers(numbers)
        told = [numbers[name] for name in self.told]
        for start in range(0, len(rows), self.rows):
            part = rows[start : start + self.rows]
            table, blocks = self._fill(part, told)
            any_array = part[0][0]
            self.update((blocks,), (THREADS,), (any_array, table), any_array.dtype.char)
            if self.count_on is not None:
                self.count_on((1,), (THREADS,), (any_array, table), any_array.dtype.char)

    def _fill(self, rows: Sequence[Row], told: list[float]) -> tuple[Any, int]:
        """The table of some rows, and how many blocks they take."""
        table, n = np.zeros((), self.table), len(rows)
        sizes = [row[0].size for row in rows]
        blocks = np.cumsum([0, *[blocks_for(size, CHUNK) for size in sizes]])
        columns = [[array.data.ptr for array in column] for column in zip(*rows, strict=True)]
        table["arrays"][:, :n] = columns[: len(self.arrays)]
        for name, pointers in zip(self.counted, columns[len(self.arrays) :], strict=True):
            table[name][:n] = pointers
        table["numbers"][: len(told)] = told
        table["sizes"][:n], table["first"][:n], table["count"] = sizes, blocks[:-1], n
        return table, int(blocks[-1])


def _lines(lines: list[str], depth: int = 4) -> str:
    return f"\n{' ' * depth}".join(lines)


WRITTEN: dict[str, Update] = {}  # by digest: other numbers need no other kernel


def update(
    formula: Callable[..., None], rows: Sequence[Row], counted: int, given: dict[str, float], kept: dict[Any, Any]
) -> list[Row]:
    """Update `rows` by `formula(arrays, counts, **given)`; returns those that have to be updated one by one.

    The last `counted` arrays of a row are single numbers on the GPU. `given` are numbers of this step. What is found
    out about `formula` is put into `kept`.
    """
    batches: dict[Any, list[Row]] = {}
    left = []
    for row in rows:
        w = row[0]
        if w.dtype.char not in "fd" or not (fitting := _bring_into_one_order(row, counted)):
            left.append(row)
        elif w.size:
            batches.setdefault((w.data.device_id, w.dtype.char), []).append(fitting)
    for key, batch in batches.items():
        width, chars = len(batch[0]) - counted, [array.dtype.char for array in batch[0][len(batch[0]) - counted :]]
        traced = kept.get((key, width)) or kept.setdefault((key, width), _trace(formula, width, chars, given))
        if traced[0] is None:
            left += batch
        else:
            on_gpu_of(batch[0][0], traced[0].launch, batch, {**traced[1], **given})
    return left


def _bring_into_one_order(row: Row, counted: int) -> Row | None:
    """`row` in the memory order of its parameter, for which a gradient is copied; None where buffers have another."""
    w, g = row[:2]
    buffers = row[2 : len(row) - counted]
    if not (w.flags.forc or _is_dense(w)) or any(buffer.strides != w.strides for buffer in buffers if w.size > 1):
        return None
    if g.strides == w.strides or w.size < 2:
        return row
    copy = np.empty_like(w)
    copy[...] = g
    return (w, copy, *row[2:])


def _is_dense(w: Array) -> bool:
    """Whether `w` fills its memory without gaps, whatever the order of its axes, as a channels_last weight does."""
    expected = w.dtype.itemsize
    for step, n in sorted((step, n) for step, n in zip(w.strides, w.shape, strict=True) if n > 1):
        if step != expected:
            return False
        expected *= n
    return True


def _trace(
    formula: Callable[..., None], width: int, chars: list[str], given: dict[str, float]
) -> tuple[Update | None, dict[str, float]]:
    """The kernels of `formula` and the numbers that it brings along; no kernels where it cannot be traced."""
    arrays = [f"a{i}" for i in range(width)]
    counts = {f"c{i}": C_TYPES[char] for i, char in enumerate(chars)}

    def rule(*symbols: Any) -> None:
        row = symbols[: width + len(chars)]
        formula(row, **dict(zip(given, symbols[len(row) :], strict=True)))

    try:
        program, numbers = trace(rule, dict.fromkeys(arrays, "T") | counts | dict.fromkeys(given, "double"))
    except Exception:  # noqa: BLE001 (whatever it is, it shows again where the rule runs on arrays)
        return None, {}
    made = Update(program)
    return WRITTEN.setdefault(made.digest, made), numbers
