"""Parameters become one vector, and come back."""

import pytest

import minigrad as torch
from minigrad import nn
from tests.refusals import refusals


def test_parameters_become_one_vector_and_come_back():
    shapes = (2, 3), (), (2,)
    parameters = [nn.Parameter(torch.zeros(shape)) for shape in shapes]
    nn.utils.vector_to_parameters(torch.arange(12.0), iter(parameters))  # three numbers are left over, as in PyTorch
    assert [p.tolist() for p in parameters] == [[[0, 1, 2], [3, 4, 5]], 6, [7, 8]]
    vector = nn.utils.parameters_to_vector(iter(parameters))
    assert vector.tolist() == list(range(9))
    vector.pow(2).sum().backward()
    assert parameters[2].grad.tolist() == [14, 16]


def test_parameters_hold_the_memory_of_the_vector_that_they_come_from():
    layer, vector = nn.Linear(2, 2), torch.arange(6.0)
    before = layer.bias.data
    nn.utils.vector_to_parameters(vector, layer.parameters())
    with torch.no_grad():
        layer.bias += 1
    assert vector.tolist() == [0, 1, 2, 3, 5, 6]
    assert before.tolist() != [5, 6]
    nn.utils.vector_to_parameters(vector.double(), layer.parameters())
    assert layer.bias.dtype is torch.float64


def test_vectors_that_do_not_fill_the_parameters_are_refused():
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: list"):
        nn.utils.vector_to_parameters([1.0, 2.0], [torch.ones(2)])
    with pytest.raises(RuntimeError, match="the vector of 3 numbers is too short for these parameters"):
        nn.utils.vector_to_parameters(torch.ones(3), [torch.zeros(2), torch.zeros(2)])


test_what_holds_no_parameters = refusals({
    "a net": (
        lambda: nn.utils.parameters_to_vector(nn.Linear(1, 1)), TypeError,
        r"must be Tensor, not minigrad.nn.linear.Linear; .* write .parameters\(\) for its tensors"),
    "a method": (
        lambda: nn.utils.vector_to_parameters(torch.ones(2), nn.Linear(1, 1).parameters), TypeError,
        r"must be Tensor, not method; write net.parameters\(\), with the brackets"),
})  # fmt: skip
