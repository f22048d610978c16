"""Every function of the tables, traced for every dtype, as one source for a C++ compiler and NVRTC."""

import inspect
from importlib import import_module
from itertools import product
from pkgutil import iter_modules

import numpy as np

from minigrad import ops
from minigrad.gpu.cuda_c import HELPERS, MOVES, ONE_STEP, print_element, type_in_memory, write_kernel
from minigrad.half_precision import round_result
from minigrad.ops.elementwise import ELEMENTWISE
from minigrad.tracing import Number, Untraceable, trace

for _file in iter_modules(ops.__path__, "minigrad.ops."):
    import_module(_file.name)  # so that its operations are declared
OPTIONS = {  # values for keyword-only parameters; each makes an expression
    "options": [(0.5,), (0.5, 0.7), (0.5, 0.7, 0.9)], "is_open": [lambda x: x > 0], "decimals": [-1, 0, 2],
    "dtype": [np.dtype(c) for c in "?bBhilqefd"], "low": [None, -1.5], "high": [None, 2.5], "eps": [None, 0.25],
}  # fmt: skip
TAKE_NUMBERS = (
    "add", "sub", "mul", "div", "pow", "remainder", "fmod", "floor_divide", "clamp_min", "clamp_max",
    "eq", "ne", "lt", "le", "gt", "ge",
)  # fmt: skip
CHARS = "efdilBb?"


class Case:
    """A function, the dtypes and numbers of its operands, its options, and the expression traced for them."""

    def __init__(self, name, function, given, statics, expression):
        self.name, self.function, self.given, self.statics = name, function, given, statics
        self.expression = expression

    def arrays(self, values):
        """Operands of the function that hold every combination of `values`."""
        places = [i for i, x in enumerate(self.given) if isinstance(x, np.dtype)]
        random = np.random.default_rng(0)
        grids = list(product(values, repeat=min(len(places), 2)))
        columns = [np.array(c, self.given[places[0]]) for c in zip(*grids, strict=True)]
        columns += [random.choice(columns[0], len(grids)) for _ in places[2:]]
        operands = [0.75 if isinstance(x, Number) and x.dtype is float else x for x in self.given]
        for place, column in zip(places, columns, strict=True):
            operands[place] = column
        return operands


def find_cases():
    cases = []
    for made in ELEMENTWISE:
        for role, function in enumerate((made.forward, *made.rules)):
            if function is not None:
                takes = _parameters(function), made.name in TAKE_NUMBERS
                cases += list(_cases(f"{made.name} {role}", round_result(function), *takes))
    return cases


def _cases(name, function, takes, numbers):
    parameters, options = takes
    for char in CHARS:
        dtype = np.dtype(char)
        choices = [[dtype] * len(parameters)]
        if numbers and len(parameters) == 2:
            choices += [[dtype, Number(float)], [Number(float), dtype], [dtype, 3], [dtype, 0.5]]
        for given, values in product(choices, product(*[OPTIONS.get(o, [0.5]) for o in options])):
            statics = dict(zip(options, values, strict=True))
            try:
                expression = trace(function, given, statics, ONE_STEP)
                if expression.result.function != "operand":
                    write_kernel(expression, 1, (1,) * len(expression.arrays), "int")
                    yield Case(f"{name} {given} {values}", function, given, statics, expression)
            except Untraceable:
                continue


def _parameters(function):
    if isinstance(function, np.ufunc):
        return ["x"] * function.nin, []
    every = inspect.signature(function).parameters.values()
    options = [p.name for p in every if p.kind is p.KEYWORD_ONLY or p.name in (*OPTIONS, "alpha", "slope", "value")]
    return [p.name for p in every if p.name not in options], options


def print_all(expressions):
    """One source: a kernel for each expression, `compute_0`, `compute_1` and so on."""
    parts = [HELPERS, MOVES]
    for i, expression in enumerate(expressions):
        element, declared, names = print_element(expression)
        passed = ", ".join(n + "[i]" if n[0] == "x" else n for n in names)
        parts.append(
            f"namespace number_{i} {{\n{element}}}\n"
            f'extern "C" __global__ void compute_{i}({type_in_memory(expression.result.dtype)}* out, '
            f"{', '.join(declared)}{', ' if declared else ''}long long count) {{\n"
            f"    for (long long i = 0; i < count; i++) out[i] = number_{i}::element({passed});\n}}\n"
        )
    return "\n".join(parts)
