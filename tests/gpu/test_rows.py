"""Softmax and log-softmax: the source of the kernels against the functions that they replace."""

from itertools import product

import numpy as np
import pytest

from minigrad.backend import KERNELS
from minigrad.gpu import rows
from minigrad.gpu.floats import float_kernel
from minigrad.ops.activation import log_softmax_operation, softmax_operation
from tests import nvrtc

OPERATIONS = {"softmax": softmax_operation, "log_softmax": log_softmax_operation}
SHAPES = {  # shape, axis: how its rows are held
    "a few": ((5, 10), 1), "one": ((3, 1), 1), "a warp, in part": ((2, 130), 1), "a block": ((2, 1100), 1),
    "three axes": ((2, 3, 7), 2), "columns": ((2, 5, 6), 1), "from the first axis": ((3, 4), 0), "a vector": ((9,), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES.values(), ids=SHAPES)
def test_softmax_of_rows_and_columns_is_that_of_the_operation(launched, name, shape, dim):
    made = OPERATIONS[name]
    x, g = np.random.default_rng(0).standard_normal((2, *shape)).astype("f") * 5
    out = rows.forward_along(name, x, dim=dim)
    np.testing.assert_allclose(out, made.forward(x, dim=dim), rtol=2e-6, atol=1e-6)
    dx = rows.rule_along(f"{name}_rule", g, out, dim)
    np.testing.assert_allclose(dx, made.rules[0](g, out, dim), rtol=2e-5, atol=2e-6)
    assert len(launched) == 2 and out.dtype == dx.dtype == x.dtype


@pytest.mark.parametrize(("char", "tolerance"), [("e", 2e-3), ("d", 1e-14)])
def test_halves_and_doubles_are_served(launched, char, tolerance):
    x = np.random.default_rng(0).standard_normal((3, 33)).astype(char)
    for name, made in OPERATIONS.items():
        out = rows.forward_along(name, x, dim=1)
        assert out.dtype == x.dtype
        np.testing.assert_allclose(out, made.forward(x, dim=1), rtol=tolerance)
    assert len(launched) == 2


def test_nan_and_inf_give_the_results_of_the_operation(launched):
    inf = np.inf
    x = np.array([[0, -inf, 1], [-inf, -inf, -inf], [inf, 0, 1], [np.nan, 0, 1], [-inf, -inf, 2]], "f")
    for name, made in OPERATIONS.items():
        with np.errstate(all="ignore"):
            wanted = made.forward(x, dim=1)
        np.testing.assert_allclose(rows.forward_along(name, x, dim=1), wanted, rtol=1e-6)


def test_arrays_with_strides_are_copied_first(launched):
    x = np.random.default_rng(0).standard_normal((6, 5)).astype("f").T
    g = np.broadcast_to(np.float32(1.5), x.shape)
    out = rows.forward_along("softmax", x, dim=1)
    np.testing.assert_allclose(out, softmax_operation.forward(x, dim=1), rtol=2e-6)
    dx = rows.rule_along("softmax_rule", g, out, 1)
    np.testing.assert_allclose(dx, 0, atol=1e-6)


@pytest.mark.parametrize(("shape", "dim"), [((2, 20000), 1), ((3, 40, 5), 1), ((0, 3), 1)], ids=str)
def test_other_operands_are_left_to_the_operation(launched, shape, dim):
    x = np.ones(shape, "f")
    out = rows.forward_along("softmax", x, dim=dim)
    assert out is None and launched == []


def test_softmax_and_log_softmax_have_kernels(stand_in):
    for made in OPERATIONS.values():
        assert made.forward in KERNELS and made.rules[0] in KERNELS


def list_sources():
    held = [("", (rows.FORWARD, rows.RULE), {"P": threads, "K": 4}) for threads in (32, 256, 1024)]
    held += [("_of_columns", (rows.COLUMN_FORWARD, rows.COLUMN_RULE), {})]
    for name, char, (more, bodies, constants) in product((*rows.FORWARDS, *rows.RULES), "efd", held):
        kernel = float_kernel(name + more, rows._write_source(name + more, *bodies), char, **constants)
        yield kernel.source("H" if char == "e" else char)


def test_all_compile_for_a_gpu():
    nvrtc.require()
    for source in list_sources():
        nvrtc.compile_for_a_gpu(source)
