"""Sums of products in integer and mixed dtypes."""

import minigrad as torch


def test_addr_computes_in_the_common_type():
    column = torch.tensor([1, 2])
    mixed = torch.addr(torch.tensor([[1], [1]]), column, torch.tensor([0.5]), alpha=0.5)
    assert mixed.dtype == torch.float32 and mixed.tolist() == [[1.25], [1.5]]
    truth = torch.addr(torch.tensor([[True], [False]]), torch.tensor([False, False]), torch.tensor([True]))
    assert truth.dtype == torch.bool and truth.tolist() == [[True], [False]]
