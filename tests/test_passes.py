"""Elementwise passes in parts: identical results for any function, shape and number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as torch
from minigrad import parallel, passes
from minigrad.passes import in_parts
from tests.formulas import FORMULAS, draw, record_spreads

pytestmark = pytest.mark.cpu("threads share the work of a CPU")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_in_parts_gives_the_bits_of_the_whole(name, dtype, eager, monkeypatch):
    function, count = FORMULAS[name]
    found = record_spreads(monkeypatch)
    for shape in ((7,), (1001,), (13, 50), (1, 5, 4), (2, 1, 3, 5)):
        operands = [draw(*shape, dtype=dtype) + i / 8 for i in range(count)]
        kept = [x.copy() for x in operands]
        whole, parts = function(*operands), in_parts(function, *operands)
        assert parts.dtype == whole.dtype and parts.shape == whole.shape and parts.flags.c_contiguous
        assert parts.tobytes() == whole.tobytes()
        assert all((x == y).all() for x, y in zip(operands, kept, strict=True))
    assert len(found) == 5


@pytest.mark.parametrize(
    "shapes", [((13, 50), (50,)), ((50,), (13, 50)), ((13, 50), (13, 1)), ((2, 3, 4), (3, 1)), ((9, 4), ())]
)
def test_operands_that_broadcast_give_the_bits_of_the_whole(shapes, eager, monkeypatch):
    found, (x, y) = record_spreads(monkeypatch), (draw(*shape) for shape in shapes)
    for function in (np.add, lambda x, y: x * (y - x), lambda x, y: (y * y) / x):
        assert in_parts(function, x, y).tobytes() == function(x, y).tobytes()
    assert len(found) == 3
    assert in_parts(np.multiply, x, 2.5).tobytes() == (x * np.float32(2.5)).tobytes()


WHOLE = {
    "arrays that broadcast each other": (np.add, draw(5, 1), draw(1, 6)),
    "another order": (np.add, draw(5, 6).T, draw(6, 5)),
    "a negative step": (np.exp, draw(50)[::-1]),
    "integers": (np.add, np.arange(50), np.arange(50)),
    "halves": (np.exp, draw(50, dtype=np.float16)),
    "limits, at which NumPy and its steps might tell zeros apart": (lambda x: np.clip(x, 0.2, 0.3), draw(50)),
    "a power, which has ways of its own": (lambda x: x**0.5, draw(50)),
    "an option that cannot be remembered": (lambda x, options: x + options[0], draw(50), [1.0]),
    "a sum": (lambda x: x - x.mean(), draw(50)),
    "a question": (lambda x: x + 1 if (x > 0.5).any() else x, draw(50)),
    "a truth": (lambda x: x + 1 if x is not None and np.any(x > 0.5) else x, draw(50)),
    "an array of its own": (lambda x: x + np.arange(50), draw(50)),
    "itself": (lambda x: x, draw(50)),
    "a number": (lambda x: 0.0, draw(50)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_functions_that_are_no_formula_are_computed_as_a_whole(name, eager, monkeypatch):
    found, (function, *operands) = record_spreads(monkeypatch), WHOLE[name]
    np.testing.assert_array_equal(in_parts(function, *operands), function(*operands))
    assert found == []


def test_strides_are_those_of_the_whole(eager):
    for x in (
        draw(6, 8)[:, ::2],
        np.broadcast_to(draw(1, 8), (6, 8)),
        np.broadcast_to(draw(6, 1), (6, 8)),
        draw(6, 8).T,
    ):
        whole, parts = np.exp(x), in_parts(np.exp, x)
        assert parts.strides == whole.strides and (parts == whole).all()


def test_one_thread_computes_the_whole(monkeypatch):
    found = record_spreads(monkeypatch)
    monkeypatch.setattr(parallel, "get_count", lambda: 1)
    in_parts(np.exp, draw(3 * passes.LARGE))
    assert found == []


@pytest.mark.parametrize(
    ("function", "size"),
    [(np.add, 6), (np.exp, 2), (lambda g, y: g * (1 - y * y), 2), (lambda x, y: np.exp(x) * np.tanh(y), 1)],
)
def test_a_cheap_formula_is_split_only_if_it_is_large(function, size, monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: 2)
    found, x = record_spreads(monkeypatch), np.ones(size * passes.LARGE, np.float32)
    operands = [x] if function is np.exp else [x, x]
    in_parts(function, *[y[: len(x) // 2] for y in operands])
    assert found == []
    in_parts(function, *operands)
    assert found == [len(x)]


NAMES = (
    "exp log sqrt rsqrt sin cos tan tanh sigmoid abs neg floor sign relu log1p expm1 reciprocal atan asinh square erf "
    "add sub mul div pow maximum minimum atan2 hypot fmod remainder logaddexp xlogy copysign eq lt floor_divide"
)


def run_both_ways(name, dtype):
    """The result of a function of the tables on drawn numbers, and its gradients."""
    function, found = getattr(torch, name), []
    for shapes in (((40, 30), (40, 30)), ((40, 30), (30,)), ((50, 60), (50, 1))):  # some compute few in float64
        x, y = (torch.from_numpy(draw(*shape, dtype=dtype)).requires_grad_() for shape in shapes)
        try:
            out = function(x, y)
        except TypeError:
            out = function(x)
        found.append(out.detach().numpy().tobytes())
        if out.requires_grad and name != "floor_divide":
            (out * 0.7).sum().backward()
            found += [None if t.grad is None else t.grad.numpy().tobytes() for t in (x, y)]
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES.split())
def test_forward_and_gradient_in_parts_have_the_bits_of_the_whole(name, dtype, monkeypatch, request):
    small = run_both_ways(name, dtype)
    request.getfixturevalue("eager")
    assert run_both_ways(name, dtype) == small


def test_relu_and_its_rule_are_split_and_pass_nan(eager, monkeypatch):
    found, x = record_spreads(monkeypatch), torch.tensor([-1.0, 2.0, float("nan"), 0.0] * 10, requires_grad=True)
    y = torch.relu(x)
    y.backward(torch.full((40,), float("inf")))
    assert len(found) == 2
    np.testing.assert_array_equal(y.detach().numpy(), [0, 2, np.nan, 0] * 10)
    np.testing.assert_array_equal(x.grad.numpy(), [0, np.inf, np.inf, 0] * 10)
