"""Functions of functions, which nest."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import func

RANDOM = np.random.default_rng(0)
POINT = RANDOM.normal(size=3)


def tensor(array, **how):
    return mg.tensor(np.asarray(array), **how)


def close(got, expected):
    np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_grad_nests():
    f = mg.sin
    for expected in (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin):
        f = func.grad(f)
        close(f(tensor(0.7)), expected(0.7))


def test_grad_of_chosen_arguments():
    def f(x, y, *, scale):
        return (x * y**2).sum() * scale

    x, y = tensor(POINT), tensor(POINT + 1)
    close(func.grad(f)(x, y, scale=2.0), 2 * (POINT + 1) ** 2)
    close(func.grad(f, argnums=1)(x, y, scale=1.0), 2 * POINT * (POINT + 1))
    gx, gy = func.grad(f, argnums=(0, 1))(x, y, scale=1.0)
    close(gx, (POINT + 1) ** 2)
    close(gy, 2 * POINT * (POINT + 1))


def test_value_and_aux():
    gradient, (value, aux) = func.grad_and_value(lambda x: (x**2, "more"), has_aux=True)(tensor(3.0))
    assert (gradient.item(), value.item(), aux) == (6.0, 9.0, "more")
    gradient, aux = func.grad(lambda x: (x**2, "more"), has_aux=True)(tensor(3.0))
    assert (gradient.item(), aux) == (6.0, "more")


def test_jacobians_and_hessians():
    x = tensor(POINT)
    close(func.jacrev(mg.exp)(x), np.diag(np.exp(POINT)))
    close(func.jacfwd(mg.exp)(x), np.diag(np.exp(POINT)))
    close(func.hessian(lambda x: (x**3).sum())(x), np.diag(6 * POINT))
    close(func.jacrev(func.grad(lambda x: (x**3).sum()))(x), np.diag(6 * POINT))
    third = func.jacrev(func.hessian(lambda x: (x**3).sum()))(x)
    expected = np.zeros((3, 3, 3))
    expected[np.arange(3), np.arange(3), np.arange(3)] = 6
    close(third, expected)


def test_vjp_and_jvp():
    x, v = tensor(POINT), tensor(RANDOM.normal(size=3))
    outputs, pull = func.vjp(mg.exp, x)
    close(outputs, np.exp(POINT))
    close(pull(v)[0], np.exp(POINT) * v.numpy())
    close(pull(v)[0], np.exp(POINT) * v.numpy())  # as often as one likes
    outputs, along = func.jvp(mg.exp, (x,), (v,))
    close(along, np.exp(POINT) * v.numpy())
    *_, aux = func.vjp(lambda x: (x * 2, "more"), x, has_aux=True)
    assert aux == "more"


def test_forward_over_reverse():
    x, v = tensor(POINT), tensor(RANDOM.normal(size=3))
    _, product = func.jvp(func.grad(lambda x: (x**3).sum()), (x,), (v,))
    close(product, 6 * POINT * v.numpy())


def test_results_stay_in_the_graph_of_their_arguments():
    x = tensor(POINT, requires_grad=True)
    func.grad(lambda x: (x**3).sum())(x).sum().backward()
    close(x.grad, 6 * POINT)
    assert not func.grad(lambda x: (x**3).sum())(x.detach()).requires_grad


def test_under_no_grad():
    with mg.no_grad():
        close(func.grad(lambda x: (x**2).sum())(tensor(POINT)), 2 * POINT)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: func.grad(mg.exp)(tensor(POINT)), "scalar tensor, got tensor with 1 dims.*jacrev"),
        (lambda: func.grad(lambda x: 3.0)(tensor(1.0)), "must be Tensors, got float"),
        (lambda: func.grad(mg.exp, argnums=1)(tensor(1.0)), "argnum=1, but only 1 positional"),
        (lambda: func.grad(mg.exp, argnums="x")(tensor(1.0)), "int or a tuple of ints"),
        (lambda: func.grad(mg.exp, argnums=())(tensor(1.0)), "not empty"),
        (lambda: func.grad(mg.exp, has_aux=True)(tensor(1.0)), r"returns \(output, aux\), got Tensor"),
        (lambda: func.jvp(mg.exp, tensor(POINT), tensor(POINT)), r"tuple, got Tensor: write \(x,\)"),
    ],
)
def test_refused(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()
