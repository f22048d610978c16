"""`relu` against NumPy, `softmax` and its logarithm against SciPy."""

import numpy as np
import pytest
from scipy import special

import minigrad
import minigrad.nn.functional as F


@pytest.mark.cpu("the bits and the strides are NumPy's")
@pytest.mark.parametrize("size", [10, 2000, 70_001])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
def test_relu_has_the_bits_of_numpys_maximum(size, dtype):
    with np.errstate(invalid="ignore"):
        special = np.array([-0.0, 0.0, np.nan, np.inf, -np.inf, 1e-40] if "float" in dtype else [0, 1, 2])
        x = np.resize(np.concatenate([special, np.linspace(-9, 9, 77)]), size).astype(dtype)
    for values in (x, x[::2], np.stack([x, x]).T):
        found = minigrad.relu(minigrad.from_numpy(values)).numpy()
        assert found.tobytes() == np.maximum(0, values).tobytes() and found.strides == np.maximum(0, values).strides


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_and_its_logarithm_are_scipys(dim):
    x = np.random.default_rng(12).standard_normal((3, 4, 5)) * 100
    t = minigrad.tensor(x)
    np.testing.assert_allclose(F.softmax(t, dim).numpy(), special.softmax(x, dim), atol=1e-14)
    np.testing.assert_allclose(F.log_softmax(t, dim).numpy(), special.log_softmax(x, dim), 1e-12, 1e-15)
    np.testing.assert_allclose(F.softmin(t, dim).numpy(), special.softmax(-x, dim), atol=1e-14)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
def test_softmax_of_one_number_is_no_view(function):
    result = function(minigrad.tensor(0.5), 0)
    assert not result._is_view()
    part = result.expand(3)
    with minigrad.no_grad():
        result.neg_()
    result.requires_grad_()
    assert part.requires_grad  # as PyTorch 2.13: it knows of the leaf that it looks at


def test_softmax_does_not_overflow_and_converts_first():
    assert F.softmax(minigrad.tensor([1e30, 1e30]), 0).tolist() == [0.5, 0.5]
    assert F.softmax(minigrad.tensor([1, 1]), 0, dtype=minigrad.float64).dtype is minigrad.float64


def test_softmax_of_halves_is_summed_in_float32():
    x = minigrad.zeros(100_000, dtype=minigrad.float16)
    assert F.softmax(x, 0).dtype == minigrad.float16
    assert F.log_softmax(x, 0)[0].item() == pytest.approx(-np.log(100_000), rel=1e-3)


@pytest.mark.parametrize("call", [minigrad.softmax, minigrad.log_softmax])
def test_softmax_reports_a_wrong_dim_before_a_wrong_dtype(call):
    with pytest.raises(IndexError, match="Dimension out of range"):
        call(minigrad.tensor([1, 2]), 3)
    with pytest.raises(NotImplementedError, match=r"lastdim_kernel_impl.*Long"):
        call(minigrad.tensor([1, 2]), 0)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
def test_softmax_of_an_empty_tensor_keeps_every_dtype(function):
    assert function(minigrad.zeros(2, 0, dtype=minigrad.int32), 0).dtype is minigrad.int32
    with pytest.raises(IndexError, match="Dimension out of range"):
        function(minigrad.zeros(0, dtype=minigrad.int32), 3)
    with pytest.raises(NotImplementedError, match="softmax_lastdim"):
        function(minigrad.zeros(2, dtype=minigrad.int32), 0)


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_softmax_of_an_empty_tensor_keeps_its_result_for_backward(function):
    x = minigrad.zeros(0, requires_grad=True)
    total = getattr(F, function)(x, 0).sum()
    total.backward()
    with pytest.raises(RuntimeError, match="second time"):
        total.backward()
    changed = getattr(F, function)(x, 0)
    changed += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        changed.sum().backward()
