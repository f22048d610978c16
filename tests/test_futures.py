"""Futures: values that are set later, here, by another thread, or by an operation."""

import threading

import pytest

import minigrad
from minigrad.futures import Future, collect_all, wait_all


def test_a_value_is_set_once():
    future = Future()
    assert not future.done()
    with pytest.raises(RuntimeError, match="not there yet"):
        future.value()
    future.set_result(3)
    assert future.done() and future.wait() == future.value() == 3
    for again in (lambda: future.set_result(4), lambda: future.set_exception(ValueError())):
        with pytest.raises(RuntimeError, match="can only be marked complete once"):
            again()


def test_wait_raises_the_error():
    future = Future()
    following = future.then(lambda done: done.value() + 1)
    future.set_exception(ValueError("the seventh image is broken"))
    for each in (future, following):
        with pytest.raises(ValueError, match="seventh"):
            each.wait()


def test_callbacks_are_called_when_the_value_is_set():
    future, heard = Future(), []
    following = future.then(lambda done: done.value() * 2).then(lambda done: done.value() + 1)
    future.add_done_callback(lambda done: heard.append(done.value()))
    assert not following.done() and not heard
    future.set_result(5)
    assert following.done() and following.value() == 11 and heard == [5]
    assert future.then(lambda done: done.value()).value() == 5


def test_another_thread_may_set_the_value():
    future = Future()
    following = future.then(lambda done: done.value() + 1)
    threading.Timer(0.1, future.set_result, [1]).start()
    assert following.wait() == 2


def test_collect_all_is_done_when_all_are():
    futures = [Future() for _ in range(3)]
    together = collect_all(futures)
    for number, future in enumerate(futures):
        assert not together.done()
        future.set_result(number)
    assert together.done() and [future.value() for future in together.wait()] == [0, 1, 2] == wait_all(futures)


def test_the_class_has_its_short_name():
    assert minigrad.Future is Future
