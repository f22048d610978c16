"""Hooks on leaves: they run around the accumulation, as soon as the last gradient has arrived."""

import copy
from weakref import ref

import pytest

import minigrad as mg
import minigrad as torch
from minigrad import autograd
from tests.leaves import leaf_of as leaf


@pytest.mark.parametrize("value", [2.0, [2.0]])
def test_a_prehook_of_the_node_of_a_leaf_may_write_to_the_gradient(value):
    x = mg.tensor(value, requires_grad=True)
    y = x * 2

    def scale_in_place(gradients):
        gradients[0].mul_(100)

    y.grad_fn.next_functions[0][0].register_prehook(scale_in_place)
    (y * 3).backward(mg.ones_like(y))
    assert x.grad.item() == 600


def test_a_hook_sees_the_tensor_with_its_gradient():
    x, seen = leaf(1.0, 1.0), []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    (x * 2 + x * x).sum().backward()
    (x * 2).sum().backward()
    assert seen == [(True, [4.0, 4.0]), (True, [6.0, 6.0])]
    torch.autograd.grad((x * x).sum(), x)
    assert len(seen) == 2
    (x * 2).sum().backward(inputs=[x])
    x.backward(torch.ones(2))
    assert [g for _, g in seen[2:]] == [[8.0, 8.0], [9.0, 9.0]]
    handle.remove()
    (x * 2).sum().backward()
    assert len(seen) == 4 and x.grad.tolist() == [11.0, 11.0]


def test_a_hook_records_only_under_create_graph():
    x, seen = leaf(2.0), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append((torch.is_grad_enabled(), p.grad.requires_grad)))
    (x * x).sum().backward()
    x.grad = None
    (x * x * x).sum().backward(create_graph=True)
    assert seen == [(False, False), (True, True)]


def test_hooks_of_accumulate_grad_record_only_under_create_graph():
    x, seen = leaf(2.0), []
    accumulate = (x * 2).grad_fn.next_functions[0][0]
    accumulate.register_prehook(lambda outputs: seen.append(torch.is_grad_enabled()))
    accumulate.register_hook(lambda inputs, outputs: seen.append(torch.is_grad_enabled()))
    (x * x).sum().backward()
    (x * x * x).sum().backward(create_graph=True)
    assert seen == [False, False, True, True]


def test_hooks_of_chosen_inputs_run_when_their_gradients_are_complete():
    a, b, order = leaf(1.0), leaf(1.0), []
    for name, x in {"a": a, "b": b}.items():
        x.register_post_accumulate_grad_hook(lambda p, name=name: order.append(name))
    y = a * 2
    y.register_hook(lambda g: order.append("y"))
    (y * b).sum().backward(inputs=iter([a, b]))
    assert order == ["b", "y", "a"] and (a.grad.item(), b.grad.item()) == (2.0, 2.0)
    a.backward(inputs=[b])  # a root that is a leaf, and not asked for
    assert order == ["b", "y", "a"] and a.grad.item() == 2.0


def test_a_hook_may_update_its_tensor_and_drop_the_gradient():
    x = leaf(0.0, 0.0)

    def descend(p):
        p.add_(p.grad, alpha=-0.5)
        p.grad = None

    x.register_post_accumulate_grad_hook(descend)
    for _ in range(2):
        (x * 3 + x).sum().backward()
    assert x.tolist() == [-4.0, -4.0] and x.grad is None


def test_a_hook_runs_as_soon_as_the_gradient_is_complete():
    order = []
    a, b, c = leaf(1.0), leaf(1.0), leaf(1.0)
    for name, x in {"a": a, "b": b, "c": c}.items():
        x.register_post_accumulate_grad_hook(lambda p, name=name: order.append(name))
    a.register_hook(lambda g: order.append("gradient of a"))
    y = a * 2
    y.register_hook(lambda g: order.append("y"))
    (y * b * c + c).sum().backward()
    # The last use of b and c comes before the walk reaches y.
    assert order == ["c", "b", "y", "gradient of a", "a"]


def test_hooks_that_see_the_gradient_of_a_leaf_run_between_those_of_results():
    order = []
    w, v = leaf(1.0), leaf(1.0)
    h = w * 2
    y = h * v
    for name, x in {"w": w, "h": h, "v": v, "y": y}.items():
        x.register_hook(lambda g, name=name: order.append(name))
    y.sum().backward()
    assert order == ["y", "v", "h", "w"]


def test_hooks_of_layers_and_of_their_parameters_run_from_the_last_layer_to_the_first():
    order = []
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    for name, layer in net.named_children():
        layer.register_full_backward_hook(lambda *_, name=name: order.append(name))
    for name, p in net.named_parameters():
        p.register_hook(lambda g, name=name: order.append(name))
    net(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert order == ["1.bias", "1.weight", "1", "0.bias", "0.weight", "0"]


def test_a_hook_runs_though_one_use_of_its_tensor_gets_no_gradient():
    seen = []
    x = leaf(1.0, 2.0)
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))

    class FirstOperandAlone(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2, None

    FirstOperandAlone.apply(x, x).sum().backward()
    assert seen == [[2.0, 2.0]]


def test_hooks_of_a_leaf_used_many_times_run_once_and_in_order():
    x, order = leaf(1.0), []
    for i in range(3):
        x.register_post_accumulate_grad_hook(lambda p, i=i: order.append((i, p.grad.item())))
    y = x
    for _ in range(5):
        y = y + y + x
    y.sum().backward()
    assert order == [(0, 63.0), (1, 63.0), (2, 63.0)]


def test_a_copy_has_no_hooks():
    x, seen = leaf(1.0), []
    x.register_post_accumulate_grad_hook(seen.append)
    (copy.deepcopy(x) * 2).sum().backward()
    assert not seen


def test_the_gradient_is_kept_when_a_hook_fails():
    x = leaf(1.0)

    def fail(p):
        raise ValueError("no")

    x.register_post_accumulate_grad_hook(fail)
    with pytest.raises(ValueError, match="no"):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize(("give", "kind"), [(lambda p: p.grad * 2, RuntimeError), (lambda p: 3, TypeError)])
def test_a_hook_returns_nothing_or_its_tensor(give, kind):
    x = leaf(1.0)
    with x.register_post_accumulate_grad_hook(give), pytest.raises(kind, match="hooks should return None"):
        x.sum().backward()
    x.register_post_accumulate_grad_hook(lambda p: p.add_(p.grad))
    x.sum().backward()
    assert x.item() == 3.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.ones(2), "doesn't require gradient"),
        (lambda: leaf(1.0) * 2, "cannot be registered on non-leaf tensors"),
    ],
)
def test_a_hook_needs_a_leaf_that_requires_grad(make, message):
    with pytest.raises(RuntimeError, match=message):
        make().register_post_accumulate_grad_hook(print)


def test_a_leaf_that_waits_is_left_alone_where_other_inputs_are_asked_for():
    class Product(torch.autograd.Function):
        forward = staticmethod(lambda ctx, x, y: ctx.save_for_backward(x, y) or x * y)
        backward = staticmethod(lambda ctx, g: (g * ctx.saved_tensors[1], g * ctx.saved_tensors[0]))

    a, b, seen = leaf(2.0, 3.0), leaf(4.0, 5.0), []
    b.register_post_accumulate_grad_hook(seen.append)
    Product.apply(a, b).sum().backward(inputs=[a])
    assert a.grad.tolist() == b.tolist() and b.grad is None and not seen


@pytest.mark.parametrize("hook", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_gradient_that_hooks_see_lies_in_memory_as_its_leaf(hook):
    w = torch.ones(3, 2).t().detach().requires_grad_()
    getattr(w, hook)(lambda seen: None)
    (w * torch.ones(2, 3) * 2).sum().backward()
    assert w.grad.stride() == w.stride() == (1, 2)


def test_hooks_of_a_leaf_run_around_the_accumulation():
    x, seen = leaf(1.0, 2.0), []
    accumulate = (x * 2).grad_fn.next_functions[0][0]
    assert accumulate.variable is x
    accumulate.register_hook(
        lambda inputs, outputs: seen.append(("last", inputs, outputs[0].tolist(), x.grad.tolist()))
    )
    accumulate.register_prehook(lambda outputs: seen.append(("before", outputs[0].tolist(), x.grad)))
    x.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(("after", t.grad.tolist())))
    (x * 2).sum().backward()
    expected = [("tensor", [2, 2]), ("before", [2, 2], None), ("after", [2, 2]), ("last", (), [2, 2], [2, 2])]
    assert seen == expected
    seen.clear()
    autograd.grad((x * 2).sum(), x)
    assert seen == [("tensor", [2, 2])]
    seen.clear()
    handle.remove()
    (x * 2).sum().backward(inputs=[x])
    assert [name for name, *_ in seen] == ["tensor", "before", "last"]


def test_a_prehook_of_accumulate_grad_replaces_the_gradient():
    x = leaf(1.0)
    (x * 2).grad_fn.next_functions[0][0].register_prehook(lambda outputs: (outputs[0] * 10,))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [40]


def test_a_tensor_returned_by_a_prehook_of_accumulate_grad_is_not_modified():
    x, own = leaf(1.0, 2.0), mg.ones(2)
    accumulate = (x * 2).grad_fn.next_functions[0][0]
    accumulate.register_prehook(lambda _: (own,))
    for _ in range(2):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and own.tolist() == [1.0, 1.0]


def test_a_prehook_that_returns_none_stops_the_gradient():
    x = mg.tensor([1.0], requires_grad=True)
    y, seen = x.exp(), []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    y.grad_fn.register_prehook(lambda outputs: (None,))
    y.grad_fn.register_prehook(seen.append)
    y.sum().backward(retain_graph=True)
    assert x.grad is None
    assert seen == [(None,), ((None,), (None,))]
    (y + x).sum().backward()
    assert x.grad.tolist() == [1.0]


def test_one_object_stands_for_a_leaf_wherever_a_graph_reads_it():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    product = x * x
    (first, _), (second, _) = product.grad_fn.next_functions
    assert first is second is product.grad_fn.next_functions[0][0] is mg.autograd.graph.get_gradient_edge(x).node
    assert isinstance(first, mg.autograd.graph.Node) and first.next_functions == () and first.variable is x
    seen = []

    def walk(node):
        if node is not None and node not in seen:
            seen.append(node)
            for below, _ in node.next_functions:
                walk(below)

    walk((w * x + w * 2 + x).sum().grad_fn)
    assert [id(node.variable) for node in seen if type(node).__name__ == "AccumulateGrad"] == [id(w), id(x)]


@pytest.mark.usefixtures("without_collector")
def test_what_stands_for_a_leaf_does_not_keep_it_alive():
    x = mg.ones(2, requires_grad=True)
    reference = ref(x)
    assert (x * 2).grad_fn.next_functions[0][0].variable is x
    del x
    assert reference() is None
