"""Rows of a table, looked up by integers, and their gradients."""

import numpy as np

import minigrad
import minigrad.nn.functional as F
from tests.any_device import share_memory


def test_embedding_reads_rows_and_adds_their_gradients():
    weight = minigrad.arange(6.0).reshape(3, 2).requires_grad_()
    places = minigrad.tensor([[0, 2], [2, 2]])
    rows = F.embedding(places, weight)
    assert rows.tolist() == [[[0, 1], [4, 5]], [[4, 5], [4, 5]]]
    rows.sum().backward()
    assert weight.grad.tolist() == [[1, 1], [0, 0], [3, 3]]


def test_scale_grad_by_freq_divides_and_the_padding_row_gets_no_gradient():
    weight = minigrad.ones(3, 1, requires_grad=True)
    places = minigrad.tensor([0, 2, 2, -1 + 2])
    F.embedding(places, weight, padding_idx=-3, scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[0.0], [1.0], [1.0]]


def test_embedding_of_one_index_is_a_copy_of_its_row():
    weight = minigrad.arange(4.0).reshape(2, 2)
    row = F.embedding(minigrad.tensor(1), weight)
    assert row.tolist() == [2.0, 3.0]
    assert not share_memory(row, weight)


def test_max_norm_shortens_rows_in_place():
    weight = minigrad.tensor([[3.0, 4.0], [30.0, 40.0]])
    none = F.embedding(minigrad.zeros(0, dtype=minigrad.int64), weight, max_norm=1.0)
    assert none.shape == (0, 2)
    rows = F.embedding(minigrad.tensor([0]), weight, max_norm=1.0)
    np.testing.assert_allclose(rows.numpy(), [[0.6, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(weight.numpy(), [[0.6, 0.8], [30.0, 40.0]], rtol=1e-5)


def test_one_hot_marks_classes():
    classes = minigrad.tensor([[0, 2], [1, 1]])
    assert F.one_hot(classes).tolist() == np.eye(3, dtype=int)[classes.numpy()].tolist()
    assert F.one_hot(classes, 5).shape == (2, 2, 5)
    assert F.one_hot(minigrad.tensor([], dtype=minigrad.int64), 3).shape == (0, 3)
