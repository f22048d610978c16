"""The docstrings of the elementwise tables: each shows its formula, the rule that backward runs, and an example."""

import inspect
import re

import numpy as np
import pytest

import minigrad as torch
import minigrad.ops.special as special
from minigrad.ops import arithmetic, comparison, unary
from minigrad.ops.describe import describe, source_text


def find_functions(module):
    """The functions that the tables of a module declare, by name."""
    text = inspect.getsource(module)
    names = re.findall(r"^(?:\w+ = )*?(\w+) = (?:\w+ = )*(?:unary|binary|_exact|_step|_compare|_extreme)\(", text, re.M)
    return [getattr(module, name) for name in names if not name.startswith("_") and getattr(module, name).__doc__]


TABLES = find_functions(unary) + find_functions(comparison) + find_functions(arithmetic) + find_functions(special)


@pytest.mark.parametrize("function", TABLES, ids=lambda f: f.__name__)
def test_every_row_has_a_formula_and_an_example(function):
    text = function.__doc__
    assert not text.startswith(f"``{function.__name__}(input)``"), "no formula"
    assert f">>> torch.{function.__name__}(".replace("special_", "special.") in text


def test_the_gradient_is_the_source_of_the_rule():
    assert "Gradient of `input`: ``g * (1 - out * out)``." in torch.tanh.__doc__
    assert "Domain: input > 0" in torch.log.__doc__
    assert "No gradient flows." in torch.bitwise_and.__doc__


def test_no_docstring_names_a_helper_of_the_library():
    for place in (torch, torch.special):
        for name in place.__all__:
            for rule in re.findall("Gradient of .*", inspect.getdoc(getattr(place, name)) or ""):
                called = re.findall(r"(?<![.\w])(\w+)\(", rule)
                assert not re.search(r"(?<!\w)_\w+", rule), (name, rule)  # nor a private constant
                assert not [f for f in called if not hasattr(torch, f) and not hasattr(torch.special, f)], (name, rule)


def test_a_rule_that_calls_helpers_is_given_as_a_formula():
    assert "Gradient of `input`: ``g where x > y, g / 2 where x == y, else 0``." in torch.maximum.__doc__
    assert "Gradient of `input`: ``g where out > 0, else 0``." in torch.relu.__doc__


def test_source_of_reads_rules_over_two_lines_and_named_functions():
    rule = lambda g, x: (  # noqa: E731
        g + x
    )
    assert source_text(rule) == "g + x"
    assert source_text(lambda g, x: g * np.cos(x)) == "g * np.cos(x)"
    assert source_text(find_functions) == "find_functions(g, ...)"


def test_an_example_may_hold_a_number():
    text = describe("clamp_min", "", "", "same", (None, None), "[1.0, 5.0]; 3.0 -> [3., 5.]")
    assert ">>> torch.clamp_min(torch.tensor([1.0, 5.0]), 3.0)\ntensor([3., 5.])" in text


@pytest.mark.parametrize("name", ["tanh_", "lt_", "erf_", "hypot_"])
def test_the_signature_of_an_in_place_method_has_no_out(name):
    method = getattr(torch.Tensor, name)
    assert "out" not in inspect.signature(method).parameters
    assert "out" in inspect.signature(getattr(torch.Tensor, name[:-1])).parameters


def test_the_example_of_an_in_place_method_is_one_call():
    assert inspect.getdoc(torch.Tensor.float_power_).count(">>> torch.") == 1


def test_the_example_of_an_in_place_method_stands_at_one_margin():
    shown = inspect.getdoc(torch.Tensor.t_).partition("\n\n")[2]
    assert shown.splitlines() == [
        ">>> import minigrad as torch",
        ">>> torch.tensor([[1, 2], [3, 4]]).t_()",
        "tensor([[1, 3],",
        "        [2, 4]])",
    ]
    names = [name for name in dir(torch.Tensor) if name.endswith("_") and hasattr(torch.Tensor, name)]
    assert len(names) > 100
    for name in names:
        lines = (inspect.getdoc(getattr(torch.Tensor, name)) or "").splitlines()
        assert not [line for line in lines if line.lstrip().startswith((">>>", "tensor(")) and line[0] == " "], name
