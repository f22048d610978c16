"""Formulas computed block by block: the memory they take, and the bits of the whole."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from minigrad import blockwise, parallel, passes
from minigrad.ops.error_function import error_function
from minigrad.passes import in_parts
from tests.formulas import FORMULAS, draw

pytestmark = pytest.mark.cpu("threads share the work of a CPU")


@pytest.mark.parametrize("threads", [1, 3])
def test_intermediate_results_take_the_memory_of_blocks(threads, monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: threads)
    x = draw(8 * passes.LARGE) - 0.5
    whole = error_function(x)
    tracemalloc.start()
    parts = in_parts(error_function, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * x.nbytes  # as a whole: 9 times
    assert parts.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    ("name", "memory"), [("a number on the left", "f"), ("the rule of tanh", "f"), ("a mask between", "f?")]
)
def test_intermediate_results_are_written_into_the_memory_of_the_result(name, memory):
    function, count = FORMULAS[name]
    plan = blockwise.find_plan(function, [draw(20)] * count)
    assert "".join(dtype.char for dtype in plan.memory.values()) == memory


@pytest.mark.parametrize("block", [1, 7, 24, 1000])
@pytest.mark.parametrize("name", FORMULAS)
def test_blocks_give_the_bits_of_the_whole(name, block, eager, monkeypatch):
    monkeypatch.setattr(blockwise, "BLOCK", block)
    function, count = FORMULAS[name]
    for shapes in ([(100,)] * count, [(5, 20), (20,)][:count], [(1, 9, 4), (9, 1)][:count]):
        operands = [draw(*shape) for shape in shapes]
        assert in_parts(function, *operands).tobytes() == function(*operands).tobytes()


LIMITS = [
    lambda x: np.maximum(0, x),
    lambda x: np.minimum(x, 0.5),
    lambda x: np.minimum(np.maximum(x * 2, -1), 1) + x,
    lambda x: np.maximum(np.where(x > 0, x, np.float32(0)), 0.5),  # it takes the place of its operand
]


@pytest.mark.parametrize("number", range(len(LIMITS)))
def test_a_maximum_with_a_number_has_the_bits_of_numpys(number, eager):
    special = [-0.0, 0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-40, -1e-40]
    x = np.array([*special, *np.random.default_rng(0).standard_normal(3000)], np.float32)
    plan = blockwise.find_plan(LIMITS[number], (x,))
    assert plan.compute((x,)).tobytes() == LIMITS[number](x).tobytes()
