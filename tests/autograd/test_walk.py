"""The backward walk: un-broadcasting, pruning, ownership of gradients, order, hooks on tensors."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn, passes
from minigrad.autograd import operation
from minigrad.kernels import dispatch
from minigrad.utils.checkpoint import checkpoint
from tests.any_device import share_memory
from tests.leaves import leaf
from tests.marks import MEASURES

SHAPES = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (4, 2, 3)]
PAIRS = [
    (a, b)
    for a, b in itertools.product(SHAPES, SHAPES)
    if all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1], strict=False))
]


def sum_to(array, shape):
    """The adjoint of broadcasting, by loops: every element goes to where it was read from."""
    total = np.zeros(shape)
    places = np.broadcast_to(np.arange(total.size).reshape(shape), array.shape)
    np.add.at(total.reshape(-1), places.ravel(), array.ravel())
    return total


# ---- un-broadcasting ----------------------------------------------------------------------------
@pytest.mark.parametrize(("a", "b"), PAIRS, ids=str)
def test_a_gradient_is_summed_over_repeated_axes(a, b):
    x, y = leaf(*a, seed=1), leaf(*b, seed=2)
    product = x * y
    g = np.random.default_rng(3).normal(size=product.shape)
    product.backward(mg.tensor(g))
    X, Y = x.detach().numpy(), y.detach().numpy()
    assert x.grad.shape == x.shape and y.grad.shape == y.shape
    np.testing.assert_allclose(x.grad.numpy(), sum_to(g * Y, a), rtol=1e-12)
    np.testing.assert_allclose(y.grad.numpy(), sum_to(g * X, b), rtol=1e-12)


def test_a_broadcast_gradient_is_as_exact_as_a_sum():
    g = np.random.default_rng(0).uniform(0, 1, (100_000, 3)).astype(np.float32)
    b = mg.zeros(3, requires_grad=True)
    (mg.zeros(g.shape) + b).backward(mg.tensor(g))
    exact = g.sum(0, dtype=np.float64)
    assert np.abs(b.grad.numpy(force=True) / exact - 1).max() < 6e-7  # added row after row: 3e-6


def test_a_broadcast_gradient_can_be_differentiated_again():
    x, y = leaf(3, seed=1), leaf(2, 1, seed=2)
    assert autograd.gradgradcheck(lambda a, b: a * a * b, (x, y))


@settings(deadline=None, max_examples=60)
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3))
def test_gradients_of_any_shapes_that_broadcast(shapes):
    x, y, z = (leaf(*s, seed=i) for i, s in enumerate(shapes.input_shapes))
    result = x * y + z
    assert result.shape == shapes.result_shape
    g = np.random.default_rng(9).normal(size=result.shape)
    result.backward(mg.tensor(g))
    X, Y = x.detach().numpy(), y.detach().numpy()
    for t, full in ((x, g * Y), (y, g * X), (z, g)):
        full = np.broadcast_to(full, result.shape)
        np.testing.assert_allclose(t.grad.numpy(), sum_to(full, t.shape), atol=1e-12)


def test_a_gradient_takes_its_tensors_dtype():
    x = mg.ones(3, requires_grad=True)
    y = mg.ones(3, dtype=mg.float64, requires_grad=True)
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (mg.float32, mg.float64)


def test_a_gradient_that_does_not_fit_names_the_operation():
    wrong = operation("lopsided", lambda x: x * 2.0, lambda g: g[:1, :2])
    with pytest.raises(RuntimeError, match=r"LopsidedBackward0 .*got \[1, 2\] but .* \[2, 3\]"):
        wrong(leaf(2, 3)).sum().backward()


# ---- pruning ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "read", [lambda x, m: x[m], lambda x, m: x.masked_select(m), lambda x, m: x.detach().masked_scatter(m, x[:2])]
)
def test_a_mask_that_was_changed_through_data_is_refused_with_the_operations_name(read):
    x, mask = leaf(3), mg.tensor([True, False, True])
    y = read(x, mask).sum()
    mask.data.fill_(True)
    with pytest.raises(RuntimeError, match=r"^(Function )?\w+Backward0.*gradient"):
        y.backward()
    assert x.grad is None


def test_a_value_error_of_a_function_and_of_a_hook_stays_what_it_is():
    class Refusing(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            raise ValueError("my own")

    with pytest.raises(ValueError, match="my own"):
        Refusing.apply(leaf(2)).sum().backward()
    y = leaf(2).exp()
    y.register_hook(lambda g: int("none"))
    with pytest.raises(ValueError, match="invalid literal"):
        y.sum().backward()


def refuse(*_):
    raise ValueError("my own")


def call_twice(x):
    """The exponential, computed again in backward: the second time it refuses."""
    calls = []
    return checkpoint(lambda x: calls.append(x) or (x.exp() if len(calls) == 1 else refuse()), x, use_reentrant=False)


def unpack_wrongly(x):
    with autograd.graph.saved_tensors_hooks(lambda kept: kept, refuse):
        return x * x


def hang(how):
    def record(x):
        y = x.exp()
        getattr(y.grad_fn, how)(refuse)
        return y

    return record


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("record", [hang("register_hook"), hang("register_prehook"), unpack_wrongly, call_twice])
def test_a_value_error_of_what_a_user_hangs_on_a_node_stays_what_it_is(record, create_graph):
    with pytest.raises(ValueError, match=r"^my own$") as error:
        record(leaf(2)).sum().backward(create_graph=create_graph)
    assert not hasattr(error.value, "__notes__")  # no gradient rule has raised it


def test_the_first_layer_never_computes_the_gradient_of_the_image(monkeypatch):
    calls, through = [], dispatch.dispatch
    monkeypatch.setattr(
        dispatch, "dispatch", lambda function, *rest: calls.append(function) or through(function, *rest)
    )
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3))
    model(mg.randn(2, 1, 8, 8)).sum().backward()
    back = sorted(name for name in calls if name != "conv2d")  # a GPU computes conv2d without the dispatch
    assert back == ["conv2d_input"] + ["conv2d_weight"] * 2


def test_grad_computes_only_gradients_that_lead_to_its_inputs():
    ran = []
    spy = operation("spy", lambda x, *, name: x * 1.0, lambda g, name: ran.append(name) or g)
    a, b = leaf(3), leaf(3)
    total = (spy(a, name="a") * spy(b, name="b")).sum()
    autograd.grad(total, a)
    assert ran == ["a"]


# ---- accumulation and ownership -----------------------------------------------------------------
def test_no_gradients_share_memory():
    a, b, c = (leaf(2, 3, seed=i) for i in range(3))
    seed = mg.ones(2, 3, dtype=mg.float64)
    y = a + b
    z = y + c
    y.retain_grad()
    z.retain_grad()
    z.backward(seed)
    held = [seed, a.grad, b.grad, c.grad, y.grad, z.grad]
    for one, other in itertools.combinations(held, 2):
        assert not share_memory(one, other)


def test_no_gradients_share_memory_with_create_graph():
    a, b = leaf(3), leaf(3)
    seed = mg.ones(3, dtype=mg.float64)
    (a + b).backward(seed, create_graph=True)
    held = [seed, a.grad, b.grad]
    assert not any(share_memory(x, y) for x, y in itertools.combinations(held, 2))


def test_a_gradient_that_two_operands_share_is_not_added_into():
    """x is used three times by an operation that hands its gradient on as it is."""
    x, y = leaf(3), leaf(3)
    s = x + y
    (s + x + x).backward(mg.ones(3, dtype=mg.float64))
    assert (x.grad == 3).all() and (y.grad == 1).all()


def test_a_sum_is_written_into_the_gradient_that_nobody_else_holds(monkeypatch):
    """The first gradient of x is that of the result, which y gets too; the second is new."""
    adds = []
    add_arrays = passes.add_arrays
    monkeypatch.setattr(passes, "add_arrays", lambda *given: adds.append(given) or add_arrays(*given))
    x, y = leaf(3, seed=1), leaf(3, seed=2)
    product = x * x
    (product + x + y).sum().backward()
    [borrowed, new, out], [total, newer, last] = adds
    assert borrowed is not new and out is new
    assert total is new and newer is not new and last is new
    assert (y.grad == 1).all()
    np.testing.assert_allclose(x.grad.numpy(), 1 + 2 * x.detach().numpy())


def test_a_gradient_stored_by_a_hook_is_not_modified():
    x, kept = leaf(3), []
    y = x * 1.0
    y.register_hook(kept.append)
    x.register_hook(kept.append)
    (y + y + y).sum().backward()
    (x * 5).sum().backward()
    assert [g.tolist() for g in kept[:2]] == [[3.0] * 3, [3.0] * 3]
    assert x.grad.tolist() == [8.0] * 3


# ---- the walk is a loop -------------------------------------------------------------------------
def test_a_chain_of_100_000_operations_needs_no_recursion():
    x = leaf(2)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    assert (x.grad == 1).all()
    del y  # freed without recursion


def test_60_stacked_diamonds_take_60_steps():
    steps = []
    double = operation("double", lambda x, y: x + y, lambda g: steps.append(1) or g, lambda g: g)
    x = leaf()
    y = x
    for _ in range(60):
        y = double(y, y)
    y.backward()
    assert x.grad.item() == 2.0**60
    assert len(steps) == 60


def test_each_node_runs_after_all_that_feed_it():
    order = []
    mark = operation("mark", lambda x, *, n: x * 1.0, lambda g, n: order.append(n) or g)
    x = leaf(2)
    a = mark(x, n=0)
    b = mark(a, n=1)
    c = mark(a, n=2)
    mark(b * c, n=3).sum().backward()
    assert order == [3, 2, 1, 0]


@pytest.mark.usefixtures("without_collector")
@MEASURES
def test_memory_is_flat_over_a_training_loop():
    layer = nn.Conv2d(1, 2, 3)
    optimizer = mg.optim.SGD(layer.parameters(), lr=1e-3, momentum=0.9)
    x, target = mg.randn(2, 1, 16, 16), mg.zeros(2, 2, 14, 14)

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            F.mse_loss(layer(x), target).backward()
            optimizer.step()

    tracemalloc.start()
    try:
        steps(30)  # Python and NumPy fill their own stores of small blocks first
        before = tracemalloc.get_traced_memory()[0]
        steps(40)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 4000  # one step's graph holds tens of thousands of bytes


# ---- hooks --------------------------------------------------------------------------------------
def test_a_hook_on_an_intermediate_result_changes_the_gradient():
    x = leaf(2)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    (y * 1.0).sum().backward()
    assert y.grad.tolist() == [10, 10]
    assert x.grad.tolist() == [30, 30]


def test_hooks_run_in_order_and_each_sees_the_one_before():
    x, seen = leaf(), []
    x.register_hook(lambda g: seen.append(g.item()) or g + 1)
    x.register_hook(lambda g: seen.append(g.item()) or g * 2)
    x.register_hook(lambda g: seen.append(g.item()))
    x.backward()
    assert seen == [1, 2, 4]
    assert x.grad.item() == 4


def test_a_hook_sees_the_whole_gradient_once():
    x, seen = leaf(), []
    y = x * 1.0
    y.register_hook(lambda g: seen.append(g.item()))
    (y + y * 2 + y * 3).backward()
    assert seen == [6]


def test_a_handle_removes_its_own_hook_alone():
    x, seen = leaf(), []
    first = x.register_hook(lambda g: seen.append("first"))
    with x.register_hook(lambda g: seen.append("second")):
        first.remove()
        first.remove()  # a second time does nothing
        x.register_hook(lambda g: seen.append("third"))
        (x * 1.0).backward()
    (x * 1.0).backward()
    assert seen == ["second", "third", "third"]


def test_a_hook_under_create_graph_sees_a_gradient_with_a_graph():
    x, seen = leaf(), []
    y = x**3
    y.register_hook(lambda g: seen.append(g.requires_grad))
    (first,) = autograd.grad(y * y, x, create_graph=True)
    assert seen == [True]
    first.backward()
    assert x.grad.item() == pytest.approx(30 * x.item() ** 4)  # (x^6)'' = 30 x^4


def test_a_hook_records_only_under_create_graph():
    x, seen = leaf(), []
    x.register_hook(lambda g: seen.append(mg.is_grad_enabled()))
    (x * 1.0).backward()
    with mg.no_grad():
        autograd.backward((x,), None)
        autograd.backward((x,), None, create_graph=True)
    assert seen == [False, False, True]


@pytest.mark.parametrize("shape", [(), (3,)])
def test_retain_grad_keeps_the_gradient_of_a_result(shape):
    x = leaf(*shape)
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()  # a second time does nothing
    assert y.retains_grad
    (y * 3).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), np.full(shape, 3.0))
    with pytest.raises(RuntimeError, match="retain_grad on Tensor that has requires_grad=False"):
        mg.ones(2).retain_grad()


@pytest.mark.parametrize(
    "write", [lambda y: y.mul_(3.0), lambda y: y[:].mul_(3.0), lambda y: y.__setitem__([0, 1], y.detach() * 3)]
)
def test_retain_grad_follows_its_tensor_through_writes(write):
    x = leaf(2)
    y = x * 2
    y.retain_grad()
    write(y)
    (y * 5).sum().backward()
    assert y.retains_grad and y.grad.tolist() == [5, 5]  # of what y is now, as in PyTorch
