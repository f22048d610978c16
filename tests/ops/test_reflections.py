"""Products of Householder reflections: against the matrices that they represent, and LAPACK's factors."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.linalg import householder_product


def multiply(vectors, taus):
    """H_1 H_2 ... H_k, each written out as a matrix."""
    m = vectors.shape[0]
    product = np.eye(m)
    for i, tau in enumerate(taus):
        v = np.where(np.arange(m) > i, vectors[:, i], 0.0)
        v[i] = 1
        product = product @ (np.eye(m) - tau * np.outer(v, v))
    return product


@pytest.mark.parametrize(("m", "n", "k"), [(4, 3, 3), (3, 3, 2), (3, 2, 0), (1, 1, 1)])
def test_householder_product_is_the_product_of_the_reflections(m, n, k):
    draw = np.random.default_rng(0)
    vectors, taus = draw.standard_normal((m, n)), draw.standard_normal(k)
    found = householder_product(torch.tensor(vectors), torch.tensor(taus))
    np.testing.assert_allclose(found, multiply(vectors, taus)[:, :n], atol=1e-12)


def test_factors_of_lapack_give_back_its_orthogonal_matrix():
    x = np.random.default_rng(1).standard_normal((5, 3))
    packed, taus = np.linalg.qr(x, mode="raw")
    found = householder_product(torch.tensor(packed.T.copy()), torch.tensor(taus))
    np.testing.assert_allclose(found, np.linalg.qr(x)[0], atol=1e-12)


def test_each_matrix_of_a_batch_is_multiplied_alone():
    vectors, taus = torch.randn(2, 3, 4, 2), torch.randn(2, 3, 2)
    found = householder_product(vectors, taus)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(found[i, j], householder_product(vectors[i, j], taus[i, j]))


def test_householder_product_passes_gradgradcheck():
    vectors = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    taus = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(householder_product, (vectors, taus))
    assert torch.autograd.gradgradcheck(householder_product, (vectors, taus))


WRONG = {
    "wide": ((2, 3), (2,), "input.shape[-2] >= input.shape[-1] >= tau.shape[-1] is due"),
    "too many factors": ((3, 2), (3,), "input.shape[-2] >= input.shape[-1] >= tau.shape[-1] is due"),
    "two batches": ((3, 2, 2), (2, 2), "the batches of input and tau must be equal"),
    "a vector": ((3,), (1,), "must have at least 2 dimensions"),
}


@pytest.mark.parametrize("name", WRONG)
def test_shapes_that_do_not_fit_are_refused(name):
    shape, taus, words = WRONG[name]
    with pytest.raises(RuntimeError) as caught:
        householder_product(torch.ones(shape), torch.ones(taus))
    assert words in str(caught.value)


def test_two_dtypes_are_refused():
    with pytest.raises(RuntimeError, match=r"tau dtype minigrad\.int64 does not match"):
        householder_product(torch.zeros(2, 2), torch.ones(2).long())
