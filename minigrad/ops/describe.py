"""Makes docstrings: formula, gradient rule, domain and example of elementwise functions; examples of in-place methods.

The gradient is the source text of the rule, so that ``help(torch.tanh)`` shows what backward runs; a rule that calls
helpers of this library is given as a formula.
"""

from __future__ import annotations

import inspect
import linecache
import re
from typing import Any

COMPUTES = {  # a rule whose text names helpers of this library -> the formula that they compute
    "zeros_of(g)": "0",
    "refuse(g, ...)": "none: backward raises, as in PyTorch",
    "g * direction(x)": "g * sign(x)",
    "_relu_rule(g, ...)": "g where out > 0, else 0",
    "_to_winner(g, x, y, np.less)": "g where x > y, g / 2 where x == y, else 0",
    "_to_winner(g, y, x, np.less)": "g where y > x, g / 2 where x == y, else 0",
    "_to_winner(g, x, y, np.greater)": "g where x < y, g / 2 where x == y, else 0",
    "_to_winner(g, y, x, np.greater)": "g where y < x, g / 2 where x == y, else 0",
    "_angle_share(g, x, y) * y": "g * y / (x * x + y * y), and 0 at the origin",
    "_angle_share(g, x, y) * -x": "-g * x / (x * x + y * y), and 0 at the origin",
    "_slope_of_divisor(g, ...)": "-g * floor(x / y)",
    "_slope_of_fmod(g, ...)": "-g * trunc(x / y)",
    "_slope_of_sinc(g, ...)": "g * (cos(pi * x) - out) / x, and 0 at 0",
    "np.where(_is_taken(x, y, np.greater_equal), g, 0.0)": "g where x >= y or y is NaN, else 0",
    "np.where(_is_taken(x, y, np.greater_equal), 0.0, g)": "0 where x >= y or y is NaN, else g",
    "np.where(_is_taken(x, y, np.less_equal), g, 0.0)": "g where x <= y or y is NaN, else 0",
    "np.where(_is_taken(x, y, np.less_equal), 0.0, g)": "0 where x <= y or y is NaN, else g",
    "np.where(np.equal(x, 0) * np.less_equal(y, 0), 0.0, _weigh_log(g, np.log, y))": (
        "g * log(y), and 0 where x is 0 and y <= 0"
    ),
    "np.where(np.equal(x, 0) * np.less_equal(y, -1), 0.0, _weigh_log(g, np.log1p, y))": (
        "g * log(1 + y), and 0 where x is 0 and y <= -1"
    ),
    "g * (np.exp(for_either(erfinv, _inverse_error_function)(x) ** 2) * (math.sqrt(math.pi) / 2))": (
        "g * exp(erfinv(x) ** 2) * sqrt(pi) / 2"
    ),
    "g * for_either(digamma, _digamma)(x)": "g * digamma(x)",
    "g * for_either(_poly, _polygamma)(x, n=1)": "g * polygamma(1, x)",
    "g * for_either(i1, _i1)(x)": "g * i1(x)",
    "g * (for_either(i0, _i0)(x) - _average(out, x))": "g * (i0(x) - out / x), and g / 2 at 0",
    "g * (for_either(i1e, _scale(1))(x) - np.sign(x) * out)": "g * (i1e(x) - sign(x) * out)",
    "g * (for_either(i0e, _scale(0))(x) - _average(out, x) - np.sign(x) * out)": (
        "g * (i0e(x) - out / x - sign(x) * out), and g / 2 at 0"
    ),
}
RESULTS = {
    "real": "Integers and bools are computed as the default float type.",
    "same": "The result has the operands' common type.",
    "truth": "The result is a tensor of bools; no gradient flows.",
}

FIRST_CALL = re.compile(  # of an example: lines before it; name, first operand and the others; an attribute; the result
    r"((?: *>>> (?:import|\w+[,=]|\w+ =).*\n)+)"
    r" *>>> torch\.(?:special\.)?(\w+)\((torch\.\w+\((?:[^()]|\([^()]*\))*\)|\w+)(?:, )?(.*)\)(\.\w+)?\n((?:.+\n?)+)"
)


def describe(name: str, formula: str, domain: str, result: str, rules: tuple[Any, ...], example: str) -> str:
    """The docstring of an elementwise function.

    `example` has the form ``operands -> result``, with operands as lists of numbers.
    """
    lines = [f"``{formula or name + '(input)'}``, element by element.", ""]
    for parameter, rule in zip(("input", "other"), rules, strict=False):
        source = source_of(rule) if rule else ""
        lines += [f"Gradient of `{parameter}`: ``{COMPUTES.get(source, source)}``."] if rule else []
    if any(rules):
        lines += ["There, g is the gradient that arrives, x and y are the operands, and out is the result."]
    elif result != "truth":
        lines += ["No gradient flows."]
    if any(rules):
        lines += [f"Domain: {domain or 'all numbers'}."]
    lines += [RESULTS[result]]
    if example:
        operands, _, outcome = example.partition(" -> ")
        place = name.replace("special_", "special.")
        tensors = ", ".join(f"torch.tensor({x})" if x.startswith("[") else x for x in operands.split("; "))
        lines += ["", ">>> import minigrad as torch", f">>> torch.{place}({tensors})", f"tensor({outcome})"]
    return "\n".join(lines)


def with_example(text: str, example: str) -> str:
    """`text` followed by an example, given as ``call -> printed result``."""
    call, _, printed = example.partition(" -> ")
    return f"{text}\n\n>>> import minigrad as torch\n>>> {call}\n{printed}"


def example_in_place(function: Any) -> str:
    """The example of `function`, rewritten for its in-place method: ``torch.f(x, y)`` becomes ``x.f_(y)``."""
    found = FIRST_CALL.search(function.__doc__ or "")
    if found is None:
        return ""
    setup, name, x, others, attribute, printed = found.groups("")
    if "[True" not in x and "[False" not in x:  # the truth is written as a number, since `x` keeps its type
        printed = printed.replace(" True", "1").replace("False", "0")
    return inspect.cleandoc(f"{setup}>>> {x}.{name}_({others}){attribute}\n{printed}")


def source_of(rule: Any) -> str:
    """The source text of a rule's expression; its name if it is not a lambda.

    `g` is the gradient that arrives, x and y are the operands, `out` the result.
    """
    code = getattr(rule, "__code__", None)
    if code is None or code.co_name != "<lambda>":
        return f"{getattr(rule, '__name__', rule)}(g, ...)"
    places = [p for p in code.co_positions() if None not in p and p[2] != p[3]]
    if not places:  # Python runs with -X no_debug_ranges
        return "g * slope"
    start, end = min((p[0], p[2]) for p in places), max((p[1], p[3]) for p in places)
    lines = [linecache.getline(code.co_filename, number) for number in range(start[0], end[0] + 1)]
    encoded = [line.encode() for line in lines]  # positions count bytes
    encoded[-1] = encoded[-1][: end[1]]
    encoded[0] = encoded[0][start[1] :]
    return " ".join(part.decode().strip() for part in encoded)
