"""A `Function` that writes to its operand or returns it as it is."""

import pytest

import minigrad as mg
from minigrad.autograd import Function
from tests.leaves import leaf


class Double_(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2.0)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, g):
        assert ctx.saved_tensors[0].shape == g.shape
        return g * 2


class ReturnOperand(Function):
    """Returns its operand as it is or, if `dirty`, doubled in place."""

    @staticmethod
    def forward(ctx, x, dirty):
        if dirty:
            x.mul_(2)
            ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 2, None


def make_dirty(choose_result):
    """A Function that doubles its operand in place and returns what `choose_result` makes of it."""

    class Dirty(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2.0)
            ctx.mark_dirty(x)
            return choose_result(x)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Dirty


def test_mark_dirty_returns_the_operand_itself_with_a_new_node():
    class AddOne_(Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1.0)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    x = leaf(2)
    y = x * 1.0
    z = AddOne_.apply(y)
    assert z is y and z.grad_fn.name() == "AddOne_Backward"
    z.sum().backward()
    assert x.grad.tolist() == [10, 10]


def test_a_write_by_a_function_into_a_view_reaches_its_base():
    x = leaf(3)
    y = x * 1.0
    part, other = y[:2], y[1:]
    z = Double_.apply(part)
    assert z is part
    (other.sum() + z.sum()).backward()
    assert x.grad.tolist() == [2, 4, 1]


@pytest.mark.parametrize(
    "view",
    [lambda y: y.split(2)[0], lambda y: y.unbind()[0], lambda y: ReturnOperand.apply(y, False)],
    ids=["split", "unbind", "of a Function"],
)
def test_a_refused_dirty_view_leaves_the_graph_as_it_was(view):
    x = leaf(3)
    y = x * 1.0
    with pytest.raises(RuntimeError, match="modified inplace"):
        Double_.apply(view(y))
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_retain_grad_of_a_dirty_tensor_is_of_its_new_value():
    x = leaf(2)
    y = x * 1.0
    y.retain_grad()
    (Double_.apply(y) * 3).sum().backward()
    assert y.grad.tolist() == [3, 3] and x.grad.tolist() == [6, 6]


@pytest.mark.parametrize("recorded", [True, False])
def test_mark_dirty_raises_the_version(recorded):
    x = mg.ones(2, requires_grad=recorded) * 1
    assert ReturnOperand.apply(x, True) is x and x._version == 2


def test_an_operand_returned_without_recording_is_an_alias():
    w = mg.ones(2, requires_grad=True)
    with mg.no_grad():
        y = ReturnOperand.apply(w, False)
    assert y is not w and not y.requires_grad and y.data_ptr() == w.data_ptr()
    with mg.no_grad():
        y = ReturnOperand.apply(w, True)
    assert y is not w and not y.requires_grad and w._version == 2
    x = mg.ones(2)
    assert ReturnOperand.apply(x, False)._base is x and ReturnOperand.apply(x, True) is x
