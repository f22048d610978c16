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


def take_log_of_negative(x):
    y = x * 2
    return y.log()


def take_sqrt_of_zero(x):
    y = x * 0.0
    return y.sqrt() * 0.0


def test_a_nan_in_the_forward_warns_with_its_line():
    with autograd.detect_anomaly(), pytest.warns(RuntimeWarning) as caught:
        y = take_log_of_negative(mg.tensor([-1.0], requires_grad=True))
    message = str(caught[0].message)
    assert "forward of LogBackward0 returned NaN" in message and line_of(take_log_of_negative, "y.log()") in message
    y.backward()  # raises nothing: its gradient is finite


def test_the_error_names_the_line_where_the_forward_was_nan_already():
    def take_sqrt(x):
        return x.sqrt()

    x = mg.tensor([-1.0], requires_grad=True)
    with autograd.detect_anomaly(), pytest.warns(RuntimeWarning), pytest.raises(RuntimeError) as caught:
        take_sqrt(x).backward()
    assert f"{line_of(take_sqrt, 'x.sqrt()')}, where its result was NaN already" in str(caught.value)


def test_a_nan_in_the_backward_raises_with_the_line_of_the_forward():
    x = mg.tensor([1.0], requires_grad=True)
    with autograd.detect_anomaly():
        y = take_sqrt_of_zero(x)
        with pytest.raises(RuntimeError) as caught:
            y.sum().backward()
    assert "Function 'SqrtBackward0' returned nan" in str(caught.value)
    assert line_of(take_sqrt_of_zero, "y.sqrt()") in str(caught.value)


def test_a_graph_recorded_outside_anomaly_mode_is_checked_too():
    y = take_sqrt_of_zero(mg.tensor([1.0], requires_grad=True))
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="SqrtBackward0"):
        y.sum().backward()


def test_a_write_to_a_saved_tensor_is_reported_with_the_line_that_saved_it():
    with autograd.detect_anomaly():
        x = mg.ones(2, requires_grad=True)
        y = x * 1.0
        z = square(y)
        y.add_(1.0)
        with pytest.raises(RuntimeError) as caught:
            z.sum().backward()
    assert line_of(square, "return y * y") in str(caught.value)


def square(y):
    return y * y


def test_without_anomaly_mode_nan_is_a_value():
    x = mg.tensor([-1.0], requires_grad=True)
    take_log_of_negative(x).sum().backward()
    assert x.grad.tolist() == [-1.0]  # of log(2 x): 1 / x


def test_check_nan_and_set_detect_anomaly_switch_it_off():
    with autograd.detect_anomaly(check_nan=False):
        assert autograd.is_anomaly_enabled() and not autograd.is_anomaly_check_nan_enabled()
        y = take_sqrt_of_zero(mg.tensor([1.0], requires_grad=True))
        y.sum().backward()
        assert line_of(take_sqrt_of_zero, "y.sqrt()") in y.grad_fn.trace
    with autograd.set_detect_anomaly(True):
        assert autograd.is_anomaly_enabled()
        with autograd.set_detect_anomaly(False):
            assert not autograd.is_anomaly_enabled()
    assert not autograd.is_anomaly_enabled()


@pytest.mark.parametrize("switch", [autograd.set_detect_anomaly, lambda flag: autograd.detect_anomaly(check_nan=flag)])
def test_the_flags_of_anomaly_mode_are_bools(switch):
    with pytest.raises(TypeError, match=r"anomaly mode: argument '(mode|check_nan)' must be bool, not int 1"):
        switch(1)
    assert not autograd.is_anomaly_enabled()


def test_detect_anomaly_is_a_decorator_too():
    @autograd.detect_anomaly()
    def inside():
        return take_log_of_negative(mg.tensor([-1.0], requires_grad=True))

    with pytest.warns(RuntimeWarning, match="forward of LogBackward0"):
        inside()


def test_a_nan_from_a_users_function_is_named():
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


def test_a_nan_from_a_users_function_is_reported_with_the_line_of_apply():
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
