"""Programs that use a compiler run as ordinary Python."""

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


def test_what_steers_a_compiler_changes_nothing():
    compiler = torch.compiler
    assert compiler.allow_in_graph(len) is len and compiler.assume_constant_result(len) is len
    assert compiler.list_backends() == [] and compiler.reset() is None and compiler.cudagraph_mark_step_begin() is None
    assert not compiler.is_dynamo_compiling() and not compiler.is_exporting()
    compiler.set_stance("default")
    with compiler.set_stance("force_eager"):
        assert torch.compile(abs)(-1) == 1
    assert compiler.set_stance("eager_on_recompile", skip_guard_eval_unsafe=True)(len) is len


def test_names_that_are_missing_say_so():
    with pytest.raises(AttributeError, match=r"module 'minigrad\.compiler' has no attribute 'no_such_name'"):
        _ = torch.compiler.no_such_name
