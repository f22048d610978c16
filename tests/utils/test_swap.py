"""Two tensors exchange their contents."""

import weakref

import pytest

import minigrad as torch
from minigrad import nn


def test_holders_of_a_tensor_see_the_other_ones_contents():
    layer = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    mine, other = layer.weight, nn.Parameter(torch.tensor([[3.0, 4.0]]))
    other.grad, other.note = torch.ones(1, 2), "new"
    torch.utils.swap_tensors(layer.weight, other)
    assert layer.weight is mine and mine.tolist() == [[3.0, 4.0]] and mine.note == "new"
    assert other.grad is None and not hasattr(other, "note")
    optimizer.step()
    assert mine.tolist() == [[2.5, 3.5]]


def test_classes_and_places_in_the_graph_are_exchanged():
    w = nn.Parameter(torch.ones(2))
    x, y = torch.zeros(3), w * 2
    torch.utils.swap_tensors(x, y)
    assert x.requires_grad and not y.requires_grad and y.shape == (3,)
    x.sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]
    torch.utils.swap_tensors(w, y)
    assert type(w) is torch.Tensor and isinstance(y, nn.Parameter) and y.grad.tolist() == [2.0, 2.0]


def test_tensors_that_cannot_be_swapped_are_refused():
    x, y = torch.ones(1), torch.zeros(1)
    held = weakref.ref(y)
    with pytest.raises(RuntimeError, match="Cannot swap t2 because it has weakref"):
        torch.utils.swap_tensors(x, y)
    assert held() is y
    with pytest.raises(TypeError, match="'t2' \\(position 2\\) must be Tensor, not int"):
        torch.utils.swap_tensors(x, 3)

    class Slotted(torch.Tensor):
        __slots__ = ("more",)

    slotted = object.__new__(Slotted)
    slotted.array = x.array
    with pytest.raises(RuntimeError, match="different slots"):
        torch.utils.swap_tensors(x, slotted)
