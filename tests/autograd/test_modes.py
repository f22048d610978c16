"""Grad modes are local to a thread, a task or a generator, and are always restored."""

import asyncio
import re
import threading

import pytest

import minigrad as mg
from minigrad import autograd


def recording():
    return (mg.ones(1, requires_grad=True) * 2).requires_grad


def test_modes_are_context_managers():
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


def test_set_grad_enabled_is_a_context_manager_and_a_call():
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
def test_modes_are_decorators(decorate):
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
def test_a_mode_is_restored_after_an_exception(switch):
    with pytest.raises(ZeroDivisionError), switch():
        1 / 0  # noqa: B018
    assert recording()

    @mg.no_grad()
    def fails():
        1 / 0  # noqa: B018

    with pytest.raises(ZeroDivisionError):
        fails()
    assert recording()


def test_recording_is_restored_after_an_exception_in_backward():
    def fail(_):
        raise ZeroDivisionError

    x = mg.ones(1, requires_grad=True)
    y = x * 2
    y.register_hook(fail)
    with pytest.raises(ZeroDivisionError):
        autograd.grad(y, x, create_graph=True)
    assert recording()


def test_modes_that_end_out_of_order_restore_only_their_own():
    with mg.no_grad():
        autograd.set_detect_anomaly(True)
    assert autograd.is_anomaly_enabled() and recording()
    autograd.set_detect_anomaly(False)


def numbers():
    with mg.no_grad():
        yield recording()
        yield recording()


def test_a_generator_in_a_mode_may_be_finished_by_another_thread():
    generator, seen = numbers(), []
    for part in (lambda: next(generator), lambda: [*generator, recording()]):
        thread = threading.Thread(target=lambda: seen.append(part()))  # noqa: B023 (joined at once)
        thread.start()
        thread.join()
    assert seen == [False, [True, True]]  # a mode is its thread's: the other one never entered
    assert recording()


@pytest.mark.parametrize("end", ["aclose", "__anext__"])
def test_an_asynchronous_generator_in_a_mode_may_be_finished_by_another_task(end):
    async def numbers():
        with mg.no_grad():
            yield recording()
            yield recording()

    async def main():
        generator = numbers()
        assert await generator.__anext__() is False

        async def finish():
            await getattr(generator, end)()

        await asyncio.create_task(finish())

    asyncio.run(main())
    assert recording()


def test_one_instance_of_no_grad_may_be_nested():
    quiet = mg.no_grad()
    with quiet, quiet:
        assert not recording()
    assert recording()


def test_a_mode_is_local_to_its_thread():
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


def test_a_mode_is_local_to_its_task():
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


def test_set_grad_enabled_takes_a_bool_and_shows_it():
    with pytest.raises(TypeError, match="must be bool, not str 'off'"):
        mg.set_grad_enabled("off")
    assert repr(mg.set_grad_enabled(True)) == "minigrad.autograd.grad_mode.set_grad_enabled(mode=True)"


def test_decorated_classes_are_made_in_the_mode():
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @mg.no_grad()
        class Made:
            def __init__(self):
                self.recorded = recording()

    assert Made().recorded is False


def test_grad_modes_leave_anomaly_mode_alone():
    with autograd.detect_anomaly():
        assert autograd.is_anomaly_enabled()
        with mg.no_grad():
            assert autograd.is_anomaly_enabled()  # modes do not disturb each other
    assert not autograd.is_anomaly_enabled()


def test_a_view_made_under_no_grad_requires_a_gradient_like_its_base():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        views = [x.view(2, 1), x[0], x.t(), x.expand(3, 2), *x.split(1), *x.unbind()]
        others = [x.clone(), x.detach(), x.data, x[mg.tensor([0])], (x * 2)[0]]
        assert x.numpy().tolist() == [1, 2]  # nothing is recorded here that could be lost
    assert all(v.requires_grad and v.is_leaf and v.grad_fn is None for v in views)
    assert not any(v.requires_grad for v in others)
    y = (views[0] * 3).sum()
    assert y.requires_grad
    y.backward()  # what flows back ends at the view
    assert x.grad is None and views[0].grad is None
    assert re.fullmatch(r"tensor\(1\.,.* requires_grad=True\)", repr(views[1]))
    with pytest.raises(RuntimeError, match="made under no_grad"):
        views[1].backward()
    with pytest.raises(RuntimeError, match="created in no_grad mode and is being modified"):
        views[0].mul_(2)
    with mg.no_grad():
        views[0].mul_(2)
    assert x.tolist() == [2, 4] and views[0].requires_grad_(False).requires_grad


def test_a_view_requires_grad_once_its_base_does():
    x = mg.ones(4)
    view, turned = x[:2], x.view(2, 2).t()
    assert not view.requires_grad and not turned.requires_grad
    x.requires_grad_()
    assert view.requires_grad and turned.requires_grad and view.is_leaf and (view * 2).requires_grad
    (x[:2] * 3).sum().backward()
    assert x.grad.tolist() == [3, 3, 0, 0]
    with pytest.raises(RuntimeError, match="view of a leaf Variable"):
        view.add_(1)
