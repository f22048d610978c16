"""Weights that stay orthogonal while they are trained; the numbers of PyTorch are in ops/programs.txt."""

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.utils.parametrizations import orthogonal
from tests.refusals import refusals


def is_orthogonal(w):
    tall = w if w.shape[-2] >= w.shape[-1] else w.mT
    return torch.allclose(tall.mT @ tall, torch.eye(tall.shape[-1], dtype=w.dtype), atol=1e-5)


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5)])
def test_a_weight_stays_orthogonal(kind, shape, based):
    layer = orthogonal(nn.Linear(*shape), orthogonal_map=kind, use_trivialization=based)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    x, first = torch.randn(8, shape[0]), layer.weight.detach()
    for _ in range(5):
        optimizer.zero_grad()
        (layer(x) - 1).pow(2).mean().backward()
        optimizer.step()
    assert is_orthogonal(layer.weight) and not torch.allclose(layer.weight, first)


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 1, 4, 2), (3, 2, 4)])
def test_each_matrix_of_a_batch_is_orthogonal(kind, shape, based):
    module = nn.Module()
    module.weight = nn.Parameter(torch.randn(shape))
    weight = orthogonal(module, orthogonal_map=kind, use_trivialization=based).weight
    assert weight.shape == shape
    assert all(is_orthogonal(matrix) for matrix in weight.reshape(-1, *shape[-2:]))


def test_an_assigned_weight_is_made_orthogonal():
    layer = orthogonal(nn.Linear(3, 3))
    layer.weight = torch.eye(3)[[1, 2, 0]]
    assert torch.allclose(layer.weight, torch.eye(3)[[1, 2, 0]])
    layer.weight = 5 * torch.eye(3)
    assert torch.allclose(layer.weight, torch.eye(3), atol=1e-6)


REFUSED = {
    "no such weight": (lambda: orthogonal(nn.Linear(2, 2), "w"), "no parameter or buffer with name 'w'"),
    "a vector": (lambda: orthogonal(nn.Linear(2, 2), "bias"), "Expected a matrix.*1 dimensions"),
    "another map": (lambda: orthogonal(nn.Linear(2, 2), orthogonal_map="x"), "has to be one of 'matrix_exp', 'cayley'"),
}


test_refused = refusals({name: (call, ValueError, message) for name, (call, message) in REFUSED.items()})


def test_an_assignment_that_cannot_be_inverted_is_refused():
    layer = orthogonal(nn.Linear(2, 2), use_trivialization=False)
    with pytest.raises(NotImplementedError, match=r"not possible to assign.*use_trivialization=False"):
        layer.weight = torch.eye(2)
    with pytest.raises(ValueError, match=r"matrices of shape .*\[2, 2\].*Got .*\[3, 3\]"):
        orthogonal(nn.Linear(2, 2)).weight = torch.eye(3)
