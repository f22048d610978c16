"""What a distribution of one's own needs: values of NumPy and closed forms."""

import math

import numpy as np
import pytest

import minigrad as torch
from minigrad.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)


def test_parameters_get_one_shape_and_numbers_the_dtype_beside_them():
    wide, number = broadcast_all(torch.ones(3, 1, dtype=torch.float64), 2)
    assert wide.shape == number.shape == (3, 1) and number.dtype is torch.float64
    assert [x.shape for x in broadcast_all(torch.ones(2), torch.ones(3, 1))] == [(3, 2), (3, 2)]
    assert [x.dtype for x in broadcast_all(1, 2.0)] == [torch.float32] * 2
    for other in ("a", [1.0], np.ones(2), None):
        with pytest.raises(ValueError, match="Input arguments must all be instances of Number or Tensor, got "):
            broadcast_all(other, 1.0)


def test_logits_and_probabilities_are_inverse():
    probs = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    for is_binary in (False, True):
        found = logits_to_probs(probs_to_logits(probs, is_binary), is_binary)
        np.testing.assert_allclose(found.numpy(), probs.numpy(), rtol=1e-14)
    eps = 2.0**-52
    assert clamp_probs(torch.tensor([0.0, 1.0]).double()).tolist() == [eps, 1 - eps]
    assert probs_to_logits(torch.zeros(1).double()).item() == math.log(eps)


class Counting:
    calls = 0

    @lazy_property
    def doubled(self):
        """Computed once."""
        self.calls += 1
        return torch.ones(1, requires_grad=True) * 2


def test_a_lazy_property_is_computed_once_with_gradients():
    counting = Counting()
    assert "doubled" not in vars(counting)
    with torch.no_grad():
        assert counting.doubled.requires_grad
    assert counting.doubled is counting.doubled and counting.calls == 1
    counting.doubled = 3
    assert counting.doubled == 3
    assert isinstance(Counting.doubled, property) and Counting.doubled.__doc__ == "Computed once."


@pytest.mark.parametrize("diag", [-2, -1, 0, 1, 2])
def test_triangles_go_to_vectors_and_back(diag):
    matrices = torch.arange(1.0, 19.0).view(2, 3, 3)
    vectors = tril_matrix_to_vec(matrices, diag)
    assert vectors.shape == (2, int(np.tri(3, 3, diag).sum()))
    assert torch.equal(vec_to_tril_matrix(vectors, diag), matrices.tril(diag))


def test_what_is_no_triangle_is_refused():
    with pytest.raises(ValueError, match=r"diag \(3\) provided is outside \[-3, 2\]"):
        tril_matrix_to_vec(torch.ones(3, 3), 3)
    with pytest.raises(ValueError, match="last dimension is 4 which cannot be expressed as the lower triangular part"):
        vec_to_tril_matrix(torch.ones(2, 4))
