"""examples/detect_edges.py: the kernel [1, -1] finds the edges of vertical bars, and of those alone."""

import pytest

import detect_edges as example
import minigrad

pytestmark = pytest.mark.lesson
K = minigrad.tensor([[1.0, -1.0]])


def test_edges_of_the_bars_are_found() -> None:
    assert example.edges(example.bars(), K).tolist() == [[0, 1, 0, 0, 0, -1, 0]] * 6


def test_the_transposed_image_shows_none() -> None:
    transposed = example.bars().t()
    assert example.edges(transposed, K).tolist() == [[0] * 5] * 8
    standing = example.edges(transposed, K.t())
    assert standing.t().tolist() == [[0, 1, 0, 0, 0, -1, 0]] * 6


def test_the_program_shows_all_four(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert capsys.readouterr().out.count("tensor(") == 4
