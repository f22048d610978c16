"""Datasets made of other datasets, and iterable datasets: alone and through a DataLoader."""

import numpy as np
import pytest

import minigrad
from minigrad.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from minigrad.utils.data._utils.collate import default_collate


class Letters(Dataset):
    def __init__(self, text):
        self.text = text

    def __len__(self):
        return len(self.text)

    def __getitem__(self, index):
        return self.text[index]


class Count(IterableDataset):
    def __init__(self, stop, length=None):
        self.stop = stop
        if length is not None:
            self.length = length

    def __iter__(self):
        return iter(range(self.stop))


class Told(Count):
    def __len__(self):
        return self.length


def test_datasets_are_added():
    both = Letters("ab") + Letters("") + Letters("cde")
    assert isinstance(both, ConcatDataset)
    assert len(both) == 5
    assert [both[i] for i in range(5)] == list("abcde")
    assert [both[-i] for i in range(1, 6)] == list("edcba")
    assert both.datasets[0].cumulative_sizes == [2, 2] and both.cumulative_sizes == [2, 5]
    assert list(DataLoader(both, 3)) == [["a", "b", "c"], ["d", "e"]]
    rows = TensorDataset(minigrad.arange(2)) + TensorDataset(minigrad.arange(3))
    assert [batch.tolist() for (batch,) in DataLoader(rows, 4)] == [[0, 1, 0, 1], [2]]


def test_datasets_that_cannot_be_concatenated_are_refused():
    with pytest.raises(AssertionError, match="empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        ConcatDataset([Letters("a"), Count(2)])
    both = ConcatDataset(["abc"])
    with pytest.raises(ValueError, match=r"should not exceed dataset length: -4 of 3"):
        both[-4]
    with pytest.raises(IndexError):
        both[3]


def test_streams_are_chained():
    chained = Told(2, 2) + Told(3, 3)
    assert isinstance(chained, ChainDataset)
    assert list(chained) == [0, 1, 0, 1, 2]
    assert len(chained) == 5
    assert [batch.tolist() for batch in DataLoader(chained, 2)] == [[0, 1], [0, 1], [2]]
    for read in (list, len):
        with pytest.raises(AssertionError, match="only supports IterableDataset"):
            read(ChainDataset([Letters("a")]))
    with pytest.raises(TypeError, match=r"Can't instantiate abstract class .*__iter__"):
        type("Stream", (IterableDataset,), {})()


def test_stacked_datasets_give_tuples_or_dicts():
    pairs = StackDataset(Letters("abc"), range(3))
    assert len(pairs) == 3 and pairs[1] == ("b", 1)
    assert pairs.__getitems__([2, 0]) == [("c", 2), ("a", 0)]
    named = StackDataset(letter=Letters("abc"), number=Subset(range(10), [5, 6, 7]))
    assert named[2] == {"letter": "c", "number": 7}
    (batch,) = DataLoader(named, 3)
    assert batch["letter"] == ["a", "b", "c"] and batch["number"].tolist() == [5, 6, 7]
    for make, text in (
        (lambda: StackDataset(), "At least one dataset"),
        (lambda: StackDataset("ab", x="ab"), "not both"),
        (lambda: StackDataset("ab", "abc"), r"Size mismatch between datasets: their lengths are \[2, 3\]"),
    ):
        with pytest.raises(ValueError, match=text):
            make()

    class Short(Letters):
        def __getitems__(self, indices):
            return [self[0]]

    with pytest.raises(ValueError, match="Expected 2, got 1"):
        StackDataset(Short("ab")).__getitems__([0, 1])


def test_a_loader_makes_batches_of_a_stream():
    def batches(**options):
        return [batch.tolist() for batch in DataLoader(Count(5), **options)]

    assert batches(batch_size=2) == [[0, 1], [2, 3], [4]]
    assert batches(batch_size=2, drop_last=True) == [[0, 1], [2, 3]]
    assert batches(batch_size=5) == [[0, 1, 2, 3, 4]]
    assert list(DataLoader(Count(3), batch_size=None)) == [0, 1, 2]
    assert list(DataLoader(Count(0))) == []
    with pytest.raises(TypeError, match=r"len\(\)"):
        len(DataLoader(Count(5)))


def test_a_stream_longer_than_its_length_warns():
    assert len(DataLoader(Told(5, 5), batch_size=2)) == 3
    assert len(DataLoader(Told(5, 5), batch_size=2, drop_last=True)) == 2
    assert len(DataLoader(Told(5, 5), batch_size=None)) == 5
    loader = DataLoader(Told(5, 3), batch_size=1)
    assert len(list(loader)) == 5, "nobody has asked for its length"
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="was reported to be 3 .* but 4 samples have been fetched") as seen:
        assert len(list(loader)) == 5
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shuffle": True}, "unspecified shuffle option, but got shuffle=True"),
        ({"sampler": [1]}, r"unspecified sampler option, but got sampler=\[1\]"),
        ({"batch_sampler": [[1]]}, "unspecified batch_sampler option"),
    ],
)
def test_options_that_choose_samples_are_refused_for_streams(options, text):
    with pytest.raises(ValueError, match=text):
        DataLoader(Count(3), **options)
    DataLoader(Count(3), shuffle=False)


def test_attributes_of_a_loader_cannot_be_changed():
    loader = DataLoader(range(4), batch_size=2)
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
            setattr(loader, name, 3)
    loader.collate_fn = sum
    assert list(loader) == [1, 5]


def test_a_subset_that_overrides_getitem_must_override_getitems():
    class Doubled(Subset):
        def __getitem__(self, index):
            return 2 * super().__getitem__(index)

    with pytest.raises(NotImplementedError, match="Doubled overrides __getitem__ but not __getitems__"):
        Doubled(range(3), [0, 1])

    class Whole(Doubled):
        def __getitems__(self, indices):
            return [self[i] for i in indices]

    assert [batch.tolist() for batch in DataLoader(Whole(range(5), [4, 3]), 2)] == [[8, 6]]


def test_invalid_lengths_of_a_split_are_refused():
    with pytest.raises(TypeError, match=r"lengths are ints .* or fractions that sum to 1: \[2.5, 7.5\]"):
        random_split(range(10), [2.5, 7.5])
    for lengths in ([3, 3], [0.5, 0.6], [], [float("nan")]):
        with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
            random_split(range(10), lengths)
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(10), [-0.5, 1.5])
    with pytest.raises(TypeError, match=r"'lengths' must be a list such as \[0.8, 0.2\], got 10"):
        random_split(range(10), 10)
    assert random_split(range(0), []) == []
    assert [len(part) for part in random_split(range(10), [True, 9])] == [1, 9]
    for texts in ("a", ["a", "b"]):
        with pytest.raises(TypeError, match=r"random_split\(\): argument 'lengths' must be a list such as"):
            random_split(range(3), texts)


def test_tensors_without_rows_are_refused():
    pair = (minigrad.ones(2), minigrad.ones(2))
    with pytest.raises(AttributeError, match=r"^'tuple' object has no attribute 'size': .*TensorDataset\(\*tensors\)"):
        TensorDataset(pair)
    with pytest.raises(TypeError, match=r"argument 'tensors' \(position 2\) must be Tensor, not numpy.ndarray"):
        TensorDataset(pair[0], np.ones(2))
    with pytest.raises(IndexError, match="a 0-d tensor has no rows"):
        TensorDataset(minigrad.tensor(1.0))
    assert TensorDataset().tensors == ()


def test_the_collate_function_has_its_inner_name():
    assert default_collate([1, 2]).tolist() == [1, 2]
