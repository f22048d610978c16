"""`einsum` and `tensordot`: cases that the samples do not cover, and error messages."""

import time

import pytest

import minigrad as torch
from tests.refusals import refusals

A, B = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
REFUSED = {
    "too few operands": (lambda: torch.einsum("ij,jk->ik", A), RuntimeError, "fewer operands"),
    "too many operands": (lambda: torch.einsum("ij->i", A, B), RuntimeError, "more operands"),
    "too few subscripts": (lambda: torch.einsum("i->i", A), RuntimeError, "does not match.*\\(2\\) of operand 0"),
    "no letter": (lambda: torch.einsum("i1->i", A), RuntimeError, "invalid subscript"),
    "two ellipses": (lambda: torch.einsum("i...j...", A), RuntimeError, "invalid subscript given in 'i...j...'"),
    "an output out of nothing": (lambda: torch.einsum("ij->k", A), RuntimeError, "output subscript k"),
    "an output twice": (lambda: torch.einsum("ij->ii", A), RuntimeError, "output subscript i appears more than once"),
    "lengths that differ": (lambda: torch.einsum("ij,ik->jk", A, B), RuntimeError, "i has size 3 for operand 1"),
    "a negative number of dims": (lambda: torch.tensordot(A, B, -1), RuntimeError, "expects dims >= 0"),
    "more dims than there are": (lambda: torch.tensordot(A, B, 3), RuntimeError, "dims < ndim_a or ndim_b, but got"),
    "lists of two lengths": (lambda: torch.tensordot(A, B, ([0, 1], [0])), RuntimeError, "same length"),
    "a number as a list": (lambda: torch.tensordot(A, B, (1, [0])), TypeError, "'dims_self' must be tuple of ints"),
    "a row of numbers": (lambda: torch.tensordot(A, B, torch.tensor([1, 0])), TypeError, "write dims=.*got int 1"),
    "a number as the other": (lambda: torch.tensordot(A, B, ([1], 0)), TypeError, "'dims_other'"),
    "a negative subscript": (lambda: torch.einsum(A, [0, -1]), ValueError, "numbers from 0 to 51, got int -1"),
    "bools in a product": (lambda: torch.einsum("i,i", A[0] > 1, A[0] > 1), NotImplementedError, "einsum.*'Bool'"),
    "bools before floats": (lambda: torch.einsum("i,i", A[0] > 1, A[0]), NotImplementedError, "einsum.*'Bool'"),
    "axes of two lengths": (lambda: torch.tensordot(A, B, ([0], [0])), RuntimeError, "size 2 in dim 0.*3 in dim 0"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_numbers_stand_for_letters():
    assert torch.equal(torch.einsum(A, [0, 1], B, [1, 2], [0, 2]), A @ B)
    assert torch.equal(torch.einsum(A, [..., 0], [0, ...]), A.t())


def test_a_letter_twice_takes_the_diagonal():
    square = torch.arange(9.0).reshape(3, 3)
    assert torch.einsum("ii", square).item() == 12.0
    assert torch.einsum("ii->i", square).tolist() == [0.0, 4.0, 8.0]


def test_a_product_of_transposed_matrices_is_row_major():
    for sizes in ((2, 3, 4), (80, 90, 70)):  # the larger ones are multiplied by BLAS
        i, j, k = sizes
        product = torch.einsum("ij,jk->ik", torch.ones(j, i).t(), torch.ones(k, j).t())
        assert product.view(-1).tolist() == [j] * (i * k)
    assert torch.einsum("ij,ij->ij", A.t(), A.t()).stride() == (1, 3)


def test_bools_are_multiplied_where_nothing_is_summed():
    yes = torch.tensor([True, False])
    assert torch.einsum("i,j->ij", yes, yes).tolist() == [[True, False], [False, False]]


def test_contracted_axes_of_length_one_broadcast():
    assert torch.equal(torch.tensordot(torch.ones(2, 1), B, 1), torch.ones(2, 1) @ B.sum(0, keepdim=True))
    assert torch.equal(torch.tensordot(A, torch.ones(1, 2), 1), A.sum(1, keepdim=True) @ torch.ones(1, 2))


@pytest.mark.parametrize(
    ("equation", "a", "b", "value", "dtype"),
    [
        ("i,i->", torch.full((1,), 2.0).double(), torch.ones(2).int(), 4.0, torch.float64),
        ("ij,kj->ik", torch.ones(1, 1).double(), torch.ones(3, 1), [[1.0, 1.0, 1.0]], torch.float64),
        ("ij,jk->", torch.ones(3, 1).short(), torch.ones(1, 3).char(), 9, torch.int64),
        ("ij,jk->", torch.ones(1, 1).char(), torch.ones(1, 1).char(), 1, torch.int8),
    ],
)
def test_beside_an_axis_of_length_one_two_dtypes_are_promoted(equation, a, b, value, dtype):
    result = torch.einsum(equation, a, b)
    assert (result.dtype, result.tolist()) == (dtype, value)
    with pytest.raises(RuntimeError, match="one dtype"):
        torch.einsum("ij,jk->ik", A, B.double())


def test_a_factor_may_be_overwritten_where_only_its_own_gradient_is_wanted():
    a, b, c = (torch.ones(2, 2) + i for i in range(3))
    a.requires_grad_()
    factor = a * 1
    y = torch.einsum("ij,jk,kl->il", factor, b, c)
    with torch.no_grad():
        factor.zero_()
    y.sum().backward()
    assert a.grad.tolist() == [[24.0, 24.0], [24.0, 24.0]]
    y = torch.einsum("ij,jk,kl->il", a * 1, b, c)
    c.zero_()
    with pytest.raises(RuntimeError, match="modified by an in"):
        y.sum().backward()


def test_a_chain_of_small_matrices_is_multiplied_pair_by_pair():
    chain = [torch.ones(60, 60) for _ in range(4)]
    started = time.process_time()  # all four at once are 60 ** 5 products, which took 16 seconds
    assert torch.einsum("ij,jk,kl,lm->im", *chain).unique().tolist() == [60.0**3]
    assert time.process_time() - started < 1
