"""The error function and its complement."""

import numpy as np
import pytest
from scipy import special

import minigrad as torch

X = np.linspace(-8, 8, 4001)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 5e-15), ("float32", 3e-7), ("float16", 1e-3)])
def test_erf_is_scipys(dtype, error):
    x = X.astype(dtype)
    got = torch.erf(torch.from_numpy(x)).numpy()
    assert got.dtype == dtype
    np.testing.assert_allclose(got, special.erf(x.astype(float)), atol=error, rtol=0)
    assert torch.erf(torch.tensor([float("nan")])).isnan().item()


@pytest.mark.parametrize("times", [1, 600], ids=["by the C library", "by polynomials"])
def test_erf_and_erfc_keep_their_relative_accuracy_at_the_ends(times):
    tiny = torch.tensor([1e-12, -1e-12] * times, dtype=torch.float64)
    np.testing.assert_allclose(torch.erf(tiny).numpy(), special.erf(tiny.numpy()), rtol=1e-14)

    far = torch.tensor([5.0, 20.0, 25.9, 26.1, 26.5, 27.3, 88.0, float("inf")] * times, dtype=torch.float64)
    np.testing.assert_allclose(torch.erfc(far).numpy(), special.erfc(far.numpy()), rtol=1e-12, atol=1e-309)


@pytest.mark.cpu("a GPU has its own function")
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_a_few_numbers_are_rounded_once_from_double_precision(name):
    x = np.random.default_rng(0).normal(0, 2, (3, 300)).astype(np.float32)[:, ::-1]
    exact = getattr(special, name)(x.astype(np.float64)).astype(np.float32)
    assert (getattr(torch, name)(torch.from_numpy(x.copy())).numpy() == exact).mean() > 0.999


@pytest.mark.parametrize("times", [1, 600], ids=["by the C library", "by polynomials"])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_the_result_has_the_layout_in_memory_of_other_functions(name, times):
    x = torch.linspace(-2, 2, 24 * times).reshape(2, 3 * times, 4)
    for input in (x.transpose(0, 2), x[:, ::2].permute(2, 0, 1), x[0].t(), x[0, 0, 0]):
        got = getattr(torch, name)(input)
        assert got.stride() == torch.exp(input).stride()
        np.testing.assert_allclose(got.numpy(), getattr(special, name)(input.numpy()), rtol=1e-5)


def test_the_error_function_of_no_numbers_has_none():
    assert torch.erf(torch.ones(0, 2)).shape == (0, 2)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 3e-15), ("float32", 7e-8)])
def test_the_inverse_functions_are_scipys_in_the_center_and_in_both_tails(dtype, error):
    parts = 10.0 ** -np.linspace(0.01, 7.2 if dtype == "float32" else 15.5, 300)
    y = np.concatenate([parts, 1 - parts, np.linspace(-0.99, 0.99, 200)]).astype(dtype)
    np.testing.assert_allclose(torch.erfinv(torch.from_numpy(y)).numpy(), special.erfinv(y.astype(float)), rtol=error)
    p = np.concatenate([10.0 ** -np.linspace(0.01, 37, 300), 1 - parts]).astype(dtype)
    found = torch.special.ndtri(torch.from_numpy(p)).numpy()
    np.testing.assert_allclose(found, special.ndtri(p.astype(float)), rtol=error, atol=1e-15)
