"""Hooks on all modules run before a module's own, until they are removed."""

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.modules import module as every


def make_net():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    nn.init.ones_(net[0].weight)
    nn.init.zeros_(net[0].bias)
    return net


def test_forward_hooks_run_at_every_module_before_its_own():
    net, seen = make_net(), []
    net.register_forward_hook(lambda m, args, out: seen.append("own"))
    before = every.register_module_forward_pre_hook(lambda m, args: seen.append(f"before {type(m).__name__}"))
    after = every.register_module_forward_hook(lambda m, args, out: seen.append(f"after {type(m).__name__}"))
    net(torch.ones(1, 2))
    assert seen == [
        "before Sequential", "before Linear", "after Linear", "before ReLU", "after ReLU", "after Sequential", "own",
    ]  # fmt: skip
    seen.clear()
    before.remove()
    after.remove()
    net(torch.ones(1, 2))
    assert seen == ["own"]


def test_a_forward_hook_replaces_each_result_and_may_see_keywords():
    net, seen = make_net(), []
    with every.register_module_forward_hook(lambda m, args, out: out * 2):
        assert net(torch.ones(1, 2)).tolist() == [[16.0, 16.0]]
    with every.register_module_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True):
        assert net[0](input=torch.ones(1, 2)).tolist() == [[2.0, 2.0]]
    assert [list(kwargs) for kwargs in seen] == [["input"]]


def test_an_always_called_hook_runs_when_forward_fails():
    seen = []
    with (
        every.register_module_forward_hook(lambda m, args, out: seen.append(out), always_call=True),
        pytest.raises(RuntimeError),
    ):
        nn.Linear(2, 2)(torch.ones(3))
    assert seen == [None]


def test_backward_hooks_run_at_every_module():
    net, seen = make_net(), []

    def note(when):
        return lambda m, *gradients: seen.append((when, type(m).__name__, [g[0].tolist() for g in gradients]))

    x = torch.ones(1, 2, requires_grad=True)
    with (
        every.register_module_full_backward_pre_hook(note("before")),
        every.register_module_full_backward_hook(note("after")),
    ):
        out = net(x)
        assert type(out.grad_fn).__name__ == "BackwardHookFunctionBackward"
        out.sum().backward()
    ones, twos = [[1.0, 1.0]], [[2.0, 2.0]]
    assert seen == [
        ("before", "Sequential", [ones]),
        ("before", "ReLU", [ones]),
        ("after", "ReLU", [ones, ones]),
        ("before", "Linear", [ones]),
        ("after", "Linear", [twos, ones]),
        ("after", "Sequential", [twos, ones]),
    ]


def test_registration_hooks_see_and_replace_what_is_registered():
    seen = []

    def note(m, name, value):
        seen.append((type(m).__name__, name, type(value).__name__))

    with (
        every.register_module_parameter_registration_hook(note),
        every.register_module_buffer_registration_hook(note),
        every.register_module_module_registration_hook(note),
    ):
        nn.Sequential(nn.Linear(2, 2, bias=False)).register_buffer("mean", torch.zeros(1))
    assert seen == [("Linear", "weight", "Parameter"), ("Sequential", "0", "Linear"), ("Sequential", "mean", "Tensor")]
    with every.register_module_module_registration_hook(lambda m, name, value: nn.Tanh()):
        assert repr(nn.Sequential(nn.ReLU())[0]) == "Tanh()"
    assert repr(nn.Sequential(nn.ReLU())[0]) == "ReLU()"


def test_after_the_last_hook_on_all_modules_calls_and_registration_take_their_plain_way_again():
    nn.Linear(1, 1)(torch.ones(1))  # what earlier tests hung there is gone
    plain = nn.Module.__call__, nn.Module._register
    with every.register_module_forward_hook(print), every.register_module_module_registration_hook(lambda *_: None):
        assert nn.Module.__call__ is not plain[0] and nn.Module._register is not plain[1]
    nn.Linear(1, 1)(torch.ones(1))
    assert (nn.Module.__call__, nn.Module._register) == plain


def test_a_hook_on_all_modules_must_be_callable():
    with pytest.raises(TypeError):
        every.register_module_forward_hook(1)
