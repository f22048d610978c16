"""check: an answer of every bad kind, to one exercise, gets a message and never an exception."""

import io
import re
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.calling import LONGEST
from minigrad.course.checking import find
from tests.course.asking import ask, corr2d


def stub(X, K):
    """The cross-correlation."""


def dots(X, K): ...


def unfinished(X, K):
    raise NotImplementedError


def recursive(X, K):
    return recursive(X, K)


def overwriting(X, K):
    X[0, 0] = 0
    return mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0]


BAD = {
    "a docstring alone": (stub, "It is still empty: write its body."),
    "dots": (dots, "It is still empty"),
    "NotImplementedError": (unfinished, "It is still empty: write its body in place of"),
    "no return": (lambda X, K: print(end=""), "it returned None: is `return` missing?"),
    "a shape too large": (lambda X, K: X, "its shape is (3, 3), where (2, 2) is due: off by one"),
    "a text": (lambda X, K: "map", "a tensor is due, and it returned str"),
    "ragged": (lambda X, K: [[1], [1, 2]], "differ in shape"),
    "nan": (lambda X, K: mg.full((2, 2), mg.nan), "4 of 4 numbers are nan or inf"),
    "all numbers too large": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] + 1, "all numbers are off by",
    ),
    "the end of Python": (lambda X, K: exit(), "It ends Python, by exit()"),
    "one row forgotten": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], (K * mg.tensor([[1.0], [0]]))[None, None])[0, 0],
        "this would be right for K without index 1 of axis 0",
    ),
    "an exception": (lambda X, K: X @ K, "It raised RuntimeError"),
    "too few parameters": (lambda X: X, "It is called with (X, K), and takes (X): the parameters do not fit."),
    "without end": (recursive, "It calls itself without end"),
    "no function": (3, "A function of (X, K) is due; got int: give its name, without a call."),
    "its argument changed": (overwriting, "It wrote into its arguments; work on a new tensor."),
    "one number wrong": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] + mg.tensor([[0.0, 0], [0, 1]]),
        "1 of 4 numbers is wrong, the first at index (1, 1)",
    ),
    "negated": (lambda X, K: -mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0], "right answer negated"),
    "a mean": (lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] / 4, "right answer times 0.25"),
    "a true convolution": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K.flip(0, 1)[None, None])[0, 0],
        "this would be right for K flipped along axis 0 and axis 1",
    ),
    "transposed": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0].T, "right answer transposed",
    ),
}  # fmt: skip


class Remembers:
    """Right the first time; then the first answer again, or one more each time."""

    def __init__(self, grows):
        self.grows, self.calls = grows, []

    def __call__(self, X, K):
        self.calls.append(corr2d(X, K))
        return self.calls[-1] + len(self.calls) - 1 if self.grows else self.calls[0]


def changes_one_number(X, K):
    right = corr2d(X, K)
    X[0, 0] = 7
    return right


LIMITED = pytest.mark.skipif(
    sys.platform != "linux" or find_spec("cupy") is not None, reason="no limit of memory is kept here"
)


def wants_more_each_time(X, K):
    grown = []
    while True:
        grown.append(mg.empty(2**26))


async def waits(X, K):
    return corr2d(X, K)


def offers(X, K):
    yield corr2d(X, K)


def asks(X, K):
    raise ValueError("x" * 5000)


def gives_up(X, K):
    raise AssertionError


class PyTorchs:
    """What PyTorch's own tensors show of themselves."""

    __torch_function__ = None


BAD |= {
    "a tensor of PyTorch": (lambda X, K: PyTorchs(), "returned PyTorchs, but one of PyTorch itself: let minigrad make"),
    "whole numbers": (lambda X, K: corr2d(X, K).int(), "it returned whole numbers (int32); the right ones have digits"),
    "half precision": (lambda X, K: corr2d(X, K).half(), "it returned float16, which keeps three digits"),
    "booleans": (lambda X, K: corr2d(X, K) > 0, "it returned True or False, where numbers are due"),
    "complex numbers": (
        lambda X, K: np.asarray(corr2d(X, K)).astype(complex), "real numbers are due, and it returned complex numbers",
    ),
    "objects": (lambda X, K: np.array(corr2d(X, K).tolist(), dtype=object), "and it returned Python objects"),
    "nothing but zeros": (lambda X, K: corr2d(X, K) * 0, "all its numbers are 0."),
    "its argument changed, its answer right": (changes_one_number, "It wrote into its arguments"),
    "a global that grows": (Remembers(True), "Called once more with the same arguments it answers differently"),
    "a global that stays": (Remembers(False), "For X (5, 6), K (2, 3): it gives the answer of its first call again"),
    "prints alone": (lambda X, K: print(corr2d(X, K).shape), "it returned None: is `return` missing?"),
    "a comma too many": (lambda X, K: (corr2d(X, K),), "it returned a tuple of one: return what is in it"),
    "an axis too many": (lambda X, K: corr2d(X, K)[None], "where (2, 2) is due: an axis of size 1 too many"),
    "a flat map": (lambda X, K: corr2d(X, K).flatten(), "where (2, 2) is due: as many numbers as are due, in another"),
    "a generator": (offers, "a tensor is due, and it returned generator, which has computed nothing yet: with"),
    "a coroutine": (waits, "a tensor is due, and it returned coroutine: write `def` in place of `async def`"),
    "a function": (lambda X, K: corr2d, "a tensor is due, and it returned function: is the call, (...), missing?"),
    "a class": (Remembers, "A function of (X, K) is due; got the class Remembers."),
    "too many parameters": (lambda X, K, h: X, "It is called with (X, K), and takes (X, K, h): the"),
    "a size too large": (lambda X, K: mg.zeros(10**7, 10**7), "It asks for too much memory"),
    "memory that grows": (wants_more_each_time, "is a size too large, or does something grow in a loop?"),
    "a long message": (asks, "x" * LONGEST + " ... (line"),
    "no message": (gives_up, "It raised AssertionError (line"),
}  # fmt: skip


@pytest.mark.parametrize("what", [pytest.param(w, marks=LIMITED) if w == "memory that grows" else w for w in BAD])
def test_a_wrong_answer_gets_a_message_and_no_exception(what, capsys):
    answer, words = BAD[what]
    verdict, text = ask(capsys, "1.corr2d", answer)
    assert verdict is False and words in text and "Hint: " in text
    for number in ("19", "37", "43"):  # the right answer
        assert not re.search(rf"\b{number}\b", text.split("Hint")[0])


def test_an_answer_that_ends_python_leaves_the_input_open(capsys, monkeypatch):
    """Python's own exit() closes it: a program that asks for a line afterwards would get an error."""
    typed = io.StringIO("a line")
    monkeypatch.setattr(sys, "stdin", typed)
    for ends in (lambda X, K: exit(), lambda X, K: quit()):
        assert "It ends Python" in ask(capsys, "1.corr2d", ends)[1]
    assert not typed.closed and type(exit).__name__ == "Quitter"


@LIMITED
def test_the_limit_of_memory_is_removed_afterwards(capsys):
    import resource

    ask(capsys, "1.corr2d", wants_more_each_time)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("name", ["16.untrained", "19.groups"])
def test_a_check_leaves_the_random_numbers_of_the_program_as_they_were(name, capsys):
    mg.manual_seed(0)
    due = mg.rand(2)
    mg.manual_seed(0)
    assert ask(capsys, name, find(name).solution)[0]
    assert mg.equal(mg.rand(2), due)


def test_an_answer_is_judged_with_the_same_random_numbers_each_time(capsys):
    def note_weights(net):
        seen.append(next(net.parameters()).tolist())
        return []

    seen = []
    ask(capsys, "16.untrained", note_weights)
    count = len(seen)
    mg.rand(3)
    ask(capsys, "16.untrained", note_weights)
    assert count and seen[:count] == seen[count:]
