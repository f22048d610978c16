"""Indexing where PyTorch and NumPy part ways, and what may be written by index."""

import numpy as np
import pytest

import minigrad as torch

X = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
PLACES = torch.tensor([3, 1])


@pytest.mark.parametrize(
    ("read", "shape"),
    [  # recorded with PyTorch: an int is taken first, and is no array beside which axes move
        (lambda: X[1, :, PLACES], (3, 2)),
        (lambda: X[1, None, :, PLACES], (1, 3, 2)),
        (lambda: X[:, 1, None, PLACES], (2, 1, 2)),
        (lambda: X[torch.tensor([1, 0]), :, PLACES], (2, 3)),
        (lambda: X[torch.tensor(1), :, PLACES], (3, 2)),
        (lambda: X[1, torch.tensor([True, False, True])], (2, 4)),
        (lambda: X[range(2), (0, 1)], (2, 4)),
        (lambda: X[np.int64(1)], (3, 4)),
    ],
)
def test_shapes_of_mixed_indices(read, shape):
    assert read().shape == shape


def test_a_numpy_int_gives_a_view():
    x = torch.zeros(3)
    x[np.int64(1)].add_(1)
    assert x.tolist() == [0.0, 1.0, 0.0]


def test_writing_by_mixed_indices_is_differentiable():
    x = torch.zeros(2, 3, 4, requires_grad=True)
    value = torch.ones(3, 2, requires_grad=True)
    y = x.clone()
    y[1, :, PLACES] = value * 2
    (y * X).sum().backward()
    assert value.grad.tolist() == [[2 * (12 + 4 * i + j) for j in (3, 1)] for i in range(3)]
    assert x.grad[1, 0].tolist() == [12.0, 0.0, 14.0, 0.0]


def test_a_tensor_of_no_axes_is_written_in_place():
    x = torch.tensor(1.0, requires_grad=True)
    y = x * 2
    y[...] = 5.0
    y.backward()
    assert (y.item(), x.grad.item()) == (5.0, 0.0)


def test_one_number_of_another_type_may_fill_a_mask():
    x = torch.zeros(3)
    x[torch.tensor([True, False, True])] = torch.tensor(7)
    assert x.tolist() == [7.0, 0.0, 7.0]


REFUSED = {
    "an array": (
        lambda x: x.__setitem__(0, np.ones(2)), TypeError, "can't assign a numpy.ndarray.*minigrad.tensor"),
    "a list": (lambda x: x.__setitem__(0, [1.0]), TypeError, "can't assign a list"),
    "another type at places": (
        lambda x: x.__setitem__(torch.tensor([0]), torch.tensor([1])), RuntimeError,
        "dtypes match, got float32 for the destination and int64.*\\.to"),
    "a value that does not fit": (
        lambda x: x.__setitem__(0, torch.ones(3)), RuntimeError, r"value tensor of shape \[3\]"),
    "places of floats": (lambda x: x[torch.tensor([0.5])], IndexError, "must be long, int.*\\.long\\(\\)"),
    "too many": (lambda x: x[0, 0, 0], IndexError, r"too many indices.*shape \(2, 2\)"),
    "a negative step": (lambda x: x[::-1], ValueError, "step must be greater than zero.*flip"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call(torch.zeros(2, 2))
