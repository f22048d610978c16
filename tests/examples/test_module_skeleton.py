"""examples/module_skeleton.py: what the module computes, and what it prints of itself."""

import pytest

import minigrad
import module_skeleton as example
from tests.any_device import without_device

pytestmark = pytest.mark.lesson


def test_the_module_adds_one() -> None:
    assert example.AddOne()(minigrad.tensor(1.0)).item() == 2.0
    assert list(example.AddOne().parameters()) == []


def test_the_program_shows_parts_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    printed = without_device(capsys.readouterr().out)
    assert "out comes tensor(2.)" in printed
    assert "  (find): Conv2d(1, 2, kernel_size=(1, 2), stride=(1, 1))\n" in printed
    assert "mix.weight: (1, 2, 1, 1)" in printed
