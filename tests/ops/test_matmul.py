"""Matrix products: error messages, and gradients with few rows."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import parallel
from minigrad.ops import large_products
from tests.refusals import refusals

A = torch.ones(2, 3)
REFUSED = {
    "lengths": (lambda: A @ A, RuntimeError, r"\(2, 3\) and \(2, 3\), the last axis of the first \(3\)"),
    "types": (lambda: A @ A.t().double(), RuntimeError, r"float32 != float64.*\.to"),
    "bools": (lambda: A.bool() @ A.t().bool(), NotImplementedError, "matmul.*Bool.*convert"),
    "a number": (lambda: torch.matmul(A, 2), TypeError, "argument 'other'"),
    "no axes": (lambda: torch.matmul(A, torch.tensor(2.0)), RuntimeError, "at least 1D.*2D and 0D"),
    "a vector for a matrix": (
        lambda: torch.mm(A, torch.ones(3)),
        RuntimeError,
        "mat2 must be a matrix: .* as argument 2; x @ y multi",
    ),
    "a vector's trace": (lambda: torch.trace(torch.ones(3)), RuntimeError, "trace: expected a matrix"),
}


test_refused = refusals(REFUSED)


@pytest.mark.parametrize("rows", [1, 2])
def test_gradients_of_few_rows_are_the_products_on_paper(rows):
    rng = np.random.default_rng(rows)
    x, w = (torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((5, rows), (3, 5)))
    g = torch.tensor(rng.standard_normal((rows, 3)))
    (x.T @ w.T).backward(g)
    np.testing.assert_allclose(w.grad.numpy(), g.numpy().T @ x.detach().numpy().T, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), (g.numpy() @ w.detach().numpy()).T, rtol=1e-12)


BATCHES = {
    "one axis": ((6, 40, 50), (6, 50, 60)),
    "a matrix for all": ((6, 40, 50), (50, 60)),
    "the first for all": ((40, 50), (6, 50, 60)),
    "two axes": ((2, 3, 40, 50), (2, 3, 60, 50)),
    "repeated along the longest": ((2, 1, 40, 50), (1, 5, 50, 60)),
    "one matrix": ((1, 300, 200), (1, 200, 300)),
}


@pytest.mark.cpu("the threads are the processor's")
@pytest.mark.parametrize("char", "fd")
@pytest.mark.parametrize("name", BATCHES)
def test_batches_shared_by_threads_have_the_same_bits(name, char, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 1)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape, dtype=np.dtype(char)) for shape in BATCHES[name])
    y = y.swapaxes(-1, -2) if x.shape[-1] != y.shape[-2] else y
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append((torch.tensor(x) @ torch.tensor(y)).numpy())
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(found[0], x.astype(float) @ y, rtol=1e-4, atol=1e-4)
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_a_long_column_times_a_long_row_is_each_product():
    x, y = np.linspace(-1, 1, 600, dtype=np.float32)[:, None], np.linspace(1, 2, 500, dtype=np.float32)[None]
    y[0, 3] = np.inf
    x[4] = 0
    with np.errstate(invalid="ignore"):
        expected = x * y  # 0 * inf is NaN
    np.testing.assert_array_equal((torch.tensor(x) @ torch.tensor(y)).numpy(), expected)


FEW = {  # rows, terms and columns
    "few rows": (8, 256, 1000),
    "few columns": (1000, 256, 8),
    "few terms": (600, 8, 500),
    "as many rows as columns": (32, 1200, 32),
}
TURNED = {"by rows": [*FEW], "x by columns": [*FEW], "y by columns": [name for name in FEW if name != "few terms"]}


@pytest.mark.cpu("OpenBLAS is the processor's")
@pytest.mark.parametrize(("turned", "name"), [(how, name) for how, names in TURNED.items() for name in names])
def test_a_product_with_few_rows_is_made_in_parts(name, turned, monkeypatch):
    monkeypatch.setattr(large_products, "core_name", lambda: "SkylakeX")
    m, k, n = FEW[name]
    rng = np.random.default_rng(0)
    pair = [rng.standard_normal(shape, dtype=np.float32) for shape in ((m, k), (k, n))]
    x, y = (np.asfortranarray(z) if turned.startswith(letter) else z for letter, z in zip("xy", pair, strict=True))
    step = large_products._find_step(x, y)
    assert 0 < step < max(m, n)
    assert step * min(m, n) * k <= large_products.UNPACKED
    found = (torch.from_numpy(x) @ torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(found, pair[0].astype(float) @ pair[1], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found, large_products._multiply_parts(x, y, step))


def test_no_parts_are_made_where_they_are_no_gain(monkeypatch):
    for core, shape in (("Haswell", (8, 256, 1000)), ("SkylakeX", (40, 256, 1000)), ("SkylakeX", (1, 1024, 1024)),
                        ("SkylakeX", (8, 100, 1000)), ("SkylakeX", (32, 64, 3000))):  # fmt: skip
        monkeypatch.setattr(large_products, "core_name", lambda core=core: core)
        m, k, n = shape
        assert large_products._find_step(np.ones((m, k)), np.ones((n, k)).T) == 0, (core, shape)


def test_the_graph_of_a_vector_times_a_matrix_begins_with_a_new_axis():
    x, w = torch.ones(3, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    squeezed = (x @ w).grad_fn
    ((product, _),) = squeezed.next_functions
    names = [node.name() for node, _ in product.next_functions]
    assert squeezed.name() == "SqueezeBackward4" and product.name() == "MmBackward0"
    assert names == ["UnsqueezeBackward0", "minigrad::autograd::AccumulateGrad"]
