"""How an answer is called: arguments it must not change, the parameters it takes, and the text of its errors."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.course.calling import (
    LONGEST,
    WroteIntoArgumentsError,
    describe_error,
    guard,
    is_raised_by_answer,
    refuse_parameters,
)


def double(x):
    x *= 2
    return x


@pytest.mark.parametrize("x", [torch.ones(2), np.ones(2)], ids=["tensor", "array"])
def test_an_answer_that_writes_into_its_arguments_raises(x):
    with pytest.raises(WroteIntoArgumentsError):
        guard(double)(x)


def test_guard_returns_what_the_answer_returns():
    x = torch.tensor([1.0, float("nan")])  # which does not equal itself
    assert guard(lambda x, n: x[n])(x, 0).item() == 1.0
    assert guard(lambda x, numbers: numbers.append(1))(x, []) is None  # a list is the answer's own affair
    with pytest.raises(WroteIntoArgumentsError):
        guard(lambda parts: double(parts[1]))([torch.ones(1), torch.ones(2)])  # the tensors in it are not


def test_the_first_arguments_need_not_be_guarded():
    g, x = torch.ones(2), torch.ones(2)
    assert guard(lambda g, x: double(g) * x, start=1)(g, x).tolist() == [2.0, 2.0]
    with pytest.raises(WroteIntoArgumentsError):
        guard(lambda g, x: g * double(x), start=1)(g, x)


ANSWERS = {
    "fits": (lambda n, k, stride=1: n, None),
    "any": (lambda *given: given, None),
    "a function of C that tells nothing": (dict.fromkeys, None),
    "one too few": (lambda n: n, r"It is called with (n, k), and takes (n): the parameters do not fit."),
    "one too many": (lambda n, k, p: n, r"It is called with (n, k), and takes (n, k, p): the parameters do not fit."),
    "a class": (torch.nn.Linear, "A function of (n, k) is due; got the class Linear."),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_parameters_that_do_not_fit_are_refused(name):
    answer, complaint = ANSWERS[name]
    assert refuse_parameters(answer, ["n", "k"]) == complaint


def test_a_parameter_that_is_not_always_given_needs_a_default_value():
    complaint = refuse_parameters(lambda n, k, p, s: n, ["n", "k"], 4)
    words = "It is called with (n, k), and takes (n, k, p, s): write a default value for p and s, as in the question."
    assert complaint == words
    assert refuse_parameters(lambda n, k, p, *s: n, ["n", "k"], 2).endswith("the parameters do not fit.")


def raise_error(error):
    raise error


ERRORS = {
    "plain": (ValueError("no"), "It raised ValueError: no (line "),
    "without a message": (KeyError(), "It raised KeyError (line "),
    "memory": (MemoryError(), "It asks for too much memory (line "),
    "no graph": (RuntimeError("element 0 of tensors does not require grad"), "this one is worked out by hand"),
    "a tuple": (
        TypeError("can't multiply sequence by non-int of type 'float'"),
        "returns a tuple, here of one gradient",
    ),
    "a number": (AttributeError("'float' object has no attribute 'backward'"), "call backward() before .item()"),
    "PyTorch": (ModuleNotFoundError("No module named 'torch'"), "import minigrad as torch"),
    "bits": (TypeError("unsupported operand type(s) for ^: 'float' and 'int'"), "a power is written x ** y"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_described_with_the_students_line(name):
    error, words = ERRORS[name]
    with pytest.raises(type(error)) as caught:
        raise_error(error)
    message = describe_error(caught.value, by_hand=True)
    assert words in message and "raise error" in message


def test_a_missing_graph_is_explained_where_autograd_is_allowed():
    assert "worked out by hand" not in describe_error(RuntimeError("element 0 of tensors does not require grad"))


def test_an_error_of_a_library_is_not_the_answers_own():
    with pytest.raises(NotImplementedError) as caught:
        torch.ones(2) ^ 2
    assert not is_raised_by_answer(caught.value)
    with pytest.raises(NotImplementedError) as caught:
        raise_error(NotImplementedError())
    assert is_raised_by_answer(caught.value)


def test_long_messages_are_cut():
    message = describe_error(ValueError("x" * 2 * LONGEST))
    assert message == f"It raised ValueError: {'x' * LONGEST} ..."  # it was never raised, so that no line is known


def test_an_error_inside_the_library_is_described_with_the_students_line():
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2) @ torch.ones(3)
    assert "torch.ones(2) @ torch.ones(3)" in describe_error(caught.value)
