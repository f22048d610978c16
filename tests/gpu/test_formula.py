"""What tracing makes of a rule, and what it refuses."""

import numpy as np
import pytest

from minigrad.gpu.formula import Untraceable, trace

ELEMENTS = {"a0": "T", "a1": "T"}


def lines(rule, inputs=ELEMENTS, of_elements=True):
    return trace(rule, inputs)[0].in_c(of_elements)


def test_a_rule_becomes_lines_of_c_and_its_numbers_arguments():
    def rule(w, g):
        w -= 0.5 * np.sqrt(g)

    program, numbers = trace(rule, ELEMENTS)
    assert program.in_c(True) == ["T t0 = sqrt(a1);", "T t1 = T(s0) * t0;", "T t2 = a0 - t1;"]
    assert numbers == {"s0": 0.5} and program.results == (("a0", "t2"),)


def test_the_same_statement_stands_there_once_and_other_numbers_make_the_same_program():
    def rule(w, g, factor):
        w += g * g
        w *= factor
        w += g * g

    assert lines(lambda w, g: rule(w, g, 2)).count("T t0 = a1 * a1;") == 1
    assert trace(lambda w, g: rule(w, g, 2), ELEMENTS)[0] == trace(lambda w, g: rule(w, g, 3), ELEMENTS)[0]


def test_numbers_for_all_elements_are_computed_before_them():
    def rule(w, g, count):
        count += 1
        w *= 1 - 0.5**count

    inputs = {**ELEMENTS, "c0": "float"}
    program, numbers = trace(rule, inputs)
    assert program.in_c(True) == ["T t5 = a0 * T(t4);"]
    values = program.compute_numbers({**numbers, "c0": 1.0})
    assert values["t4"] == 0.75 and values[dict(program.results)["c0"]] == 2


def test_a_question_about_a_number_is_answered_both_ways():
    def rule(w, g, count):
        if count > 4:
            w += 2.0
        elif count == 1:
            w += 3.0

    program, numbers = trace(rule, {**ELEMENTS, "c0": "double"})
    for count, added in ((5.0, 2.0), (1.0, 3.0), (2.0, 0.0)):
        values = {**numbers, "c0": count, "a0": 10.0, "a1": 0.0}
        values = program.compute_numbers(values)
        for s in program.statements:
            if s.of_elements:
                x = [values[name] for name in s.operands]
                values[s.name] = x[0] + x[1] if s.operation == "add" else x[1] if x[0] else x[2]
        assert values[dict(program.results)["a0"]] == 10 + added


def test_nan_goes_through_what_picks_one_of_two():
    [line] = lines(lambda w, g: np.maximum(w, g, out=w))
    assert line == "T t0 = a0 > a1 || a0 != a0 ? a0 : a1;"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda w, g: g.sum(), "sum"),
        (lambda w, g: np.sum(g), "sum sees more than one element"),
        (lambda w, g: np.add.reduce(g), "add.reduce"),
        (lambda w, g: np.arctan(g), "arctan has no name in C"),
        (lambda w, g: 1 if w > g else 0, "one element's truth"),
        (lambda w, g: g[0], "not subscriptable"),
        (lambda w, g: w.__setitem__(0, g), "a part of an array"),
        (lambda w, g: w + np.ones(3), "ndarray is neither an array of the rule nor a number"),
        (lambda w, g: g.astype("float16"), "computes in one type"),
        (lambda w, g: np.add(w, g, out=np.ones(3)), "an array that the rule was not given"),
    ],
)
def test_what_no_element_can_do_alone_is_refused(rule, words):
    with pytest.raises((TypeError, AttributeError), match=words):
        trace(rule, ELEMENTS)


def test_a_refusal_is_a_type_error():
    assert issubclass(Untraceable, TypeError)
