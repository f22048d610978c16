"""Products with Jacobians and Hessians, against results computed on paper."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import functional

RANDOM = np.random.default_rng(0)
A = RANDOM.normal(size=(3, 4))
S = RANDOM.normal(size=(4, 4))
POINT = RANDOM.normal(size=4)


def tensor(array, **how):
    return mg.tensor(np.asarray(array), **how)


def linear(x):
    return tensor(A) @ x


def quadratic(x):
    """x^T S x, whose Hessian is S + S^T."""
    return x @ (tensor(S) @ x)


def close(got, expected):
    np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_vjp_is_the_cotangent_times_the_jacobian():
    v = RANDOM.normal(size=3)
    outputs, found = functional.vjp(linear, tensor(POINT), tensor(v))
    close(outputs, A @ POINT)
    close(found, v @ A)
    assert not outputs.requires_grad and not found.requires_grad


def test_jvp_is_the_jacobian_times_the_tangent():
    v = RANDOM.normal(size=4)
    outputs, found = functional.jvp(lambda x: linear(x).exp(), tensor(POINT), tensor(v))
    close(outputs, np.exp(A @ POINT))
    close(found, np.exp(A @ POINT) * (A @ v))


def test_jacobian_of_a_linear_function_and_of_an_outer_product():
    close(functional.jacobian(linear, tensor(POINT)), A)
    outer = functional.jacobian(lambda x: mg.outer(x, x), tensor(POINT))
    eye = np.eye(4)
    expected = np.einsum("ik,j->ijk", eye, POINT) + np.einsum("i,jk->ijk", POINT, eye)
    close(outer, expected)


def test_jacobian_of_several_inputs_and_outputs():
    def function(x, y):
        return x * y, x.sum()

    x, y = RANDOM.normal(size=3), RANDOM.normal(size=3)
    (xx, xy), (sx, sy) = functional.jacobian(function, (tensor(x), tensor(y)))
    close(xx, np.diag(y))
    close(xy, np.diag(x))
    close(sx, np.ones(3))
    close(sy, np.zeros(3))


def test_hessian_of_a_quadratic_form_and_in_blocks():
    close(functional.hessian(quadratic, tensor(POINT)), S + S.T)
    blocks = functional.hessian(lambda x, y: (x * y**2).sum(), (tensor(POINT), tensor(POINT)))
    close(blocks[0][0], np.zeros((4, 4)))
    close(blocks[0][1], np.diag(2 * POINT))
    close(blocks[1][1], np.diag(2 * POINT))


@pytest.mark.parametrize("product", [functional.vhp, functional.hvp])
def test_hvp_and_vhp_multiply_by_the_hessian(product):
    v = RANDOM.normal(size=4)
    value, found = product(quadratic, tensor(POINT), tensor(v))
    close(value, POINT @ S @ POINT)
    close(found, (S + S.T) @ v)


def test_jvp_and_vjp_are_adjoint():
    """<u, J v> = <J^T u, v>."""

    def function(x):
        return (tensor(A) @ x).tanh() * x[:3]

    u, v = RANDOM.normal(size=3), RANDOM.normal(size=4)
    _, Jv = functional.jvp(function, tensor(POINT), tensor(v))
    _, uJ = functional.vjp(function, tensor(POINT), tensor(u))
    assert u @ Jv.numpy() == pytest.approx(uJ.numpy() @ v)
    J = functional.jacobian(function, tensor(POINT)).numpy()
    np.testing.assert_allclose(J @ v, Jv.numpy())


def test_create_graph_makes_jacobian_and_hessian_differentiable():
    x = tensor(POINT, requires_grad=True)
    J = functional.jacobian(lambda x: x**3, x, create_graph=True)
    J.sum().backward()
    close(x.grad, 6 * POINT)
    H = functional.hessian(lambda x: (x**4).sum(), x, create_graph=True)
    (third,) = mg.autograd.grad(H.sum(), x)
    close(third, 24 * POINT)


def test_inputs_are_not_changed():
    x = tensor(POINT, requires_grad=True)
    functional.hessian(quadratic, x)
    functional.jvp(linear, x, tensor(POINT))
    assert x.grad is None and x.is_leaf and x._version == 0


def test_jacobian_and_hessian_record_under_no_grad():
    with mg.no_grad():
        close(functional.jacobian(linear, tensor(POINT)), A)
        close(functional.hessian(quadratic, tensor(POINT)), S + S.T)


def test_independent_outputs_have_zeros_or_raise_if_strict():
    def constant(x):
        return mg.ones(2, dtype=mg.float64)

    close(functional.jacobian(constant, tensor(POINT)), np.zeros((2, 4)))
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        functional.jacobian(constant, tensor(POINT), strict=True)
    with pytest.raises(RuntimeError, match="independent of input 1"):
        functional.vjp(lambda x, y: x.sum(), (tensor(POINT), tensor(POINT)), strict=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda: functional.vjp(linear, tensor(POINT), tensor(POINT[:3]), create_graph=True, strict=True),
        lambda: functional.jvp(linear, tensor(POINT), tensor(POINT), create_graph=True, strict=True),
        lambda: functional.jacobian(linear, tensor(POINT), create_graph=True, strict=True),
        lambda: functional.hessian(lambda x: linear(x).sum(), tensor(POINT), strict=True),
        lambda: functional.hvp(lambda x: linear(x).sum(), tensor(POINT), tensor(POINT), strict=True),
    ],
)
def test_strict_create_graph_refuses_a_derivative_independent_of_its_input(call):
    with pytest.raises(RuntimeError, match=r"independent of input 0.* in strict mode when create_graph"):
        call()


@pytest.mark.parametrize("name", ["vjp", "jvp", "jacobian", "hessian", "hvp"])
def test_a_list_of_inputs_is_refused(name):
    with pytest.raises(TypeError, match=f"given to {name} must be .* a tuple of Tensors, got list"):
        getattr(functional, name)(linear, [tensor(POINT)])


def test_hessian_of_a_linear_function_is_zero():
    close(functional.hessian(lambda x: x.sum(), tensor(POINT)), np.zeros((4, 4)))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: functional.vjp(linear, POINT), TypeError, "inputs given to vjp.*ndarray"),
        (lambda: functional.vjp(lambda x: 3.0, tensor(POINT)), TypeError, "outputs.*vjp.*float"),
        (lambda: functional.vjp(linear, tensor(POINT)), RuntimeError, "v can only be None"),
        (
            lambda: functional.vjp(linear, tensor(POINT), tensor(POINT)),
            RuntimeError,
            r"v has invalid size: should be \[3\] but got \[4\]",
        ),
        (
            lambda: functional.vjp(linear, tensor(POINT), (tensor(A[:, 0]),) * 2),
            RuntimeError,
            "invalid length: should be 1 but got 2",
        ),
        (
            lambda: functional.hessian(linear, tensor(POINT)),
            RuntimeError,
            r"given to hessian should return .*a single element; got shape \(3,\)",
        ),
        (
            lambda: functional.hvp(lambda x: (x.sum(), x), tensor(POINT), tensor(POINT)),
            RuntimeError,
            r"given to hvp should return a single Tensor, .* got shape \(\) and \(4,\)",
        ),
        (lambda: functional.jacobian(linear, [POINT]), TypeError, "inputs given to jacobian"),
        (lambda: functional.vjp(linear, tensor(POINT), 3.0), TypeError, "v given must be .*float"),
        (lambda: functional.jacobian(mg.square, mg.arange(3)), RuntimeError, "floating point dtype.*int64"),
    ],
)
def test_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_forward_mode_gives_the_same_jacobian():
    def function(x, y):
        return mg.outer(x, y).tanh(), x.exp()

    at = (tensor(RANDOM.normal(size=2)), tensor(RANDOM.normal(size=3)))
    forward = functional.jacobian(function, at, vectorize=True, strategy="forward-mode")
    for row, expected in zip(forward, functional.jacobian(function, at), strict=True):
        for block, other in zip(row, expected, strict=True):
            assert block.shape == other.shape
            close(block, other.numpy())
    with pytest.raises(
        AssertionError, match='strategy to be either "forward-mode" or "reverse-mode", got \'sideways\''
    ):
        functional.jacobian(function, at, strategy="sideways")
    with pytest.raises(AssertionError, match="outer_jacobian_strategy"):
        functional.hessian(quadratic, tensor(POINT), outer_jacobian_strategy="sideways")


def test_backward_of_a_returned_output_says_that_it_is_detached():
    y, _ = functional.vjp(mg.exp, tensor(0.0))
    with pytest.raises(RuntimeError, match="detached at"):
        y.backward()
