"""`torch.jit`: scripted or traced functions run as ordinary Python."""

import typing

import pytest

import minigrad as torch


def test_scripted_and_traced_functions_and_modules_are_themselves():
    net = torch.nn.ReLU()
    assert torch.jit.script(net) is net and torch.jit.trace(net, torch.ones(1)) is net
    assert not isinstance(net, torch.jit.ScriptModule)
    assert torch.jit.ignore(len) is len and torch.jit.unused(drop=True)(len) is len and torch.jit.export(len) is len
    assert torch.jit._overload_method(len) is len and torch.jit._overload(len) is len
    assert torch.jit.annotate(int, 3) == 3 and torch.jit.script_if_tracing(len) is len
    assert torch.jit.annotations.Optional is typing.Optional and torch._C._get_tracing_state() is None
    assert not torch.jit.is_scripting() and not torch.jit.is_tracing()
    for refused in (lambda: torch.jit.save(net, "net.pt"), lambda: torch.jit.load("net.pt")):
        with pytest.raises(NotImplementedError, match=r"use minigrad.save\(model.state_dict\(\), file\)"):
            refused()
    with pytest.raises(AttributeError, match=r"PyTorch has torch.jit.freeze"):
        torch.jit.freeze(net)
