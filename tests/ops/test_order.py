"""Maxima with their indices, and sorting."""

import tracemalloc

import pytest

import minigrad as torch


def test_ties_share_the_gradient_of_amax_and_the_first_takes_that_of_max():
    x = torch.tensor([[1.0, 5.0, 3.0], [4.0, 2.0, 4.0]], requires_grad=True)
    x.amax(1).sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]
    x.grad = None
    values, indices = x.max(1)
    assert indices.tolist() == [1, 0]
    values.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_sorting_is_stable_both_ways_and_nan_is_greatest():
    x = torch.tensor([1.0, float("nan"), 2.0, 1.0])
    assert torch.argsort(x).tolist() == [0, 3, 2, 1]
    assert torch.argsort(x, descending=True).tolist() == [1, 2, 0, 3]
    top = torch.topk(torch.tensor([[1, 9, 4]]), 2)
    assert top.values.tolist() == [[9, 4]]
    assert torch.topk(torch.tensor([3.0, 1.0, 2.0]), 2, largest=False).indices.tolist() == [1, 2]


def test_kthvalue_takes_a_bool_without_axes_alone():
    values, indices = torch.kthvalue(torch.tensor(True), 1)
    assert values.item() is True and indices.item() == 0
    with pytest.raises(RuntimeError, match="selected number k out of range for dimension 0"):
        torch.kthvalue(torch.tensor(True), 2)
    with pytest.raises(NotImplementedError, match=r"kthvalue.*'Bool'"):
        torch.kthvalue(torch.tensor([True, False]), 1)


def test_mode_is_the_smallest_of_the_most_frequent_numbers_at_its_last_place():
    x = torch.randint(0, 9, (3, 400, 2), generator=torch.Generator().manual_seed(0))
    values, indices = torch.mode(x, 1)
    for row in range(3):
        for column in range(2):
            line = x[row, :, column].tolist()
            often = max(range(9), key=lambda number: (line.count(number), -number))
            last = max(place for place in range(400) if line[place] == often)
            assert (values[row, column], indices[row, column]) == (often, last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64, torch.uint8])
def test_topk_of_long_lines_takes_the_first_of_equal_elements_as_a_stable_sort_does(dtype):
    x = torch.randint(0, 60, (13, 200, 2), generator=torch.Generator().manual_seed(0)).to(dtype)
    for k in (1, 7, 50):
        for largest in (True, False):
            values, indices = torch.topk(x, k, 1, largest)
            ordered = torch.sort(x, dim=1, descending=largest, stable=True)
            assert torch.equal(values, ordered.values[:, :k]) and torch.equal(indices, ordered.indices[:, :k])


def test_topk_of_long_lines_ranks_nan_above_infinity():
    x = torch.arange(4096.0)
    x[3], x[5], x[7] = float("nan"), float("inf"), float("-inf")
    assert torch.topk(x, 3).indices.tolist() == [3, 5, 4095] and torch.topk(x, 2, largest=False).indices.tolist() == [
        7,
        0,
    ]


@pytest.mark.cpu("traces the host's memory")
def test_mode_of_many_numbers_takes_memory_for_each_but_not_for_each_pair():
    x = torch.arange(100_000) % 49_999  # a table of pairs would take 10 GB
    tracemalloc.start()
    values, indices = torch.mode(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (values.item(), indices.item()) == (0, 99_998) and most < 50e6
