"""Nodes and leaves: how nodes are named and linked, and the counters that guard what they saved."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import Node
from tests.any_device import share_memory
from tests.leaves import leaf
from tests.refusals import read_pattern


# ---- names and edges ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: x * x, "MulBackward0"),
        (lambda x: x + 1, "AddBackward0"),
        (lambda x: x.exp(), "ExpBackward0"),
        (lambda x: x.sum(), "SumBackward0"),
        (lambda x: x.log_softmax(0), "LogSoftmaxBackward0"),
        (lambda x: x.reshape(1, 3), "ViewBackward0"),
        (lambda x: x[0], "SelectBackward0"),
    ],
)
def test_grad_fn_is_named_as_in_pytorch(call, name):
    node = call(leaf(3)).grad_fn
    assert isinstance(node, Node)
    assert node.name() == name
    assert repr(node).startswith(f"<{name} object at 0x")


def test_next_functions_lead_to_the_leaves():
    x, w, constant = leaf(3), leaf(3), mg.ones(3, dtype=mg.float64)
    y = (x * w + constant).sum()
    ((add, number),) = y.grad_fn.next_functions
    assert (add.name(), number) == ("AddBackward0", 0)
    (mul, _), unneeded = add.next_functions
    assert unneeded == (None, 0) and len(add.edges) == 1  # the constant needs no gradient
    ends = [end for end, _ in mul.next_functions]
    assert [end.variable for end in ends] == [x, w]
    assert all("AccumulateGrad" in end.name() for end in ends)
    assert ends[0].next_functions == ()


def test_next_functions_of_a_layer_are_bias_input_and_weight():
    x, w, b = mg.ones(2, 3), mg.ones(4, 3, requires_grad=True), mg.ones(4, requires_grad=True)
    y = mg.nn.functional.linear(x, w, b)
    assert [end and end.variable for end, _ in y.grad_fn.next_functions] == [b, None, w]
    joined = mg.cat([mg.ones(4), b, y.sum(0)])
    assert [end and end.name() for end, _ in joined.grad_fn.next_functions] == [
        None, "minigrad::autograd::AccumulateGrad", "SumBackward1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "call", [lambda x: x**2, lambda x: x.pow(0.5), lambda x: 2**x, lambda x: x.masked_fill(x > 0, 1.0), mg.square]
)
def test_a_number_beside_a_power_or_a_mask_has_no_place_in_next_functions(call):
    x, seen = mg.ones(2, requires_grad=True), []
    y = call(x)
    ((leaf, number),) = y.grad_fn.next_functions
    assert leaf.variable is x and number == 0
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(len(inputs)) or (inputs[0] * 0 + 7,))
    y.sum().backward()
    assert seen == [1] and x.grad.tolist() == [7, 7]
    exponent = mg.tensor(2.0)
    assert [end and end.variable for end, _ in (x**exponent).grad_fn.next_functions] == [x, None]


def test_leaves_are_tensors_that_no_recorded_operation_made():
    x = leaf(2)
    assert x.is_leaf and x.grad_fn is None and x.requires_grad
    assert mg.ones(2).is_leaf and not mg.ones(2).requires_grad
    assert not (x * 2).is_leaf
    assert (mg.ones(2) * 2).is_leaf  # nothing asked for a gradient
    with mg.no_grad():
        assert (x * 2).is_leaf


def test_requires_grad_is_switched_on_leaves_alone():
    x = mg.ones(2)
    assert x.requires_grad_() is x and x.requires_grad
    assert not x.requires_grad_(False).requires_grad
    x.requires_grad = True
    y = x * 2
    assert y.requires_grad_() is y  # it does already
    with pytest.raises(RuntimeError, match=r"leaf variables.*detach\(\)"):
        y.requires_grad_(False)


def test_detach_shares_memory_and_stops_the_gradient():
    x = leaf(2)
    y = x * 2
    alias = y.detach()
    assert not alias.requires_grad and alias.is_leaf
    assert share_memory(alias, y)
    (y * alias).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * x.detach().numpy())  # not 8: one factor is fixed
    y.detach_()
    assert y.is_leaf and not y.requires_grad


# ---- version counters ---------------------------------------------------------------------------
def check_backward_refuses(loss, *words):
    with pytest.raises(RuntimeError, match=read_pattern(("modified by an inplace operation", *words))):
        loss.backward()


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y[0].zero_(),
        lambda y: y[1:][:1].fill_(3.0),
        lambda y: y.T.mul_(2.0),
        lambda y: y.detach().zero_(),
        lambda y: y.__setitem__(0, 1.0),
        lambda y: y.__setitem__([0, 0], 1.0),
        lambda y: y.__setitem__(y > 0, 1.0),
        lambda y: y.copy_(mg.ones(3, 2)),
        lambda y: y.clamp_(0, 1),
        lambda y: y.view(6)[2:3].normal_(),
    ],
)
def test_a_write_through_any_alias_is_noticed(write):
    x = leaf(3, 2)
    y = x * 1.0
    z = (y * y).sum()
    write(y)
    check_backward_refuses(z, "MulBackward0")


def test_a_write_to_a_value_that_no_rule_reads_is_allowed():
    x = leaf(3)
    y = x + 1
    z = (y + y).sum()
    y.mul_(5.0)
    z.backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_a_clone_has_its_own_version_counter():
    y = leaf(3) * 1.0
    copy = y.clone()
    z = (copy * copy).sum()
    y.zero_()
    z.backward()
    assert copy._version == 0 and y._version == 1


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_backward_after_an_optimizer_step_is_refused(name):
    w = leaf(3)
    loss = (w * w).sum()
    w.grad = mg.ones(3, dtype=mg.float64)
    getattr(mg.optim, name)([w], lr=0.1).step()
    check_backward_refuses(loss, "MulBackward0", "shape (3,)")


def test_reading_does_not_change_the_version():
    x = leaf(3)
    x.sum(), x[0], x.detach(), x.exp()
    assert x._version == 0


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_each_derivative_of_a_power_is_that_on_paper(order):
    """d^n x^5 = 5!/(5-n)! x^(5-n)."""
    x = mg.tensor([1.5, -0.5], dtype=mg.float64, requires_grad=True)
    y = x**5
    factor, power = 1.0, 5
    for _ in range(order):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        factor, power = factor * power, power - 1
    np.testing.assert_allclose(y.detach().numpy(), factor * x.detach().numpy() ** power)


def test_mixed_derivatives_commute():
    x, y = leaf(3, seed=1), leaf(3, seed=2)
    f = ((x * y).sin() * x.exp()).sum()
    by = {}
    for first, second in itertools.permutations([x, y]):
        (g,) = autograd.grad(f, first, create_graph=True)
        by[id(first)] = autograd.grad(g.sum(), second, retain_graph=True)[0].numpy()
    np.testing.assert_allclose(by[id(x)], by[id(y)])


def test_detach_in_place_refuses_views():
    x = mg.ones(2, requires_grad=True)
    y, plain = x * 2, mg.ones(2)
    for view in (x[0], y[1:], plain[0]):
        with pytest.raises(RuntimeError, match=r"Can't detach views in-place: .* Use detach\(\)"):
            view.detach_()
    for result in (x * 2, x @ x, (x * 2).view(2, 1), (x * 2).unsqueeze_(0)):
        assert not result.detach_().requires_grad and result.is_leaf


def test_t_in_place_counts_as_a_write():
    x = mg.ones(2, 3, requires_grad=True)
    y = x * 1.0
    z = y * y
    y.t_()
    assert y._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    w = x * 1.0
    part = w[0]
    w.t_()
    (w * 2 + part.sum()).sum().backward()
    assert x.grad.tolist() == [[8, 8, 8], [2, 2, 2]]


def test_a_retained_gradient_stays_with_a_tensor_that_is_overwritten():
    x = mg.ones(4, requires_grad=True)
    y = x @ x
    y.retain_grad()
    y[...] = -1.9
    assert y.retains_grad
    y.sum().backward()
    assert y.grad.item() == 1 and x.grad.tolist() == [0, 0, 0, 0]


def test_a_retained_gradient_stays_with_a_view_that_is_written_to_under_no_grad():
    x = mg.ones(1, 3, requires_grad=True)
    y = x.flatten().permute(0)
    y.retain_grad()
    with mg.no_grad():
        y.sub_(0.5)
    assert y.retains_grad
    y.sum().backward()
    assert y.grad.tolist() == [1, 1, 1]


def test_a_view_follows_requires_grad_of_its_base():
    base = mg.ones(3)
    view, inner = base[1:], base[1:][:1]
    base.requires_grad_()
    assert (view * 2).requires_grad and (inner * 2).requires_grad
    base.requires_grad_(False)
    assert not (view * 2).requires_grad and not (inner * 2).requires_grad
    view.mul_(3)
    assert not view.requires_grad and not (view * 2).requires_grad and base.tolist() == [1.0, 3.0, 3.0]
    base.requires_grad_()
    assert (view * 2).requires_grad
