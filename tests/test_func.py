"""Function transforms, which nest."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import func
from tests.refusals import refusals

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


def test_argnums_chooses_the_arguments():
    def f(x, y, *, scale):
        return (x * y**2).sum() * scale

    x, y = tensor(POINT), tensor(POINT + 1)
    close(func.grad(f)(x, y, scale=2.0), 2 * (POINT + 1) ** 2)
    close(func.grad(f, argnums=1)(x, y, scale=1.0), 2 * POINT * (POINT + 1))
    gx, gy = func.grad(f, argnums=(0, 1))(x, y, scale=1.0)
    close(gx, (POINT + 1) ** 2)
    close(gy, 2 * POINT * (POINT + 1))


def test_grad_and_value_and_has_aux():
    gradient, (value, aux) = func.grad_and_value(lambda x: (x**2, "more"), has_aux=True)(tensor(3.0))
    assert (gradient.item(), value.item(), aux) == (6.0, 9.0, "more")
    gradient, aux = func.grad(lambda x: (x**2, "more"), has_aux=True)(tensor(3.0))
    assert (gradient.item(), aux) == (6.0, "more")


def test_jacobians_and_hessians_are_those_on_paper():
    x = tensor(POINT)
    close(func.jacrev(mg.exp)(x), np.diag(np.exp(POINT)))
    close(func.jacfwd(mg.exp)(x), np.diag(np.exp(POINT)))
    close(func.hessian(lambda x: (x**3).sum())(x), np.diag(6 * POINT))
    close(func.jacrev(func.grad(lambda x: (x**3).sum()))(x), np.diag(6 * POINT))
    third = func.jacrev(func.hessian(lambda x: (x**3).sum()))(x)
    expected = np.zeros((3, 3, 3))
    expected[np.arange(3), np.arange(3), np.arange(3)] = 6
    close(third, expected)


def test_vjp_and_jvp_multiply_by_the_jacobian():
    x, v = tensor(POINT), tensor(RANDOM.normal(size=3))
    outputs, pull = func.vjp(mg.exp, x)
    close(outputs, np.exp(POINT))
    close(pull(v)[0], np.exp(POINT) * v.numpy())
    close(pull(v)[0], np.exp(POINT) * v.numpy())  # as often as one likes
    outputs, along = func.jvp(mg.exp, (x,), (v,))
    close(along, np.exp(POINT) * v.numpy())
    *_, aux = func.vjp(lambda x: (x * 2, "more"), x, has_aux=True)
    assert aux == "more"


def test_jvp_of_grad_is_a_hessian_product():
    x, v = tensor(POINT), tensor(RANDOM.normal(size=3))
    _, product = func.jvp(func.grad(lambda x: (x**3).sum()), (x,), (v,))
    close(product, 6 * POINT * v.numpy())


def test_results_stay_in_the_graph_of_their_arguments():
    x = tensor(POINT, requires_grad=True)
    func.grad(lambda x: (x**3).sum())(x).sum().backward()
    close(x.grad, 6 * POINT)
    assert not func.grad(lambda x: (x**3).sum())(x.detach()).requires_grad


def test_grad_works_under_no_grad():
    with mg.no_grad():
        close(func.grad(lambda x: (x**2).sum())(tensor(POINT)), 2 * POINT)


ONE = mg.tensor(1.0)
CLOSING_OVER_X = {  # each is x, computed by a transform of a function that closes over x
    "grad": lambda x: func.grad(lambda y: x * y)(ONE),
    "grad of another argument": lambda x: func.grad(lambda y, z: z * y)(ONE, x),
    "grad by keyword": lambda x: func.grad(lambda y, z: z * y)(ONE, z=x),
    "grad_and_value, gradient": lambda x: func.grad_and_value(lambda y: x * y)(ONE)[0],
    "grad_and_value, value": lambda x: func.grad_and_value(lambda y: x * y)(ONE)[1],
    "grad, aux": lambda x: func.grad(lambda y: (y, [x * y]), has_aux=True)(ONE)[1][0],
    "jacrev": lambda x: func.jacrev(lambda y: x * y)(ONE),
    "jacfwd": lambda x: func.jacfwd(lambda y: x * y)(ONE),
    "hessian": lambda x: func.hessian(lambda y: x * y**2)(ONE) / 2,
    "vjp, value": lambda x: func.vjp(lambda y: x * y, ONE)[0],
    "vjp, pulled": lambda x: func.vjp(lambda y: x * y, ONE)[1](ONE)[0],
    "vjp, cotangent": lambda x: func.vjp(lambda y: y * 1, ONE)[1](x)[0],
    "vjp, aux": lambda x: func.vjp(lambda y: (y, x * y), ONE, has_aux=True)[2],
    "jvp, value": lambda x: func.jvp(lambda y: x * y, (ONE,), (ONE,))[0],
    "jvp, along": lambda x: func.jvp(lambda y: x * y, (ONE,), (ONE,))[1],
    "jvp, tangent": lambda x: func.jvp(lambda y: y * 1, (ONE,), (x,))[1],
    "linearize": lambda x: func.linearize(lambda y: x * y, ONE)[1](ONE),
    "in a dict": lambda x: func.grad(lambda d: d["x"] * d["y"])({"x": x, "y": ONE})["y"],
}


@pytest.mark.parametrize("inner", CLOSING_OVER_X.values(), ids=CLOSING_OVER_X)
def test_tensors_that_the_inner_function_closes_over_are_differentiated(inner):
    three = mg.tensor(3.0)
    assert func.grad(lambda x: x * inner(x))(three).item() == 6
    assert func.jacfwd(lambda x: x * inner(x))(three).item() == 6
    assert func.grad(func.grad(lambda x: x * x * inner(x)))(three).item() == 18
    w = mg.tensor(3.0, requires_grad=True)
    (w * inner(w)).backward()
    assert w.grad.item() == 6
    h = w * 1.0
    assert mg.autograd.grad(h * inner(h), w)[0].item() == 6


@pytest.mark.parametrize("first", [func.grad, func.jacrev, func.jacfwd])
@pytest.mark.parametrize("second", [func.grad, func.jacrev, func.jacfwd])
def test_nested_transforms_give_mixed_partial_derivatives(first, second):
    def f(x, y):
        return x**2 * y**3

    x, y = tensor(2.0), tensor(3.0)
    assert second(first(f, 0), 1)(x, y).item() == 108  # 6 x y^2
    assert second(first(f, 1), 0)(x, y).item() == 108
    assert second(first(f, 1), 1)(x, y).item() == 72  # 6 x^2 y


def test_a_result_is_in_no_graph_when_nothing_outside_is_differentiated():
    w = tensor(3.0, requires_grad=True)
    x = tensor(POINT)
    gradient, value = func.grad_and_value(lambda x: (x**2).sum() + w)(x)
    assert not gradient.requires_grad and value.requires_grad
    gradient, (value, aux) = func.grad_and_value(lambda x: ((x**2).sum(), x * 2), has_aux=True)(x)
    assert not (gradient.requires_grad or value.requires_grad or aux.requires_grad)
    assert func.grad(lambda x: (x**2).sum() * w)(x).requires_grad
    with mg.no_grad():
        assert not func.grad(lambda x: (x**2).sum() * w)(x).requires_grad
    with mg.inference_mode():
        close(func.grad(lambda x: (x**2).sum())(x), 2 * POINT)
    assert x.grad is None and w.grad is None


@pytest.mark.parametrize("inner", CLOSING_OVER_X.values(), ids=CLOSING_OVER_X)
def test_a_nested_result_is_in_no_graph(inner):
    three = mg.tensor(3.0)
    for outer in (func.grad, func.jacrev, func.jacfwd, func.hessian):
        assert not outer(lambda x: x * x * inner(x))(three).requires_grad
    value, along = func.jvp(lambda x: x * inner(x), (three,), (ONE,))
    assert not value.requires_grad and not along.requires_grad
    w = mg.tensor(2.0, requires_grad=True)
    result = func.grad(lambda x: w * x * inner(x))(three)
    assert result.requires_grad and mg.autograd.grad(result, w)[0].item() == 6


MODES = {
    "grad": lambda f: func.grad(lambda x: f(x).sum()),
    "hessian": lambda f: func.hessian(lambda x: f(x).sum()),
    "jacrev": func.jacrev,
    "jacfwd": func.jacfwd,
    "jvp": lambda f: lambda x: func.jvp(f, (x,), (x,))[1],
    "vjp": lambda f: lambda x: func.vjp(f, x)[1](x)[0],
    "linearize": lambda f: lambda x: func.linearize(f, x)[1](x),
    "both ways": lambda f: func.jacrev(func.jacfwd(f)),
    "examples": lambda f: lambda x: func.vmap(func.hessian(lambda y: f(y).sum()))(mg.stack([x, x])),
}


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("mode", [mg.no_grad, mg.inference_mode])
def test_the_callers_mode_changes_no_derivative(name, mode):
    transformed = MODES[name](lambda x: x.sin() * x)
    expected = transformed(tensor(POINT)).numpy()
    assert expected.any()
    for x in (tensor(POINT), tensor(POINT).requires_grad_()):
        with mode():
            found, of_what_is_made_inside = transformed(x), transformed(x * 1)
        np.testing.assert_array_equal(found.numpy(), expected)
        np.testing.assert_array_equal(of_what_is_made_inside.numpy(), expected)
        assert not found.requires_grad


def test_no_grad_inside_is_respected():
    def f(x):
        with mg.no_grad():
            frozen = x.sum()
        return (x**2).sum() * frozen

    close(func.grad(f)(tensor(POINT)), 2 * POINT * POINT.sum())


def test_a_product_computed_under_no_grad_is_a_constant():
    def f(x):
        (_, pull), (_, push) = func.vjp(mg.sin, x), func.linearize(mg.sin, x)
        with mg.no_grad():
            slope = pull(mg.ones(()))[0] + push(mg.ones(()))
        return slope * x

    x = mg.tensor(0.5)
    close(func.grad(f)(x), 2 * x.cos().numpy())


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "hvp"])
def test_a_derivative_by_autograd_functional_within_a_transform(name):
    def f(x, **options):
        found = getattr(mg.autograd.functional, name)(lambda y: y**3, x, **options)
        return found[1] if isinstance(found, tuple) else found

    x = mg.tensor(2.0)
    with pytest.raises(RuntimeError, match=rf"functional.{name}\(\) within a function that torch.func .*create_graph"):
        func.grad(f)(x)
    close(func.grad(lambda y: f(y, create_graph=True))(x), 6 if name in ("hessian", "hvp") else 12)
    assert f(x).requires_grad is False


def test_backward_refuses_a_returned_value_that_was_written_to():
    y, pull = func.vjp(mg.exp, tensor(POINT))
    y.zero_()  # the gradient of exp reads its result
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        pull(tensor(POINT))


def test_arguments_may_be_trees_of_tensors():
    def loss(parameters, x):
        weight, (bias, *_) = parameters["weight"], parameters["rest"]
        return ((x @ weight + bias) ** 2).sum()

    x, w, b = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=3), RANDOM.normal()
    parameters = {"weight": tensor(w), "rest": (tensor(b), [tensor(0.0)])}
    residual = x @ w + b
    found = func.grad(loss)(parameters, tensor(x))
    close(found["weight"], 2 * residual @ x)
    close(found["rest"][0], 2 * residual.sum())
    assert found["rest"][1][0].item() == 0 and type(found["rest"]) is tuple and type(found["rest"][1]) is list
    both = func.grad(loss, argnums=(0, 1))(parameters, tensor(x))
    close(both[1], 2 * np.outer(residual, w))
    second = func.hessian(loss)(parameters, tensor(x))
    close(second["weight"]["weight"], 2 * x.T @ x)
    close(second["rest"][0]["weight"], 2 * x.sum(0))


def test_outputs_may_be_trees_of_tensors():
    def f(x, y):
        return {"product": x * y, "sums": (x.sum(), y.sum())}

    x, y = tensor(POINT), tensor(POINT + 1)
    for jacobian in (func.jacrev, func.jacfwd):
        found = jacobian(f, argnums=(0, 1))(x, y)
        close(found["product"][0], np.diag(POINT + 1))
        close(found["sums"][0][0], np.ones(3))
        close(found["sums"][0][1], np.zeros(3))
        found, aux = jacobian(lambda x: (x * 2, {"shape": x.shape, "x": x}), has_aux=True)(x)
        close(found, 2 * np.eye(3))
        assert aux["shape"] == (3,) and not aux["x"].requires_grad
    outputs, along = func.jvp(f, (x, y), (x, y))
    close(along["product"], 2 * POINT * (POINT + 1))
    outputs, pull = func.vjp(f, x, y)
    close(outputs["sums"][1], (POINT + 1).sum())
    gx, gy = pull({"product": mg.zeros(3, dtype=mg.float64), "sums": (tensor(2.0), tensor(3.0))})
    assert (gx.tolist(), gy.tolist()) == ([2, 2, 2], [3, 3, 3])


def test_jacrev_jacfwd_and_chunks_give_the_same_jacobian():
    x = tensor(RANDOM.normal(size=(2, 3)))

    def f(x):
        return mg.outer(x.sin().sum(0), x[0].exp()).tanh()

    by_outputs, by_inputs = func.jacrev(f)(x), func.jacfwd(f)(x)
    assert by_outputs.shape == (3, 3, 2, 3)
    close(by_inputs, by_outputs.numpy())
    close(func.jacrev(f, chunk_size=2)(x), by_outputs.numpy())
    close(func.hessian(f)(x), func.jacrev(func.jacrev(f))(x).numpy())


def test_linearize_returns_the_output_and_a_linear_function():
    y, push = func.linearize(lambda a, b: a * b, tensor(2.0), tensor(5.0))
    assert y.item() == 10
    assert push(tensor(1.0), tensor(0.0)).item() == 5
    assert push(tensor(0.0), tensor(1.0)).item() == 2


def test_argnums_may_be_negative_and_other_arguments_integers():
    close(func.grad(lambda k, x: (k * x).sum(), argnums=-1)(mg.arange(3), tensor(POINT)), np.arange(3.0))


FLOATS = "to return only floating-point Tensors, got minigrad.int64"
REFUSED = {
    "pulled integers": (lambda: func.vjp(lambda x: (x, x.argmax()), ONE), RuntimeError, FLOATS),
    "pushed integers": (lambda: func.jvp(mg.argmax, (ONE,), (ONE,)), RuntimeError, FLOATS),
    "linearized integers": (lambda: func.linearize(mg.argmax, ONE), RuntimeError, FLOATS),
    "integers differentiated twice": (lambda: func.hessian(mg.argmax)(ONE), RuntimeError, FLOATS),
    "a vector": (
        lambda: func.grad(mg.exp)(tensor(POINT)), RuntimeError, "scalar tensor, got tensor with 1 dims.*jacrev"),
    "a number": (lambda: func.grad(lambda x: 3.0)(ONE), RuntimeError, "only Tensors, got float"),
    "a tuple": (lambda: func.grad(lambda x: (x, x))(ONE), RuntimeError, "to return a Tensor, got tuple"),
    "no output": (lambda: func.jacrev(lambda x: ())(ONE), RuntimeError, r"a non-empty output, got \(\)"),
    "too far an argument": (lambda: func.grad(mg.exp, argnums=1)(ONE), RuntimeError, "argnum=1, but only 1 positional"),
    "a name": (lambda: func.grad(mg.exp, argnums="x")(ONE), RuntimeError, "int or a tuple of ints"),
    "no argument": (lambda: func.grad(mg.exp, argnums=())(ONE), RuntimeError, "non-empty"),
    "one argument twice": (lambda: func.grad(mg.mul, argnums=(0, -2))(ONE, ONE), RuntimeError, "unique"),
    "no aux": (lambda: func.grad(mg.exp, has_aux=True)(ONE), RuntimeError, r"\(output, aux\).*got Tensor"),
    "primals in a list": (lambda: func.jvp(mg.exp, [ONE], [ONE]), RuntimeError, r"got list: write \(x,\)"),
    "no primals for a function of one": (lambda: func.jvp(mg.exp, (), ()), RuntimeError, "at least one Tensor"),
    "no primals": (lambda: func.jvp(lambda: ONE, (), ()), RuntimeError, "at least one Tensor"),
    "other tangents": (lambda: func.jvp(mg.exp, (ONE,), (ONE, ONE)), RuntimeError, r"primals: \(\*,\), got \(\*, \*\)"),
    "tangents of another shape": (
        lambda: func.jvp(mg.exp, (ONE,), (tensor(POINT),)), RuntimeError,
        r"tangents\[0\] has shape \(3,\), expected \(\)"),
    "an independent output": (
        lambda: func.jvp(lambda x: ONE, (ONE,), (ONE,), strict=True), RuntimeError, "independent of the inputs"),
    "other cotangents": (
        lambda: func.vjp(lambda x: {"y": x}, ONE)[1](ONE), RuntimeError,
        r"structure as the outputs.*\{'y': \*\}, got \*"),
    "a number as cotangent": (
        lambda: func.vjp(mg.exp, ONE)[1](1.0), TypeError, "cotangents must be Tensors, got float"),
    "a number to differentiate": (
        lambda: func.grad(mg.mul)(2.0, ONE), ValueError, "must be Tensor, got float.*argnums"),
    "integers to differentiate": (lambda: func.grad(mg.sum)(mg.arange(3)), RuntimeError, "floating point dtype.*int64"),
    "integers to differentiate forward": (
        lambda: func.jvp(mg.neg, (mg.arange(3),), (mg.arange(3),)), ValueError, "primal to be floating point.*int64"),
    "an integer output": (lambda: func.jacrev(mg.argmax)(tensor(POINT)), RuntimeError, "floating-point Tensors.*int64"),
    "a chunk of nothing": (lambda: func.jacrev(mg.exp, chunk_size=0), ValueError, "greater than 0, got 0"),
}  # fmt: skip


test_refused = refusals(REFUSED)


@pytest.mark.parametrize("transform", ["grad", "grad_and_value", "jacrev", "jacfwd", "hessian"])
def test_integers_have_no_gradient(transform):
    forward = transform in ("jacfwd", "hessian")
    kind, text = (ValueError, "primal to be floating") if forward else (RuntimeError, "only Tensors of floating point")
    with pytest.raises(kind, match=rf"{text}.* got.*int64"):
        getattr(func, transform)(lambda x: x * 2.0)(mg.tensor(1))


def test_a_function_that_is_differentiated_forward_may_write_into_its_arguments():
    def write(x, y):
        x[:1].copy_(y[:1])
        return x.mul_(y)

    x, y, t, u = (mg.tensor(v) for v in ([1.0, 2.0], [3.0, 4.0], [1.0, 10.0], [5.0, 7.0]))
    value, along = func.jvp(write, (x, y), (t, u))
    assert value.tolist() == [9.0, 8.0] and along.tolist() == [30.0, 54.0]
    assert func.jacfwd(write)(x, y).tolist() == [[0.0, 0.0], [0.0, 4.0]]
    assert func.linearize(mg.Tensor.exp_, mg.zeros(1))[1](mg.tensor([3.0])).item() == 3.0
    assert x.tolist() == [1.0, 2.0] and t.tolist() == [1.0, 10.0]
