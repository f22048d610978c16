"""How a gradient is added to the `.grad` of a leaf."""

import pytest

import minigrad as mg
import minigrad as torch
from tests.any_device import share_memory
from tests.leaves import leaf, leaf_of


def test_backward_adds_in_place_to_a_grad_that_has_a_graph():
    x = leaf_of(1.0, 2.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    first.sum().backward(retain_graph=True)  # 3 x^2 + 6 x
    assert x.grad is first and first.requires_grad and first.tolist() == [9.0, 24.0]
    x.grad = own = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad is own and own.tolist() == [3.0, 3.0]


def test_backward_refuses_to_add_to_an_expanded_grad():
    x = leaf_of(1.0, 2.0)
    x.grad = torch.ones(1).expand(2)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        (x * x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_backward_refuses_a_grad_of_the_shape_before_t_():
    x = torch.ones(2, 3, requires_grad=True)
    (x * x).sum().backward()
    with torch.no_grad():
        x.t_()
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        (x * x).sum().backward()


@pytest.mark.parametrize(("make", "strides"), [
    (lambda x: x.t(), (1, 4)),
    (lambda x: x[:, ::2], (2, 1)),
    (lambda x: x[:, :3].t(), (3, 1)),
    (lambda x: x[0].expand(3, 4), (4, 1)),
    (lambda x: x[:, :1].expand(3, 4), (4, 1)),
])  # fmt: skip
def test_grad_takes_the_strides_of_its_leaf_unless_it_has_gaps_or_repeats(make, strides):
    x = make(torch.arange(12.0).view(3, 4)).detach().requires_grad_()
    (2 * x).sum().backward()
    assert x.grad.stride() == strides and (x.grad == 2).all()


def test_a_first_gradient_with_a_graph_prints_as_in_pytorch_and_lies_as_its_leaf():
    a = mg.ones(2, 3).t().requires_grad_()
    (a**2).sum().backward(create_graph=True)
    assert repr(a.grad).endswith("grad_fn=<CopyBackwards>)")
    assert a.grad.stride() == a.stride()
    a.grad.sum().backward()
    assert (a.grad == 4).all()


def test_a_gradient_of_views_owns_its_memory():
    a, b = leaf(2, 3), leaf(3, 2)
    seed = mg.ones(3, 2, dtype=mg.float64)
    (a.T + b).backward(seed)
    assert not share_memory(a.grad, seed) and not share_memory(b.grad, seed) and not share_memory(a.grad, b.grad)
    b.grad.zero_()
    assert (a.grad == 1).all() and (seed == 1).all()


def test_grad_of_a_leaf_does_not_share_memory_with_its_seed():
    a, seed = leaf(3), mg.ones(3, dtype=mg.float64)
    a.backward(seed)
    a.grad.add_(1.0)
    assert (seed == 1).all()


def test_a_second_backward_adds_in_place():
    x = leaf(3)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    assert (first == 5).all()


def test_a_hook_on_a_leaf_changes_its_gradient():
    x = leaf(2)
    x.register_hook(lambda g: g * 10)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [30, 30]


def test_a_leaf_frozen_after_the_forward_gets_no_grad():
    w, x = leaf(2), leaf(2)
    y = (w * x).sum()
    w.requires_grad_(False)
    y.backward()
    assert w.grad is None and x.grad is not None
