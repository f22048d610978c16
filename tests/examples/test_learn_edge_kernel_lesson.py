"""examples/learn_edge_kernel_lesson.py: the lesson in forty lines learns the kernel, and stays that short."""

import re
from pathlib import Path

import pytest

import learn_edge_kernel_lesson as example
from tests.any_device import without_device


def test_the_lesson_learns_the_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    printed = without_device(capsys.readouterr().out)
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", printed)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 1e-3
    assert re.search(r"learned: tensor\(\[ 1\.000\d, -0\.999\d\]\)", printed)


def test_the_lesson_has_about_forty_lines() -> None:
    assert len(Path(example.__file__).read_text("utf-8").splitlines()) <= 42
