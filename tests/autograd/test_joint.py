"""Operations whose gradients are computed together: one call of their function for all operands."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import grad, gradcheck, gradgradcheck
from minigrad.autograd.joint import joint_operation
from minigrad.ops.grad_fn_names import shown_as
from tests.leaves import leaf

calls = []


def back(g, x, y, factor):
    calls.append(type(g))
    return g * y * factor, g * x * factor


product = joint_operation("product", lambda x, y, *, factor: x * y * factor, back, "MulBackward0")


def test_one_call_gives_the_gradients_of_all_operands():
    calls.clear()
    x, y = leaf(3), leaf(3, seed=1)
    product(x, y, factor=2.0).sum().backward()
    assert len(calls) == 1
    np.testing.assert_allclose(x.grad.numpy(), 2 * y.detach().numpy())
    np.testing.assert_allclose(y.grad.numpy(), 2 * x.detach().numpy())


def test_gradients_of_some_operands_are_picked():
    x, y = leaf(3), leaf(3, seed=1)
    result = product(x, y, factor=2.0)
    (slope,) = grad(result.sum(), y, retain_graph=True)
    np.testing.assert_allclose(slope.numpy(), 2 * x.detach().numpy())
    constant = y.detach()
    product(x, constant, factor=2.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * constant.numpy())


def test_a_gradient_in_a_function_is_computed_where_it_is_wanted():
    computed = []

    def back(g, x, y):
        def differentiate_y():
            computed.append("y")
            return g * x

        return g * y, differentiate_y

    lazy = joint_operation("lazy", lambda x, y: x * y, back, "MulBackward0")
    x, y = leaf(3), leaf(3, seed=1)
    result = lazy(x, y).sum()
    (slope,) = grad(result, x, retain_graph=True)
    np.testing.assert_allclose(slope.numpy(), y.detach().numpy())
    lazy(x, y.detach()).sum().backward()
    assert computed == []
    (slope,) = grad(result, y)
    np.testing.assert_allclose(slope.numpy(), x.detach().numpy())
    assert computed == ["y"]
    assert gradgradcheck(lazy, (x, y))


def test_an_error_in_the_function_of_a_gradient_names_the_operation():
    def fail():
        raise ValueError("no")

    wrong = joint_operation("wrong", lambda x: x, lambda g, x: (fail,), "WrongBackward0")
    with pytest.raises(RuntimeError, match=r"^WrongBackward0: its gradient rule got arrays that do not fit: no"):
        wrong(leaf(2)).sum().backward()


def test_it_can_be_differentiated_twice_and_shown_under_another_name():
    x, y = leaf(3), leaf(3, seed=1)
    assert gradcheck(lambda x, y: product(x, y, factor=2.0), (x, y))
    assert gradgradcheck(lambda x, y: product(x, y, factor=2.0), (x, y))
    other = shown_as(product, "OtherBackward0")(x, y, factor=1.0)
    assert type(other.grad_fn).__name__ == "OtherBackward0"
    other.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.detach().numpy())


def test_float16_is_computed_in_float32():
    x = mg.tensor([300.0], dtype=mg.float16, requires_grad=True)
    y = mg.tensor([300.0], dtype=mg.float16)
    result = product(x, y, factor=0.5)  # 300 * 300 is too large for float16
    assert result.item() == 45_000 - 8 and result.dtype == mg.float16
    result.backward()
    assert x.grad.item() == 150.0


def test_an_error_names_the_operation_and_a_parameter_must_be_known():
    def fail(g, x):
        raise ValueError("no")

    wrong = joint_operation("wrong", lambda x: x, fail, "WrongBackward0")
    with pytest.raises(RuntimeError, match=r"^WrongBackward0: its gradient rule got arrays that do not fit: no"):
        wrong(leaf(2)).sum().backward()
    with pytest.raises(TypeError, match="a gradient rule of operation 'wrong' reads 'z'; it can read out, x, x_shape"):
        joint_operation("wrong", lambda x: x, lambda g, z: (g,), "WrongBackward0")
