"""Grad modes: local to a thread, a task, a generator; restored whatever happens."""

import asyncio
import threading

import pytest

import minigrad as mg
from minigrad import autograd


def recording():
    return (mg.ones(1, requires_grad=True) * 2).requires_grad


def test_modes_as_context_managers():
    assert recording() and mg.is_grad_enabled()
    with mg.no_grad():
        assert not recording() and not mg.is_grad_enabled()
        with mg.enable_grad():
            assert recording()
        assert not recording()
    with mg.inference_mode():
        assert not recording() and mg.is_inference_mode_enabled()
        with mg.inference_mode(False):
            assert recording() and not mg.is_inference_mode_enabled()
    assert recording() and not mg.is_inference_mode_enabled()


def test_set_grad_enabled():
    with mg.set_grad_enabled(False):
        assert not recording()
        with mg.set_grad_enabled(True):
            assert recording()
        assert not recording()
    assert recording()
    mg.set_grad_enabled(False)
    try:
        assert not recording()
    finally:
        mg.set_grad_enabled(True)
    assert recording()


@pytest.mark.parametrize("decorate", [mg.no_grad(), mg.no_grad, mg.inference_mode()])
def test_modes_as_decorators(decorate):
    @decorate
    def inside(a, *, b):
        """Says so."""
        return (a, b, recording())

    assert inside(1, b=2) == (1, 2, False)
    assert (inside.__name__, inside.__doc__) == ("inside", "Says so.")
    assert recording()


def test_set_grad_enabled_as_a_decorator_does_not_act_on_the_code_around():
    @mg.set_grad_enabled(False)
    def inside():
        return recording()

    assert recording()
    assert not inside()
    assert recording()


@pytest.mark.parametrize("decorate", [mg.no_grad(), mg.no_grad])
def test_a_decorated_function_may_call_itself(decorate):
    @decorate
    def deep(n):
        return deep(n - 1) if n else recording()

    assert not deep(5)
    assert recording()


@pytest.mark.parametrize("switch", [mg.no_grad, mg.inference_mode, lambda: mg.set_grad_enabled(False)])
def test_restored_after_an_exception(switch):
    with pytest.raises(ZeroDivisionError), switch():
        1 / 0  # noqa: B018
    assert recording()

    @mg.no_grad()
    def fails():
        1 / 0  # noqa: B018

    with pytest.raises(ZeroDivisionError):
        fails()
    assert recording()


def test_restored_after_an_exception_in_a_backward():
    def fail(_):
        raise ZeroDivisionError

    x = mg.ones(1, requires_grad=True)
    y = x * 2
    y.register_hook(fail)
    with pytest.raises(ZeroDivisionError):
        autograd.grad(y, x, create_graph=True)
    assert recording()


def test_one_instance_may_be_nested():
    quiet = mg.no_grad()
    with quiet, quiet:
        assert not recording()
    assert recording()


def test_threads_do_not_see_each_other():
    inside, outside, seen = threading.Event(), threading.Event(), {}

    def other():
        with mg.no_grad():
            inside.set()
            outside.wait(5)
            seen["other"] = recording()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(5)
    seen["main"] = recording()
    outside.set()
    thread.join()
    assert seen == {"main": True, "other": False}


def test_a_new_thread_starts_recording():
    seen = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(recording()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_tasks_do_not_see_each_other():
    async def quiet(turns):
        with mg.no_grad():
            for _ in range(turns):
                await asyncio.sleep(0)
                assert not recording()

    async def loud(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
            assert recording()

    async def both():
        await asyncio.gather(quiet(5), loud(8), quiet(3))
        return recording()

    assert asyncio.run(both())


def test_a_decorated_generator_keeps_its_mode_to_itself():
    @mg.no_grad()
    def numbers():
        received = yield recording()
        try:
            yield received, recording()
        except KeyError:
            yield "caught", recording()
        return "done"

    generator = numbers()
    assert next(generator) is False
    assert recording()
    assert generator.send("sent") == ("sent", False)
    assert recording()
    assert generator.throw(KeyError()) == ("caught", False)
    with pytest.raises(StopIteration, match="done"):
        next(generator)
    assert recording()


def test_a_decorated_generator_is_closed_in_its_mode():
    seen = []

    @mg.no_grad()
    def numbers():
        try:
            yield 1
        finally:
            seen.append(recording())

    generator = numbers()
    next(generator)
    generator.close()
    assert seen == [False] and recording()


def test_parameters_made_under_no_grad_still_ask_for_gradients():
    with mg.no_grad():
        w = mg.ones(2, requires_grad=True)
    assert w.requires_grad
    (w * 3).sum().backward()
    assert w.grad.tolist() == [3, 3]


def test_anomaly_is_local_too():
    with autograd.detect_anomaly():
        assert autograd.is_anomaly_enabled()
        with mg.no_grad():
            assert autograd.is_anomaly_enabled()  # modes do not disturb each other
    assert not autograd.is_anomaly_enabled()
