"""Small programs whose answers PyTorch gave: values, types, gradients, and which bad input is refused how."""

import builtins
import json

import numpy as np
import pytest

import minigrad
from tests.oracle.record_programs import ANSWERS, answer, programs

WANTED = json.loads(ANSWERS.read_text())
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12}


def check(got, want):
    if isinstance(want, dict) and "values" in want:
        assert [got[k] for k in ("dtype", "shape", "grad")] == [want[k] for k in ("dtype", "shape", "grad")]
        numbers = [np.array(x["values"], dtype=want["dtype"]) for x in (got, want)]
        tolerance = TOLERANCE.get(want["dtype"], 0)
        np.testing.assert_allclose(*numbers, rtol=tolerance, atol=tolerance)
    elif isinstance(want, list):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            check(g, w)
    else:
        assert got == want


@pytest.mark.parametrize(("title", "program"), programs())
def test_a_program_answers_as_in_pytorch(title, program):
    want, got = WANTED[program], answer(program, minigrad)
    if isinstance(want, dict) and "raises" in want:
        assert issubclass(getattr(builtins, got["raises"]), getattr(builtins, want["raises"])), title
    else:
        check(got, want)


def test_every_answer_belongs_to_a_program():
    assert list(WANTED) == list(dict.fromkeys(p for _, p in programs()))
