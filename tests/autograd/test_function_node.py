"""The node that a call of a `Function` leaves in the graph: its name, its edges, and what it keeps."""

from weakref import ref

import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import Function
from tests.autograd.test_function import Cube, Exp, Scaled, Sinh, SumAndProduct, make_function
from tests.autograd.test_function_writes import Double_
from tests.leaves import leaf


def test_the_node_of_a_function_is_named_after_it():
    x = leaf(2)
    y = Cube.apply(x)
    assert y.grad_fn.name() == "CubeBackward"
    assert not y.is_leaf and not Cube.apply(x.detach()).requires_grad
    with mg.no_grad():
        assert not Cube.apply(x).requires_grad


@pytest.mark.parametrize("function", [Exp.apply, lambda x: Sinh.apply(x)[1]])
def test_a_saved_result_walks_back_through_the_hooks_of_the_result(function):
    y = function(leaf(2))
    seen = []
    y.register_hook(lambda g: seen.append(g))
    saved = next(t for t in y.grad_fn.saved_tensors if t.grad_fn is y.grad_fn)
    assert saved is not y and saved.tolist() == y.tolist()
    saved.sum().backward()
    assert len(seen) == 1


class Kept(Function):
    """Saves an operand, a result and a tensor that is neither; one of its results is an integer."""

    @staticmethod
    def forward(ctx, x):
        y, own = x * 2, x + 1
        ctx.save_for_backward(x, y, own, None)
        return y, y + 1, x.argmax()

    @staticmethod
    def backward(ctx, g, h, _):
        assert [t is None for t in ctx.saved_tensors] == [False, False, False, True]
        return 2 * (g + h)


@pytest.mark.parametrize(
    "call",
    [
        Cube.apply,
        Exp.apply,
        lambda x: Kept.apply(x)[0],
        lambda x: Double_.apply(x * 1.0),
        lambda x: make_function(lambda ctx, g: g, lambda ctx, x: x).apply(x),
    ],
)
@pytest.mark.parametrize("walked", [False, True, "create_graph"])
@pytest.mark.usefixtures("without_collector")
def test_graphs_of_functions_are_freed_by_reference_counting(call, walked):
    x = leaf(3)
    y = call(x)
    result, node = ref(y), ref(y.grad_fn)
    if walked:
        autograd.grad(y.sum(), x, create_graph=walked == "create_graph")
    del y
    assert result() is None and node() is None


def test_grad_fn_shows_what_was_kept_on_ctx():
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


def test_grad_fn_apply_runs_backward_by_hand():
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
