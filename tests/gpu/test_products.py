"""`einsum` on a GPU: matrix products of two operands at a time."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.gpu import products
from minigrad.gpu.cublas import LIBRARIES

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ij,jk->", (2, 3), (3, 4)),
    ("bij,jk->kbi", (2, 3, 4), (4, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ni,oij,nj->no", (2, 3), (4, 3, 5), (2, 5)),
    ("ii,ij->j", (3, 3), (3, 4)),
    ("ij,i->j", (2, 3), (2,)),
    ("ab,cd->abcd", (2, 1), (3, 2)),
    ("ab,bc->ac", (2, 1), (3, 2)),
    ("ab,ab->ab", (2, 1), (2, 3)),
    ("ab,b->a", (0, 3), (3,)),
    ("ab,bc->ac", (2, 0), (0, 3)),
    ("ab->ba", (2, 3)),
    ("ab->", (2, 3)),
    (",a->a", (), (3,)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_einsum_is_numpys_in_one_product_for_each_pair(stand_in, case):
    equation, *shapes = case
    random = np.random.default_rng(0)
    hosts = [random.standard_normal(shape) for shape in shapes]
    before = LIBRARIES[stand_in].calls
    got = products.einsum(equation, *map(stand_in.asarray, hosts), optimize=True)
    np.testing.assert_allclose(got.get(), np.einsum(equation, *hosts), rtol=1e-12, atol=1e-12)
    assert LIBRARIES[stand_in].calls - before <= len(shapes) - 1


@pytest.mark.parametrize("equation", ["ij,ij->ij", "i,j->ij", "ij,i->ji"])
def test_numbers_are_multiplied_without_matrix_products_if_nothing_is_summed(stand_in, equation):
    before = LIBRARIES[stand_in].calls
    x, y = [stand_in.ones((2, 3)[: len(term)]) for term in equation.partition("->")[0].split(",")]
    products.einsum(equation, x, y)
    assert LIBRARIES[stand_in].calls == before


def test_a_bias_of_halves_is_rounded_with_the_product(stand_in):
    generator = np.random.default_rng(16)
    x, w, b = [generator.standard_normal(s).astype(np.float16) for s in ((2, 10, 7), (5, 7), (5,))]
    wanted = (x.astype(np.float64) @ w.T.astype(np.float64) + b).astype(np.float16)
    there = [torch.tensor(z, device="cuda") for z in (x, w, b)]
    np.testing.assert_array_equal(torch.nn.functional.linear(*there).cpu().numpy(), wanted)
    turned = there[0].transpose(0, 1)
    np.testing.assert_array_equal(
        torch.nn.functional.linear(turned, *there[1:]).cpu().numpy(), wanted.transpose(1, 0, 2)
    )
    empty = torch.nn.functional.linear(there[0][:, :, :0], there[1][:, :0], there[2])
    assert empty.cpu().tolist() == np.broadcast_to(b, (2, 10, 5)).tolist()
