"""Names and docstrings of functions that a table or a factory makes, and of in-place methods.

The gradient is the source text of the rule, so that ``help(torch.tanh)`` shows what backward runs; beside a rule that
calls helpers of this library, the table gives a formula.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

RESULTS = {
    "real": "Integers and bools are computed as the default float type.",
    "same": "The result has the operands' common type.",
    "truth": "The result is a tensor of bools; no gradient flows.",
}


PROSE = "the ", "True ", "every ", "whether ", "input without "  # how a formula in words begins


def describe(
    name: str, formula: str, domain: str, result: str, rules: tuple[Any, ...], example: str, *gradients: str
) -> str:  # fmt: skip
    """The docstring of an elementwise function; `gradients` are formulas for its rules, by default their source.

    `example` has the form ``operands -> result``, with operands as lists of numbers.
    """
    said = formula or f"{name}(input)"
    is_prose = said.startswith(PROSE)
    lines = [f"{f'{said[0].upper()}{said[1:]}' if is_prose else f'``{said}``'}, element by element.", ""]
    for parameter, rule, given in itertools.zip_longest(("input", "other"), rules, gradients):
        if rule:
            lines += [f"Gradient of `{parameter}`: ``{given or source_text(rule)}``."]
    if any(rules):
        lines += ["There, g is the gradient that arrives, x and y are the operands, and out is the result."]
    elif result != "truth":
        lines += ["No gradient flows."]
    if any(rules):
        lines += [f"Domain: {domain or 'all numbers'}."]
    lines += [RESULTS[result]]
    if example:
        tensors, outcome = read_example(example)
        place = name.replace("special_", "special.")
        lines += ["", ">>> import minigrad as torch", f">>> torch.{place}({', '.join(tensors)})", outcome]
    return "\n".join(lines)


def rename(function: F, name: str, text: str | None = None, example: str = "") -> F:
    """Gives `function` its public name and docstring; `example` reads ``call -> what it prints``."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = with_example(text, example) if text and example else text
    return function


def with_example(text: str, example: str) -> str:
    """`text` followed by an example, given as ``call -> printed result``."""
    call, _, printed = example.partition(" -> ")
    return f"{text}\n\n>>> import minigrad as torch\n>>> {call}\n{printed}"


def read_example(example: str) -> tuple[list[str], str]:
    """The operands of a table's example, ``operands -> result``, and what is printed: lists stand for tensors."""
    operands, _, outcome = example.partition(" -> ")
    return [f"torch.tensor({x})" if x.startswith("[") else x for x in operands.split("; ")], f"tensor({outcome})"


def name_in_place(method: Any, function: F, how: str) -> F:
    """Gives `method` the name of `function` with an underscore, and its signature."""
    text = f"`{function.__name__}`, {how}. Returns the tensor itself.\n\n{example_in_place(function)}"
    named: Any = rename(method, f"{function.__name__}_", text)
    named.__module__, named.__qualname__ = "minigrad", f"Tensor.{named.__name__}"  # where pickle finds it
    named.__wrapped__ = function  # where `help` and `inspect.signature` look
    code = inspect.unwrap(function).__code__
    if "out" in code.co_varnames:
        named.__signature__ = _SIGNATURES.get(code) or _SIGNATURES.setdefault(code, _without_out(function))
    return named


_SIGNATURES: dict[Any, inspect.Signature] = {}  # by the code of a function: all those of a table share it


def _without_out(function: Any) -> inspect.Signature:
    """The signature of a function without `out`, which its in-place method does not take."""
    signature = inspect.signature(function)
    return signature.replace(parameters=[p for name, p in signature.parameters.items() if name != "out"])


def example_in_place(function: Any) -> str:
    """The example of `function`, as a call of its in-place method: ``torch.f(x, y)`` becomes ``x.f_(y)``.

    It is the one that a table declares, or the first call in the docstring.
    """
    name, declared = function.__name__, getattr(function, "example", "")
    if not declared:
        return _find_example(name, inspect.cleandoc(function.__doc__ or "").splitlines())
    (x, *others), printed = read_example(declared)
    if "True" not in x and "False" not in x:  # the truth is written as a number, since `x` keeps its type
        printed = printed.replace(" True", "1").replace("True", "1").replace("False", "0")
    return f">>> import minigrad as torch\n>>> {x}.{name.replace('special_', '')}_({', '.join(others)})\n{printed}"


def _find_example(name: str, lines: Sequence[str]) -> str:
    """The lines of a docstring up to the first call ``torch.name(x, ...)``, which becomes ``x.name_(...)``."""
    examples = [i for i, line in enumerate(lines) if line.startswith(">>> ")]
    for i in examples:
        shown = _call_in_place(name, lines[i][4:])
        if shown:
            setup = [lines[j] for j in examples if j < i]
            printed = itertools.takewhile(lambda line: line and not line.startswith(">>> "), lines[i + 1 :])
            return "\n".join([*setup, f">>> {shown}", *printed])
    return ""


def _call_in_place(name: str, source: str) -> str:
    """A line whose call ``torch.name(x, ...)`` is written ``x.name_(...)``; "" if there is no such call."""
    before, called, rest = source.partition(f"torch.{name}(")
    if not called:
        return ""
    depth, ends = 0, []  # where operands end: a parser takes ten times as long, and each import waits for it
    for place, char in enumerate(rest):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        if depth < 0 or (char == "," and not depth):
            ends.append(place)
        if depth < 0:
            break
    others = rest[ends[0] + 1 : ends[-1]].strip()
    return f"{before}{rest[: ends[0]]}.{name}_({others}{rest[ends[-1] :]}"


def source_text(rule: Any) -> str:
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
    return " ".join(part.decode().strip() for part in encoded).replace("zeros_of(g)", "0")
