"""Selecting: what samples do not show, and what is refused, in words."""

import pytest

import minigrad as torch

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
    "a reduction of scatter": (lambda: X.scatter(0, FIRST, 1.0, reduce="mean"), NotImplementedError, "reduce='mean'"),
    "a source of another type": (
        lambda: X.scatter(0, FIRST, X.double()), RuntimeError, "Expected self.dtype to be equal to src.dtype"),
    "a source that is too small": (lambda: X.scatter(0, FIRST, torch.ones(1, 2)), RuntimeError, "no larger than src"),
    "no tensor for a source": (lambda: X.scatter_add(0, FIRST, 1.0), TypeError, "argument 'src'"),
    "places that are no tuple": (
        lambda: X.index_put(torch.tensor([0]), torch.ones(3)), TypeError, "tuple of index tensors"),
    "values of another type": (
        lambda: X.index_put((torch.tensor([0]),), torch.ones(3).double()), RuntimeError, "dtypes match"),
    "an axis twice": (lambda: X.flip(0, 0), RuntimeError, "appears multiple times"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_where_alone_finds_the_places():
    rows, columns = torch.where(X > 3)
    assert rows.tolist() == [1, 1] and columns.tolist() == [1, 2]
    assert [places.tolist() for places in torch.tensor(True).nonzero(as_tuple=True)] == [[0]]


def test_a_fraction_filled_into_integers_is_cut_off():
    assert X.long().masked_fill(X > 4, 1.7).tolist() == [[0, 1, 2], [3, 4, 1]]
    assert X.long().masked_fill(X > 4, torch.tensor(1.7)).dtype == torch.int64


def test_along_no_dim_means_the_flat_tensor():
    assert X.take_along_dim(torch.tensor([[5, 0]])).tolist() == [5.0, 0.0]


def test_put_adds_where_asked():
    places = (torch.tensor([1, 1]), torch.tensor([2, 2]))
    x = torch.zeros(2, 3, requires_grad=True)
    y = x.index_put(places, torch.tensor([5.0, 6.0]), accumulate=True)
    y.sum().backward()
    assert y[1, 2].item() == 11.0 and (x.grad == 1).all()


def test_no_places_change_nothing():
    empty = torch.zeros(0, 3, dtype=torch.int64)
    assert torch.equal(X.scatter(0, empty, X), X)
