"""Views of a tensor that change in place: what the views, their base and their graphs see of a write."""

import copy

import numpy as np
import pytest

import minigrad as torch
from tests.leaves import counting_leaf as leaf


def test_a_write_through_one_view_reaches_its_base_and_the_other_views():
    x = leaf(2, 3)
    y = x.clone()
    column, row = y[:, 0], y[1]
    column.mul_(10.0)
    assert row.tolist() == [40.0, 5.0, 6.0]
    row.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0, 0.0], [10.0, 1.0, 1.0]]


def test_views_keep_their_order_when_their_base_is_transposed_in_place():
    x = leaf(2, 3)
    y = x * 1.0
    flat = y.reshape(-1)
    y.t_()
    y.div_(2.0)
    flat.mul_(3.0)
    (flat * torch.arange(6)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy().ravel(), np.arange(6) * 1.5)


WRITES = {
    "the whole": lambda y: y.view(-1).mul_(2.0),
    "a part": lambda y: y.view(-1)[1:3].fill_(0.0),
    "an element by index": lambda y: y.view(3, 2).__setitem__((1, 0), 0.0),
    "elements by a list": lambda y: y.flatten().__setitem__([0, 4], 0.0),
    "where a mask holds": lambda y: y.reshape(6).masked_fill_(torch.arange(6) > 3, 0.0),
    "a view of a transposed view": lambda y: y.t().unflatten(0, (3, 1)).mul_(torch.arange(3.0).view(3, 1, 1)),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_gradient_of_a_write_through_a_view_may_arrive_in_any_memory_order(write):
    cotangent = torch.arange(1.0, 7.0).reshape(2, 3).double()
    found = []
    for transpose in (False, True):
        x = leaf(2, 3)
        y = x**2
        WRITES[write](y)
        loss = ((y.T * cotangent.T.contiguous()) if transpose else y * cotangent).sum()
        found.append(torch.autograd.grad(loss, x, create_graph=True)[0])
        found.append(torch.autograd.grad(found[-1].sum(), x)[0])
    assert torch.equal(found[0], found[2]) and torch.equal(found[1], found[3])
    assert not torch.equal(found[0], 2 * x * cotangent)


def test_parts_of_a_split_may_be_written_to_where_no_gradient_flows():
    x = torch.zeros(4)
    for part in x.split(2):
        part.add_(1)
    assert x.tolist() == [1.0] * 4
    assert leaf(2).clone().unbind()[0].requires_grad


def test_a_view_that_became_a_leaf_joins_the_graph_when_its_base_does():
    base, weight = torch.zeros(4), leaf(4)
    view = base[:2].requires_grad_()
    base.mul_(2.0)
    assert view.is_leaf and view.requires_grad and not base.requires_grad
    base.copy_(weight * 2)
    (view * 3).sum().backward()
    assert not view.is_leaf and view.gradient is None and weight.grad.tolist() == [6.0, 6.0, 0.0, 0.0]


def test_a_write_through_thousands_of_nested_views():
    base, weight = torch.zeros(4), leaf(1)
    view = base
    for _ in range(3000):
        view = view[:]
    view[:1] = weight * 2
    base.sum().backward()
    assert weight.grad.tolist() == [2.0] and base.tolist() == [2.0, 0.0, 0.0, 0.0] and view.requires_grad


@pytest.mark.parametrize("write_first", [True, False])
def test_a_view_transposed_in_place_joins_a_graph_that_its_base_starts_later(write_first):
    base = torch.ones(3)
    view = base.expand(2, 3)
    if write_first:
        base.mul_(2)
    view.t_()
    base.requires_grad_()
    assert view.requires_grad and not view.is_leaf and view.shape == (3, 2)
    (view * torch.arange(6.0).view(3, 2)).sum().backward()
    assert base.grad.tolist() == [1.0, 5.0, 9.0]


WRITES_OF_A_VIEW = {
    "by slices": lambda y, v: y.__setitem__(slice(None), v),
    "by places": lambda y, v: y.__setitem__([0, 1, 2], v),
    "everywhere": lambda y, v: y.__setitem__(..., v),
    "copy_": lambda y, v: y.copy_(v),
    "add_": lambda y, v: y.add_(v),
    "lerp_": lambda y, v: y.lerp_(v, 1.0),
    "fill_": lambda y, v: y.fill_(v.sum()),
    "index_add_": lambda y, v: y.index_add_(0, torch.arange(3), v),
}


@pytest.mark.parametrize("write", WRITES_OF_A_VIEW.values(), ids=WRITES_OF_A_VIEW.keys())
def test_a_written_view_brings_the_graph_that_its_base_got_later(write):
    x, w = torch.zeros(4), torch.ones(4, requires_grad=True)
    v = x[1:]
    x.add_(w * 2)  # after which nobody asks the view whether it requires a gradient
    y = torch.zeros(3)
    write(y, v)
    assert y.requires_grad
    y[0].backward()
    assert w.grad.tolist() in ([0.0, 2.0, 0.0, 0.0], [0.0, 2.0, 2.0, 2.0])


@pytest.mark.parametrize("write", WRITES_OF_A_VIEW.values(), ids=WRITES_OF_A_VIEW.keys())
def test_a_part_of_a_split_whose_base_was_written_to_is_refused_as_a_source(write):
    x = torch.zeros(6)
    _, part = x.split(3)
    x.add_(torch.ones(6, requires_grad=True) * 2)
    with pytest.raises(RuntimeError, match="one of several views"):
        write(torch.zeros(3), part)


def test_copy_and_out_see_that_a_view_of_a_written_base_requires_grad():
    x, w = torch.zeros(4), torch.ones(4, requires_grad=True)
    v, other = x[1:], x[:3]
    x.add_(w * 2)
    assert copy.copy(v).requires_grad
    with pytest.raises(RuntimeError, match=r"out=\.\.\. arguments don't support automatic differentiation"):
        torch.add(torch.ones(3), 1.0, out=other)


WHOLE = {
    "exp_": lambda v: v.exp_(),
    "fill_": lambda v: v.fill_(1.0),
    "zero_": lambda v: v.zero_(),
    "copy_": lambda v: v.copy_(torch.ones(2)),
    "relu_": torch.relu_,
    "masked_fill_": lambda v: v.masked_fill_(v.detach() > 0, 1.0),
    "x[...] = number": lambda v: v.__setitem__(..., 1.0),
    "x[:] = number": lambda v: v.__setitem__(slice(None), 1.0),
    "x[0:2] = number": lambda v: v.__setitem__(slice(0, 2), 1.0),
    "x[indices] = number": lambda v: v.__setitem__([0], 1.0),
}


class TestAViewThatIsOlderThanTheGraphOfItsBase:
    def make(self):
        weight, base = torch.ones(1, requires_grad=True), torch.ones(2, 2)
        row = base[0]
        base.mul_(weight)
        return weight, base, row

    @pytest.mark.parametrize("name", WHOLE)
    def test_a_write_to_all_of_it_is_refused_until_its_place_in_the_graph_was_read(self, name):
        _, _, row = self.make()
        with pytest.raises(RuntimeError, match=r"a leaf Variable.*made before its base required a gradient.*x\[i\]"):
            WHOLE[name](row)
        assert not row.is_leaf  # which reads it
        WHOLE[name](row)

    def test_a_write_to_a_part_of_it_is_recorded(self):
        weight, base, row = self.make()
        row[0] = weight[0] * 5
        row[1] += weight[0]
        base.sum().backward()
        assert base.tolist() == [[5.0, 2.0], [1.0, 1.0]] and weight.grad.tolist() == [9.0]

    def test_it_is_the_same_after_an_augmented_assignment_that_began_the_graph(self):
        weight, base = torch.ones(1, requires_grad=True), torch.ones(2, 2)
        row = base[0]
        with pytest.raises(RuntimeError, match="made before its base required a gradient"):
            row[...] += weight
