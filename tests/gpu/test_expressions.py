"""Every forward and gradient rule of the tables: its CUDA C code gives NumPy's results."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from minigrad.gpu.cuda_c import print_element
from minigrad.ops.elementwise import ELEMENTWISE
from tests import nvrtc
from tests.gpu.expressions import find_cases, print_all
from tests.kernels.cuda_on_cpu import HEADER

FLOATS = [
    -np.inf, -1e30, -300.0, -3.0, -2.5, -1.0, -0.75, -1e-20, -0.0, 0.0, 1e-20, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 88.0,
    300.0, 1e30, np.inf, np.nan,
]  # fmt: skip
INTEGERS = [-(2**31), -129, -128, -7, -3, -2, -1, 0, 1, 2, 3, 7, 127, 128, 255, 2**31 - 1]
# NumPy, the C library and a GPU each round these in their own way, by about one unit in the last place.
ROUGH = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "power", "arctan2", "hypot", "logaddexp", "logaddexp2", "cbrt",
    "erf", "erfc",
}  # fmt: skip
# Which of 0.0 and -0.0 NumPy gives depends on the number of elements.
EITHER_ZERO = {"maximum", "minimum", "fmax", "fmin", "at_least", "at_most"}
TOLERANCES = {"e": 2e-3, "f": 3e-6, "d": 1e-13}


@pytest.fixture(scope="module")
def cases():
    return find_cases()


@pytest.fixture(scope="module")
def launch(cases, tmp_path_factory):
    """Calls the compiled kernel of an expression."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler here, which would run the kernels' source on the processor")
    numbers = {}
    expressions = [c.expression for c in cases if numbers.setdefault(print_element(c.expression)[0], c) is c]
    numbers = {source: i for i, source in enumerate(numbers)}
    path = tmp_path_factory.mktemp("expressions") / "all.cpp"
    path.write_text(f'#include "{HEADER}"\n{print_all(expressions)}')
    options = ["-std=c++17", "-O0", "-ffp-contract=off", "-w", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", path.with_suffix(".so"), path], check=True)
    library = ctypes.CDLL(str(path.with_suffix(".so")))

    def call(expression, operands, out):
        arguments = [ctypes.c_void_p(operands[i].ctypes.data) for i in expression.arrays]
        arguments += [ctypes.c_double(operands[i]) for i in expression.numbers]
        function = getattr(library, f"compute_{numbers[print_element(expression)[0]]}")
        function(ctypes.c_void_p(out.ctypes.data), *arguments, ctypes.c_longlong(out.size))

    return call


def list_values(dtype):
    if dtype.kind == "f":
        return np.array(FLOATS).astype(dtype)
    if dtype.kind == "b":
        return [False, True]
    limits = np.iinfo(dtype)
    return [limits.min, limits.max, *[v for v in INTEGERS if limits.min < v < limits.max]]


def test_the_tables_give_enough_cases(cases):
    names = {case.name.split()[0] for case in cases}
    assert len(cases) > 2000 and len(names) > 90
    assert {"add", "gelu", "threshold_backward", "lerp", "clamp", "where", "to_copy", "leaky_relu"} <= names


# These take a launch for each step on a GPU: a series, a search, or a function that the kernels do not have.
IN_STEPS = {
    "bitwise_left_shift", "bitwise_right_shift", "digamma", "frexp", "gcd", "igamma", "igammac", "lcm", "ldexp",
    "lgamma", "log_ndtr_backward", "nextafter", "polygamma", "sinc", "special_erfcx", "special_log_ndtr",
    "special_xlog1py", "tie", "xlogy",
}  # fmt: skip
GIVE_BACK = {"add 1", "sub 1", "fmod 1", "remainder 1", "frac 1", "to_copy 1"}  # rules that return the gradient itself
NO_DERIVATIVE = {"floor_divide", "heaviside"}  # their rules raise


def test_all_operations_but_those_listed_have_a_kernel(cases):
    served = {" ".join(case.name.split()[:2]) for case in cases}
    roles = [(made.name, i) for made in ELEMENTWISE for i, f in enumerate((made.forward, *made.rules)) if f is not None]
    unserved = {(name, i) for name, i in roles if f"{name} {i}" not in served | GIVE_BACK}
    assert {name for name, i in unserved if i == 0} == IN_STEPS
    assert {name for name, i in unserved if i} <= IN_STEPS | NO_DERIVATIVE


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_kernel_computes_what_numpy_computes(cases, launch):
    compared = 0
    for case in cases:
        dtype = next(x for x in case.given if isinstance(x, np.dtype))
        operands = case.arrays(list_values(dtype))
        expression = case.expression
        try:
            wanted = np.asarray(case.function(*operands, **case.statics))
        except (RuntimeError, KeyError):  # integers divided by zero; bits of integers of other widths
            continue
        count = next(len(x) for x in operands if isinstance(x, np.ndarray))
        if dtype.kind != "f" and ("exp" in case.name or "log" in case.name):
            continue  # integers are cast to floats before the kernel is called
        assert wanted.dtype == expression.result.dtype, case.name
        out = np.empty(count, wanted.dtype)
        launch(expression, operands, out)
        wanted = np.broadcast_to(wanted, out.shape)
        right = (out == wanted) | ((out != out) & (wanted != wanted))
        functions = {getattr(step.function, "__name__", step.function) for step in expression.steps}
        if out.dtype.kind == "f" and not functions & (EITHER_ZERO | ROUGH):
            right &= (np.signbit(out) == np.signbit(wanted)) | (out != out)
        if functions & ROUGH and out.dtype.kind == "f":
            tolerance = max(TOLERANCES[out.dtype.char], 1e-4 if "gelu" in case.name or "erf" in case.name else 0)
            right |= np.abs(out - wanted) <= tolerance * np.abs(wanted)
        wrong = np.flatnonzero(~right)
        shown = [x[wrong[0]] if isinstance(x, np.ndarray) else x for x in operands] if wrong.size else None
        assert not wrong.size, f"{case.name} of {shown}: {out[wrong[0]]}, not {wanted[wrong[0]]}"
        compared += 1
    assert compared > 2000


def test_all_compile_for_a_gpu(cases):
    nvrtc.require()
    source = print_all([case.expression for case in cases])
    assert "compute_0(" in nvrtc.compile_for_a_gpu(source, "--fmad=false")
