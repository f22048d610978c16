"""`svd_lowrank` and `pca_lowrank`: PyTorch's numbers for the same seed, exact where the rank is low, and errors."""

import numpy as np
import pytest

import minigrad as torch
from tests.refusals import refusals


def test_the_singular_values_are_those_of_pytorch():
    torch.manual_seed(0)
    U, S, V = torch.pca_lowrank(torch.randn(8, 5), q=3)
    assert S.tolist() == pytest.approx([3.5216, 3.2690, 2.4051], abs=1e-4)
    assert ((U * S) @ V.T)[0].tolist() == pytest.approx([-0.5407, -0.3333, -0.0438, -0.6210, 1.1659], abs=1e-4)
    torch.manual_seed(0)
    A = torch.randn(5, 8)
    S = torch.svd_lowrank(A, q=3, M=A.mean(0, keepdim=True))[1]
    assert S.tolist() == pytest.approx([3.9643, 3.0366, 2.2180], abs=1e-4)
    torch.manual_seed(0)
    S = torch.pca_lowrank(torch.randn(2, 7, 4))[1]
    assert S[0].tolist() == pytest.approx([3.8587, 2.2065, 1.8333, 0.6377], abs=1e-4)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (2, 6, 3)])
def test_with_all_directions_the_decomposition_is_numpys(shape):
    A = torch.randn(*shape, dtype=torch.float64)
    U, S, V = torch.svd_lowrank(A, q=min(shape[-2:]))
    assert torch.allclose((U * S.unsqueeze(-2)) @ V.mT, A)
    assert np.allclose(S.cpu(), np.linalg.svd(np.asarray(A.cpu()), compute_uv=False))
    assert U.shape == (*shape[:-1], min(shape[-2:])) and V.shape == (*shape[:-2], shape[-1], min(shape[-2:]))


def test_a_matrix_of_low_rank_is_found_whole_and_the_gradient_is_that_of_its_norm():
    A = (torch.randn(9, 2, dtype=torch.float64) @ torch.randn(2, 6, dtype=torch.float64)).requires_grad_()
    U, S, V = torch.svd_lowrank(A, q=2)
    assert torch.allclose((U * S) @ V.T, A)
    (S**2).sum().backward()  # the squared Frobenius norm
    assert torch.allclose(A.grad, 2 * A.detach())


def test_principal_components_are_centred_unless_told_otherwise():
    A = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    _, S, V = torch.pca_lowrank(A, q=1)
    assert (S**2 / 2).tolist() == pytest.approx([2.0]) and V.abs().flatten().tolist() == pytest.approx([0.5**0.5] * 2)
    assert torch.pca_lowrank(A, q=1, center=False)[1].item() == pytest.approx(28**0.5)
    assert torch.pca_lowrank(A, q=0)[0].shape == (3, 0)


x = torch.ones(4, 3)
test_refused = refusals({
    "more directions than columns": (
        lambda: torch.pca_lowrank(x, q=5), ValueError, r"q\(=5\) must be .* not greater than min\(m, n\)=3"),
    "rounds below 0": (lambda: torch.pca_lowrank(x, niter=-1), ValueError, r"niter\(=-1\) must be non-negative"),
    "directions below 0": (lambda: torch.svd_lowrank(x, q=-1), RuntimeError, "must be 0 or more, got q=-1"),
    "integers": (lambda: torch.pca_lowrank(x.long()), RuntimeError, r"got int64; convert it, .* \.float\(\)"),
    "a vector": (lambda: torch.svd_lowrank(x[0]), RuntimeError, r"at least 2 dimensions, got shape \(3,\)"),
    "a list": (lambda: torch.svd_lowrank([[1.0]]), TypeError, "argument 'A' .* must be Tensor, not list"),
    "a mean of other axes": (
        lambda: torch.svd_lowrank(x, 2, M=x.T), RuntimeError, r"M does not fit A: .*Target sizes: \[4, 3\].*\[3, 4\]"),
    "a number to subtract": (
        lambda: torch.svd_lowrank(x, 2, M=1.0), TypeError, r"svd_lowrank\(\): argument 'M' .* must be Tensor"),
    "half a count": (lambda: torch.svd_lowrank(x, 1.5), TypeError, "argument 'q' must be int, not float 1.5"),
})  # fmt: skip
