"""Hooks on tensors saved for backward."""

import math
from weakref import ref

import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd.graph import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)
from tests.autograd.test_function import Cube, Exp, Sinh
from tests.leaves import leaf_of

CALLS = {
    "an operand": lambda x: x * x,
    "a result": lambda x: x.exp(),
    "nothing": lambda x: x + x,
    "a number": lambda x: x**3,
    "several operands": lambda x: mg.cat([x, x]) @ mg.cat([x * 2, x]),
    "a convolution": lambda x: mg.nn.functional.conv2d(x.reshape(1, 1, 1, 2), x.reshape(1, 1, 1, 2)),
    "a Function's operand": Cube.apply,
    "a Function's result": Exp.apply,
    "two of a Function's results": lambda x: Sinh.apply(x)[0],
}


def leaf():
    return leaf_of(0.5, 1.5, dtype=mg.float64)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_gradients_are_the_same_with_packed_tensors(call):
    x, plain = leaf(), leaf()
    packed = []

    def pack(tensor):
        packed.append(tensor.numpy(force=True).copy())
        return len(packed) - 1

    with saved_tensors_hooks(pack, lambda i: mg.tensor(packed[i])):
        y = call(x)
    y.sum().backward()
    call(plain).sum().backward()
    assert x.grad.tolist() == plain.grad.tolist()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_packed_tensors_pass_gradgradcheck(call):
    def call_with_hooks(x):
        with saved_tensors_hooks(lambda t: t.numpy(force=True).copy(), mg.tensor):
            return call(x * 1) + call(x)

    assert autograd.gradcheck(call_with_hooks, leaf())
    assert autograd.gradgradcheck(call_with_hooks, leaf())


def test_rules_read_what_unpack_returns():
    x = leaf()
    with saved_tensors_hooks(lambda t: t, lambda t: t * 10):
        y = x.exp()
    y.sum().backward()
    assert x.grad.tolist() == (10 * x.exp()).tolist()


def test_the_innermost_hooks_are_called():
    x, seen = leaf(), []
    with saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with saved_tensors_hooks(lambda t: seen.append("inner") or t * 1, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert seen == ["inner", "outer"]


@pytest.mark.parametrize(
    ("call", "order"),
    [(mg.mul, [3, 2]), (mg.mm, [3, 2]), (mg.nn.functional.mse_loss, [2, 3]), (lambda x, y: x * x, [2, 2])],
)
def test_operands_are_packed_and_unpacked_in_the_order_of_pytorchs_names(call, order):
    x, y, seen = [mg.full((1, 1), value, requires_grad=True) for value in (2.0, 3.0)] + [[]]
    show = lambda t: seen.append(t.item()) or t  # noqa: E731
    with saved_tensors_hooks(show, show):
        result = call(x, y)
    assert seen == order
    result.sum().backward(retain_graph=True)
    assert seen == order * 2
    kept = mg.autograd.grad(result.sum(), x, create_graph=True)[0]
    assert kept.item() == mg.autograd.grad(call(x, y).sum(), x)[0].item()


@pytest.mark.usefixtures("without_collector")
def test_graphs_with_hooks_are_freed_by_reference_counting():
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = leaf().exp()
    node = ref(y.grad_fn)
    del y
    assert node() is None


def test_save_on_cpu_gives_the_same_gradient():
    x = leaf()
    with save_on_cpu():
        y = (x**3).sum()
    y.backward()
    assert x.grad.tolist() == (3 * x.detach() ** 2).tolist()


@pytest.mark.parametrize(
    "call", [lambda x: x * x, lambda x: x**2, lambda x: x @ x, lambda x: mg.where(x > 0, x, x), mg.add, mg.lerp]
)
def test_an_error_in_a_hook_is_passed_on(call):
    def refuse(tensor):
        raise ValueError("full")

    x = mg.ones(2, 2, requires_grad=True)
    arguments = [x * x] * {mg.add: 2, mg.lerp: 3}.get(call, 1)
    with saved_tensors_hooks(refuse, lambda kept: kept), pytest.raises(ValueError, match="full"):
        call(*arguments) * x


def test_disabled_hooks_a_wrong_unpack_and_a_second_backward_are_refused():
    x = leaf()
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"):
        saved_tensors_hooks(lambda t: t, lambda t: t).__enter__()
    with saved_tensors_hooks(lambda t: t, lambda t: t), pytest.raises(RuntimeError, match="not within"):
        disable_saved_tensors_hooks("not within").__enter__()
    for call in (lambda: (x * 1).exp(), lambda: x.detach().mul(x)):
        with (
            saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t),
            pytest.raises(RuntimeError, match="is modifying its"),
        ):
            call()
    with saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x.exp().sum()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor, got int"):
        y.backward()
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


@pytest.mark.parametrize("write", ["exp_", "sigmoid_", "tanh_", "relu_", "sqrt_", "reciprocal_"])
@pytest.mark.parametrize("part", [slice(None), slice(1)])
def test_results_of_in_place_functions_are_packed(write, part):
    def compute_grad(function, factor):
        x = mg.tensor([1.5, 2.0], requires_grad=True)
        with saved_tensors_hooks(lambda t: t.clone(), lambda t: t * factor):
            y = function(x * 1)
        y.sum().backward()
        return x.grad.tolist()

    def write_in_place(y):
        getattr(y[part], write)()
        return y

    def make_new(y):
        return mg.cat([getattr(y[part], write.rstrip("_"))(), y[len(y[part]) :]])

    assert compute_grad(write_in_place, 3.0) == compute_grad(make_new, 3.0) != compute_grad(make_new, -1.0)


def test_a_checkpoint_keeps_no_result_that_was_written_in_place():
    x, factor = mg.tensor([1.0], requires_grad=True), mg.ones(1)
    y = mg.utils.checkpoint.checkpoint(lambda a: (a * factor).exp_() * 2, x, use_reentrant=False)
    factor.mul_(2)  # seen by the second run
    y.backward()
    assert x.grad.item() == pytest.approx(4 * mg.tensor(2.0).exp().item())


def assign(y, key, value):
    y[key] = value
    return y


INDEXED = {
    "[]": lambda x, i: x[i],
    "index_select": lambda x, i: x.index_select(0, i),
    "gather": lambda x, i: x.gather(0, i),
    "take": lambda x, i: x.take(i),
    "scatter": lambda x, i: mg.zeros(3, dtype=mg.float64).scatter(0, i, x[:2]) * x,
    "index_add": lambda x, i: mg.zeros(3, dtype=mg.float64).index_add(0, i, x[:2]) * x,
    "scatter_reduce": lambda x, i: mg.zeros(3, dtype=mg.float64).scatter_reduce(0, i, x[:2] * x[:2], "amax") * x,
    "index_reduce": lambda x, i: x.index_reduce(0, i, x[:2] * 2, "prod"),
    "index_put": lambda x, i: x.index_put((i,), mg.ones(2, dtype=mg.float64)),
    "embedding": lambda x, i: mg.nn.functional.embedding(i, x[:, None]),
    "y[i] = value": lambda x, i: assign(x * 2, i, x[:2]),
    "y[i] = number": lambda x, i: assign(x * 2, i, 3.0),
    "a part of y[i] = value": lambda x, i: assign((x * 2)[:3], i, x[:2]),
}
RETURNED = {
    "sort": lambda x: x.sort(),
    "max": lambda x: x.max(0),
    "median": lambda x: x.median(0),
    "topk": lambda x: x.topk(2),
    "kthvalue": lambda x: x.kthvalue(2),
    "cummax": lambda x: x.cummax(0),
    "max_pool1d": lambda x: mg.nn.functional.max_pool1d(x[None], 2, return_indices=True),
}


@pytest.mark.parametrize("call", INDEXED.values(), ids=INDEXED)
@pytest.mark.parametrize("hooks", [allow_mutation_on_saved_tensors, lambda: saved_tensors_hooks(mg.clone, mg.clone)])
def test_indices_are_packed_and_may_be_written_to_later(call, hooks):
    x, index = leaf_of(0.5, 1.5, 2.5, dtype=mg.float64), mg.tensor([2, 0])
    (right,) = mg.autograd.grad((call(x, index) ** 3).sum(), x)
    with hooks():
        y = (call(x, index) ** 3).sum()
        index.fill_(1)
        (first,) = mg.autograd.grad(y, x, create_graph=True)
        assert first.tolist() == right.tolist()
        first.sum().backward()
    index.copy_(mg.tensor([2, 0]))
    (first,) = mg.autograd.grad((call(x, index) ** 3).sum(), x, create_graph=True)
    assert x.grad.tolist() == mg.autograd.grad(first.sum(), x)[0].tolist()


@pytest.mark.parametrize("call", RETURNED.values(), ids=RETURNED)
def test_returned_indices_are_packed_and_may_be_written_to_later(call):
    x = leaf_of(0.5, 2.5, 1.5)
    (right,) = mg.autograd.grad(call(x)[0].sum(), x)
    with allow_mutation_on_saved_tensors():
        values, places = call(x)
        places.zero_()
        values.sum().backward()
    assert x.grad.tolist() == right.tolist()


@pytest.mark.parametrize("key", [[2, 0], [True, False, True]])
def test_a_pack_hook_gets_a_copy_of_the_index(key):
    x, index, seen = leaf_of(1.0, 2.0, 3.0), mg.tensor(key), []
    with saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        y = x[index]
    assert [t.tolist() for t in seen] == [key]
    index.fill_(1)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


def test_a_mask_of_an_assignment_is_packed_and_may_be_written_to_later():
    x, mask = leaf_of(1.0, 2.0, 3.0), mg.tensor([True, False, True])
    with allow_mutation_on_saved_tensors():
        y = x * 2
        y[mask] = 5.0
        mask.fill_(False)
        (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 16.0, 0.0]


INDEX = mg.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(("call", "shapes"), [  # recorded with PyTorch, without the operands that it saves beside
    (lambda x: x.gather(1, INDEX), [(2, 2)]),
    (lambda x: mg.take_along_dim(x, INDEX, 1), [(2, 2)]),
    (lambda x: x.scatter(1, INDEX, 2.0), [(2, 2)]),
    (lambda x: x.scatter_add(1, INDEX, x * 2), [(2, 2)]),
    (lambda x: x.sort(1), [(2, 2)]),
    (lambda x: x.topk(1), [(2, 1)]),
    (lambda x: x.max(1), [(2,)]),
    (lambda x: x.mode(1), [(2,)]),
    (lambda x: x.cummax(1), [(2, 2)]),
    (lambda x: x[INDEX[0], INDEX[1]], [(2,), (2,)]),
])  # fmt: skip
def test_hooks_see_the_indices_of_a_call_alone(call, shapes):
    seen = []
    with saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        call(mg.ones(2, 2, requires_grad=True))
    assert [tuple(t.shape) for t in seen if t.dtype == mg.int64] == shapes


def test_a_checkpoint_reads_an_index_again_from_where_it_is():
    x, index = leaf_of(1.0, 2.0, 3.0), mg.tensor([0, 1])
    y = mg.utils.checkpoint.checkpoint(lambda v: v[index] ** 2, x, use_reentrant=False)
    index.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 4.0, 6.0]


def test_what_a_pack_hook_computes_is_not_recorded():
    x = leaf()
    with saved_tensors_hooks(lambda t: (mg.is_grad_enabled(), t.numpy().copy()), lambda kept: mg.tensor(kept[1])):
        y = (x.exp() * x).sum()
        assert mg.is_grad_enabled()
    y.backward()
    assert x.grad.tolist() == pytest.approx(((1 + x) * x.exp()).tolist())
    packed = []
    with saved_tensors_hooks(lambda t: packed.append((mg.is_grad_enabled(), (t * 2).requires_grad)) or t, lambda t: t):
        Cube.apply(x.exp())
    assert packed and not any(recording or in_graph for recording, in_graph in packed)


def test_saved_tensors_may_be_written_to_in_a_context_that_copies_them():
    x = mg.full((2,), 0.5, requires_grad=True)
    with allow_mutation_on_saved_tensors():
        y = x.exp()
        z = y.sigmoid()
        product = (y * z).sum()
        y.zero_()
        z.view(2).add_(1)
        (first,) = mg.autograd.grad(product, x, create_graph=True)
        first.sum().backward()
    u = math.exp(0.5)
    s = 1 / (1 + math.exp(-u))
    assert first.tolist() == pytest.approx([u * s + u * u * s * (1 - s)] * 2)
    second = u * s + 3 * u * u * s * (1 - s) + u**3 * s * (1 - s) * (1 - 2 * s)
    assert x.grad.tolist() == pytest.approx([second] * 2)


def test_backward_must_run_in_the_context_that_copies():
    x = mg.ones(2, requires_grad=True)
    with allow_mutation_on_saved_tensors() as copies:
        cleared, _ = (x**2).sum(), copies.clear()
        with pytest.raises(AssertionError, match="outside of the 'allow_mutation_on_saved_tensors' context"):
            cleared.backward()
        late = (x**2).sum()
        with pytest.raises(RuntimeError, match="contexts cannot be nested"), allow_mutation_on_saved_tensors():
            pass
    with pytest.raises(AssertionError, match=r"call backward\(\) inside the with block"):
        late.backward()
