"""Datasets and how they are split and cut."""

import json
from pathlib import Path

import pytest

import minigrad
from minigrad.random import Generator
from minigrad.utils.data import Dataset, Subset, TensorDataset, random_split

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "orders.json").read_text())


def make_generator(seed):
    return Generator().manual_seed(seed)


def test_a_tensor_dataset_gives_rows():
    x = minigrad.arange(10.0)
    dataset = TensorDataset(x, x * 2)
    assert len(dataset) == 10
    assert [row.item() for row in dataset[3]] == [3, 6]
    assert [rows.tolist() for rows in dataset[1:3]] == [[1, 2], [2, 4]]
    assert [rows.tolist() for rows in dataset[[4, 0]]] == [[4, 0], [8, 0]]
    assert dataset.tensors[0] is x
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*\[10, 3\]"):
        TensorDataset(x, x[:3])
    with pytest.raises(IndexError):
        dataset[10]


def test_subsets_nest():
    dataset = Subset(Subset(range(100, 110), [5, 3, 1]), [2, 0])
    assert list(dataset) == [101, 105]
    assert len(dataset) == 2
    assert dataset.__getitems__([0, 1]) == [101, 105]
    assert Subset(TensorDataset(minigrad.arange(5)), [3, 4])[[1, 0]][0].tolist() == [4, 3]
    with pytest.raises(IndexError):
        dataset[2]


def test_a_split_with_a_seed_is_that_of_pytorch():
    for case in RECORDED:
        parts = random_split(range(10), [6, 3, 1], make_generator(case["seed"]))
        assert [part.indices for part in parts] == case["split"]
        parts = random_split(range(11), [0.5, 0.25, 0.25], generator=make_generator(case["seed"]))
        assert [part.indices for part in parts] == case["fractions"]


def test_a_split_uses_the_global_generator_by_default():
    minigrad.manual_seed(5)
    first = random_split(range(9), [4, 5])
    minigrad.manual_seed(5)
    assert [part.indices for part in random_split(range(9), [4, 5])] == [p.indices for p in first]
    assert sorted(first[0].indices + first[1].indices) == list(range(9))


def test_invalid_datasets_and_splits_are_refused():
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError, match="has no len"):
        len(Dataset())
    with pytest.raises(ValueError, match=r"Sum of input lengths.*\[3, 3\] sum to 6.*has 10"):
        random_split(range(10), [3, 3])
    with pytest.raises(ValueError, match=r"Fraction at index 0 is not between 0 and 1: 1\.5"):
        random_split(range(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(2), [0.9, 0.1])
