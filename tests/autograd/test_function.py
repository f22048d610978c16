"""`Function`: a user's own operation, written as in PyTorch."""

import contextvars
import gc
import threading
import time
from weakref import ref

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


@pytest.mark.parametrize("passed", [lambda g: g, lambda g: g * 1])
def test_one_gradient_for_two_operands_is_lent_to_both(passed):
    class Add(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            g = passed(g)
            return g, g

    x, y, seed = leaf(2, seed=1), leaf(2, seed=2), mg.ones(2, dtype=mg.float64)
    older = x * 5.0
    (older + Add.apply(x, y)).backward(seed)
    assert x.grad.tolist() == [6, 6] and y.grad.tolist() == [1, 1] and seed.tolist() == [1, 1]
    assert not share_memory(x.grad, y.grad)


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
    return x * 2


class Scaled_(Function):
    """Returns a gradient for a number, too."""

    forward = staticmethod(lambda ctx, x, k: x * k)
    backward = staticmethod(lambda ctx, g: (g, g))


class CubeOnce(Cube):
    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def careless(backward, forward=lambda ctx, x: x * 2):
    return type("Careless", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


def unpack_saved(ctx, g):
    (x,) = ctx.saved_tensors
    return g * x


def dirty(returned):
    class Dirty(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2.0)
            ctx.mark_dirty(x)
            return returned(x)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Dirty


REFUSED = {
    "one gradient for two operands": (
        wrong(lambda g: g),
        RuntimeError,
        ("WrongBackward", "incorrect number of gradients", "expected 2, got 1"),
    ),
    "three gradients for two operands": (wrong(lambda g: (g, g, g)), RuntimeError, ("expected 2, got 3",)),
    "an array": (wrong(lambda g: (g.numpy(), g)), RuntimeError, ("WrongBackward", "ndarray")),
    "a gradient for a number": (
        lambda: Scaled_.apply(leaf(2), 3).sum().backward(),
        RuntimeError,
        ("different than None at position 2", "not a Tensor"),
    ),
    "no forward": (lambda: Nothing.apply(leaf(2)), NotImplementedError, ("forward function",)),
    "no backward": (lambda: ForwardAlone.apply(leaf(2)).sum().backward(), NotImplementedError, ("backward",)),
    "a number saved": (
        lambda: type("Saver", (Function,), {"forward": staticmethod(save_a_number)}).apply(leaf(2)),
        TypeError,
        ("save_for_backward", "int", "attributes of ctx"),
    ),
    "nothing saved": (
        lambda: careless(unpack_saved).apply(leaf(2)).sum().backward(),
        ValueError,
        ("not enough values to unpack", "Nothing was saved", "Careless", "ctx.save_for_backward"),
    ),
    "nothing kept": (
        lambda: careless(lambda ctx, g: g * ctx.scale).apply(leaf(2)).sum().backward(),
        AttributeError,
        ("'CarelessBackward'", "'scale'", "ctx.scale = "),
    ),
    "one gradient taken of two": (
        lambda: careless(lambda ctx, g: g, lambda ctx, x: (x * 2, x * 3)).apply(leaf(2))[0].sum().backward(),
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
        lambda: dirty(lambda x: x.clone()).apply(leaf(2) * 1),
        RuntimeError,
        ("marked as dirty", "not returned", "shape (2,) itself, no copy"),
    ),
    "a dirty leaf": (lambda: dirty(lambda x: x).apply(leaf(2)), RuntimeError, ("a leaf Variable", "x.clone()")),
    "a dirty number": (
        lambda: careless(None, lambda ctx, x: ctx.mark_dirty(3) or x * 2).apply(leaf(2)),
        RuntimeError,
        ("mark_dirty can only accept Tensors, but argument 0 is of type int",),
    ),
    "a number without gradient": (
        lambda: careless(None, lambda ctx, x: ctx.mark_non_differentiable(3) or x * 2).apply(leaf(2)),
        RuntimeError,
        ("mark_non_differentiable can only accept Tensors",),
    ),
    "an operand handed on and written to": (
        lambda: careless(None, lambda ctx, x: x).apply(leaf(2) * 1).mul_(2),
        RuntimeError,
        ("view", "modified inplace"),
    ),
    "forward mode": (lambda: Cube.jvp(None), NotImplementedError, ("computed from backward",)),
    "vmap": (lambda: Cube.vmap(None, None), NotImplementedError, ("no vmap",)),
    "twice what can be differentiated once": (
        lambda: autograd.grad(
            autograd.grad((CubeOnce.apply(x := leaf(2)) ** 2).sum(), x, create_graph=True)[0].sum(), x
        ),
        RuntimeError,
        ("differentiate twice", "@once_differentiable"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind) as caught:
        call()
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    for word in words:
        assert word in told


def test_surplus_nones_are_allowed():
    wrong(lambda g: (g, g, None))()


def test_higher_derivatives_through_saved_results():
    x = leaf(3)
    y = Sinh.apply(x)[0]
    for expected in (np.cosh, np.sinh, np.cosh, np.sinh):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.detach().numpy(), expected(x.detach().numpy()))


@pytest.mark.parametrize("function", [Exp.apply, lambda x: Sinh.apply(x)[1]])
def test_a_saved_result_is_in_its_place_in_the_graph(function):
    y = function(leaf(2))
    seen = []
    y.register_hook(lambda g: seen.append(g))
    saved = next(t for t in y.grad_fn.saved_tensors if t.grad_fn is y.grad_fn)
    assert saved is not y and saved.tolist() == y.tolist()
    saved.sum().backward()
    assert len(seen) == 1


class Kept(Function):
    """Saves an operand, two results and a tensor of its own; one result is no number of a kind that has gradients."""

    @staticmethod
    def forward(ctx, x):
        y, own = x * 2, x + 1
        ctx.save_for_backward(x, y, own, None)
        return y, y + 1, x.argmax()

    @staticmethod
    def backward(ctx, g, h, _):
        assert [t is None for t in ctx.saved_tensors] == [False, False, False, True]
        return 2 * (g + h)


class Doubled_(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2.0)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, g):
        assert ctx.saved_tensors[0].shape == g.shape
        return g * 2


@pytest.mark.parametrize(
    "call",
    [
        Cube.apply,
        Exp.apply,
        lambda x: Kept.apply(x)[0],
        lambda x: Doubled_.apply(x * 1.0),
        lambda x: careless(lambda ctx, g: g, lambda ctx, x: x).apply(x),
    ],
)
@pytest.mark.parametrize("walked", [False, True, "create_graph"])
def test_graphs_go_without_the_garbage_collector(call, walked):
    x = leaf(3)
    gc.collect()
    gc.disable()
    try:
        y = call(x)
        alive, node = ref(y), ref(y.grad_fn)
        if walked:
            autograd.grad(y.sum(), x, create_graph=walked == "create_graph")
        del y
        assert alive() is None and node() is None
    finally:
        gc.enable()


def test_a_dirty_view_reaches_what_it_is_a_view_of():
    x = leaf(3)
    y = x * 1.0
    part, other = y[:2], y[1:]
    z = Doubled_.apply(part)
    assert z is part
    (other.sum() + z.sum()).backward()
    assert x.grad.tolist() == [2, 4, 1]


@pytest.mark.parametrize(
    "view",
    [lambda y: y.split(2)[0], lambda y: y.unbind()[0], lambda y: Handed.apply(y, False)],
    ids=["split", "unbind", "of a Function"],
)
def test_a_refused_dirty_view_leaves_the_graph_as_it_was(view):
    x = leaf(3)
    y = x * 1.0
    with pytest.raises(RuntimeError, match="modified inplace"):
        Doubled_.apply(view(y))
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_a_retained_gradient_moves_on_with_a_dirty_tensor():
    x = leaf(2)
    y = x * 1.0
    y.retain_grad()
    (Doubled_.apply(y) * 3).sum().backward()
    assert y.grad.tolist() == [3, 3] and x.grad.tolist() == [6, 6]


def test_the_call_shows_what_it_keeps():
    x = leaf(2)
    node = Scaled.apply(x, 2.5).grad_fn
    assert node.factor == 2.5 and node.needs_input_grad == (True, False)
    assert Cube.apply(x).grad_fn.saved_tensors[0] is x
    with pytest.raises(AttributeError, match="'ScaledBackward' object has no attribute 'more'"):
        node.more  # noqa: B018


def test_next_functions_have_a_place_for_each_tensor():
    x, y = leaf(2), mg.ones(2, dtype=mg.float64)
    total, product = SumAndProduct.apply(x, y, 2.0)
    (first, _), (second, _) = total.grad_fn.next_functions
    assert first.variable is x and second is None
    assert product.grad_fn.next_functions[1] == (None, 0)


def test_any_name_can_be_kept_on_ctx():
    names = ("shape", "dtype", "name", "order", "edges", "hooks", "function", "results", "saved", "context", "kept")

    class Greedy(Function):
        @staticmethod
        def forward(ctx, x):
            for name in names:
                setattr(ctx, name, name)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            assert all(getattr(ctx, name) == name for name in names)
            return g * 2

    x = leaf(2)
    Greedy.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_a_backward_named_vjp():
    x = leaf(2)
    type("Tenfold", (ForwardAlone,), {"vjp": staticmethod(lambda ctx, g: g * 10)}).apply(x).sum().backward()
    assert x.grad.tolist() == [10, 10]


def test_an_operand_handed_on_as_a_constant():
    x = leaf(2)
    y = careless(None, lambda ctx, x: ctx.mark_non_differentiable(x) or x).apply(x)
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


def test_once_differentiable():
    x = leaf(2)
    CubeOnce.apply(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * x.detach().numpy() ** 2)
    (g,) = autograd.grad(CubeOnce.apply(x).sum(), x, create_graph=True)
    assert not g.requires_grad  # nothing that it was computed from asks for more
    (g,) = autograd.grad((CubeOnce.apply(x) ** 2).sum(), x, create_graph=True)
    assert g.requires_grad


def test_instances_are_not_called():
    with pytest.warns(DeprecationWarning, match=r"Cube.apply\(...\)"):
        made = Cube()
    with pytest.raises(RuntimeError, match=r"make forward static and call Cube.apply"):
        made(leaf(2))


def test_one_graph_is_walked_by_several_threads():
    class Slow(Cube):
        @staticmethod
        def backward(ctx, g):
            time.sleep(0.002)
            return Cube.backward(ctx, g)

    x = leaf(3)
    y, found = Slow.apply(x).sum(), []

    def walk():
        found.extend(autograd.grad(y, x, retain_graph=True)[0] for _ in range(5))

    threads = [threading.Thread(target=walk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    for gradient in found:
        np.testing.assert_allclose(gradient.numpy(), 3 * x.detach().numpy() ** 2)


@pytest.mark.parametrize("deep", [1, 30, 150])
def test_a_backward_walks_the_graph_that_it_stands_in(deep):
    calls = []

    class Again(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            calls.append(1)
            if len(calls) < deep:
                autograd.grad(y, x, retain_graph=True)
            return g * 2

    x = leaf(2)
    y = Again.apply(x).sum()
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [2, 2] and len(calls) == deep


def test_an_error_deep_down_comes_up():
    class Deep(Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.depth = depth
            return x * 2

        @staticmethod
        def backward(ctx, g):
            if not ctx.depth:
                raise ZeroDivisionError("at the bottom")
            with mg.enable_grad():
                inner = g.detach().requires_grad_()
                y = Deep.apply(inner, ctx.depth - 1)
            return autograd.grad(y, inner, g)[0], None

    with pytest.raises(ZeroDivisionError, match="at the bottom"):
        Deep.apply(leaf(2), 100).sum().backward()


def test_a_backward_runs_in_its_callers_context():
    setting = contextvars.ContextVar("setting")
    seen = []

    class Setting(Function):
        forward = staticmethod(lambda ctx, x: x * 2)

        @staticmethod
        def backward(ctx, g):
            seen.append((setting.get(), mg.is_grad_enabled()))
            return g

    setting.set("here")
    Setting.apply(leaf(2)).sum().backward()
    Setting.apply(leaf(2)).sum().backward(create_graph=True)
    assert seen == [("here", False), ("here", True)]


def test_a_backward_is_called_by_hand():
    class Weighted(mg.autograd.Function):
        @staticmethod
        def forward(ctx, w, x):
            ctx.save_for_backward(w, x)
            return w * x

        @staticmethod
        def backward(ctx, g):
            w, x = ctx.saved_tensors
            return g * x, g * w

    w = mg.tensor([0.5], requires_grad=True)
    given = Weighted.apply(w, mg.tensor([3.0])).grad_fn.apply(mg.ones(1))
    assert [g.tolist() for g in given] == [[3.0], [0.5]] and given[1].requires_grad
    assert repr(Weighted.apply(w, w).grad_fn).startswith("<minigrad.autograd.function.WeightedBackward object at 0x")


class Handed(mg.autograd.Function):
    """Its argument, as it is or written to."""

    @staticmethod
    def forward(ctx, x, dirty):
        if dirty:
            x.mul_(2)
            ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 2, None


@pytest.mark.parametrize("recorded", [True, False])
def test_what_is_marked_dirty_counts_as_written_to(recorded):
    x = mg.ones(2, requires_grad=recorded) * 1
    assert Handed.apply(x, True) is x and x._version == 2


def test_an_argument_that_is_handed_on_is_another_tensor():
    w = mg.ones(2, requires_grad=True)
    with mg.no_grad():
        y = Handed.apply(w, False)
    assert y is not w and not y.requires_grad and y.data_ptr() == w.data_ptr()
    with mg.no_grad():
        y = Handed.apply(w, True)
    assert y is not w and not y.requires_grad and w._version == 2
    x = mg.ones(2)
    assert Handed.apply(x, False)._base is x and Handed.apply(x, True) is x
