"""CUDA C source for a traced expression: the translation of each NumPy function, for each dtype.

Float16 is computed in float32 and rounded after every step, as NumPy does. Sums, products, quotients and square roots
equal NumPy's to the last bit (the kernels are compiled without fused multiply-add); functions such as exp are the
GPU's. Integers wrap around, and integer division by zero gives 0.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from minigrad.gpu.launch import C_TYPES, Kernel
from minigrad.tracing import Expression, Step, Untraceable

_PYTHONS: dict[Any, str] = {float: "double", int: "long long"}  # Python numbers, which adapt to other dtypes

OPTIONS = ("--fmad=false",)  # no fused multiply-add: each product and each sum is rounded, as in NumPy

# `Four`: four elements, which a thread reads and writes at once (16 bytes for float32).
HELPERS = """
template <class T> struct alignas(sizeof(T) > 4 ? 16 : 4 * sizeof(T)) Four { T at[4]; };
struct Half { unsigned short bits; };
#ifdef __CUDA_ON_CPU__
template <class F> __device__ Half to_half(F x) { _Float16 h = x; Half y; memcpy(&y, &h, 2); return y; }
__device__ float from_half(Half x) { _Float16 h; memcpy(&h, &x, 2); return h; }
#else
__device__ Half to_half(float x) { Half y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
__device__ Half to_half(double x) { Half y; asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y.bits) : "d"(x)); return y; }
__device__ float from_half(Half x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
#endif
template <class F> __device__ float rounded(F x) { return from_half(to_half(x)); }
template <class T> __device__ T remainder_of(T a, T b) {  // with the sign of b
    T r = fmod(a, b);
    if (b == 0) return r;
    return r == 0 ? copysign(T(0), b) : (b < 0) != (r < 0) ? r + b : r;
}
template <class T> __device__ T floor_of_quotient(T a, T b) {
    if (b == 0) return a / b;
    T r = fmod(a, b), q = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) q -= 1;
    if (q == 0) return copysign(T(0), a / b);
    T whole = floor(q);
    return q - whole > T(0.5) ? whole + 1 : whole;
}
template <class T> __device__ T whole_quotient(T a, T b) {  // rounded down
    if (b == 0) return 0;
    if (b == T(-1) && T(-1) < T(0)) return T(0ull - (unsigned long long)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
template <class T> __device__ T whole_remainder(T a, T b) {
    if (b == 0 || (b == T(-1) && T(-1) < T(0))) return 0;
    T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <class T> __device__ T whole_fmod(T a, T b) {
    return b == 0 || (b == T(-1) && T(-1) < T(0)) ? T(0) : T(a % b);
}
template <class T> __device__ T whole_power(T base, T exponent) {
    unsigned long long power = 1, square = base;
    for (unsigned long long e = exponent; e; e >>= 1, square *= square) if (e & 1) power *= square;
    return power;
}
template <class T> __device__ T log_of_sum(T a, T b) {  // log(exp(a) + exp(b))
    if (a == b) return a + T(0.69314718055994530942);
    T d = a - b;
    return d > 0 ? a + log1p(exp(-d)) : d <= 0 ? b + log1p(exp(d)) : d;
}
template <class T> __device__ T log2_of_sum(T a, T b) {  // log2(2^a + 2^b)
    if (a == b) return a + T(1);
    T d = a - b, e = T(1.44269504088896340736);
    return d > 0 ? a + e * log1p(exp2(-d)) : d <= 0 ? b + e * log1p(exp2(d)) : d;
}
"""

# Moves four elements at once if they are aligned, or else one by one.
MOVES = """
template <class T> __device__ bool is_aligned(const T* p) { return (unsigned long long)p % alignof(Four<T>) == 0; }
template <class T> __device__ Four<T> read(const T* p, int count) {
    if (count == 4 && is_aligned(p)) return *(const Four<T>*)p;
    Four<T> x;
    for (int k = 0; k < 4; k++) x.at[k] = p[k < count ? k : 0];
    return x;
}
template <class T> __device__ Four<T> repeat(T x) { return {{x, x, x, x}}; }
template <class T> __device__ void write(T* p, Four<T> x, int count) {
    if (count == 4 && is_aligned(p)) { *(Four<T>*)p = x; return; }
    for (int k = 0; k < 4; k++) if (k < count) p[k] = x.at[k];
}
"""

# {0}, {1}: the inputs; {f}: the suffix "f" of functions of float, none for double.
_EVERY = {
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "less": "{0} < {1}", "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}", "logical_and": "{0} != 0 && {1} != 0",
    "logical_or": "{0} != 0 || {1} != 0", "logical_xor": "({0} != 0) != ({1} != 0)", "logical_not": "{0} == 0",
    "positive": "{0}", "conjugate": "{0}", "where": "{0} ? {1} : {2}",
}  # fmt: skip
_FLOATS = _EVERY | {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "reciprocal": "1 / {0}", "square": "{0} * {0}", "absolute": "fabs{f}({0})",
    "fabs": "fabs{f}({0})", "maximum": "{0} >= {1} || {0} != {0} ? {0} : {1}",
    "minimum": "{0} <= {1} || {0} != {0} ? {0} : {1}", "at_least": "{0} > {1} || {0} != {0} ? {0} : {1}",
    "at_most": "{0} < {1} || {0} != {0} ? {0} : {1}", "fmax": "{0} >= {1} || {1} != {1} ? {0} : {1}",
    "fmin": "{0} <= {1} || {1} != {1} ? {0} : {1}", "isnan": "{0} != {0}", "isinf": "fabs{f}({0}) == {inf}",
    "isfinite": "fabs{f}({0}) < {inf}", "signbit": "copysign{f}(1.0{f}, {0}) < 0",
    "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : {0} == 0 ? 0 : {0}", "copysign": "copysign{f}({0}, {1})",
    "floor_divide": "floor_of_quotient({0}, {1})", "remainder": "remainder_of({0}, {1})",
    "fmod": "fmod{f}({0}, {1})", "power": "pow{f}({0}, {1})", "float_power": "pow{f}({0}, {1})",
    "arctan2": "atan2{f}({0}, {1})", "hypot": "hypot{f}({0}, {1})", "logaddexp": "log_of_sum({0}, {1})",
    "logaddexp2": "log2_of_sum({0}, {1})",
    "erf": "erf{f}({0})", "erfc": "erfc{f}({0})", "heaviside": "{0} != {0} ? {0} : {0} == 0 ? {1} : {0} < 0 ? 0 : 1",
} | {
    name: (name.replace("arc", "a") if name.startswith("arc") else name) + "{f}({0})"
    for name in (
        "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
        "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc", "rint",
    )
}  # fmt: skip
ONE_STEP = frozenset({"erf", "erfc"})  # functions of the package that CUDA computes in one step
_WHOLE = _EVERY | {  # of integers; {u}: the unsigned type in which sums wrap around
    "add": "({u}){0} + ({u}){1}", "subtract": "({u}){0} - ({u}){1}", "multiply": "({u}){0} * ({u}){1}",
    "negative": "0 - ({u}){0}", "square": "({u}){0} * ({u}){0}", "absolute": "{0} < 0 ? 0 - ({u}){0} : ({u}){0}",
    "maximum": "{0} >= {1} ? {0} : {1}", "minimum": "{0} <= {1} ? {0} : {1}",
    "at_least": "{0} > {1} ? {0} : {1}", "at_most": "{0} < {1} ? {0} : {1}",
    "fmax": "{0} >= {1} ? {0} : {1}", "fmin": "{0} <= {1} ? {0} : {1}",
    "isnan": "false", "isinf": "false", "isfinite": "true", "signbit": "{0} < 0",
    "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : 0", "floor_divide": "whole_quotient({0}, {1})",
    "remainder": "whole_remainder({0}, {1})", "fmod": "whole_fmod({0}, {1})", "power": "whole_power({0}, {1})",
    "bitwise_and": "{0} & {1}", "bitwise_or": "{0} | {1}", "bitwise_xor": "{0} ^ {1}", "invert": "~{0}",
    "floor": "{0}", "ceil": "{0}", "trunc": "{0}", "rint": "{0}",
}  # fmt: skip
_TRUTH = _EVERY | {
    "add": "{0} || {1}", "multiply": "{0} && {1}", "maximum": "{0} || {1}", "minimum": "{0} && {1}",
    "at_least": "{0} || {1}", "at_most": "{0} && {1}", "absolute": "{0}", "invert": "!{0}",
    "bitwise_and": "{0} && {1}", "bitwise_or": "{0} || {1}", "bitwise_xor": "{0} != {1}",
    "isnan": "false", "isinf": "false", "isfinite": "true",
}  # fmt: skip
_TABLES = {"b": _TRUTH, "f": _FLOATS}  # by the kind of dtype; of all others _WHOLE


def type_in_memory(dtype: Any) -> str:
    """The C type of the elements in memory."""
    return "Half" if dtype.char == "e" else C_TYPES[dtype.char]


def type_of_step(dtype: Any) -> str:
    """The C type in which a step is computed."""
    if isinstance(dtype, type):
        return _PYTHONS[dtype]
    return "float" if dtype.char == "e" else C_TYPES[dtype.char]


def write_kernel(expression: Expression, axes: int, inner: tuple[int, ...] | None, index_type: str) -> Kernel:
    """The kernel that computes the expression along so many axes of merged sizes (see `placement`).

    `inner` are the operands' steps along the innermost axis, 0 or 1; None where a thread must do a single element.
    Its parameters: the result, the operands, the numbers, how many elements, the sizes of all axes from the innermost
    one except the outermost, and each operand's steps along the axes whose steps are not in `inner`.
    """
    element, declared, passed = print_element(expression)
    arrays = [f"x{i}" for i in expression.arrays]
    stepped = range(axes) if inner is None else range(1, axes)
    counted = ["count", *[f"size{a}" for a in range(axes - 1)], *[f"{x}_{a}" for x in arrays for a in stepped]]
    result = type_in_memory(expression.result.dtype)
    parameters = [f"{result}* out", *declared, *[f"I {name}" for name in counted]]
    lines = _find_place(axes, inner is not None)
    for k, x in enumerate(arrays):
        steps = [f"at{a} * {x}_{a}" for a in stepped] + (["at0"] if inner is not None and inner[k] else [])
        lines.append(f"{x} += {' + '.join(steps) or 0};")
    lines += _compute_one(arrays, passed) if inner is None else _compute_four(result, arrays, passed, inner)
    text = "\n    ".join(lines)
    head = f"({', '.join(parameters)})\n{{\n    {text}\n}}\n"
    body = f"typedef {index_type} I;\n{element}"
    name = f"{_make_name(expression)}_{hashlib.sha256((body + head).encode()).hexdigest()[:12]}"
    return Kernel(name, f'{body}extern "C" __global__ void {name}{head}', HELPERS + MOVES, OPTIONS)


def _compute_one(arrays: list[str], passed: list[str]) -> list[str]:
    """The lines that compute one element per thread."""
    return [f"out[i] = element({', '.join(['*' + p if p in arrays else p for p in passed])});"]


def _compute_four(result: str, arrays: list[str], passed: list[str], inner: tuple[int, ...]) -> list[str]:
    """The lines that read four elements of each operand (or one, broadcast), compute, and write four."""
    reads = [
        f"auto four_{x} = {f'read({x}, some)' if step else f'repeat(*{x})'};"
        for x, step in zip(arrays, inner, strict=True)
    ]
    values = ", ".join([f"four_{p}.at[k]" if p in arrays else p for p in passed])
    compute = f"for (int k = 0; k < 4; k++) y.at[k] = element({values});"
    return [*reads, f"Four<{result}> y;", "#pragma unroll", compute, "write(out + i, y, some);"]


def _find_place(axes: int, four: bool) -> list[str]:
    """The lines that find a thread's element i, or its first of `some`, and its place `at` along each axis.

    Where there are several axes, a thread's four are of one row along the innermost axis, whose last may be fewer.
    """
    lines = ["I i = I(blockIdx.x) * blockDim.x + threadIdx.x;"]
    if four and axes == 1:
        lines += ["i *= 4;", "if (i >= count) return;", "I at0 = i;", "int some = count - i < 4 ? count - i : 4;"]
    elif four:
        lines += ["I fours = (size0 + 3) / 4, at1 = i / fours, at0 = 4 * (i % fours);"]
        lines += ["int some = size0 - at0 < 4 ? size0 - at0 : 4;", "i = at1 * size0 + at0;", "if (i >= count) return;"]
    else:
        lines += ["if (i >= count) return;", "I at0 = i;"]
    for a in range(1 if four else 0, axes - 1):
        lines += [f"I at{a + 1} = at{a} / size{a};", f"at{a} %= size{a};"]
    return lines


def print_element(expression: Expression) -> tuple[str, list[str], list[str]]:
    """A device function of one element of each operand; the kernel's parameters for them; their names."""
    leaves = [s for s in expression.steps if s.function in ("operand", "number")]
    leaves.sort(key=lambda s: (s.function == "number", s.value))
    names = [f"{'x' if s.function == 'operand' else 'n'}{s.value}" for s in leaves]
    kinds = [type_of_step(s.dtype) if isinstance(s.dtype, type) else type_in_memory(s.dtype) for s in leaves]
    known, declared = {}, []
    for leaf, kind, name in zip(leaves, kinds, names, strict=True):
        known[leaf] = f"from_half({name})" if kind == "Half" else name
        declared.append(f"const {kind}* {name}" if leaf.function == "operand" else f"{kind} {name}")
    lines = [f"    {print_line(step, known)}\n" for step in expression.steps if step not in known]
    result, kind = known[expression.result], type_in_memory(expression.result.dtype)
    parameters = ", ".join([f"{own} {name}" for own, name in zip(kinds, names, strict=True)])
    returned = f"to_half({result})" if kind == "Half" else result
    element = f"__device__ {kind} element({parameters})\n{{\n{''.join(lines)}    return {returned};\n}}\n"
    return element, declared, names


def print_line(step: Step, names: dict[Step, str]) -> str:
    """The line of C that computes a step, whose name is put among the `names`."""
    value = _print_step(step, [names[s] for s in step.inputs])
    names[step] = f"v{len(names)}"
    return f"{type_of_step(step.dtype)} {names[step]} = {value};"


def _make_name(expression: Expression) -> str:
    """The name of a kernel from its steps, for profiles."""
    words = [s.function if isinstance(s.function, str) else s.function.__name__ for s in expression.steps]
    return "_".join([word for word in words if word not in ("operand", "number", "constant", "cast")][:4]) or "copy"


def _print_step(step: Step, inputs: list[str]) -> str:
    if step.function == "constant":
        return _print_constant(step.value)
    if step.function == "cast":
        return _print_cast(step.inputs[0].dtype, step.dtype, inputs[0])
    loop = step.inputs[-1].dtype  # the type in which NumPy's inner loop computes
    name = step.function if isinstance(step.function, str) else step.function.__name__
    if len({s.dtype for s in step.inputs}) > 1 and name != "where":
        raise Untraceable(f"{name} of {[str(s.dtype) for s in step.inputs]}")
    table = _TABLES.get(loop.kind, _WHOLE)
    if name not in table:
        raise Untraceable(f"{name} of {loop}")
    value = table[name].format(
        *inputs, f="" if loop.char == "d" else "f", inf=_print_constant(loop.type(np.inf)) if loop.kind == "f" else "",
        u="unsigned long long" if loop.itemsize == 8 else "unsigned int",
    )  # fmt: skip
    return f"rounded({value})" if step.dtype.char == "e" else f"({type_of_step(step.dtype)})({value})"


def _print_cast(given: Any, wanted: Any, value: str) -> str:
    if wanted is float or given is wanted:
        return value
    if wanted.char == "?":
        return f"{value} != 0"
    if wanted.char == "e":
        is_floating = given is float or np.dtype(given).kind == "f"
        return f"rounded({value})" if is_floating else f"rounded((float){value})"
    return f"({type_of_step(wanted)}){value}"


def _print_constant(value: Any) -> str:
    """A NumPy scalar as C source; infinities and NaN by their bits, because C has no literals for them."""
    kind = type_of_step(value.dtype)
    if value.dtype.kind != "f":
        return f"({kind}){int(value) % 2**64}ull"
    if not np.isfinite(value):
        bits = "0x7ff0" if value > 0 else "0xfff0"
        if np.isnan(value):
            bits = "0x7ff8"
        return f"({kind})__longlong_as_double((long long){bits}000000000000ull)"
    return f"{float(value)!r}{'f' if kind == 'float' else ''}"
