"""Functions that CuPy lacks, or computes differently from NumPy: minigrad gives the same results on both."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import autograd
from minigrad.autograd import graph

REDUCED = {"prod": [140, 3, 24], "amax": [7, 3, 6], "amin": [2, 3, 4], "sum": [16, 3, 10]}


@pytest.fixture
def made(device):
    return lambda x, **how: torch.tensor(x, device=device, **how)


def test_scatter_reduce_takes_every_dtype(made):
    index = made([0, 2, 0, 0])
    for dtype in (torch.float32, torch.float64, torch.int64, torch.int16):
        x, values = made([2, 3, 4], dtype=dtype), made([5, 6, 7, 2], dtype=dtype)
        for reduce, expected in REDUCED.items():
            assert x.scatter_reduce(0, index, values, reduce).tolist() == expected, (dtype, reduce)
    rows = made([[1.0, 2.0], [3.0, 4.0]])
    assert torch.index_reduce(rows, 0, made([1, 1]), rows, "prod").tolist() == [[1, 2], [9, 32]]
    nothing = made([], dtype=torch.int64)
    assert x.scatter_reduce(0, nothing, x[:0], "prod").tolist() == x.tolist()


def test_scatter_reduce_of_products_passes_gradcheck(made):
    x, values = (made(v, dtype=torch.float64, requires_grad=True) for v in ([1.0, 2.0, 3.0], [5.0, 6.0, 7.0]))
    index = made([0, 0, 2])
    assert autograd.gradcheck(lambda x, v: x.scatter_reduce(0, index, v, "prod"), (x, values))


def test_logcumsumexp_does_not_underflow(made):
    x = made([[100.0, 200.0, -300.0], [-np.inf, 3.0, 3.0]], dtype=torch.float64)
    expected = np.logaddexp.accumulate(x.cpu().numpy(), axis=1)
    np.testing.assert_allclose(torch.logcumsumexp(x, 1).cpu().numpy(), expected, rtol=1e-14)


def test_numbers_are_accepted_beside_tensors(made):
    assert torch.isin(made([1, 2]), 2).tolist() == [False, True] and torch.isin(2, made([1, 2])).item() is True
    assert torch.searchsorted(made([1, 3, 5]), 3).item() == 1 and torch.bucketize(4, made([1, 3, 5])).item() == 2
    assert 2.0 in made([1.0, 2.0]) and made(3.0) not in made([1.0, 2.0])
    assert made([[1.0, 5.0]]).max(dim=made(1)).indices.tolist() == [1]
    assert np.take(made([1.0, 2.0, 3.0]), [[0, 2]]).tolist() == [[1.0, 3.0]]


def test_unique_consecutive_matrix_rank_and_corrcoef(made):
    values, inverse, counts = torch.unique_consecutive(made([1, 1, 2, 1]), return_inverse=True, return_counts=True)
    assert [x.tolist() for x in (values, inverse, counts)] == [[1, 2, 1], [0, 0, 1, 2], [2, 1, 1]]
    assert torch.linalg.matrix_rank(made([[1.0, 1.0], [1.0, 1.0]])).item() == 1
    assert torch.linalg.matrix_rank(torch.ones(0, 2, 0, device=values.device)).shape == (0,)
    np.testing.assert_allclose(torch.corrcoef(made([[0.0, 1.0], [1.0, 0.0]])).tolist(), [[1, -1], [-1, 1]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_singular_matrices_are_refused(made, dtype):
    ones = made([[1.0, 1.0], [1.0, 1.0]], dtype=dtype)
    for call in (torch.linalg.inv, lambda a: torch.linalg.solve(a, a[0]), lambda a: torch.linalg.cholesky(-a)):
        with pytest.raises(torch.linalg.LinAlgError, match=r"could not be completed|The solver failed"):
            call(ones)


def test_bincount_expand_and_indexing_refuse_invalid_arguments(made):
    with pytest.raises(RuntimeError, match="least entry -1"):
        torch.bincount(made([-1]))
    with pytest.raises(RuntimeError, match="does not fit into memory"):
        torch.bincount(made([2**63 - 1]))
    with pytest.raises(RuntimeError, match=r"expanded size of the tensor \(-1\) isn't allowed .*\(-1, 3\)"):
        made([1.0, 1.0, 1.0]).expand(-1, 3)
    with pytest.raises(IndexError, match=r"index 3 is out of bounds for dimension 0 with size 2 \(indexing a tensor"):
        made([1.0, 2.0])[3]


def test_out_on_another_device_is_refused(stand_in):
    for out, x in (("cpu", "cuda"), ("cuda", "cpu"), ("cuda:1", "cuda:0")):
        with pytest.raises(RuntimeError, match="sum: expected all tensors to be on the same device"):
            torch.sum(torch.ones(2, 2, device=x), 0, out=torch.zeros(2, device=out))
    out = torch.zeros(2, device="cuda")
    assert torch.mul(torch.ones(2, device="cuda"), torch.tensor(3.0), out=out) is out and out.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("default", ["cpu", "cuda:0", "cuda:1"])
def test_operands_decide_the_device_and_not_the_default(stand_in, default):
    table, index = torch.ones(3, 2, device="cuda:0", requires_grad=True), torch.tensor([0, 2], device="cuda:0")
    with torch.device(default):
        for offsets in (index - index, None):
            bag = F.embedding_bag(index if offsets is not None else index.reshape(1, 2), table, offsets)
            assert bag.device == table.device
        y = table * table
        assert autograd.grad(y.sum(), graph.get_gradient_edge(y), retain_graph=True)[0].device == table.device
        (g,) = autograd.grad([graph.get_gradient_edge(y)], [table], [torch.ones(3, 2, device="cuda:0")])
        assert g.tolist() == [[2.0, 2.0]] * 3
        (g,) = autograd.grad([graph.get_gradient_edge((table * 3).sum())], [table])
        assert g.tolist() == [[3.0, 3.0]] * 3


def test_asarray_makes_a_tensor_on_the_default_gpu(stand_in):
    with torch.device("cuda"):
        x = torch.asarray(np.ones(2, np.float32))
        assert x.device.type == "cuda" and torch.asarray(x) is not None
        with pytest.raises(ValueError, match="can't alias"):
            torch.asarray(np.ones(2, np.float32), copy=False)


def test_a_generator_refuses_a_state_on_a_gpu(stand_in):
    generator = torch.Generator()
    with pytest.raises(TypeError, match="lies on the CPU"):
        generator.set_state(generator.get_state().to("cuda"))


def test_functions_without_a_gradient_refuse_tensors_on_two_devices(stand_in):
    here, there = torch.ones(3), torch.ones(3, device="cuda")
    for a, b in ((here, there), (there, here)):
        for call in (torch.isclose, torch.allclose, torch.bucketize, lambda a, b: torch.bincount(a.long(), b)):
            with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
                call(a, b)
