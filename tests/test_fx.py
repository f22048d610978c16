"""`torch.fx`: marked functions stay what they are."""

import pytest

import minigrad as torch


def test_marked_functions_are_themselves():
    assert torch.fx.wrap(len) is len and torch.fx.wrap("stochastic_depth") == "stochastic_depth"
    with pytest.raises(RuntimeError, match="Must be either a callable or string name, got int"):
        torch.fx.wrap(3)


def test_an_assertion_of_traced_code_is_pythons():
    assert torch._assert(torch.tensor(True), "never said") is None
    with pytest.raises(AssertionError, match=r"^Wrong image height$"):
        torch._assert(False, "Wrong image height")
    with pytest.raises(RuntimeError, match="ambiguous"):
        torch._assert(torch.tensor([True, True]), "two values")


def test_a_program_that_wants_a_graph_is_told_that_there_is_none():
    with pytest.raises(AttributeError, match=r"module 'minigrad\.fx' has no attribute 'symbolic_trace': PyTorch has"):
        _ = torch.fx.symbolic_trace
