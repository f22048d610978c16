"""Tracing an optimizer's rule: the steps that it finds, and the rules that it refuses."""

import numpy as np
import pytest

from minigrad.gpu.cuda_c import print_line
from minigrad.gpu.formula import compute_step, trace_rule
from minigrad.tracing import Untraceable

SINGLE, DOUBLE = np.dtype("f"), np.dtype("d")


def print_lines(program):
    """The lines of C for numbers, and those for elements; arrays are named a0, a1, ..., numbers by their own names."""
    names = {step: step.value if step.function == "number" else f"a{step.value}" for step in program.before}
    names |= {step: step.value for step in program.constants}
    return [print_line(s, names) for s in program.of_numbers], [print_line(s, names) for s in program.of_elements]


def compute(program, constants, *values):
    """The values of the arrays after the rule."""
    known = {**dict(zip(program.before, values, strict=True)), **dict(zip(program.constants, constants, strict=True))}
    program.compute_numbers(known)
    for step in program.of_elements:
        known[step] = compute_step(step, [known[s] for s in step.inputs])
    return [known[step] for step in program.after]


def test_a_rule_becomes_lines_of_c_and_its_numbers_arguments():
    def rule(w, g):
        w -= 0.5 * np.sqrt(g)

    program, constants = trace_rule(rule, [SINGLE] * 2, [], [])
    numbers, elements = print_lines(program)
    assert numbers == ["float v3 = (float)s0;"] and constants == [0.5]
    assert elements == [
        "float v4 = (float)(sqrtf(a1));",
        "float v5 = (float)(v3 * v4);",
        "float v6 = (float)(a0 - v5);",
    ]
    assert program.after[1] is program.before[1]


def test_equal_steps_are_computed_once_and_numbers_are_arguments():
    def rule(w, g, factor):
        w += g * g
        w *= factor
        w += g * g

    programs = [trace_rule(lambda w, g, x=x: rule(w, g, x), [SINGLE] * 2, [], [])[0] for x in (2, 3)]
    assert print_lines(programs[0]) == print_lines(programs[1])
    assert sum("a1 * a1" in line for line in print_lines(programs[0])[1]) == 1


def test_numbers_are_computed_once_before_the_elements():
    def rule(w, g, count, lr):
        count += 1
        w *= 1 - lr ** count.astype(np.float64)

    program, constants = trace_rule(rule, [SINGLE] * 2, [SINGLE], ["lr"])
    numbers, elements = print_lines(program)
    assert len(elements) == 1 and any("pow(lr," in line for line in numbers)
    w, _, count = compute(program, constants, np.float32(8), np.float32(0), np.float32(1), 0.5)
    assert (w, count) == (6, 2)


def test_both_branches_on_a_number_become_code():
    def rule(w, g, count):
        if count.astype(np.float64) > 4:
            w += 2.0
        elif count.astype(np.float64) == 1:
            w += 3.0

    program, constants = trace_rule(rule, [DOUBLE] * 2, [DOUBLE], [])
    for count, added in ((5, 2), (1, 3), (2, 0)):
        assert compute(program, constants, np.float64(10), np.float64(0), np.float64(count))[0] == 10 + added


def test_a_rule_may_assign_to_the_whole_array():
    def rule(w, g):
        w[...] = g
        w[...] = 2 * w

    program, constants = trace_rule(rule, [SINGLE] * 2, [], [])
    assert compute(program, constants, np.float32(1), np.float32(3)) == [6, 3]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda w, g: g.sum(), "sum"),
        (lambda w, g: np.sum(g), r"numpy\.sum"),
        (lambda w, g: np.add.reduce(g), r"add\.reduce"),
        (lambda w, g: 1 if w > g else 0, "one element's truth"),
        (lambda w, g: g[0], "a value"),
        (lambda w, g: w.__setitem__(0, g), "a write into a part"),
        (lambda w, g: w + np.ones(3), "a ndarray among the operands"),
        (lambda w, g: np.matmul(w, g), "takes whole rows"),
        (lambda w, g: float(g), "a value"),
    ],
)
def test_steps_that_need_other_elements_are_refused(rule, words):
    with pytest.raises((Untraceable, AttributeError), match=words):
        trace_rule(rule, [SINGLE] * 2, [], [])
