"""Distances, and losses of distances."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

generator = np.random.default_rng(16)
X, Y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))


def test_cosine_similarity_and_pairwise_distance_are_their_formulas():
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    cosine = (X * Y).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    np.testing.assert_allclose(F.cosine_similarity(x, y).numpy(), cosine)
    np.testing.assert_allclose(F.pairwise_distance(x, y).numpy(), np.linalg.norm(X - Y + 1e-6, axis=1))
    zeros = minigrad.zeros(2, 3)
    assert F.cosine_similarity(zeros, zeros).tolist() == [0.0, 0.0]
    pairs = F.cosine_similarity(x.unsqueeze(0), y.unsqueeze(1), dim=-1)
    assert pairs.shape == (4, 4)
    np.testing.assert_allclose(pairs.diagonal().numpy(), cosine)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.margin_ranking_loss(x, x, x[0]), RuntimeError, "should have same dimension"),
        (lambda x: F.cosine_embedding_loss(x, x, x), RuntimeError, "multi-target not supported"),
        (lambda x: F.triplet_margin_loss(x, x, x, 0), ValueError, "margin must be greater than 0, got 0"),
        (lambda x: F.triplet_margin_loss(x, x, x[0]), RuntimeError, "anchor 2D, positive 2D, and negative 1D"),
    ],
)
def test_wrong_arguments_raise(call, error, message):
    with pytest.raises(error, match=message):
        call(minigrad.ones(2, 3))
