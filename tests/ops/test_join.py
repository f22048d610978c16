"""Joining and splitting: cases that the samples do not cover, and error messages."""

import pytest

import minigrad as torch
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
REFUSED = {
    "nothing to join": (lambda: torch.cat([]), ValueError, r"^torch.cat\(\): expected a non-empty list of Tensors$"),
    "nothing to stack": (lambda: torch.stack([]), RuntimeError, "^stack expects a non-empty TensorList$"),
    "a number among tensors": (
        lambda: torch.cat([X, 3]), TypeError, r"^expected Tensor as element 1 in argument 0, but got int: cat"),
    "a tensor for a list": (lambda: torch.cat(X), TypeError, "must be tuple of Tensors, not Tensor"),
    "a generator for a list": (lambda: torch.stack(x for x in X), TypeError, r"not generator; write stack\(list"),
    "a set, which has no order": (lambda: torch.cat({X}), TypeError, r"not set; write cat\(list\(\.\.\.\)\)"),
    "the values of a dict": (lambda: torch.vstack({1: X}.values()), TypeError, "tuple of Tensors, not dict_values"),
    "a start beyond the end": (lambda: X.narrow(1, 4, 1), IndexError, "start out of range.*\\[-3, 3\\], but got 4"),
    "too long a piece": (lambda: X.narrow(1, 2, 2), RuntimeError, "exceeds dimension size \\(3\\)"),
    "pieces that do not add up": (lambda: X.split([1, 1], 1), RuntimeError, "sum exactly to 3.*split_sizes=\\[1, 1\\]"),
    "pieces at places that are no integers": (
        lambda: X.tensor_split(torch.tensor([0.5])), RuntimeError, "tensor_split: .*int64; got float32 and 1 dim"),
    "pieces of a negative length": (lambda: X.split(-1), RuntimeError, "split_size=-1"),
    "no pieces": (lambda: X.chunk(0), RuntimeError, "greater than 0, got: 0"),
    "a number in pieces": (lambda: torch.tensor(1.0).chunk(2), RuntimeError, "at least a 1-dimensional tensor"),
    "other sizes": (lambda: torch.cat([X, torch.ones(3, 2)]), RuntimeError,
        r"dimension 0\. Expected size 3 but got size 2 for tensor number 1 .* shape \[2, 3\], this one \[3, 2\]\."),
    "another size before the axis that may differ": (
        lambda: torch.cat([X, X, torch.ones(4, 5)], dim=1), RuntimeError,
        "except in dimension 1. Expected size 2 but got size 4 for tensor number 2"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_an_empty_axis_has_as_many_chunks_as_asked_for():
    assert [tuple(part.shape) for part in torch.zeros(2, 0).chunk(3, 1)] == [(2, 0)] * 3
    assert [tuple(part.shape) for part in X.split([1, 2], 1)] == [(2, 1), (2, 2)]


@pytest.mark.parametrize("dim", [0, 1, -7])
def test_empty_vectors_are_joined_along_any_dim(dim):
    assert torch.cat([torch.ones(0), torch.zeros(0)], dim).shape == (0,)
