"""Python's work grows in proportion to the number of things: counted in steps of the interpreter, not in time."""

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.autograd import Function


def count_steps(program: Callable[[], Any]) -> int:
    """How many instructions of Python's interpreter the package executes for `program`; loops within C count as one."""
    steps = 0
    if sys.version_info >= (3, 12):  # where tracing by instruction misses functions that ran before
        return monitor_steps(program)

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        program()
    finally:
        sys.settrace(before)
    return steps


@pytest.fixture(autouse=True)
def collect_no_garbage() -> Iterator[None]:
    """What other tests left is not collected, and its finalizers not counted, while a program's steps are."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def monitor_steps(program: Callable[[], Any]) -> int:
    """The same by `sys.monitoring`."""
    steps, monitoring = 0, sys.monitoring

    def count(code: Any, offset: int) -> None:
        nonlocal steps
        steps += 1

    monitoring.use_tool_id(monitoring.PROFILER_ID, "steps")
    try:
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION, count)
        monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION)
        program()
    finally:
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
    return steps


class Copies(Function):
    """Several results, each a copy of the argument."""

    @staticmethod
    def forward(ctx, x, count):
        return tuple([x.clone() for _ in range(count)])

    @staticmethod
    def backward(ctx, *gradients):
        return sum(gradients), None


class Doubles(Function):
    """As many results as arguments."""

    @staticmethod
    def forward(ctx, *several):
        ctx.save_for_backward(*several)
        return tuple([x * 2 for x in several])

    @staticmethod
    def backward(ctx, *gradients):
        assert len(ctx.saved_tensors) == len(gradients)
        return gradients


def leaves(count: int) -> list[Any]:
    return [torch.ones(1, requires_grad=True) for _ in range(count)]


def step_of_optimizer(count: int) -> Callable[[], Any]:
    parameters = leaves(count)
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    torch.cat(parameters).sum().backward()
    return optimizer.step


def watch_all(count: int) -> Callable[[], Any]:
    several = [leaf * 1 for leaf in leaves(count)]
    torch.autograd.graph.register_multi_grad_hook(several, lambda gradients: None)
    return torch.cat(several).sum().backward


def write_rows(count: int) -> Any:
    x = torch.zeros(count, 1)
    for i, leaf in enumerate(leaves(count)):
        x[i] = leaf
    return x.sum()


def take_all(layers: Any) -> Any:
    while len(layers):
        layers.pop(len(layers) - 1)


PROGRAMS: dict[str, Callable[[int], Callable[[], Any]]] = {  # number -> what is run
    "stack": lambda n: lambda: torch.stack(leaves(n)),
    "cat": lambda n: lambda: torch.cat(leaves(n)),
    "backward of stack": lambda n: torch.stack(leaves(n)).sum().backward,
    "backward of cat": lambda n: torch.cat(leaves(n)).sum().backward,
    "backward of a sum of many": lambda n: sum(leaves(n)).backward,
    "backward of a Function of many results": lambda n: sum(Copies.apply(leaves(1)[0], n)).backward,
    "a Function of many arguments": lambda n: lambda: Doubles.apply(*leaves(n)),
    "backward of a Function of many arguments": lambda n: sum(Doubles.apply(*leaves(n))).backward,
    "a hook on many tensors": watch_all,
    "backward of many parts": lambda n: sum(torch.ones(n, 1, requires_grad=True).split(1)).backward,
    "rows written one by one": lambda n: write_rows(n).backward,
    "an optimizer's step": step_of_optimizer,
    "an optimizer of many groups": lambda n: lambda: torch.optim.SGD([{"params": [leaf]} for leaf in leaves(n)], 0.1),
    "the last layer taken from a ModuleList": lambda n: (
        lambda: take_all(nn.ModuleList(nn.Identity() for _ in range(n)))
    ),
    "the last parameter taken from a list": lambda n: lambda: take_all(nn.ParameterList(leaves(n))),
    "a ParameterList": lambda n: lambda: nn.ParameterList(leaves(n)),
    "the state of a Sequential": lambda n: nn.Sequential(*[nn.Linear(1, 1) for _ in range(n)]).state_dict,
}


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
def test_eight_times_the_number_is_at_most_ten_times_the_work(make):
    make(10)()  # what is only done once
    few, many = count_steps(make(20)), count_steps(make(160))
    assert few > 100
    assert many < 10 * few


def test_lists_that_grow_leave_a_bounded_number_of_operations():
    from minigrad.autograd.variadic import KEPT
    from minigrad.ops.join import _stack

    for count in range(1, 3 * KEPT):
        torch.stack(leaves(count))
    assert 0 < len(_stack.plans) <= KEPT
