"""The profiler: counts, times of nested calls, and no effect after it ends."""

import json

import pytest

import minigrad as torch
from minigrad import profiler as profiler_names
from minigrad.autograd import profiler
from minigrad.autograd.function_node import FunctionNode
from minigrad.autograd.joint import JointNode
from minigrad.autograd.node import Node
from minigrad.autograd.recording import Operation
from minigrad.profiler import ProfilerActivity, profile, record_function

PATCHED = [(Operation, "__call__"), (Operation, "call"), *[(node, "vjp") for node in (Node, JointNode, FunctionNode)]]


def test_each_operation_and_rule_is_one_event():
    x = torch.ones(3, requires_grad=True)
    with profiler.profile() as prof:
        y = (x * 2).exp().sum()
        y.backward()
    assert [e.key for e in prof.events()] == [
        "aten::mul", "aten::exp", "aten::sum", "SumBackward0", "ExpBackward0", "MulBackward0",
    ]  # fmt: skip
    with profiler.profile() as again:
        torch.ones(2, 3).t()
        torch.nn.functional.mse_loss(x, torch.zeros(3))
    assert [e.key for e in again.events()] == ["aten::transpose", "aten::mse_loss"]


def test_the_way_back_through_a_recurrent_layer_and_a_function_is_one_event_each():
    class Double(torch.autograd.Function):
        forward = staticmethod(lambda ctx, x: x * 2)
        backward = staticmethod(lambda ctx, g: g + g)

    x = torch.ones(2, requires_grad=True)
    layer = torch.nn.RNN(2, 2)
    with profiler.profile() as prof:
        Double.apply(x).sum().backward()
        layer(torch.ones(3, 1, 2))[1].sum().backward()
    keys = [e.key for e in prof.events()]
    assert keys[:5] == ["aten::mul", "aten::sum", "SumBackward0", "DoubleBackward", "aten::add"]
    assert keys.count("aten::rnn") == 1 and keys.count("StackBackward0") == 2, keys  # of the ends, and of all steps


def test_total_time_includes_nested_events_and_self_time_does_not():
    with profiler.profile() as prof, record_function("mine"):
        for _ in range(3):
            torch.ones(4) + 1
    mine, add = prof.key_averages()
    assert (mine.key, mine.count, add.key, add.count) == ("mine", 1, "aten::add", 3)
    assert mine.cpu_time_total > add.cpu_time_total > 0 and add.cpu_time == add.cpu_time_total / 3
    assert mine.self_cpu_time_total == pytest.approx(mine.cpu_time_total - add.cpu_time_total)
    assert prof.self_cpu_time_total == pytest.approx(mine.cpu_time_total)


def test_profiled_methods_are_restored_after_an_error_too():
    before = [cls.__dict__[name] for cls, name in PATCHED]
    with profiler.profile(), profile(activities=[ProfilerActivity.CPU]):
        assert all(cls.__dict__[name] is not method for (cls, name), method in zip(PATCHED, before, strict=True))
    with pytest.raises(RuntimeError, match="must match"), profiler.profile() as prof:
        torch.ones(2) + torch.ones(3)
    assert [e.key for e in prof.events()] in ([], ["aten::add"])
    assert [cls.__dict__[name] for cls, name in PATCHED] == before
    with profiler.profile(enabled=False) as off:
        torch.ones(2) + 1
    assert off.events() == []


def test_record_function_is_a_decorator_too():
    @record_function("named")
    def double(x):
        return x * 2

    with profile() as prof:
        double(torch.ones(1))
        prof.step()
    assert [e.key for e in prof.key_averages()] == ["named", "aten::mul"] and prof.step_num == 1
    assert double(torch.ones(1)).item() == 2


def test_the_table_is_sorted_and_cut_to_row_limit():
    with profile() as prof:
        for _ in range(3):
            torch.ones(2) * 2
        torch.ones(2).exp()
    lines = prof.key_averages().table(sort_by="count", row_limit=1).splitlines()
    assert " ".join(lines[1].split()) == "Name Self CPU % Self CPU CPU total % CPU total CPU time avg # of Calls"
    assert lines[3].split()[0] == "aten::mul" and lines[3].split()[-1] == "3" and len(lines[3]) == len(lines[0])
    assert lines[5].startswith("Self CPU time total: ") and "aten::exp" not in "".join(lines)
    assert str(prof).count("aten::mul") == 3
    with pytest.raises(AttributeError, match="not by 'flops'"):
        prof.key_averages().table(sort_by="flops")


def test_export_chrome_trace_writes_the_events(tmp_path):
    seen = []
    with profile(on_trace_ready=seen.append) as prof:
        torch.ones(2) * 2
    prof.export_chrome_trace(tmp_path / "trace.json")
    (event,) = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert event["name"] == "aten::mul" and event["dur"] > 0 and seen == [prof]


def test_averages_add_up_the_calls_of_a_name():
    with profiler.profile() as prof:
        for size in (2, 300, 40):
            torch.ones(size).exp()
    calls = [event for event in prof.events() if event.key == "aten::exp"]
    (total,) = [event for event in prof.key_averages() if event.key == "aten::exp"]
    assert total.count == 3
    for name in ("cpu_time_total", "self_cpu_time_total"):
        assert 0 < getattr(total, name) == pytest.approx(sum(getattr(event, name) for event in calls))


def show_order(events, sort_by):
    return [line.split()[0] for line in events.table(sort_by=sort_by).splitlines()[3:-2]]


@pytest.mark.parametrize("sort_by", ["cuda_time_total", "self_device_time_total", "self_cpu_memory_usage"])
def test_sorted_by_what_is_not_measured_events_keep_their_order(sort_by):
    with profiler.profile() as prof:
        for _ in range(3):
            torch.ones(2).sin().exp()
    events = prof.key_averages()
    assert show_order(events, sort_by) == [event.key for event in events] != sorted(event.key for event in events)


@pytest.mark.parametrize(("length", "width"), [(2, 6), (50, 54), (51, 55), (52, 55), (60, 55)])
def test_the_column_of_names_is_as_wide_as_the_longest_name(length, width):
    with profiler.profile() as prof, record_function("n" * length):
        pass
    rule, titles, _, row, *_ = prof.key_averages().table().splitlines()
    shown = "n" * length if length < 52 else "n" * 52 + "..."
    assert rule.split()[0] == "-" * width and titles[:width] == "Name".rjust(width)
    assert row[:width] == shown.rjust(width)
    assert len(rule) == len(titles) == len(row) == width + 2 + 6 * 14


def test_a_profile_without_events_has_no_table():
    with profiler.profile() as prof:
        pass
    assert prof.key_averages().table() == ""


def test_a_name_that_is_missing_says_so():
    with pytest.raises(AttributeError, match=r"PyTorch has torch\.profiler\.ExecutionTraceObserver, minigrad"):
        _ = profiler_names.ExecutionTraceObserver
