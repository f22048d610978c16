"""Matrix products through cuBLAS's C interface: the arguments passed for every shape and memory order."""

import itertools

import numpy as np
import pytest

from minigrad import backend, devices
from minigrad.gpu import blas, cublas
from tests import standin

RNG = np.random.default_rng(0)


@pytest.fixture(params=["stand-in", *(["cuda"] if backend.is_available() else [])])
def xp(request):
    if request.param == "cuda":
        yield backend.library(devices.device("cuda"))
        return
    with backend.use_library(standin.cupy):
        yield standin.cupy


def lay_out(xp, shape, order, dtype):
    """An array on the GPU: rows first, columns first, every second element, or one row and column of a larger one."""
    if order == "rows":
        return xp.asarray(RNG.standard_normal(shape).astype(dtype))
    if order == "columns":
        return xp.asarray(RNG.standard_normal((*shape[:-2], shape[-1], shape[-2])).astype(dtype)).swapaxes(-1, -2)
    if order == "apart":
        return xp.asarray(RNG.standard_normal((*shape[:-2], 2 * shape[-2], 2 * shape[-1])).astype(dtype))[..., ::2, ::2]
    return xp.asarray(RNG.standard_normal((*shape[:-2], shape[-2] + 1, shape[-1] + 2)).astype(dtype))[..., 1:, 2:]


def assert_product(got, x, y):
    dtype = x.dtype
    wide = np.matmul(x.get().astype("d"), y.get().astype("d"))
    assert got.dtype == dtype and got.shape == wide.shape
    tolerance = {"e": 2e-2, "f": 1e-5, "d": 1e-13}[dtype.char]
    np.testing.assert_allclose(got.get().astype("d"), wide, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("dtype", ["e", "f", "d"])
@pytest.mark.parametrize("orders", list(itertools.product(["rows", "columns", "apart", "part"], repeat=2)), ids=str)
@pytest.mark.parametrize("sizes", [(4, 3, 5), (1, 3, 5), (4, 1, 5), (4, 3, 1), (1, 1, 1), (1, 5, 1)], ids=str)
def test_matmul_takes_matrices_in_every_memory_order(xp, sizes, orders, dtype):
    m, k, n = sizes
    x, y = lay_out(xp, (m, k), orders[0], dtype), lay_out(xp, (k, n), orders[1], dtype)
    assert_product(blas.matmul(x, y), x, y)


BATCHES = [
    ((2, 3), (2, 3)), ((2, 3), ()), ((), (2, 3)), ((2, 1), (1, 3)), ((2, 3), (1, 3)), ((1,), (4,)), ((4,), (1,)),
    ((3,), (2, 3)), ((1, 1), (1, 1)), ((2, 1, 3), (5, 1)), ((0,), (0,)), ((0,), ()),
]  # fmt: skip


ORDERS = [("rows", "rows"), ("columns", "rows"), ("part", "columns"), ("apart", "part")]


@pytest.mark.parametrize("orders", ORDERS, ids=str)
@pytest.mark.parametrize("batches", BATCHES, ids=str)
def test_matmul_broadcasts_batches(xp, batches, orders):
    x, y = lay_out(xp, (*batches[0], 4, 3), orders[0], "f"), lay_out(xp, (*batches[1], 3, 2), orders[1], "f")
    assert_product(blas.matmul(x, y), x, y)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 0, 1), (2, 1, 0)])
def test_matmul_takes_transposed_batches(xp, order):
    x = lay_out(xp, (3, 4, 5), "rows", "f").transpose(order)
    y = lay_out(xp, (x.shape[0], x.shape[2], 2), "rows", "f")
    assert_product(blas.matmul(x, y), x, y)


def test_a_batch_whose_axes_join_in_memory_is_one_call(stand_in):
    library, ones = cublas.LIBRARIES[stand_in], stand_in.ones
    for x, y, calls in (
        (ones((2, 3, 4, 5)), ones((2, 3, 5, 6)), 1), (ones((7, 4, 5)), ones((5, 6)), 1),
        (ones((4, 5)), ones((7, 5, 6)), 1), (ones((1, 4, 5)), ones((1, 5, 6)), 1),
        (ones((2, 3, 4, 5)), ones((3, 5, 6)), 2),
    ):  # fmt: skip
        before = library.calls
        assert (blas.matmul(x, y).get() == 5).all()
        assert library.calls - before == calls


def test_matmul_takes_vectors(xp):
    x, y, a = (
        lay_out(xp, (4,) * 2, "rows", "f")[0],
        lay_out(xp, (4,) * 2, "columns", "f")[1],
        lay_out(xp, (4, 4), "rows", "f"),
    )
    for left, right in ((x, y), (x, a), (a, y), (a[None], y), (x, a[None])):
        assert_product(blas.matmul(left, right), left, right)


def test_matmul_writes_into_out_in_every_memory_order(xp):
    x, y = lay_out(xp, (2, 4, 3), "rows", "f"), lay_out(xp, (2, 3, 5), "rows", "f")
    for out in (
        xp.zeros((2, 4, 5), "f"), xp.zeros((2, 4, 10), "f")[..., ::2], xp.zeros((2, 4, 9), "f")[..., 2:7],
        xp.zeros((2, 5, 4), "f").swapaxes(1, 2), xp.zeros((2, 4, 5), "d"),
    ):  # fmt: skip
        assert blas.matmul(x, y, out=out) is out
        np.testing.assert_allclose(out.get(), np.matmul(x.get(), y.get()), rtol=1e-5, atol=1e-5)
    flat, tall = lay_out(xp, (3, 5), "rows", "f"), xp.zeros((2, 4, 5), "f")
    assert blas.matmul(x, flat, out=tall) is tall
    np.testing.assert_allclose(tall.get(), np.matmul(x.get(), flat.get()), rtol=1e-5, atol=1e-5)


def test_a_product_over_an_empty_axis_is_zeros(xp):
    out = xp.ones((2, 3), "f")
    assert (blas.matmul(xp.empty((2, 0), "f"), xp.empty((0, 3), "f"), out=out).get() == 0).all()


def test_products_of_integers_are_cupys(xp):
    x = xp.arange(6).reshape(2, 3)
    assert blas.matmul(x, x.T).get().tolist() == [[5, 14], [14, 50]]


def test_shapes_that_do_not_fit_are_refused(xp):
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3\) do not fit"):
        blas.matmul(xp.ones((2, 3), "f"), xp.ones((2, 3), "f"))


def test_each_stream_has_its_own_workspace(stand_in):
    library, x = cublas.LIBRARIES[stand_in], stand_in.ones((2, 2))
    own = cublas.handle(stand_in).value.value
    first = library.workspaces[own]
    stream = stand_in.cuda.Stream()
    with stream:
        blas.matmul(x, x)
        assert library.streams[own] == stream.ptr and library.workspaces[own] != first
    blas.matmul(x, x)
    assert library.workspaces[own] == first


def test_a_failed_call_is_named_with_its_status(stand_in, monkeypatch):
    monkeypatch.setattr(cublas.LIBRARIES[stand_in], "cublasGemmStridedBatchedEx", lambda *arguments: 13)
    with pytest.raises(RuntimeError, match="cublasGemmStridedBatchedEx failed with cuBLAS's status 13"):
        blas.matmul(stand_in.ones((1, 2, 2)), stand_in.ones((1, 2, 2)))
    monkeypatch.setitem(cublas.handle(stand_in).products, "d", lambda *arguments: 13)
    with pytest.raises(RuntimeError, match="cublasDgemm failed with cuBLAS's status 13"):
        blas.matmul(stand_in.ones((2, 2)), stand_in.ones((2, 2)))


def test_cupy_tf32_chooses_the_compute_type(stand_in, monkeypatch):
    seen, multiply = [], cublas.LIBRARIES[stand_in].cublasGemmStridedBatchedEx
    monkeypatch.setattr(
        cublas.LIBRARIES[stand_in], "cublasGemmStridedBatchedEx", lambda *a: seen.append(a[-2]) or multiply(*a)
    )
    for value, computes_in in (("1", 77), ("0", 68)):
        monkeypatch.setenv("CUPY_TF32", value)
        blas.matmul(stand_in.ones((2, 2), "f"), stand_in.ones((2, 2), "f"))
        assert seen.pop() == computes_in


def test_without_cublas_the_array_library_multiplies(stand_in, monkeypatch):
    monkeypatch.setitem(cublas.LIBRARIES, stand_in, None)
    monkeypatch.setattr(cublas, "_own", type(cublas._own)())
    assert blas.matmul(stand_in.ones((2, 3)), stand_in.ones((3, 2))).get().tolist() == [[3, 3], [3, 3]]
