"""`linalg` compared with NumPy: values, derivatives, and errors."""

import re
import traceback

import numpy as np
import pytest
from scipy import linalg

import minigrad as torch
from tests.refusals import refusals

X = np.random.default_rng(0).standard_normal((3, 4))


@pytest.mark.parametrize("arguments", [{}, {"ord": "fro"}, {"ord": "nuc"}])
def test_norm_of_a_matrix_is_numpys(arguments):
    found = torch.linalg.norm(torch.tensor(X), **arguments)
    np.testing.assert_allclose(found.item(), np.linalg.norm(X, **arguments))


@pytest.mark.parametrize("ord", [1, 2, 3, float("inf"), 0.5])
def test_vector_norms_are_numpys(ord):
    for axis in (0, 1):
        expected = np.linalg.norm(X, ord, axis=axis)
        np.testing.assert_allclose(torch.linalg.norm(torch.tensor(X), ord, dim=axis).numpy(), expected)
        np.testing.assert_allclose(torch.linalg.vector_norm(torch.tensor(X), ord, dim=axis).numpy(), expected)
    whole = torch.linalg.vector_norm(torch.tensor(X), ord, keepdim=True)
    np.testing.assert_allclose(whole.numpy(), np.linalg.norm(X.ravel(), ord).reshape(1, 1))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")])
def test_matrix_norms_are_numpys(ord):
    for keepdim in (False, True):
        found = torch.linalg.matrix_norm(torch.tensor(X[None]), ord, keepdim=keepdim)
        np.testing.assert_allclose(found.numpy(), np.linalg.norm(X[None], ord, (1, 2), keepdims=keepdim))
    np.testing.assert_allclose(torch.linalg.norm(torch.tensor(X), ord).item(), np.linalg.norm(X, ord))


L = torch.linalg
A = torch.tensor(np.random.default_rng(1).standard_normal((2, 3, 3)))
ONES = torch.ones(3, dtype=torch.float64)
TALL, WIDE = torch.tensor(X.T.copy()), torch.tensor(X)
B = torch.tensor(np.random.default_rng(2).standard_normal((2, 3, 2)))
UNIT = torch.eye(3, dtype=torch.float64)


def drop_signs(parts):
    """A decomposition without the signs, which it does not determine."""
    return tuple([part.abs() for part in parts])


DIFFERENTIABLE = {
    "inv": (L.inv, [A]),
    "solve": (L.solve, [A, B]),
    "solve from the right": (lambda a, b: L.solve(a, b.mT, left=False), [A, B]),
    "solve for a vector": (lambda a, b: L.solve(a, b[..., 0]), [A, B]),
    "solve_triangular": (lambda a, b: L.solve_triangular(a + 3 * UNIT, b, upper=False), [A, B]),
    "det": (L.det, [A]),
    "slogdet": (lambda a: L.slogdet(a).logabsdet, [A]),
    "cholesky": (lambda a: L.cholesky(a @ a.mT + UNIT), [A]),
    "cholesky upper": (lambda a: L.cholesky(a @ a.mT + UNIT, upper=True), [A]),
    "cholesky_solve": (torch.cholesky_solve, [B, A]),
    "cholesky_solve upper": (lambda b, a: b.cholesky_solve(a, upper=True), [B, A]),
    "cholesky_inverse": (torch.cholesky_inverse, [A]),
    "pinv tall": (L.pinv, [TALL]),
    "pinv wide": (L.pinv, [WIDE]),
    "qr tall": (lambda a: drop_signs(L.qr(a)), [TALL]),
    "qr wide": (lambda a: drop_signs(L.qr(a)), [WIDE]),
    "lu": (lambda a: L.lu(a)[1:], [A]),
    "lu tall": (lambda a: L.lu(a)[1:], [TALL]),
    "lu wide": (lambda a: L.lu(a)[1:], [WIDE]),
    "lu_factor": (lambda a: L.lu_factor(a).LU, [A]),
    "lu_solve": (lambda a, b: L.lu_solve(*L.lu_factor(a), b), [A, B]),
    "lu_solve for the transpose": (lambda a, b: L.lu_solve(*L.lu_factor(a), b, adjoint=True), [A, B]),
    "lu_solve from the right": (lambda a, b: L.lu_solve(*L.lu_factor(a), b.mT, left=False), [A, B]),
    "lu_unpack": (lambda a: torch.lu_unpack(*L.lu_factor(a))[1:], [TALL]),
    "svd tall": (lambda a: drop_signs(L.svd(a, full_matrices=False)), [TALL]),
    "svd wide": (lambda a: drop_signs(L.svd(a, full_matrices=False)), [WIDE]),
    "svdvals": (L.svdvals, [TALL]),
    "eigh": (lambda a: drop_signs(L.eigh((a + a.mT) / 2)), [A]),
    "eigvalsh": (lambda a: L.eigvalsh((a + a.mT) / 2), [A]),
    "lstsq": (lambda a, b: L.lstsq(a, b).solution, [TALL, torch.ones(4, 2, dtype=torch.float64)]),
    "matrix_exp": (L.matrix_exp, [A]),
    "matrix_exp of large ones": (lambda a: L.matrix_exp(a * 5), [A]),
    "matrix_power": (lambda a: L.matrix_power(a, -2), [A]),
    "spectral norm": (lambda a: L.matrix_norm(a, 2), [TALL]),
    "cond": (L.cond, [A]),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_each_function_passes_gradgradcheck(name):
    function, given = DIFFERENTIABLE[name]
    operands = [x.clone().requires_grad_() for x in given]
    assert torch.autograd.gradcheck(function, operands)
    assert torch.autograd.gradgradcheck(function, operands)


def test_values_are_numpys():
    a, t = A.numpy(), TALL.numpy()
    pairs = [
        (L.inv(A), np.linalg.inv(a)), (torch.inverse(A), np.linalg.inv(a)), (A.det(), np.linalg.det(a)),
        (L.slogdet(A).sign, np.linalg.slogdet(a)[0]), (L.pinv(TALL), np.linalg.pinv(t)),
        (L.lstsq(TALL, TALL).solution, np.linalg.lstsq(t, t, None)[0]), (L.matrix_power(A, 3), a @ a @ a),
        (L.matrix_power(A, 0), np.broadcast_to(np.eye(3), a.shape)), (L.cond(A, 1), np.linalg.cond(a, 1)),
        (L.multi_dot([WIDE, TALL, WIDE]), t.T @ t @ t.T), (L.diagonal(A), a.diagonal(0, 1, 2)),
    ]  # fmt: skip
    for found, expected in pairs:
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    for parts in (L.qr(TALL), L.qr(WIDE), L.qr(TALL, "complete")):
        np.testing.assert_allclose((parts.Q @ parts.R).numpy(), t if parts.R.shape[-1] == 3 else t.T, atol=1e-12)
    u, s, vh = L.svd(TALL)
    assert u.shape == (4, 4) and vh.shape == (3, 3)
    np.testing.assert_allclose(((u[:, :3] * s) @ vh).numpy(), t, atol=1e-12)
    np.testing.assert_allclose(torch.svd(TALL).V.mT.abs().numpy(), vh.abs().numpy())
    assert L.matrix_rank(torch.ones(2, 3, 3)).tolist() == [1, 1] and L.qr(TALL, "r").Q.numel() == 0
    assert torch.logdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).isnan() and torch.svd(A, compute_uv=False).S.shape == (
        2,
        3,
    )


@pytest.mark.parametrize("x", [A, TALL, WIDE, torch.ones(2, 2), torch.zeros(3, 3), torch.ones(2, 0, 3)])
def test_lu_takes_a_matrix_apart(x):
    P, lower, upper = L.lu(x)
    np.testing.assert_allclose((P @ lower @ upper).numpy(), x.numpy(), atol=1e-12)
    assert torch.equal(lower.tril(), lower) and torch.equal(upper.triu(), upper)
    assert lower.abs().max() <= 1 if lower.numel() else True
    packed, pivots, _ = L.lu_factor_ex(x)
    assert all(torch.equal(*pair) for pair in zip(torch.lu_unpack(packed, pivots), (P, lower, upper), strict=True))


@pytest.mark.parametrize("shape", [(70, 70), (100, 40), (40, 100), (2, 33, 33)], ids=str)
def test_many_columns_are_factored_by_halves_as_lapack_does(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    packed, pivots = L.lu_factor(torch.from_numpy(x))
    found = [linalg.lu_factor(matrix) for matrix in x.reshape(-1, *shape[-2:])]
    np.testing.assert_array_equal(pivots.numpy().reshape(len(found), -1) - 1, [places for _, places in found])
    np.testing.assert_allclose(packed.numpy(), np.reshape([factors for factors, _ in found], shape), atol=1e-10)


def test_an_infinity_in_a_matrix_is_factored_without_an_error():
    x = torch.eye(40)
    x[1, 0] = float("inf")
    _, pivots, info = L.lu_factor_ex(x)
    assert info.item() == 2 and pivots[:3].tolist() == [2, 2, 3]  # as in PyTorch


def test_lu_factors_solve_systems_from_both_sides():
    factors = L.lu_factor(A)
    np.testing.assert_allclose((A @ L.lu_solve(*factors, B)).numpy(), B.numpy(), atol=1e-12)
    np.testing.assert_allclose((A.mT @ L.lu_solve(*factors, B, adjoint=True)).numpy(), B.numpy(), atol=1e-12)
    np.testing.assert_allclose((L.lu_solve(*factors, B.mT, left=False) @ A).numpy(), B.mT.numpy(), atol=1e-12)


def test_the_older_names_of_lu_warn_and_give_the_same():
    with pytest.warns(UserWarning, match=r"deprecated in favor of torch\.linalg\.lu_factor"):
        packed, pivots = torch.lu(A)
    with pytest.warns(UserWarning, match=r"deprecated in favor of torch\.linalg\.lu_solve"):
        assert torch.equal(torch.lu_solve(B, packed, pivots), L.lu_solve(packed, pivots, B))


@pytest.mark.parametrize(("ord", "dim"), [(2, (0, 2)), (1, [1, 2]), ("nuc", (2, 1)), (2, (1,)), (1, 1), (np.inf, 2)])
def test_norm_over_two_axes_is_of_matrices_and_over_one_of_vectors(ord, dim):
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    wanted = np.linalg.norm(x, ord, tuple(dim) if isinstance(dim, list) else dim)
    np.testing.assert_allclose(L.norm(torch.tensor(x), ord, dim).numpy(), wanted)


@pytest.mark.parametrize("left", [True, False])
def test_solve_triangular_takes_one_matrix_for_a_batch_of_triangles(left):
    """Where `solve` reads a batch of vectors: its shape is that of the triangles without the last axis."""
    batch, one = (
        torch.tensor([[[3.0, 0.0], [-1.0, 2.0]], [[1.0, 0.0], [0.0, 4.0]]]),
        torch.tensor([[2.0, 0.0], [0.5, 1]]),
    )
    for triangles, sides in ((batch, one), (one, batch), (batch, batch)):
        found = L.solve_triangular(triangles, sides, upper=False, left=left)
        product = triangles @ found if left else found @ triangles
        np.testing.assert_allclose(product, sides.expand(2, 2, 2), atol=1e-6)


@pytest.mark.parametrize(
    "function", [L.svd, torch.svd, L.svdvals, L.pinv, L.matrix_rank, L.cond, lambda a: L.matrix_norm(a, 2)]
)
def test_singular_values_of_nan_are_refused(function):
    with pytest.raises(L.LinAlgError, match="failed to converge because the input matrix contained non-finite values"):
        function(torch.full((2, 2), float("nan")))
    assert issubclass(L.LinAlgError, RuntimeError)


def test_inv_ex_marks_singular_matrices():
    a = torch.tensor([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]], requires_grad=True)
    found = L.inv_ex(a)
    assert found.info.tolist() == [0, 2] and found.info.dtype is torch.int32
    assert found.inverse[0].tolist() == [[0.5, 0.0], [0.0, 0.25]] and found.inverse[1].isinf().all()
    found.inverse[0].sum().backward()
    assert a.grad[0].tolist() == [[-0.25, -0.125], [-0.125, -0.0625]] and not a.grad[1].any()
    assert torch.equal(L.inv_ex(a[:1]).inverse, L.inv(a[:1]))
    with pytest.raises(L.LinAlgError, match="singular"):
        L.inv_ex(a, check_errors=True)


def test_cross_is_along_the_last_axis():
    x, y = torch.arange(6.0).reshape(2, 3), torch.ones(1, 3)
    assert L.cross(x, y).tolist() == [[-1.0, 2.0, -1.0], [-1.0, 2.0, -1.0]]
    with pytest.raises(RuntimeError, match="must have length 3"):
        L.cross(torch.ones(3, 2), torch.ones(3, 2))


def test_a_large_matrix_takes_no_digits_from_the_exponential_of_another_in_its_batch():
    small = torch.tensor([[0.3, 0.2], [-0.1, 0.4]])
    pair = torch.stack([small, -1e6 * torch.eye(2)])
    both, slope = torch.matrix_exp(pair), torch.autograd.functional.jacobian(torch.matrix_exp, small)
    torch.testing.assert_close(both[0].double(), torch.matrix_exp(small.double()), rtol=1e-6, atol=1e-7)
    assert both[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    beside = torch.autograd.functional.jacobian(lambda x: torch.matrix_exp(torch.stack([x, pair[1]]))[0], small)
    torch.testing.assert_close(beside, slope)


def test_matrix_exp_is_the_rotation_on_paper():
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    angles = torch.tensor([0.1, 2.0, 40.0], dtype=torch.float64)[:, None, None]
    c, s = np.cos(angles.numpy()), np.sin(angles.numpy())
    expected = np.concatenate([np.concatenate([c, -s], 2), np.concatenate([s, c], 2)], 1)
    np.testing.assert_allclose(torch.matrix_exp(angles * turn).numpy(), expected, atol=1e-13)
    assert torch.matrix_exp(torch.tensor([[-50.0]])).item() == pytest.approx(np.exp(-50.0), rel=1e-5)
    assert torch.matrix_exp(torch.tensor([[0.0, 100.0], [0.0, 0.0]])).tolist() == [[1.0, 100.0], [0.0, 1.0]]
    assert (
        torch.matrix_exp(torch.tensor([[float("nan")]])).isnan() and torch.matrix_exp(torch.ones(0, 2, 2)).numel() == 0
    )
    with pytest.raises(RuntimeError, match="square"):
        torch.matrix_exp(torch.ones(2, 3))


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_matrix_that_holds_nan_is_neither_singular_nor_of_determinant_0(place):
    x = torch.tensor([[[2.0, 1.0], [1.0, 1.0]]] * 2)
    x[(0, *place)] = float("nan")
    assert torch.det(x).isnan().tolist() == torch.linalg.slogdet(x).logabsdet.isnan().tolist() == [True, False]
    assert torch.linalg.slogdet(x).sign.tolist() == [0.0, 1.0]
    inverse, info = torch.linalg.inv_ex(x)
    for found in (inverse, torch.inverse(x), torch.linalg.solve(x, torch.eye(2).expand(2, 2, 2))):
        assert found[0].isnan().all() and torch.allclose(found[1], torch.tensor([[1.0, -1.0], [-1.0, 2.0]]))
    assert info.tolist() == [0, 0] and torch.linalg.solve(x, torch.ones(2, 2))[0].isnan().all()
    x[1] = 1
    with pytest.raises(torch.linalg.LinAlgError, match="the input matrix is singular"):
        torch.inverse(x)


def test_the_determinant_of_a_singular_matrix_has_a_gradient():
    a = torch.diag(torch.tensor([1.0, 2.0, 0.0])).requires_grad_()
    L.det(a).backward()
    assert a.grad.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]


@pytest.mark.parametrize("least", [1.0, 1e-2, 1e-5, 0.0])
def test_the_gradient_of_a_determinant_is_exact_however_near_a_matrix_is_to_a_singular_one(least):
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    sizes = np.array([1.0, 2.0, 3.0, least])
    both = torch.tensor(np.stack([turn * sizes @ turn.T, np.eye(4)]), dtype=torch.float32).requires_grad_()
    torch.det(both).sum().backward()
    cofactors = turn * (np.prod(sizes[:3]) * np.array([least / 1, least / 2, least / 3, 1])) @ turn.T
    np.testing.assert_allclose(both.grad[0].numpy(), cofactors, atol=2e-5)
    assert both.grad[1].tolist() == np.eye(4).tolist()


def test_the_determinant_of_a_singular_matrix_has_a_second_derivative():
    singular = np.array([np.arange(1.0, 10.0).reshape(3, 3), np.zeros((3, 3)), np.diag([1.0, 0.0, 2.0])])
    a, along = torch.tensor(singular, requires_grad=True), torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
    (slope,) = torch.autograd.grad(L.det(a).sum(), a, create_graph=True)
    (second,) = torch.autograd.grad((slope * along).sum(), a)
    np.testing.assert_allclose(second[1].numpy(), 0.0, atol=1e-12)
    np.testing.assert_allclose(second[2].numpy(), [[8, -6, 0], [-2, 8, -7], [0, -5, 4]], atol=1e-12)
    assert torch.autograd.gradgradcheck(L.det, (a,))
    with pytest.raises(L.LinAlgError, match=r"linalg\.det backward: the third derivative of a singular matrix"):
        torch.autograd.functional.hessian(lambda x: torch.autograd.grad(L.det(x), x, create_graph=True)[0][0, 0], a[1])


def test_the_third_derivative_of_det_passes_gradgradcheck():
    a = torch.randn(2, 4, 4, dtype=torch.float64, requires_grad=True)

    def slope(x):
        return torch.autograd.grad(L.det(x).sum(), x, create_graph=True)[0]

    assert torch.autograd.gradgradcheck(slope, (a,))


REFUSED = {
    "singular": (
        lambda: L.inv(torch.tensor([[1.0, 2.0], [2.0, 4.0]])), L.LinAlgError,
        r"^linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because .* singular\.$"),
    "singular in a batch": (
        lambda: L.inv(torch.stack([torch.eye(2), torch.zeros(2, 2)])), L.LinAlgError,
        r"^linalg.inv: \(Batch element 1\): The diagonal element 1 is zero, the inversion could"),
    "a pivot of 0 further down": (
        lambda: L.inv(torch.diag(torch.tensor([1.0, 1.0, 0.0]))), L.LinAlgError, "The diagonal element 3 is zero"),
    "singular system": (
        lambda: L.solve(torch.ones(2, 2), torch.ones(2)), L.LinAlgError,
        r"^torch.linalg.solve: The solver failed because the input matrix is singular\.$"),
    "a singular system from the right": (
        lambda: L.solve(torch.stack([torch.eye(2), torch.ones(2, 2)]), torch.ones(2, 1, 2), left=False), L.LinAlgError,
        r"^torch.linalg.solve: \(Batch element 1\): The solver failed because"),
    "singular beside NaN": (
        lambda: L.inv(torch.stack([torch.full((2, 2), float("nan")), torch.zeros(2, 2)])), L.LinAlgError,
        r"^linalg.inv: \(Batch element 1\): The diagonal element 1"),
    "a tolerance with a gradient": (
        lambda: L.pinv(torch.eye(2), rtol=torch.tensor(0.1, requires_grad=True)), RuntimeError,
        "linalg.pinv is not differentiable with respect to rtol; write rtol.detach()"),
    "singular factors": (
        lambda: L.lu_factor_ex(torch.ones(2, 2, requires_grad=True)).LU.sum().backward(), L.LinAlgError,
        "linalg.lu backward: The solver failed because the input matrix is singular"),
    "a vector beside a factor": (
        lambda: torch.cholesky_solve(torch.ones(2), torch.eye(2)), RuntimeError, "b should have at least 2 dimensions"),
    "a factor with a zero": (lambda: torch.cholesky_inverse(torch.zeros(2, 2)), L.LinAlgError, "matrix is singular"),
    "not positive": (lambda: torch.cholesky(-torch.eye(2)), L.LinAlgError, "^cholesky: The factorization"),
    "not square": (lambda: torch.det(torch.ones(2, 3)), RuntimeError, "square matrices, but they are 2 by 3"),
    "a vector": (lambda: L.svd(torch.ones(3)), RuntimeError, "must have at least 2 dimensions"),
    "integers": (lambda: L.inv(torch.ones(2, 2).long()), RuntimeError, r"got int64; convert it, for example"),
    "halves": (lambda: L.inv(torch.ones(2, 2).half()), RuntimeError, "got float16"),
    "a list": (lambda: L.inv([[1.0]]), TypeError, "argument 'A'"),
    "shapes": (lambda: L.solve(torch.eye(2), torch.ones(3)), RuntimeError, r"AX = B \(2x2 and 3x1\)$"),
    "shapes from the right": (
        lambda: L.solve(torch.eye(2), torch.ones(2, 3), left=False), RuntimeError, r"XA = B \(2x2 and 2x3\)$"),
    "a vector from the right": (
        lambda: L.solve(torch.eye(2), torch.ones(2), left=False), RuntimeError, r"linalg.solve: .* equation XA = B"),
    "shapes of triangles": (
        lambda: L.solve_triangular(torch.eye(2), torch.ones(3, 2), upper=True), RuntimeError,
        r"linalg.solve_triangular: Incompatible shapes of A and B for the equation AX = B"),
    "types of triangles": (
        lambda: L.solve_triangular(torch.eye(2), torch.ones(2, 2).double(), upper=True), RuntimeError,
        "linalg.solve_triangular: Expected A and B to have the same dtype"),
    "types": (lambda: L.solve(torch.eye(2), torch.ones(2).double()), RuntimeError, "have the same dtype"),
    "a norm of matrices for a vector": (
        lambda: L.norm(torch.ones(2, 2), "fro", 1), RuntimeError, "'fro' is a norm of matrices: .* got 1"),
    "a mode": (lambda: L.qr(torch.eye(2), "all"), RuntimeError, "unrecognized mode 'all'"),
    "complete QR": (lambda: L.qr(torch.ones(3, 2, requires_grad=True), "complete"), RuntimeError, "not differentiable"),
    "a triangle": (lambda: L.eigh(torch.eye(2), "X"), RuntimeError, "UPLO argument to be 'L' or 'U', but got X"),
    "an order": (lambda: L.matrix_norm(torch.eye(2), 3), RuntimeError, "Order 3 not supported"),
    "dims": (lambda: L.matrix_norm(torch.eye(2), 1, dim=(0,)), RuntimeError, "2-tuple of different dimensions"),
    "a single dim": (lambda: L.matrix_norm(torch.eye(2), 1, dim=0), TypeError, "'dim' must be a tuple of two ints"),
    "a word as an order": (lambda: L.vector_norm(torch.ones(2), "fro"), TypeError, "'ord' must be a number, not str"),
    "a word as a distance": (lambda: torch.dist(torch.ones(2), torch.ones(2), "a"), TypeError, "'p' must be a number"),
    "a word as a factor": (
        lambda: torch.eye(2).addmm(torch.eye(2), torch.eye(2), beta="a"), TypeError, "'beta' must be a number, not"),
    "no operands": (lambda: torch.einsum("ij"), ValueError, "an equation and operands.*got only 'ij'"),
    "rows": (lambda: L.lstsq(torch.ones(3, 2), torch.ones(2, 1)), RuntimeError, r"input.size\(-2\) should match"),
    "one factor": (lambda: L.multi_dot([torch.eye(2)]), RuntimeError, "at least 2 tensors"),
    "a norm of a cube": (lambda: L.norm(torch.ones(2, 2, 2), 2), RuntimeError, "must be 1D or 2D"),
    "complex results": (lambda: L.eig(torch.eye(2)), NotImplementedError, "linalg.eigh serves symmetric"),
    "no such name": (lambda: L.ldl_factor, AttributeError, "PyTorch has torch.linalg.ldl_factor"),
}  # fmt: skip


test_refused = refusals(REFUSED)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_equal_singular_values_have_gradients(shape):
    x = torch.eye(*shape, dtype=torch.float64).requires_grad_()
    torch.linalg.svd(x, full_matrices=False).S.sum().backward()
    assert x.grad.tolist() == torch.eye(*shape).tolist()
    x = torch.zeros(*shape, dtype=torch.float64, requires_grad=True)
    torch.linalg.svd(x, full_matrices=False).S.sum().backward()
    assert bool(x.grad.isfinite().all())


def test_equal_eigenvalues_have_gradients():
    x = torch.eye(3, dtype=torch.float64).requires_grad_()
    values = torch.linalg.eigh(x).eigenvalues
    (slope,) = torch.autograd.grad((values**2).sum(), x, create_graph=True)
    assert slope.tolist() == (2 * torch.eye(3)).tolist()
    with torch.no_grad():
        x.add_(torch.diag(torch.tensor([0.0, 1.0, 3.0])))
    assert torch.autograd.gradcheck(lambda a: torch.linalg.eigh(a + a.mT).eigenvectors.abs(), x)


NOT_FINITE = {
    "svd": L.svd,
    "svdvals": L.svdvals,
    "eigh": L.eigh,
    "eigvalsh": L.eigvalsh,
    "pinv": L.pinv,
    "matrix_rank": L.matrix_rank,
    "cond": L.cond,
    "nuclear norm": lambda x: L.matrix_norm(x, "nuc"),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_decompositions_of_nan_are_refused(name):
    with pytest.raises(L.LinAlgError, match="the input matrix contained non-finite values"):
        NOT_FINITE[name](torch.tensor([[float("nan"), 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]))


TINY = 1e-30 * torch.eye(2)  # regular, though its determinant is too small for float32


def test_a_tiny_matrix_is_not_called_singular():
    inverse, info = L.inv_ex(TINY)
    assert info.item() == 0 and torch.equal(inverse, 1e30 * torch.eye(2))
    assert L.solve_ex(TINY, TINY).info.item() == 0
    assert [L.cond(TINY, p).item() for p in (1, "nuc")] == pytest.approx([1, 4])


@pytest.mark.parametrize("p", [1, -1, float("inf"), -float("inf"), "fro"])
def test_a_condition_number_that_would_be_nan_is_infinite(p):
    nan, inf = float("nan"), float("inf")
    for rows in ([[nan, 0.0], [0.0, 1.0]], [[nan, nan], [nan, nan]], [[0.0, 0.0], [0.0, 0.0]]):
        assert L.cond(torch.tensor(rows), p).item() == inf
    assert L.cond(TINY, "fro").item() == inf  # its squares are too small for float32, those of its inverse too large


def test_info_is_the_first_pivot_that_is_0():
    batch = torch.stack([torch.eye(2), torch.zeros(2, 2), torch.tensor([[1.0, 2.0], [2.0, 4.0]]), TINY])
    for found in (L.inv_ex(batch), L.solve_ex(batch, batch)):
        assert found.info.tolist() == [0, 1, 2, 0] and found.info.dtype is torch.int32
        assert torch.isinf(found[0][1:3]).all() and torch.isfinite(found[0][[0, 3]]).all()
    assert L.inv_ex(torch.full((2, 2), float("nan"))).info.item() == 0
    assert L.inv_ex(torch.ones(2, 0, 0)).info.tolist() == [0, 0]


def test_a_matrix_that_lapack_finds_singular_has_an_info_and_no_error():
    a = torch.arange(1.0, 10).double().reshape(3, 3)  # its last pivot is 0, or the rounding error of 0
    try:
        L.inv(a)
    except L.LinAlgError:
        assert L.inv_ex(a).info.item() == L.solve_ex(a, a).info.item() == 3
    else:
        assert L.inv_ex(a).info.item() == L.solve_ex(a, a).info.item() == 0


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda a: L.inv_ex(a, check_errors=True),
            "^linalg.inv_ex: (Batch element 1): The diagonal element 1 is zero, ",
        ),
        (L.cholesky, "^linalg.cholesky: (Batch element 1): The factorization could not be completed because"),
        (torch.cholesky, "^cholesky: (Batch element 1): The factorization .* (the leading minor of order 1 is not "),
        (lambda a: L.cholesky_ex(a, check_errors=True), "^linalg.cholesky_ex: (Batch element 1): The factorization"),
        (lambda a: L.solve_ex(a, a, check_errors=True), "^torch.linalg.solve_ex: (Batch element 1): The solver failed"),
        (lambda a: L.pinv(a[1] / 0), "^linalg.svd: The algorithm failed to converge"),
        (lambda a: L.svdvals(a.log() * 0 + a), "^linalg.svd: (Batch element 0): The algorithm failed"),
    ],
)
def test_the_words_name_the_matrix_and_the_reason(function, words):
    batch = torch.stack([torch.eye(2), torch.zeros(2, 2)])
    with pytest.raises(L.LinAlgError, match=words.replace("(", r"\(").replace(")", r"\)")):
        function(batch)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_cholesky_refuses_nan_and_inf(value):
    with pytest.raises(L.LinAlgError, match="not positive-definite"):
        L.cholesky(torch.tensor([[2.0, value], [value, 3.0]]))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda x: L.cond(x.tolist()), "linalg.cond(): argument 'A' (position 1)"),
        (lambda x: L.lstsq(x, [1.0, 2.0]), "linalg.lstsq(): argument 'B' (position 2)"),
        (
            lambda x: L.solve_triangular(x, [1.0, 2.0], upper=True),
            "linalg.solve_triangular(): argument 'B' (position 2)",
        ),
    ],
)
def test_a_list_in_place_of_a_matrix_is_refused_by_its_name(call, argument):
    with pytest.raises(TypeError, match=re.escape(f"{argument} must be Tensor, not list")):
        call(torch.eye(2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: L.vecdot([1.0], ONES), TypeError, "argument 'x' (position 1) must be Tensor, not list"),
        (lambda: L.vecdot(ONES, ONES.float()), RuntimeError, "x and y to have the same dtype"),
        (lambda: L.vander([1.0]), TypeError, "must be Tensor, not list"),
        (lambda: L.vander(ONES, N=0), RuntimeError, "N must be greater than 1, got 0"),
        (lambda: L.vander(ONES[:1]), RuntimeError, "N must be greater than 1, got 1"),
        (lambda: L.vander(ONES, N=True), TypeError, "argument 'N' must be an int, got bool"),
        (lambda: L.vander(ONES > 0), RuntimeError, "floating point and integer tensors, but got minigrad.bool"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_vecdot_and_vander_are_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_grad_fn_of_each_part_is_named_after_the_decomposition():
    x = torch.tensor([[4.0, 1.0], [1.0, 3.0]], requires_grad=True)
    parts = {
        "LinalgQrBackward0": torch.linalg.qr(x),
        "LinalgSvdBackward0": (*torch.linalg.svd(x), torch.linalg.svdvals(x)),
        "LinalgEighBackward0": (*torch.linalg.eigh(x), torch.linalg.eigvalsh(x)),
        "LinalgSolveTriangularBackward0": [torch.linalg.solve_triangular(x, x, upper=True)],
        "LinalgCrossBackward0": [torch.linalg.cross(torch.ones(3, requires_grad=True), torch.ones(3))],
    }
    assert {name: {part.grad_fn.name() for part in many} for name, many in parts.items()} == {n: {n} for n in parts}


def test_the_gradient_of_det_is_exact_and_right_for_a_singular_matrix():
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]], requires_grad=True)
    torch.linalg.det(x).sum().backward()
    assert x.grad[0].tolist() == [[4.0, -3.0], [-2.0, 1.0]]
    torch.testing.assert_close(x.grad[1], torch.tensor([[4.0, -2.0], [-2.0, 1.0]]))  # singular


@pytest.mark.parametrize(("shape", "strides"), [  # recorded with PyTorch
    ((2, 3, 1), (3, 1, 3)), ((0, 3, 2), (6, 1, 3)), ((3, 0), (1, 3)), ((2, 3, 2), (6, 1, 3)),
])  # fmt: skip
def test_solutions_lie_in_columns_along_axes_of_0_and_1_too(shape, strides):
    A = torch.eye(3).expand(*shape[:-2], 3, 3)
    assert torch.linalg.solve(A, torch.ones(shape)).stride() == strides
    assert torch.linalg.inv(torch.ones(0, 3, 3)).stride() == (9, 1, 3)


@pytest.mark.parametrize("p", [1, -1, float("inf"), -float("inf"), "fro", "nuc"])
def test_the_condition_number_of_a_singular_matrix_is_inf(p):
    whole, singular = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.ones(2, 2)
    found = torch.linalg.cond(torch.stack([whole, singular, torch.zeros(2, 2)]), p)
    assert found[0] == torch.linalg.cond(whole, p) == np.linalg.cond(whole.numpy(), p)
    assert found[1:].tolist() == [float("inf"), float("inf")]


def test_the_gradient_of_a_condition_number_does_not_see_the_singular_matrix_beside():
    x = torch.stack([torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.zeros(2, 2)]).requires_grad_()
    torch.linalg.cond(x, "fro")[0].backward()  # sqrt(a^2 + d^2) sqrt(1/a^2 + 1/d^2) = a/d + d/a at a = 1, d = 2
    np.testing.assert_allclose(x.grad[0].numpy(), [[-1.5, 0.0], [0.0, 0.75]], rtol=1e-6, atol=1e-6)


GOOD, BAD = [[4.0, 2.0], [2.0, 5.0]], [[1.0, 2.0], [2.0, 1.0]]


def test_solve_ex_marks_the_first_pivot_that_is_zero():
    a = torch.tensor([GOOD, [[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)
    for right in (torch.ones(3, 2), torch.ones(2), torch.ones(3, 2, 1), torch.ones(2, 4)):
        right = right.double()
        found = L.solve_ex(a, right)
        assert found.info.tolist() == [0, 2, 1] and found.info.dtype is torch.int32
        assert torch.isinf(found.result[1:]).all()
        first = right[0] if right.shape[:2] == (3, 2) else right
        assert torch.equal(found.result[0], L.solve(a[0], first))
    assert torch.equal(L.solve_ex(a[0], ONES[:2]).result, L.solve(a[0], ONES[:2]))
    assert L.solve_ex(a[:0], torch.ones(0, 2).double()).info.shape == (0,)
    with pytest.raises(L.LinAlgError, match=r"solve_ex: \(Batch element 1\): The solver failed because"):
        L.solve_ex(a, ONES[:2], check_errors=True)


def test_cholesky_ex_marks_the_first_minor_that_is_not_positive():
    a = torch.tensor([GOOD, BAD, [[-1.0, 0.0], [0.0, 1.0]], [[float("nan"), 0.0], [0.0, 1.0]]])
    for upper in (False, True):
        found = L.cholesky_ex(a, upper=upper)
        assert found.info.tolist() == [0, 2, 1, 1] and found.info.dtype is torch.int32
        assert torch.equal(found.L[0], L.cholesky(a[0], upper=upper)) and torch.isnan(found.L[1:]).all()
    assert torch.equal(L.cholesky_ex(a[0]).L, torch.tensor([[2.0, 0.0], [1.0, 2.0]]))
    assert L.cholesky_ex(a[:0]).info.shape == (0,) and L.cholesky_ex(torch.ones(2, 0, 0)).L.shape == (2, 0, 0)
    why = r"cholesky_ex: .* not positive-definite \(the leading minor of order 2 is not positive-definite\)"
    with pytest.raises(L.LinAlgError, match=why):
        L.cholesky_ex(a[:2], check_errors=True)


def test_good_matrices_have_their_gradients_beside_bad_ones():
    s = torch.tensor([GOOD, [[1.0, 1.0], [1.0, 1.0]]], dtype=torch.float64, requires_grad=True)
    right = torch.ones(2, 1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: L.solve_ex(s, right).result[0], s)
    assert torch.autograd.gradcheck(lambda s: L.cholesky_ex((s + s.mT) / 2).L[0], s)


def test_a_tensor_of_several_axes_is_solved_and_inverted_as_a_matrix():
    a = np.random.default_rng(2).standard_normal((2, 3, 6))
    b = np.random.default_rng(3).standard_normal((2, 3))
    found = L.tensorsolve(torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(found.numpy(), np.linalg.tensorsolve(a, b))
    np.testing.assert_allclose(L.tensorinv(torch.tensor(a)).numpy(), np.linalg.tensorinv(a))
    turned = np.moveaxis(a, 2, 0)  # (6, 2, 3)
    found = L.tensorsolve(torch.tensor(turned), torch.tensor(b), dims=(0,))
    np.testing.assert_allclose(found.numpy(), np.linalg.tensorsolve(turned, b, axes=(0,)))
    assert L.tensorinv(torch.tensor(turned), ind=1).shape == (2, 3, 6)
    for call, words in (
        (lambda: L.tensorsolve(torch.ones(2, 3, 4), torch.ones(2, 3)), "but got 4 != 6"),
        (lambda: L.tensorinv(torch.ones(2, 3, 6), ind=1), "but got 18 != 2"),
        (lambda: L.tensorinv(torch.ones(2, 2), ind=0), "Expected a strictly positive integer for 'ind', but got 0"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()


@pytest.mark.parametrize("function", [torch.linalg.pinv, torch.linalg.matrix_rank])
def test_tolerances_that_do_not_fit_are_refused_in_words(function):
    with pytest.raises(TypeError, match=r"linalg\.\w+\(\): argument 'atol' must be a number, not str 'a'"):
        function(torch.ones(2, 2), atol="a")
    with pytest.raises(RuntimeError, match=r"tensor a \(3\) must match .* b \(2\) .* atol and the batch of linalg"):
        function(torch.ones(2, 2, 2), atol=torch.ones(3))
    assert function(torch.ones(2, 2), atol=torch.tensor([0.1, 0.2])).shape[0] == 2  # a matrix for each tolerance


def test_solve_ex_is_named_by_its_own_name():
    with pytest.raises(TypeError, match=r"linalg\.solve_ex\(\): argument 'B' \(position 2\) must be Tensor, not int"):
        torch.linalg.solve_ex(torch.ones(2, 2), 1)


def test_the_error_has_the_name_under_which_it_is_caught():
    with pytest.raises(L.LinAlgError) as caught:
        L.solve(torch.zeros(2, 2), torch.ones(2))
    assert traceback.format_exception_only(caught.value) == [
        "minigrad.linalg.LinAlgError: torch.linalg.solve: The solver failed because the input matrix is singular.\n"
    ]


def test_cholesky_of_a_matrix_that_is_not_symmetric_reads_the_triangle_that_it_gives():
    a = torch.tensor([[4.0, 2.0], [9.0, 5.0]])
    assert L.cholesky(a, upper=True).tolist() == [[2.0, 1.0], [0.0, 2.0]]
    assert torch.cholesky(a.mT, upper=False).tolist() == [[2.0, 0.0], [1.0, 2.0]]
    factor, info = L.cholesky_ex(a, upper=True)
    assert factor.tolist() == [[2.0, 1.0], [0.0, 2.0]] and info.item() == 0
    assert L.cholesky_ex(a).info.item() == 2 and L.cholesky_ex(a.mT, upper=True).info.item() == 2
    with pytest.raises(L.LinAlgError, match="leading minor of order 2 is not positive-definite"):
        L.cholesky_ex(a.mT, upper=True, check_errors=True)


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 1)])
def test_a_matrix_with_an_infinity_has_a_cholesky_factor_only_if_that_is_its_last_pivot(place):
    a = torch.eye(2)
    a[place] = a.mT[place] = torch.inf
    assert L.cholesky_ex(a).info.item() == (0 if place == (1, 1) else 2)
    assert L.cholesky_ex(torch.full((2, 2), torch.inf)).info.item() == 2
    if place != (1, 1):
        with pytest.raises(L.LinAlgError, match="leading minor of order 2"):
            L.cholesky(a)


@pytest.mark.parametrize("upper", [False, True])
def test_a_cholesky_factor_solves_and_inverts(upper):
    a = A @ A.mT + UNIT
    factor = L.cholesky(a, upper=upper)
    factor = factor + (torch.tril(factor, -1) if upper else torch.triu(factor.mT, 1))  # the other triangle is not read
    np.testing.assert_allclose(torch.cholesky_solve(B, factor, upper).numpy(), np.linalg.solve(a, B), rtol=1e-9)
    np.testing.assert_allclose(factor.cholesky_inverse(upper).numpy(), np.linalg.inv(a), rtol=1e-9)


def test_matrix_exp_of_one_number_is_its_exponential():
    x = torch.tensor([[-torch.inf]], requires_grad=True)
    y = torch.matrix_exp(x)
    assert y.tolist() == [[0.0]] and y.grad_fn.name() == "LinalgMatrixExpBackward0"


def test_products_do_not_write_to_their_operands():
    for product in (torch.cross, L.cross, torch.outer, torch.kron):
        x = torch.ones(3)
        with pytest.raises(RuntimeError, match="written-to tensor refer to a single memory location"):
            product(x, x + 1, out=x)
