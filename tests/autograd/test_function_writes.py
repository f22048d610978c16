"""A `Function` that writes to its operand, returns it as it is, or returns one result twice."""

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


@pytest.mark.parametrize(
    ("operand", "what"),
    [
        (lambda: leaf(3), "a leaf Variable"),
        (lambda: leaf(3)[1:], "a view of a leaf Variable"),
        (lambda: mg.ones(3)[1:].requires_grad_(), "a leaf Variable"),  # the view is the leaf
    ],
)
def test_mark_dirty_refuses_a_leaf(operand, what):
    with pytest.raises(RuntimeError, match=f"^{what} that requires grad has been used in an in-place operation"):
        ReturnOperand.apply(operand(), True)


class Twice(Function):
    """The same result twice, and its argument twice."""

    @staticmethod
    def forward(ctx, x):
        y = x * 2
        return y, x, y, x

    @staticmethod
    def backward(ctx, *gradients):
        Twice.seen = [g.tolist() for g in gradients]
        return gradients[0] * 2 + gradients[1] + gradients[2] * 2 + gradients[3]


def test_a_result_that_is_returned_twice_is_one_tensor():
    x = mg.ones(1, requires_grad=True)
    a, b, c, d = Twice.apply(x)
    assert a is c and b is not d
    a.mul_(3)
    (a + 10 * b + 100 * c + 1000 * d).sum().backward()
    assert Twice.seen == [[0], [10], [303], [1000]] and x.grad.tolist() == [1616]


class RoundTwice(Function):
    """Rounds its operand in place, and returns it twice, as a constant."""

    @staticmethod
    def forward(ctx, x):
        x.round_()
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(x)
        return x, x

    @staticmethod
    def backward(ctx, *gradients):
        raise AssertionError(gradients)


def test_a_constant_that_is_returned_twice_is_a_constant_twice():
    x = mg.tensor([1.2], requires_grad=True)
    assert [y.requires_grad for y in RoundTwice.apply(x * 1)] == [False, False]


class Squared(Function):
    """The identity, with x**2 in place of the derivative."""

    @staticmethod
    def forward(ctx, x, dirty):
        if dirty:
            ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        Squared.ctx = ctx
        return x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0] ** 2, None


@pytest.mark.parametrize(("dirty", "second"), [(False, 6), (True, 54)])
def test_a_saved_argument_that_is_handed_on_stays_the_argument(dirty, second):
    x = mg.tensor([3.0], requires_grad=True)
    (g,) = mg.autograd.grad(Squared.apply(x * 1, dirty), x, create_graph=True)
    assert mg.autograd.grad(g, x)[0].tolist() == [second]


def test_what_was_saved_outlives_the_graph_on_ctx_alone():
    x = mg.tensor([3.0], requires_grad=True)
    y = Squared.apply(x, False)
    del y
    assert Squared.ctx.saved_tensors[0] is x
    with mg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="SquaredBackward saved a tensor of shape"):
        _ = Squared.ctx.saved_tensors
    Squared.apply(x, False).backward()
    with pytest.raises(RuntimeError, match="a second time"):
        _ = Squared.ctx.saved_tensors


def test_a_view_that_forward_wrote_to():
    class Head(Function):
        @staticmethod
        def forward(ctx, x):
            head = x.clone()[:2]
            head += 1
            ctx.save_for_backward(head)
            return head

        @staticmethod
        def backward(ctx, g):
            return mg.cat([g * ctx.saved_tensors[0], mg.zeros(1)])

    x = mg.ones(3, requires_grad=True)
    y = Head.apply(x)
    assert y.grad_fn.name() == "HeadBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 0]
    with pytest.raises(RuntimeError, match="modified inplace"):
        y += 1
