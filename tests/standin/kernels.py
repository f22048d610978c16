"""`cupy.RawKernel`: runs the NumPy twin of a kernel instead of compiling it.

A twin is a function (grid, block, arguments, constants) on NumPy arrays and NumPy numbers that stands in `TWINS`
under its kernel's name; the constants are the source's `#define NAME number`s, and its matrix. Kernels that are
written at run time have a name and a digest behind it, `update_5f0c...`: their twin stands under the name alone, and
is told the whole.
"""

import re
from functools import partial

import numpy as np

from tests.standin.journal import asked, launches

TWINS = {}


def widen(x):
    """The numbers in the type in which a kernel computes, its `A`: halves in single precision."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


class RawKernel:
    __module__ = "cupy"

    def __init__(self, code, name, options=(), backend="nvrtc", *, translate_cucomplex=False):
        assert f" {name}(" in code
        self.name = name
        self.constants = {key: int(value) for key, value in re.findall(r"^#define (\w+) (\d+)$", code, re.MULTILINE)}
        for rows in re.findall(r"matrix\[TO\]\[FROM\] = \{\{(.*)\}\};", code):  # the matrix of a transform, row by row
            numbers = [[float(number) for number in row.split(",")] for row in rows.split("}, {")]
            self.constants["matrix"] = np.array(numbers, np.float32)
        self.max_dynamic_shared_size_bytes = 48 * 2**10

    def __call__(self, grid, block, args, *, shared_mem=0):
        from tests.standin import graphs
        from tests.standin.array import check_device, ndarray

        asked.add(("cupy.RawKernel", "__call__", ()))
        launches.append(self.name)
        assert len(grid) <= 3 and len(block) <= 3 and np.prod(block) <= 1024 and 0 not in (*grid, *block)
        assert grid[0] < 2**31 and all(blocks <= 65535 for blocks in grid[1:]), grid
        assert shared_mem <= self.max_dynamic_shared_size_bytes <= 227 * 2**10
        for x in args:  # a Python int would be passed as another C type than the kernel's
            by_value = isinstance(x, np.ndarray) and x.size == 1
            assert by_value or isinstance(x, (ndarray, np.generic)), type(x)
            if isinstance(x, ndarray):
                check_device(x)
        twin = TWINS.get(self.name) or partial(_find_twin_of_written(self.name), self.name)
        given = [x._host if isinstance(x, ndarray) else x.copy() if isinstance(x, np.ndarray) else x for x in args]
        graphs.launch(twin, grid, block, given, self.constants)


def _find_twin_of_written(name):
    from minigrad.gpu.elementwise import WRITTEN
    from tests.standin import expressions, updates

    if name in WRITTEN:
        return partial(expressions.run_expression, WRITTEN[name])
    return {"update": updates.run_update, "count_on": updates.run_update}[name.rpartition("_")[0]]
