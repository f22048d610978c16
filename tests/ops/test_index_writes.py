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


def test_unravel_index_finds_nothing_in_a_shape_without_elements():
    assert [x.shape for x in torch.unravel_index(torch.zeros(0).long(), (5, 0))] == [(0,), (0,)]
    with pytest.raises(RuntimeError, match=r"there is no element in the shape \(5, 0\), so no index of one"):
        torch.unravel_index(torch.tensor([1]), (5, 0))
    with pytest.raises(TypeError, match="expected 'indices' to be integer dtype, but got"):
        torch.unravel_index(torch.ones(1), (5,))
    with pytest.raises(ValueError, match=r"'shape' cannot have negative values, but got \(-1,\)"):
        torch.unravel_index(torch.tensor([1]), (-1,))
