"""`Function`: a user's own operation, written as in PyTorch."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import Function
from minigrad.autograd.function import once_differentiable
from tests.any_device import share_memory
from tests.leaves import leaf


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


class Sinh(Function):
    """Saves two of its own results."""

    @staticmethod
    def forward(ctx, x):
        up, down = x.exp(), (-x).exp()
        ctx.save_for_backward(up, down)
        return (up - down) / 2, up, down

    @staticmethod
    def backward(ctx, g, g_up, g_down):
        up, down = ctx.saved_tensors
        return g * (up + down) / 2 + g_up * up - g_down * down


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
        (Exp.apply, [(3,)]),
        (Sinh.apply, [(3,)]),
        (lambda x: Sinh.apply(x)[0], [(3,)]),
        (lambda x: Scaled.apply(x, 2.5), [(3,)]),
        (lambda x: Scaled.apply(factor=2.5, x=x), [(3,)]),
        (lambda x: SumAndProduct.apply(x, scale=2.0, y=x * 2), [(3,)]),
        (lambda x, y: SumAndProduct.apply(x, y, 2.0), [(3,), (3,)]),
        (lambda x: MaxAndPlace.apply(x)[0], [(4,)]),
    ],
)
def test_each_way_to_write_a_function_passes_gradcheck(function, shapes):
    inputs = [leaf(*s, seed=i) for i, s in enumerate(shapes)]
    assert autograd.gradcheck(function, inputs)
    assert autograd.gradgradcheck(function, inputs)


def test_backward_starts_from_one_of_several_results():
    x, y = leaf(3, seed=1), leaf(3, seed=2)
    total, product = SumAndProduct.apply(x, y, 2.0)
    product.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.detach().numpy())
    assert (total.requires_grad, product.requires_grad) == (True, True)


def test_a_function_whose_results_meet_again_runs_backward_once():
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


@pytest.mark.parametrize("compute", [lambda g: g, lambda g: g * 1])
def test_grads_of_two_operands_do_not_share_one_returned_tensor(compute):
    class Add(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            g = compute(g)
            return g, g

    x, y, seed = leaf(2, seed=1), leaf(2, seed=2), mg.ones(2, dtype=mg.float64)
    older = x * 5.0
    (older + Add.apply(x, y)).backward(seed)
    assert x.grad.tolist() == [6, 6] and y.grad.tolist() == [1, 1] and seed.tolist() == [1, 1]
    assert not share_memory(x.grad, y.grad)


def test_a_result_marked_non_differentiable_requires_no_grad():
    value, place = MaxAndPlace.apply(leaf(4))
    assert value.requires_grad and not place.requires_grad


def test_set_materialize_grads_chooses_zeros_or_none_for_unused_results():
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


def test_saved_tensors_are_checked_for_writes_and_freed():
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


def test_an_operand_returned_as_it_is_becomes_a_new_tensor():
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


class CubeOnce(Cube):
    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class ForwardAlone(Function):
    """Doubles, without a backward."""

    @staticmethod
    def forward(ctx, x):
        return x * 2


def make_function(backward, forward=lambda ctx, x: x * 2):
    """A Function of the two, named as messages are to name it."""
    return type("Careless", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


def test_higher_derivatives_through_saved_results():
    x = leaf(3)
    y = Sinh.apply(x)[0]
    for expected in (np.cosh, np.sinh, np.cosh, np.sinh):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.detach().numpy(), expected(x.detach().numpy()))


def test_vjp_is_another_name_for_backward():
    x = leaf(2)
    type("Tenfold", (ForwardAlone,), {"vjp": staticmethod(lambda ctx, g: g * 10)}).apply(x).sum().backward()
    assert x.grad.tolist() == [10, 10]


def test_an_operand_marked_non_differentiable_is_returned_as_a_constant():
    x = leaf(2)
    y = make_function(None, lambda ctx, x: ctx.mark_non_differentiable(x) or x).apply(x)
    assert not y.requires_grad and x.requires_grad


def test_one_tensor_returned_twice_has_two_gradients():
    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            return y, y

        @staticmethod
        def backward(ctx, g, h):
            return 2 * (g + h)

    x = leaf(2)
    a, b = Twice.apply(x)
    (a + 10 * b).sum().backward()
    assert x.grad.tolist() == [22, 22]


def test_a_once_differentiable_gradient_requires_grad_only_if_its_cotangent_does():
    x = leaf(2)
    CubeOnce.apply(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * x.detach().numpy() ** 2)
    (g,) = autograd.grad(CubeOnce.apply(x).sum(), x, create_graph=True)
    assert not g.requires_grad  # nothing that it was computed from asks for more
    (g,) = autograd.grad((CubeOnce.apply(x) ** 2).sum(), x, create_graph=True)
    assert g.requires_grad
