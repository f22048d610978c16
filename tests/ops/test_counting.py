"""Unique elements, counts and histograms."""

import numpy as np
import pytest

import minigrad as torch


def test_unique_with_inverse_and_counts():
    values, inverse, counts = torch.unique(torch.tensor([[2, 1], [2, 2]]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 2], [[1, 0], [1, 1]], [1, 3])
    assert torch.unique(torch.tensor([[1, 1], [1, 1]]), dim=0).tolist() == [[1, 1]]


@pytest.mark.parametrize("dim", [None, 0])
def test_unique_gives_what_is_asked_for_alone(dim):
    x = torch.tensor([3, 1, 3, 2])
    values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True, dim=dim)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 2, 3], [2, 0, 2, 1], [1, 1, 2])
    assert torch.unique(x, dim=dim).tolist() == [1, 2, 3]
    assert torch.unique(x, return_inverse=True, dim=dim)[1].tolist() == [2, 0, 2, 1]
    assert torch.unique(x, return_counts=True, dim=dim)[1].tolist() == [1, 1, 2]


def test_a_histogram_of_the_largest_numbers_counts_them_all():
    for dtype, most in ((torch.float16, 6e4), (torch.float32, 3e38)):
        assert torch.histc(torch.tensor([most, most, -most], dtype=dtype), 4).tolist() == [1.0, 0.0, 0.0, 2.0]


def test_bincount_counts_and_weighs():
    classes = torch.tensor([0, 2, 2, 5])
    assert classes.bincount().tolist() == np.bincount([0, 2, 2, 5]).tolist()
    weighed = torch.bincount(classes[:2], torch.tensor([0.5, 0.25]), minlength=4)
    assert weighed.tolist() == [0.5, 0, 0.25, 0] and weighed.dtype == torch.float32
    with pytest.raises(RuntimeError, match=r"1-d non-negative .*: got shape \(1,\) with the least entry -1"):
        torch.bincount(torch.tensor([-1]))
    with pytest.raises(TypeError, match=r"histogram.*'weight' .*must be Tensor, not list"):
        torch.histogram(torch.ones(1), 2, weight=[1.0])
    with pytest.raises(NotImplementedError, match=r"bincount.*Float.*convert"):
        torch.bincount(torch.tensor([1.0]))


def test_unique_rows_of_halves_are_those_of_floats():
    x = torch.tensor([[1.0, 2.0], [0.0, -1.0], [torch.nan, 0.0], [1.0, 2.0], [-torch.inf, 3.0]])
    rows, counts = x.half().unique(dim=0, return_counts=True)
    wide, expected = x.unique(dim=0, return_counts=True)
    assert rows.dtype == torch.float16
    np.testing.assert_array_equal(rows.float().numpy(), wide.numpy())
    assert counts.tolist() == expected.tolist()
