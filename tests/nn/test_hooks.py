"""Forward, pre-forward and full backward hooks: order, replacement, removal, refusals."""

import pytest

import minigrad as torch
from minigrad import nn


class Two(nn.Module):
    """Two results from two tensors and a number."""

    def forward(self, a, b, k=3):
        return a * b * k, a + b


def shown(gradients):
    return [None if g is None else g.tolist() for g in gradients]


def test_forward_hooks_see_and_replace():
    layer = nn.ReLU()
    x = torch.tensor([-1.0, 2.0])
    log = []
    layer.register_forward_pre_hook(lambda m, args: log.append(("pre", args)))
    layer.register_forward_hook(lambda m, args, out: log.append(("post", out.tolist())))
    layer(x)
    assert log == [("pre", (x,)), ("post", [0.0, 2.0])]
    layer.register_forward_pre_hook(lambda m, args: args[0] * 10)  # one tensor stands for (tensor,)
    layer.register_forward_hook(lambda m, args, out: out + 1)
    assert layer(x).tolist() == [1.0, 21.0]
    assert log[-1] == ("post", [0.0, 20.0])


def test_hooks_with_keyword_arguments():
    class Plus(nn.Module):
        def forward(self, x, by):
            return x + by

    layer = Plus()
    seen = []
    layer.register_forward_pre_hook(lambda m, args, kw: (args, {"by": kw["by"] * 2}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kw, out: seen.append(kw), with_kwargs=True)
    assert layer(torch.ones(1), by=3).item() == 7
    assert seen == [{"by": 6}]
    layer.register_forward_pre_hook(lambda m, args, kw: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs"):
        layer(torch.ones(1), by=3)


def test_handles_take_hooks_off_and_prepend_puts_them_first():
    layer = nn.ReLU()
    log = []
    first = layer.register_forward_hook(lambda *_: log.append("first"))
    with layer.register_forward_hook(lambda *_: log.append("second")):
        layer.register_forward_hook(lambda *_: log.append("zeroth"), prepend=True)
        layer(torch.ones(1))
        assert log == ["zeroth", "first", "second"]
    first.remove()
    first.remove()  # a second time does nothing
    log.clear()
    layer(torch.ones(1))
    assert log == ["zeroth"]


def test_a_hook_may_remove_itself():
    layer = nn.ReLU()
    log = []
    handle = layer.register_forward_hook(lambda *_: (log.append("once"), handle.remove())[0])
    layer(torch.ones(1))
    layer(torch.ones(1))
    assert log == ["once"]


def test_full_backward_hooks_see_every_gradient():
    # The expected values are those that PyTorch 2.13 shows for the same calls.
    module = Two()
    log = []
    module.register_full_backward_pre_hook(lambda m, go: log.append(("pre", shown(go))))
    module.register_full_backward_hook(lambda m, gi, go: log.append((shown(gi), shown(go))))
    x = torch.ones(2, requires_grad=True)
    out = module(x, torch.full((2,), 2.0), 2)
    (out[0] * 5).sum().backward()
    assert log == [("pre", [[5.0, 5.0], None]), ([[20.0, 20.0], [0.0, 0.0], None], [[5.0, 5.0], None])]
    log.clear()
    module(x, x, 2)[1].sum().backward()
    assert log[-1] == ([[1.0, 1.0], [1.0, 1.0], None], [None, [1.0, 1.0]])
    assert x.grad.tolist() == [22.0, 22.0]
    log.clear()
    assert not module(torch.ones(2), torch.ones(2))[0].requires_grad
    with torch.no_grad():
        module(x, x)
    assert log == []


def test_full_backward_hooks_replace_gradients():
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = torch.ones(2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
    x.grad = None
    layer.zero_grad()
    layer(x).sum().backward()
    assert x.grad.tolist() == [30.0, 30.0]
    assert layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_full_backward_hooks_without_an_input_that_needs_a_gradient():
    layer = nn.Linear(2, 1)
    log = []
    handle = layer.register_full_backward_hook(lambda m, gi, go: log.append((gi, shown(go))))
    layer(torch.ones(1, 2)).sum().backward()
    assert log == [((None,), [[[1.0]]])]
    handle.remove()
    layer.register_full_backward_hook(lambda m, gi, go: (go[0],))
    with pytest.raises(RuntimeError, match="no input requires gradient"):
        layer(torch.ones(1, 2)).sum().backward()


def test_full_backward_hooks_hold_to_the_second_order():
    layer = nn.Linear(1, 1, bias=False)
    layer.register_full_backward_hook(lambda m, gi, go: None)
    x = torch.ones(1, requires_grad=True)
    (first,) = torch.autograd.grad((layer(x) ** 3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    w = layer.weight.item()
    assert second.item() == pytest.approx(6 * w**3, rel=1e-5)


@pytest.mark.parametrize(
    ("hang", "message"),
    [
        (
            lambda m: m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0])),
            "invalid number of grad_input, got 2, but expected 1",
        ),
        (
            lambda m: m.register_full_backward_pre_hook(lambda m, go: (go[0], go[0])),
            "invalid number of grad_output, got 2, but expected 1",
        ),
    ],
)
def test_a_wrong_number_of_gradients_is_refused(hang, message):
    layer = nn.Tanh()
    hang(layer)
    with pytest.raises(RuntimeError, match=message):
        layer(torch.ones(2, requires_grad=True)).sum().backward()


def test_hooks_are_listed_and_old_ones_are_full_ones():
    net, seen = nn.Linear(2, 1), []
    assert net._forward_hooks == {} and net._backward_hooks == {}
    handle = net.register_backward_hook(lambda module, inputs, outputs: seen.append(outputs[0].tolist()))
    net(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert seen == [[[1.0]]] and len(net._backward_hooks) == 1
    handle.remove()
    assert net._backward_hooks == {}


def test_a_hook_that_is_always_called():
    net, seen = nn.Linear(2, 1), []
    net.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    net.register_forward_hook(lambda module, args, output: seen.append("not reached"))
    with pytest.raises(RuntimeError):
        net(torch.ones(3))
    assert seen == [None]
