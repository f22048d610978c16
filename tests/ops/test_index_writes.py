"""Writes by index: which indices are counted from the end, and which are refused."""

import pytest

import minigrad as torch
from tests.marks import NOT_ASKED


def test_index_fill_counts_from_the_end():
    x = torch.zeros(2, 3, requires_grad=True)
    filled = torch.index_fill(x, 1, torch.tensor([-1, 0]), 5)
    filled.sum().backward()
    assert filled.tolist() == [[5.0, 0.0, 5.0]] * 2 and x.grad.tolist() == [[0.0, 1.0, 0.0]] * 2


@NOT_ASKED
def test_index_fill_raises_for_indices_before_the_start():
    with pytest.raises(IndexError, match="out of bounds for dimension 1 with size 3"):
        torch.index_fill(torch.zeros(2, 3), 1, torch.tensor([-4]), 5)
