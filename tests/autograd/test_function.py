"""`Function`: PyTorch's spelling of an operation of one's own."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import Function


def leaf(*shape, seed=0):
    numbers = np.random.default_rng(seed).normal(size=shape)
    return mg.tensor(numbers, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class Exp(Function):
    """Saves its own result."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, x, y, scale):
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return (x + y) * scale, x * y

    @staticmethod
    def backward(ctx, g_sum, g_product):
        x, y = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, True, False)
        g_sum = g_sum * ctx.scale
        return g_sum + g_product * y, g_sum + g_product * x, None


class Scaled(Function):
    """PyTorch 2's separate setup."""

    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor = inputs
        assert output.shape == x.shape

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


class MaxAndPlace(Function):
    @staticmethod
    def forward(ctx, x):
        place = x.argmax()
        ctx.mark_non_differentiable(place)
        ctx.save_for_backward(place)
        ctx.size = x.numel()
        return x.max(), place

    @staticmethod
    def backward(ctx, g, _):
        gradient = mg.zeros(ctx.size, dtype=g.dtype)
        gradient[ctx.saved_tensors[0]] = g
        return gradient


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (Cube.apply, [(2, 3)]),
        (lambda x: Scaled.apply(x, 2.5), [(3,)]),
        (lambda x, y: SumAndProduct.apply(x, y, 2.0), [(3,), (3,)]),
        (lambda x: MaxAndPlace.apply(x)[0], [(4,)]),
    ],
)
def test_gradients(function, shapes):
    inputs = [leaf(*s, seed=i) for i, s in enumerate(shapes)]
    assert autograd.gradcheck(function, inputs)
    assert autograd.gradgradcheck(function, inputs)


def test_a_saved_result():
    x = leaf(3)
    y = Exp.apply(x)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(x.detach().numpy()))


def test_names_and_edges():
    x = leaf(2)
    y = Cube.apply(x)
    assert y.grad_fn.name() == "CubeBackward"
    assert not y.is_leaf and not Cube.apply(x.detach()).requires_grad
    with mg.no_grad():
        assert not Cube.apply(x).requires_grad


def test_one_of_several_results():
    x, y = leaf(3, seed=1), leaf(3, seed=2)
    total, product = SumAndProduct.apply(x, y, 2.0)
    product.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.detach().numpy())
    assert (total.requires_grad, product.requires_grad) == (True, True)


def test_results_that_meet_again_walk_back_once():
    calls = []

    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            calls.append(1)
            return 2 * a + 3 * b

    x = leaf(2)
    a, b = Split.apply(x)
    (a + b + a).sum().backward()
    assert calls == [1]
    assert x.grad.tolist() == [7, 7]


def test_one_gradient_for_two_operands_is_lent_to_both():
    class Add(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, g

    x, y, seed = leaf(2, seed=1), leaf(2, seed=2), mg.ones(2, dtype=mg.float64)
    older = x * 5.0
    (older + Add.apply(x, y)).backward(seed)
    assert x.grad.tolist() == [6, 6] and y.grad.tolist() == [1, 1] and seed.tolist() == [1, 1]
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())


def test_non_differentiable_results():
    value, place = MaxAndPlace.apply(leaf(4))
    assert value.requires_grad and not place.requires_grad


def test_gradients_that_do_not_arrive_are_zeros_or_none():
    seen = []

    class Split(Function):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b)
            return 2 * a, None

    x = leaf(2)
    Split.apply(x, True)[0].sum().backward()
    Split.apply(x, False)[0].sum().backward()
    assert seen[0].tolist() == [0, 0] and seen[1] is None


def test_saved_tensors_are_guarded():
    x = leaf(3)
    y = x * 1.0
    z = Cube.apply(y)
    y.add_(1.0)
    with pytest.raises(RuntimeError, match=r"CubeBackward saved .*\(3,\) at version 0.*version 1"):
        z.sum().backward()
    z = Cube.apply(x).sum()
    z.backward()
    with pytest.raises(RuntimeError, match=r"second time \(CubeBackward\)"):
        z.backward()


def test_mark_dirty():
    class AddOne_(Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1.0)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    x = leaf(2)
    y = x * 1.0
    z = AddOne_.apply(y)
    assert z is y and z.grad_fn.name() == "AddOne_Backward"
    z.sum().backward()
    assert x.grad.tolist() == [10, 10]


def test_an_operand_handed_on():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(2)
    y = Same.apply(x)
    assert y is not x and x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def wrong(returned):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return returned(g)

    return lambda: Wrong.apply(leaf(2), leaf(2)).sum().backward()


class Nothing(Function):
    pass


class ForwardAlone(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


def save_a_number(ctx, x):
    ctx.save_for_backward(3)


REFUSED = {
    "one gradient for two operands": (
        wrong(lambda g: g),
        RuntimeError,
        ("WrongBackward", "incorrect number of gradients", "expected 2, got 1"),
    ),
    "three gradients for two operands": (wrong(lambda g: (g, g, g)), RuntimeError, ("expected 2, got 3",)),
    "an array": (wrong(lambda g: (g.numpy(), g)), TypeError, ("WrongBackward", "ndarray")),
    "no forward": (lambda: Nothing.apply(leaf(2)), NotImplementedError, ("forward function",)),
    "no backward": (lambda: ForwardAlone.apply(leaf(2)).sum().backward(), NotImplementedError, ("backward",)),
    "a number saved": (
        lambda: type("Saver", (Function,), {"forward": staticmethod(save_a_number)}).apply(leaf(2)),
        TypeError,
        ("save_for_backward", "int", "attributes of ctx"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_surplus_nones_are_allowed():
    wrong(lambda g: (g, g, None))()
