"""Anomaly mode: the error names the operation and the user's line where a NaN first appeared."""

import inspect

import pytest

import minigrad as mg
from minigrad import autograd


def line_of(function, words):
    """`file, line n` of the line of `function` that contains `words`."""
    lines, first = inspect.getsourcelines(function)
    (offset,) = [i for i, text in enumerate(lines) if words in text]
    return f"{inspect.getsourcefile(function)}, line {first + offset}"


def makes_nan(x):
    y = x * 2
    return y.log()


def has_a_nan_gradient(x):
    y = x * 0.0
    return y.sqrt() * 0.0


def test_a_nan_in_the_forward():
    with autograd.detect_anomaly(), pytest.warns(RuntimeWarning) as caught:
        y = makes_nan(mg.tensor([-1.0], requires_grad=True))
    told = str(caught[0].message)
    assert "forward of LogBackward0 returned NaN" in told and line_of(makes_nan, "y.log()") in told
    y.backward()  # its gradient is finite


def test_a_nan_that_began_in_the_forward():
    def nan_both_ways(x):
        return x.sqrt()

    x = mg.tensor([-1.0], requires_grad=True)
    with autograd.detect_anomaly(), pytest.warns(RuntimeWarning), pytest.raises(RuntimeError) as caught:
        nan_both_ways(x).backward()
    assert f"{line_of(nan_both_ways, 'x.sqrt()')}, where its result was NaN already" in str(caught.value)


def test_a_nan_in_the_backward():
    x = mg.tensor([1.0], requires_grad=True)
    with autograd.detect_anomaly():
        y = has_a_nan_gradient(x)
        with pytest.raises(RuntimeError) as caught:
            y.sum().backward()
    assert "Function 'SqrtBackward0' returned nan" in str(caught.value)
    assert line_of(has_a_nan_gradient, "y.sqrt()") in str(caught.value)


def test_a_nan_in_the_backward_alone():
    y = has_a_nan_gradient(mg.tensor([1.0], requires_grad=True))
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="SqrtBackward0"):
        y.sum().backward()


def test_a_write_to_a_saved_tensor_is_placed():
    with autograd.detect_anomaly():
        x = mg.ones(2, requires_grad=True)
        y = x * 1.0
        z = multiplied(y)
        y.add_(1.0)
        with pytest.raises(RuntimeError) as caught:
            z.sum().backward()
    assert line_of(multiplied, "return y * y") in str(caught.value)


def multiplied(y):
    return y * y


def test_without_it_nan_is_a_value():
    x = mg.tensor([-1.0], requires_grad=True)
    makes_nan(x).sum().backward()
    assert x.grad is not None


def test_switched_off_and_on():
    with autograd.detect_anomaly(check_nan=False):
        assert autograd.is_anomaly_enabled() and not autograd.is_anomaly_check_nan_enabled()
        y = has_a_nan_gradient(mg.tensor([1.0], requires_grad=True))
        y.sum().backward()
        assert line_of(has_a_nan_gradient, "y.sqrt()") in y.grad_fn.trace
    with autograd.set_detect_anomaly(True):
        assert autograd.is_anomaly_enabled()
        with autograd.set_detect_anomaly(False):
            assert not autograd.is_anomaly_enabled()
    assert not autograd.is_anomaly_enabled()


def test_as_a_decorator():
    @autograd.detect_anomaly()
    def inside():
        return makes_nan(mg.tensor([-1.0], requires_grad=True))

    with pytest.warns(RuntimeWarning, match="forward of LogBackward0"):
        inside()


def test_a_function_of_ones_own():
    class Bad(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            return g * float("nan")

    y = Bad.apply(mg.ones(1, requires_grad=True))
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="'BadBackward' returned nan"):
        y.sum().backward()


def test_the_line_of_a_function_of_ones_own():
    class Parts(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0, x * 2.0

        @staticmethod
        def backward(ctx, g, h):
            return g * float("nan")

    def split(x):
        return Parts.apply(x)[1]

    with autograd.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        split(mg.ones(1, requires_grad=True)).backward()
    assert line_of(split, "Parts.apply") in str(caught.value)
