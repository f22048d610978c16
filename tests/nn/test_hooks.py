"""Forward hooks, and what all hooks share: order, replacement, removal, errors."""

import pytest

import minigrad as torch
from minigrad import nn


def test_forward_hooks_see_and_replace_arguments_and_results():
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


def test_a_list_of_the_users_own_may_be_called_hooks():
    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen, self._hooks = [], []
            self._hooks.append(self.register_forward_hook(lambda m, args, out: self.seen.append(out.item())))

        def forward(self, x):
            return x + 1

    layer = Watched()
    assert layer(torch.ones(1)).item() == 2 and layer.seen == [2.0]
    layer._hooks.pop().remove()
    assert layer(torch.ones(1)).item() == 2 and layer.seen == [2.0]


def test_hooks_may_take_keyword_arguments():
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


def test_handles_remove_hooks_and_prepend_puts_them_first():
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


def test_register_backward_hook_registers_a_full_one():
    net, seen = nn.Linear(2, 1), []
    assert net._forward_hooks == {} and net._backward_hooks == {}
    handle = net.register_backward_hook(lambda module, inputs, outputs: seen.append(outputs[0].tolist()))
    net(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert seen == [[[1.0]]] and len(net._backward_hooks) == 1
    handle.remove()
    assert net._backward_hooks == {}


def test_a_hook_with_always_call_runs_when_forward_fails():
    net, seen = nn.Linear(2, 1), []
    net.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    net.register_forward_hook(lambda module, args, output: seen.append("not reached"))
    with pytest.raises(RuntimeError):
        net(torch.ones(3))
    assert seen == [None]


def test_hooks_with_always_call_run_once_and_in_order_when_a_hook_fails():
    net, seen = nn.ReLU(), []

    def fail(module, args, output):
        raise ValueError("in a hook")

    net.register_forward_hook(lambda module, args, output: seen.append(("first", output.tolist())), always_call=True)
    net.register_forward_hook(fail, always_call=True)
    net.register_forward_hook(lambda module, args, output: output + 1, always_call=True)
    net.register_forward_hook(lambda module, args, output: seen.append(("last", output.tolist())), always_call=True)
    with pytest.raises(ValueError, match="in a hook"):
        net(torch.ones(1))
    assert seen == [("first", [1.0]), ("last", [2.0])]


def test_a_second_exception_in_a_hook_becomes_a_warning():
    net, seen = nn.Linear(2, 1), []

    def fail(module, args, output):
        raise ValueError("in a hook")

    net.register_forward_hook(fail, always_call=True)
    net.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    with pytest.raises(RuntimeError), pytest.warns(UserWarning, match="silenced, as another error .*: in a hook"):
        net(torch.ones(3))
    assert seen == [None]


def test_a_hook_must_be_callable():
    layer, x = nn.Linear(2, 1), torch.ones(2, requires_grad=True)
    y = x * 2
    for register in (
        layer.register_forward_hook,
        layer.register_forward_pre_hook,
        layer.register_full_backward_hook,
        layer.register_full_backward_pre_hook,
        x.register_hook,
        y.register_hook,
        x.register_post_accumulate_grad_hook,
        y.grad_fn.register_hook,
        y.grad_fn.register_prehook,
        lambda hook: torch.autograd.graph.register_multi_grad_hook([x], hook),
        lambda hook: torch.autograd.graph.saved_tensors_hooks(hook, hook),
    ):
        with pytest.raises(TypeError, match="a hook must be a function or another callable, got int 3"):
            register(3)
    y.sum().backward()
    layer(x)


HOOKS_OF_OTHER_PARAMETERS = {
    "before a forward": (nn.Module.register_forward_pre_hook, {}, "module, args"),
    "before a forward, with keywords": (
        nn.Module.register_forward_pre_hook, {"with_kwargs": True}, "module, args, kwargs"),
    "after a forward": (nn.Module.register_forward_hook, {}, "module, args, output"),
    "after a forward, with keywords": (
        nn.Module.register_forward_hook, {"with_kwargs": True}, "module, args, kwargs, output"),
    "before a backward": (nn.Module.register_full_backward_pre_hook, {}, "module, grad_output"),
    "after a backward": (nn.Module.register_full_backward_hook, {}, "module, grad_input, grad_output"),
}  # fmt: skip


@pytest.mark.parametrize("when", HOOKS_OF_OTHER_PARAMETERS)
def test_a_hook_of_other_parameters_is_told_which_it_is_called_with(when):
    register, options, parameters = HOOKS_OF_OTHER_PARAMETERS[when]
    layer = nn.Linear(1, 1)
    register(layer, lambda module: None, **options)
    with pytest.raises(TypeError, match=rf"takes 1 positional .*: it is called as hook\({parameters}\)$"):
        layer(torch.ones(1, requires_grad=True)).backward()


def test_an_error_within_a_hook_stays_as_it_is():
    layer = nn.Linear(1, 1)
    layer.register_forward_hook(lambda module, args, output: len(3))
    with pytest.raises(TypeError, match=r"has no len\(\)$"):
        layer(torch.ones(1))
