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


def test_erf_and_erfc_keep_their_relative_accuracy_at_the_ends():
    tiny = torch.tensor([1e-12, -1e-12], dtype=torch.float64)
    np.testing.assert_allclose(torch.erf(tiny).numpy(), special.erf(tiny.numpy()), rtol=1e-14)

    far = torch.tensor([5.0, 20.0, 25.9, 26.1, 26.5, 27.3, 88.0, float("inf")], dtype=torch.float64)
    np.testing.assert_allclose(torch.erfc(far).numpy(), special.erfc(far.numpy()), rtol=1e-12, atol=1e-309)
