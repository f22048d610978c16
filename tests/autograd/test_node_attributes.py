"""What few programs ask of a node: its operands, saved values, its rules as a call, hooks around them."""

from weakref import ref

import pytest

import minigrad as mg
from minigrad import autograd
from tests.leaves import leaf_of as leaf


class Pair(autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        return x * k, x + k

    @staticmethod
    def backward(ctx, g, h):
        return 2 * g + h, None


@pytest.mark.parametrize("value", [2.0, [2.0]])
@pytest.mark.parametrize("kind", ["register_hook", "register_prehook"])
def test_hooks_of_a_node_may_write_to_gradients(kind, value):
    x = mg.tensor(value, requires_grad=True)
    y = x * 2

    def scale_in_place(gradients, *_):
        gradients[0].mul_(100)

    getattr(y.grad_fn, kind)(scale_in_place)
    (y * 3).backward(mg.ones_like(y))
    assert x.grad.item() == 600


def test_hooks_of_a_node_replace_gradients():
    x = leaf(1.0, 2.0)
    y = x * 3
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, None))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 100,))
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [3000, 3000]
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [3300, 3300]


def test_hooks_of_a_function_with_several_results_see_all_gradients():
    x, seen = leaf(1.0, 2.0), []
    y, z = Pair.apply(x, 2.0)
    node = z.grad_fn
    assert y.grad_fn is node and (y * z).grad_fn.next_functions == ((node, 0), (node, 1))
    z.register_hook(lambda g: g * 3)
    y.retain_grad()
    handle = node.register_prehook(lambda outputs: (None, outputs[1] * 10))
    node.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    (y + z).sum().backward(retain_graph=True)
    ((inputs, (g, h)),) = seen  # the number 2.0 is no operand
    assert g is None and y.grad.tolist() == [1, 1] and h.tolist() == [30, 30]
    assert [i.tolist() for i in inputs] == [x.grad.tolist()] == [[30, 30]]
    seen.clear()
    handle.remove()
    y.sum().backward(retain_graph=True)
    ((_, (g, h)),) = seen
    assert g.tolist() == [1, 1] and h is None
    assert node(mg.ones(2), mg.ones(2)).tolist() == [3, 3]
    with pytest.raises(TypeError, match="expected 2 arguments, got 1"):
        node(mg.ones(2))


def test_a_gradient_stored_by_a_node_hook_is_not_modified():
    x, kept = leaf(1.0, 2.0), []
    y = x * x  # two gradients for x, which are added up
    y.grad_fn.register_hook(lambda inputs, outputs: kept.extend(inputs))
    y.sum().backward()
    assert [g.tolist() for g in kept] == [[1, 2], [1, 2]] and x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("call", [lambda x: Pair.apply(x, 2.0)[0], lambda x: mg.cat([x, x]), lambda x: x.relu()])
def test_each_kind_of_node_takes_hooks(call):
    x, seen = leaf(1.0, 2.0), []
    y = call(x)
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].sum().item()))
    y.sum().backward()
    assert seen == [y.numel()]
    plain = leaf(1.0, 2.0)
    call(plain).sum().backward()
    assert x.grad.tolist() == plain.grad.tolist()


def test_a_hooked_node_is_differentiable_twice():
    x = leaf(1.0, 2.0)
    y = x**3
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2, *inputs[1:]))
    (g,) = autograd.grad(y.sum(), x, create_graph=True)
    (second,) = autograd.grad(g.sum(), x)
    assert g.tolist() == [6, 24] and second.tolist() == [12, 24]


@pytest.mark.usefixtures("without_collector")
def test_a_hooked_node_is_freed_by_reference_counting():
    y = leaf(1.0) * 2
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.grad_fn.metadata["mine"] = 1
    node = ref(y.grad_fn)
    del y
    assert node() is None


def test_operands_that_can_have_no_gradient_are_not_shown():
    x = leaf(1.0, 2.0) * 1
    calls = [
        mg.where(x > 0, x, 0.0),
        mg.nn.functional.embedding(mg.tensor([0]), x[:, None]),
        mg.nn.functional.nll_loss(x[None], mg.tensor([1])),
    ]
    assert [len(y.grad_fn.next_functions) for y in calls] == [2, 1, 1]
    assert calls[0].grad_fn.next_functions[0][0] is x.grad_fn


def test_calling_a_node_runs_its_rules():
    x = leaf(1.0, 2.0)
    ones = mg.ones(2)
    first, _ = (x * x).grad_fn(ones)
    assert first.tolist() == [1, 2] and first.requires_grad
    assert x.sin().grad_fn(ones).tolist() == x.cos().tolist()
    assert (x + 1).grad_fn(ones)[1] is None
    node = (x * x).grad_fn
    with mg.no_grad():
        assert not node(ones)[0].requires_grad
    with pytest.raises(TypeError, match="expected 1 arguments, got 0"):
        (x + 1).grad_fn()


def test_saved_attributes_show_what_a_node_keeps():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert (x * y).grad_fn._saved_self is x
    assert (x * y).grad_fn._saved_other is y
    assert (x * 2).grad_fn._saved_other == 2 and (x * 2).grad_fn._saved_self is None
    z = x.exp()
    assert z.grad_fn._saved_result.tolist() == z.tolist() and z.grad_fn._saved_result.grad_fn is z.grad_fn
    saved = z.grad_fn._saved_result
    with mg.no_grad():
        z += 1
    assert saved._version == z._version == 1 and saved.tolist() == z.tolist()
    assert (x**3).grad_fn._saved_exponent == 3
    with pytest.raises(AttributeError, match="'AddBackward0' object has no attribute '_saved_self'"):
        (x + y).grad_fn._saved_self  # noqa: B018
    z = x * y
    z.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        z.grad_fn._saved_self  # noqa: B018


def test_node_hooks_see_gradients_of_the_operands_shape_and_dtype():
    x, w, seen = leaf(1.0), mg.ones(2, 3, dtype=mg.float64, requires_grad=True), []
    y = x * w
    y.grad_fn.register_hook(lambda inputs, _: seen.extend((tuple(g.shape), g.dtype) for g in inputs))
    y.grad_fn.register_hook(lambda inputs, _: (inputs[0] * 2, None))
    y.sum().backward()
    assert seen == [((1,), mg.float32), ((2, 3), mg.float64)]
    assert x.grad.tolist() == [12.0] and w.grad is None
