"""What a user's `Function` chooses by attributes of its class."""

import pytest

from minigrad.autograd import Function
from tests.leaves import leaf


class ReadOnce(Function):
    clear_saved_tensors_on_access = True

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


class ReadTwice(ReadOnce):
    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0] * g + ctx.saved_tensors[0] * g


class Boxed(Function):
    """Takes its gradients from a list, and empties it."""

    boxed_grads_call = True

    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, gradients):
        second = gradients.pop()
        return 2 * gradients.pop() + 3 * second


def test_saved_tensors_that_are_cleared_on_access_are_read_once():
    x = leaf(2)
    y = ReadOnce.apply(x).sum()
    y.backward(retain_graph=True)
    assert x.grad.tolist() == (2 * x).tolist()
    for call in (y.backward, ReadTwice.apply(x).sum().backward):
        with pytest.raises(RuntimeError, match=r"ReadOnceBackward|ReadTwiceBackward.* only be accessed once"):
            call()


def test_boxed_gradients_arrive_in_one_list():
    x = leaf(2)
    a, b = Boxed.apply(x)
    (a.sum() + (b * b).sum()).backward()
    assert x.grad.tolist() == pytest.approx((2 + 18 * x).tolist())
    x.grad = None
    Boxed.apply(x)[1].sum().backward()
    assert x.grad.tolist() == [3, 3]
