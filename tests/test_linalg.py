"""`linalg`'s norms beside NumPy's."""

import numpy as np
import pytest

import minigrad as torch

X = np.random.default_rng(0).standard_normal((3, 4))


@pytest.mark.parametrize("arguments", [{}, {"ord": "fro"}, {"ord": "nuc"}])
def test_norms_of_a_matrix(arguments):
    found = torch.linalg.norm(torch.tensor(X), **arguments)
    np.testing.assert_allclose(found.item(), np.linalg.norm(X, **arguments))


@pytest.mark.parametrize("ord", [1, 2, 3, float("inf"), 0.5])
def test_norms_of_vectors(ord):
    for axis in (0, 1):
        expected = np.linalg.norm(X, ord, axis=axis)
        np.testing.assert_allclose(torch.linalg.norm(torch.tensor(X), ord, dim=axis).numpy(), expected)
        np.testing.assert_allclose(torch.linalg.vector_norm(torch.tensor(X), ord, dim=axis).numpy(), expected)
    whole = torch.linalg.vector_norm(torch.tensor(X), ord, keepdim=True)
    np.testing.assert_allclose(whole.numpy(), np.linalg.norm(X.ravel(), ord).reshape(1, 1))


def test_spectral_norms_are_refused_in_words():
    with pytest.raises(NotImplementedError, match=r'of a matrix: ord is "fro" or "nuc", got 2'):
        torch.linalg.norm(torch.tensor(X), 2)
