"""Mistakes in a user's `Function`: each is refused where it is made, in words that name the class."""

import pytest

from minigrad import autograd
from minigrad.autograd import Function
from tests.autograd.test_function import Cube, CubeOnce, ForwardAlone, Scaled, make_function
from tests.autograd.test_function_writes import make_dirty
from tests.leaves import leaf
from tests.refusals import refusals


def walk_product(choose_gradients):
    """Runs backward of a product whose rule returns what `choose_gradients` makes of the cotangent."""

    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return choose_gradients(g)

    Wrong.apply(leaf(2), leaf(2)).sum().backward()


def save_a_number(ctx, x):
    ctx.save_for_backward(3)
    return x * 2


class Scaled_(Function):
    """Returns a gradient for a number, too."""

    forward = staticmethod(lambda ctx, x, k: x * k)
    backward = staticmethod(lambda ctx, g: (g, g))


def unpack_saved(ctx, g):
    (x,) = ctx.saved_tensors
    return g * x


def make_jvp_alone():
    methods = {"forward": staticmethod(lambda ctx, x: x.exp()), "jvp": staticmethod(lambda ctx, g: g)}
    return type("Exponential", (autograd.Function,), methods)


REFUSED = {
    "one gradient for two operands": (
        lambda: walk_product(lambda g: g),
        RuntimeError,
        ("WrongBackward", "incorrect number of gradients", "expected 2, got 1"),
    ),
    "three gradients for two operands": (
        lambda: walk_product(lambda g: (g, g, g)),
        RuntimeError,
        ("expected 2, got 3",),
    ),
    "an array": (lambda: walk_product(lambda g: (g.numpy(), g)), RuntimeError, ("WrongBackward", "ndarray")),
    "a gradient for a number": (
        lambda: Scaled_.apply(leaf(2), 3).sum().backward(),
        RuntimeError,
        ("different than None at position 2", "not a Tensor"),
    ),
    "no forward": (lambda: type("Nothing", (Function,), {}).apply(leaf(2)), NotImplementedError, ("forward function",)),
    "no backward": (lambda: ForwardAlone.apply(leaf(2)).sum().backward(), NotImplementedError, ("backward",)),
    "a number saved": (
        lambda: type("Saver", (Function,), {"forward": staticmethod(save_a_number)}).apply(leaf(2)),
        TypeError,
        ("save_for_backward", "int", "attributes of ctx"),
    ),
    "nothing saved": (
        lambda: make_function(unpack_saved).apply(leaf(2)).sum().backward(),
        ValueError,
        ("not enough values to unpack", "Nothing was saved", "Careless", "ctx.save_for_backward"),
    ),
    "nothing kept": (
        lambda: make_function(lambda ctx, g: g * ctx.scale).apply(leaf(2)).sum().backward(),
        AttributeError,
        ("'CarelessBackward'", "'scale'", "ctx.scale = "),
    ),
    "one gradient taken of two": (
        lambda: make_function(lambda ctx, g: g, lambda ctx, x: (x * 2, x * 3)).apply(leaf(2))[0].sum().backward(),
        TypeError,
        ("Careless returned 2 results", "ctx and 2 gradients; it takes ctx and 1"),
    ),
    "made, not applied": (lambda: Cube(leaf(2)), TypeError, ("Cube.apply(...)",)),
    "both backward and vjp": (
        lambda: type("Both", (Cube,), {"vjp": staticmethod(lambda ctx, g: g)}).apply(leaf(2)).sum().backward(),
        RuntimeError,
        ("both 'backward' and 'vjp'", "Both"),
    ),
    "an unknown keyword": (
        lambda: Scaled.apply(leaf(2), 2, power=2),
        TypeError,
        ("unexpected keyword argument 'power'",),
    ),
    "a keyword without position": (
        lambda: type("Named", (Scaled,), {"forward": staticmethod(lambda x, *, factor=2: x)}).apply(leaf(2)),
        TypeError,
        ("keyword argument: factor", "have positions"),
    ),
    "dirty, not returned": (
        lambda: make_dirty(lambda x: x.clone()).apply(leaf(2) * 1),
        RuntimeError,
        ("marked as dirty", "not returned", "shape (2,) itself, no copy"),
    ),
    "a dirty leaf": (lambda: make_dirty(lambda x: x).apply(leaf(2)), RuntimeError, ("a leaf Variable", "x.clone()")),
    "a dirty number": (
        lambda: make_function(None, lambda ctx, x: ctx.mark_dirty(3) or x * 2).apply(leaf(2)),
        RuntimeError,
        ("mark_dirty can only accept Tensors, but argument 0 is of type int",),
    ),
    "a number without gradient": (
        lambda: make_function(None, lambda ctx, x: ctx.mark_non_differentiable(3) or x * 2).apply(leaf(2)),
        RuntimeError,
        ("mark_non_differentiable can only accept Tensors",),
    ),
    "an operand handed on and written to": (
        lambda: make_function(None, lambda ctx, x: x).apply(leaf(2) * 1).mul_(2),
        RuntimeError,
        ("Output 0 of", "is a view and is being modified inplace by mul_", "custom Function", "x.clone()"),
    ),
    "a second result handed on and written to": (
        lambda: make_function(None, lambda ctx, x: (x * 2, x)).apply(leaf(2) * 1)[1].mul_(2),
        RuntimeError,
        ("Output 1 of", "is a view and is being modified inplace by mul_"),
    ),
    "a view of an operand handed on": (
        lambda: make_function(None, lambda ctx, x: x).apply(leaf(2) * 1)[:1].mul_(2),
        RuntimeError,
        ("Output 0 of Slice is a view and is being modified inplace by mul_", "custom Function"),
    ),
    "forward mode": (lambda: Cube.jvp(None), NotImplementedError, ("computed from backward",)),
    "a jvp alone": (
        lambda: make_jvp_alone().apply(leaf(2)).sum().backward(),
        NotImplementedError,
        ("The jvp of Exponential is never called", "write backward(ctx, gradient) as well"),
    ),
    "vmap": (lambda: Cube.vmap(None, None), NotImplementedError, ("forward for each example", "never called")),
    "twice what can be differentiated once": (
        lambda: autograd.grad(
            autograd.grad((CubeOnce.apply(x := leaf(2)) ** 2).sum(), x, create_graph=True)[0].sum(), x
        ),
        RuntimeError,
        ("differentiate twice", "@once_differentiable"),
    ),
}


test_refused = refusals(REFUSED)


@pytest.mark.parametrize(
    "backward", [lambda ctx, g: int("a word"), lambda ctx, g, factor=[]: g * factor[0], lambda ctx, g: (g + "a word",)]
)
def test_an_error_of_another_cause_gets_no_advice(backward):
    with pytest.raises((ValueError, IndexError, TypeError)) as refused:
        make_function(backward).apply(leaf(2)).sum().backward()
    assert not hasattr(refused.value, "__notes__")


def test_surplus_nones_from_backward_are_allowed():
    walk_product(lambda g: (g, g, None))


def test_calling_an_instance_of_a_function_raises():
    with pytest.warns(DeprecationWarning, match=r"Cube.apply\(...\)"):
        instance = Cube()
    with pytest.raises(RuntimeError, match=r"^Legacy autograd function .* of Cube static, .* Cube.apply"):
        instance(leaf(2))
