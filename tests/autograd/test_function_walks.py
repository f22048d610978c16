"""A `Function` whose backward runs in several threads, walks graphs itself or fails deep inside."""

import contextvars
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import Function
from tests.autograd.test_function import Cube
from tests.leaves import leaf


def test_several_threads_may_walk_one_graph():
    class Slow(Cube):
        @staticmethod
        def backward(ctx, g):
            time.sleep(0.002)
            return Cube.backward(ctx, g)

    x = leaf(3)
    y, found = Slow.apply(x).sum(), []

    def walk():
        found.extend(autograd.grad(y, x, retain_graph=True)[0] for _ in range(5))

    threads = [threading.Thread(target=walk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    for gradient in found:
        np.testing.assert_allclose(gradient.numpy(), 3 * x.detach().numpy() ** 2)


@pytest.mark.parametrize("deep", [1, 30, 150])
def test_a_backward_may_walk_its_own_graph_again(deep):
    calls = []

    class Again(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            calls.append(1)
            if len(calls) < deep:
                autograd.grad(y, x, retain_graph=True)
            return g * 2

    x = leaf(2)
    y = Again.apply(x).sum()
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [2, 2] and len(calls) == deep


def test_an_error_in_nested_backwards_reaches_the_caller():
    class Deep(Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.depth = depth
            return x * 2

        @staticmethod
        def backward(ctx, g):
            if not ctx.depth:
                raise ZeroDivisionError("at the bottom")
            with mg.enable_grad():
                inner = g.detach().requires_grad_()
                y = Deep.apply(inner, ctx.depth - 1)
            return autograd.grad(y, inner, g)[0], None

    with pytest.raises(ZeroDivisionError, match="at the bottom"):
        Deep.apply(leaf(2), 100).sum().backward()


def test_a_backward_runs_in_its_callers_context():
    setting = contextvars.ContextVar("setting")
    seen = []

    class Setting(Function):
        forward = staticmethod(lambda ctx, x: x * 2)

        @staticmethod
        def backward(ctx, g):
            seen.append((setting.get(), mg.is_grad_enabled()))
            return g

    setting.set("here")
    Setting.apply(leaf(2)).sum().backward()
    Setting.apply(leaf(2)).sum().backward(create_graph=True)
    assert seen == [("here", False), ("here", True)]
