"""Selecting: cases that the samples do not cover, and error messages."""

import math

import pytest

import minigrad as torch
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
FIRST = torch.tensor([[0, 1, 0]])
REFUSED = {
    "no tensor of conditions": (lambda: torch.where([True], X, X), TypeError, "argument 'condition'.*not list"),
    "conditions that are numbers": (lambda: torch.where(X, X, X), RuntimeError, "boolean tensor.*float32"),
    "shapes of where": (lambda: torch.where(X > 0, X, torch.ones(2)), RuntimeError, "size of tensor"),
    "a mask of numbers": (lambda: X.masked_fill(X, 0), RuntimeError, "boolean masks.*mask != 0"),
    "no tensor for a mask": (lambda: X.masked_fill([True], 0), TypeError, "argument 'mask'"),
    "several values": (lambda: X.masked_fill(X > 0, torch.ones(2)), RuntimeError, "0-dimensional value"),
    "more than a byte holds": (lambda: X.byte().masked_fill(X > 0, 300), RuntimeError, "uint8 without.*got 300"),
    "no number into integers": (lambda: X.int().masked_fill(X > 0, float("nan")), RuntimeError, "overflow.*got nan"),
    "shapes of a mask": (lambda: X.masked_select(torch.tensor([True, False])), RuntimeError, "size of tensor"),
    "no tensor for an index": (lambda: X.gather(0, [0]), TypeError, "argument 'index'"),
    "an index of floats": (lambda: X.gather(0, X), RuntimeError, "Expected dtype int64 for index.*\\.long"),
    "an index too large elsewhere": (
        lambda: X.gather(0, torch.zeros(1, 4, dtype=torch.int64)), RuntimeError, "apart from dimension 0"),
    "an index of another rank": (
        lambda: X.take_along_dim(torch.tensor([0]), 0), RuntimeError, "same number of dimensions"),
    "an index that does not broadcast": (
        lambda: X.take_along_dim(torch.zeros(1, 2, dtype=torch.int64), 0), RuntimeError, "size of tensor"),
    "a matrix of places": (lambda: X.index_select(0, FIRST), IndexError, "supposed to be a vector"),
    "a wrong dim to add at": (lambda: X.index_add(5, FIRST[0], X.double()), IndexError, "Dimension out of range"),
    "a wrong dim to reduce at": (
        lambda: X.scatter_reduce(5, FIRST, X.double(), "sum"), IndexError, "Dimension out of range"),
    "small places to take along": (
        lambda: X.take_along_dim(FIRST.int(), 0), RuntimeError, "take_along_dim.*int64 for index, got minigrad.int32"),
    "small places to fill": (lambda: X.index_fill(0, FIRST[0].int(), 1), IndexError, "Expected dtype int64 for index"),
    "a bound that is no integer": (lambda: X[torch.tensor(1.0) :], TypeError, "only integer tensors of a single"),
    "an element to delete": (lambda: X.__delitem__(0), TypeError, r"not support deleting.*x\[mask\]"),
    "an axis twice": (lambda: X.flip(0, 0), RuntimeError, "appears multiple times"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_where_with_a_condition_alone_gives_indices():
    rows, columns = torch.where(X > 3)
    assert rows.tolist() == [1, 1] and columns.tolist() == [1, 2]
    assert [places.tolist() for places in torch.tensor(True).nonzero(as_tuple=True)] == [[0]]


def test_a_fraction_filled_into_integers_is_cut_off():
    assert X.long().masked_fill(X > 4, 1.7).tolist() == [[0, 1, 2], [3, 4, 1]]
    assert X.long().masked_fill(X > 4, torch.tensor(1.7)).dtype == torch.int64


def test_take_along_no_dim_reads_the_flat_tensor():
    assert X.take_along_dim(torch.tensor([[5, 0]])).tolist() == [5.0, 0.0]


def leaf(*shape):
    return (torch.arange(float(math.prod(shape))).reshape(*shape) / 7).requires_grad_()


WITH_AN_INDEX = {
    "x[i]": lambda x, i: x[i],
    "x[..., i, None]": lambda x, i: x[..., i, None],
    "x[1, i]": lambda x, i: x[1, i],
    "y[i] = x": lambda x, i: torch.zeros(3, 3).index_put_((i,), x[:2]),
    "a part of an index": lambda x, i: x[i[:1]],
    "index_select": lambda x, i: x.index_select(0, i),
    "gather": lambda x, i: x.gather(0, i.reshape(1, 2)),
    "scatter": lambda x, i: torch.zeros(3, 3).scatter(0, i.reshape(1, 2), x),
    "scatter_add": lambda x, i: torch.zeros(3, 3).scatter_add(0, i.reshape(1, 2), x),
    "index_add": lambda x, i: torch.zeros(3, 3).index_add(0, i, x[:2]),
    "index_fill": lambda x, i: x.index_fill(0, i, 2.0),
    "take": lambda x, i: x.take(i),
}
RETURNED = {
    "sort": lambda x: x.sort(0),
    "topk": lambda x: x.topk(2, 0),
    "max": lambda x: x.max(0),
    "median": lambda x: x.median(0),
    "max_pool2d": lambda x: torch.nn.functional.max_pool2d(x.reshape(1, 1, 3, 3), 2, return_indices=True),
}
WITH_A_MASK = {
    "x[m]": lambda x, m: x[m],
    "masked_select": lambda x, m: x.masked_select(m),
    "masked_fill": lambda x, m: x.masked_fill(m, 0.0),
    "masked_scatter": lambda x, m: x.masked_scatter(m, torch.ones(9)),
    "where": lambda x, m: torch.where(m, x, x * 2),
}


class TestWatchedIndices:
    """An index or a mask that was written to after the forward is refused in backward, at any order."""

    @pytest.mark.parametrize("name", WITH_AN_INDEX)
    def test_backward_refuses_a_written_index(self, name):
        i = torch.tensor([0, 1])
        y = WITH_AN_INDEX[name](leaf(3, 3) * 1, i)
        i.fill_(2)
        with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 1"):
            y.sum().backward()

    @pytest.mark.parametrize("name", RETURNED)
    def test_backward_refuses_returned_indices_that_were_written_to(self, name):
        values, places = RETURNED[name](leaf(3, 3) * 1)
        places.zero_()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            values.sum().backward()

    @pytest.mark.parametrize("name", WITH_A_MASK)
    def test_backward_refuses_a_written_mask(self, name):
        mask = torch.tensor([[True, False, True]] * 3)
        y = WITH_A_MASK[name](leaf(3, 3) * 1, mask)
        mask.fill_(True)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()

    def test_a_second_backward_refuses_a_written_index(self):
        x, i = leaf(3), torch.tensor([0, 1])
        (slope,) = torch.autograd.grad((x[i] ** 2).sum(), x, create_graph=True)
        i.zero_()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            slope.sum().backward()

    def test_an_index_is_freed_with_the_graph(self):
        y = leaf(3)[[0, 1]].sum()
        y.backward()
        with pytest.raises(RuntimeError, match="a second time"):
            y.backward()

    def test_indexing_by_a_tensor_is_differentiable(self):
        x, i = leaf(3), torch.tensor([0, 0])
        (x[i] * torch.tensor([1.0, 10.0])).sum().backward()
        assert x.grad.tolist() == [11, 0, 0]


def test_bytes_as_a_condition_of_where_warn():
    with pytest.warns(UserWarning, match=r"where\(\) received a uint8 condition tensor.*condition.bool\(\)"):
        assert torch.where(torch.tensor([1, 0], dtype=torch.uint8), 1.0, 2.0).tolist() == [1.0, 2.0]


TURNED = torch.arange(6.0).reshape(2, 3).t()  # [[0, 3], [1, 4], [2, 5]]
ROWS = torch.tensor([[10.0, 20.0], [30.0, 40.0]])


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.scatter(0, torch.tensor([[2, 2], [0, 0]]), ROWS),
        lambda x: x.index_copy(0, torch.tensor([2, 0]), ROWS),
        lambda x: x.masked_scatter(TURNED % 3 != 1, torch.tensor([30.0, 40.0, 10.0, 20.0])),
    ],
)
def test_a_turned_tensor_with_new_entries_is_contiguous(write):
    turned = TURNED.detach().requires_grad_()
    new = write(turned)
    assert new.stride() == (2, 1) and new.view(-1).tolist() == [30.0, 40.0, 1.0, 4.0, 10.0, 20.0]
    new.sum().backward()
    assert turned.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
