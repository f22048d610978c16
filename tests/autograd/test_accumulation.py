"""How a gradient is added to `.grad`, and the hooks that run after it."""

import copy

import pytest

import minigrad as torch
from tests.leaves import leaf_of as leaf


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


def test_backward_adds_in_place_to_a_grad_that_has_a_graph():
    x = leaf(1.0, 2.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    first.sum().backward(retain_graph=True)  # 3 x^2 + 6 x
    assert x.grad is first and first.requires_grad and first.tolist() == [9.0, 24.0]
    x.grad = own = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad is own and own.tolist() == [3.0, 3.0]


def test_backward_refuses_to_add_to_an_expanded_grad():
    x = leaf(1.0, 2.0)
    x.grad = torch.ones(1).expand(2)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        (x * x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_backward_refuses_a_grad_of_the_shape_before_t_():
    x = torch.ones(2, 3, requires_grad=True)
    (x * x).sum().backward()
    with torch.no_grad():
        x.t_()
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        (x * x).sum().backward()


@pytest.mark.parametrize(("make", "strides"), [
    (lambda x: x.t(), (1, 4)),
    (lambda x: x[:, ::2], (2, 1)),
    (lambda x: x[:, :3].t(), (3, 1)),
    (lambda x: x[0].expand(3, 4), (4, 1)),
    (lambda x: x[:, :1].expand(3, 4), (4, 1)),
])  # fmt: skip
def test_grad_takes_the_strides_of_its_leaf_unless_it_has_gaps_or_repeats(make, strides):
    x = make(torch.arange(12.0).view(3, 4)).detach().requires_grad_()
    (2 * x).sum().backward()
    assert x.grad.stride() == strides and (x.grad == 2).all()


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
