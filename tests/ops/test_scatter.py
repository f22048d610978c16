"""Writing by index: what is refused, and what the samples do not cover."""

import pytest

import minigrad as torch
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
FIRST = torch.tensor([[0, 1, 0]])
REFUSED = {
    "a reduction of scatter": (lambda: X.scatter(0, FIRST, 1.0, reduce="mean"), RuntimeError, "multiply, got .mean."),
    "a source of another type": (
        lambda: X.scatter(0, FIRST, X.double()), RuntimeError, "Expected self.dtype to be equal to src.dtype"),
    "a wrong dim beside a source of another type": (
        lambda: X.scatter(5, FIRST, X.double()), IndexError, "Dimension out of range"),
    "values that do not fit a mask": (
        lambda: X.index_put((X > 3,), torch.ones(1, 2)), RuntimeError, r"\[1, 2\] cannot be broadcast.*shape \[2\]"),
    "values that do not fit places": (
        lambda: X.index_put((torch.tensor([0]),), torch.ones(2)), RuntimeError, r"shape mismatch.*\[2\]"),
    "values that do not fit no places": (
        lambda: X.index_put((torch.tensor([], dtype=torch.int64),), torch.ones(2, 0, 3)), RuntimeError, "mismatch"),
    "a source that is too small": (lambda: X.scatter(0, FIRST, torch.ones(1, 2)), RuntimeError, "no larger than src"),
    "no tensor for a source": (lambda: X.scatter_add(0, FIRST, 1.0), TypeError, "argument 'src'"),
    "places that are numbers": (lambda: X.index_put((0,), torch.ones(3)), TypeError, "'indices' .*Tensor, not int"),
    "places that are no tuple": (
        lambda: X.index_put(torch.tensor([0]), torch.ones(3)), TypeError, "tuple of index tensors"),
    "values of another type": (
        lambda: X.index_put((torch.tensor([0]),), torch.ones(3).double()), RuntimeError, "dtypes match"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_index_put_adds_with_accumulate():
    places = (torch.tensor([1, 1]), torch.tensor([2, 2]))
    x = torch.zeros(2, 3, requires_grad=True)
    y = x.index_put(places, torch.tensor([5.0, 6.0]), accumulate=True)
    y.sum().backward()
    assert y[1, 2].item() == 11.0 and (x.grad == 1).all()


def test_index_put_may_be_walked_once_whether_it_adds_or_not():
    for accumulate in (False, True):
        y = torch.zeros(3, requires_grad=True).index_put((torch.tensor([0]),), torch.tensor(1.0), accumulate)
        y.sum().backward()
        with pytest.raises(RuntimeError, match="second time"):
            y.sum().backward()


def test_scatter_with_an_empty_index_changes_nothing():
    empty = torch.zeros(0, 3, dtype=torch.int64)
    assert torch.equal(X.scatter(0, empty, X), X)


@pytest.mark.parametrize("name", ["scatter", "scatter_add"])
class TestASourceLargerThanItsIndex:
    """Its first entries are written; as in PyTorch it has no gradient, unless nothing is read of axes of length 1."""

    def test_backward_refuses_it(self, name):
        src = torch.ones(2, 3, requires_grad=True)
        y = getattr(torch.zeros(2, 3), name)(0, FIRST, src)
        assert y.tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
        with pytest.raises(RuntimeError, match=r"invalid gradient.*src has shape \[2, 3\], index \[1, 3\]; cut src"):
            y.sum().backward()

    def test_cut_to_the_index_it_has_a_gradient(self, name):
        src = torch.ones(2, 3, requires_grad=True)
        getattr(torch.zeros(2, 3), name)(0, FIRST, src[:1]).sum().backward()
        assert src.grad.tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]

    def test_beside_an_empty_index_it_has_a_gradient_of_zeros(self, name):
        src = torch.ones(1, 3, requires_grad=True)
        getattr(X, name)(0, torch.zeros(0, 3, dtype=torch.int64), src).sum().backward()
        assert src.grad.tolist() == [[0.0, 0.0, 0.0]]


def test_scatter_checks_a_number_only_where_it_writes():
    nowhere = torch.zeros(0, dtype=torch.int64)
    assert torch.zeros(2, dtype=torch.int8).scatter_(0, nowhere, 300).tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="to type int8 without overflow"):
        torch.zeros(2, dtype=torch.int8).scatter_(0, torch.tensor([0]), 300)


@pytest.mark.parametrize(("reduce", "expected"), [("sum", 5000.0), ("mean", 1.0)])
def test_reductions_of_many_float16_numbers_into_one_element_are_rounded_once(reduce, expected):
    ones, places = torch.ones(5000, dtype=torch.float16), torch.zeros(5000, dtype=torch.int64)
    made = torch.scatter_reduce(torch.zeros(1, dtype=torch.float16), 0, places, ones, reduce, include_self=False)
    assert made.tolist() == [expected] and made.dtype == torch.float16
    if reduce == "mean":
        assert torch.index_reduce(ones[:1], 0, places, ones, reduce).tolist() == [1.0]
