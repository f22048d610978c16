"""Programs that ask for a compiler run as they are written."""

import pytest

import minigrad as torch


def test_compiled_functions_and_modules_are_themselves():
    net = torch.nn.Linear(2, 1)
    assert torch.compile(net) is net and torch.compile(len, mode="reduce-overhead") is len
    assert torch.compile(fullgraph=True)(len) is len
    assert torch.compiler.disable(len) is len and torch.compiler.disable(recursive=False)(len) is len
    assert not torch.compiler.is_compiling()
    with pytest.raises(RuntimeError, match="Either mode or options"):
        torch.compile(len, mode="default", options={})
    with pytest.raises(TypeError, match="expected a function or a module, got int"):
        torch.compile(3)


def test_scripted_and_traced_ones_too():
    net = torch.nn.ReLU()
    assert torch.jit.script(net) is net and torch.jit.trace(net, torch.ones(1)) is net
    assert not isinstance(net, torch.jit.ScriptModule)
    assert torch.jit.ignore(len) is len and torch.jit.unused(drop=True)(len) is len and torch.jit.export(len) is len
    assert torch.jit.annotate(int, 3) == 3
    assert not torch.jit.is_scripting() and not torch.jit.is_tracing()
    for refused in (lambda: torch.jit.save(net, "net.pt"), lambda: torch.jit.load("net.pt")):
        with pytest.raises(NotImplementedError, match=r"use minigrad.save\(model.state_dict\(\), file\)"):
            refused()
    with pytest.raises(AttributeError, match=r"PyTorch has torch.jit.freeze"):
        torch.jit.freeze(net)
