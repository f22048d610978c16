"""Makes the docstrings of the functions in the elementwise tables: formula, domain, gradient rule and example.

The gradient is the source text of the rule, so that ``help(torch.tanh)`` shows what backward runs.
"""

from __future__ import annotations

import linecache
from typing import Any

RESULTS = {
    "real": "Integers and bools are computed as the default float type.",
    "same": "The result has the operands' common type.",
    "truth": "The result is a tensor of bools; no gradient flows.",
}


def describe(name: str, formula: str, domain: str, result: str, rules: tuple[Any, ...], example: str) -> str:
    """The docstring of an elementwise function.

    `example` has the form ``operands -> result``, with operands as lists of numbers.
    """
    lines = [f"``{formula or name + '(input)'}``, element by element.", ""]
    for parameter, rule in zip(("input", "other"), rules, strict=False):
        lines += [f"Gradient of `{parameter}`: ``{source_of(rule)}``."] if rule else []
    if any(rules):
        lines += ["There, g is the gradient that arrives, x and y are the operands, and out is the result."]
    elif result != "truth":
        lines += ["No gradient flows."]
    lines += [f"Domain: {domain}."] if domain else []
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
