"""Batches in PyTorch's own order, and the options that exclude each other."""

import json
from pathlib import Path

import pytest

import minigrad
from minigrad.random import Generator
from minigrad.utils.data import (
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    random_split,
)
from tests.refusals import refusals

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "orders.json").read_text())


def seeds(case):
    return f"seed {case['seed']}"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("case", RECORDED, ids=seeds)
def test_order_and_later_draws_are_those_of_pytorch(case, workers):
    for name, options in {
        "shuffled": {"batch_size": 4, "shuffle": True},
        "in_order": {"batch_size": 5},
        "dropped": {"batch_size": 4, "shuffle": True, "drop_last": True},
    }.items():
        minigrad.manual_seed(case["seed"])
        drawn = [minigrad.randint(1000, ()).item()]
        loader = DataLoader(minigrad.arange(10), num_workers=workers, **options)
        for epoch in case[name]["epochs"]:
            assert [batch.tolist() for batch in loader] == epoch
            drawn.append(minigrad.randint(1000, ()).item())
        assert drawn == case[name]["drawn"]


@pytest.mark.parametrize("case", RECORDED, ids=seeds)
def test_a_generator_gives_the_order_of_pytorch(case):
    generator = Generator().manual_seed(case["seed"])
    loader = DataLoader(minigrad.arange(10), batch_size=3, shuffle=True, generator=generator)
    for epoch in case["own_generator"]:
        assert [batch.tolist() for batch in loader] == epoch


class Rows(Dataset):
    """The same samples as a TensorDataset, one at a time: the plain path."""

    def __init__(self, *tensors):
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


def test_the_fast_path_gives_the_same_batches(device):
    x = minigrad.arange(30.0, device=device).reshape(10, 3)
    y = minigrad.arange(10, device=device)
    for wrap in (lambda d: d, lambda d: Subset(Subset(d, [9, 1, 5, 7, 3]), [4, 0, 2])):
        fast = DataLoader(wrap(TensorDataset(x, y)), batch_size=2)
        slow = DataLoader(wrap(Rows(x, y)), batch_size=2)
        for got, expected in zip(fast, slow, strict=True):
            assert isinstance(got, list)
            for a, b in zip(got, expected, strict=True):
                assert (a.tolist(), a.dtype, a.device) == (b.tolist(), b.dtype, b.device)
                a.fill_(-1)
    assert min(x.flatten().tolist()) == 0, "a batch is a copy"


def test_gradients_flow_through_the_fast_path():
    x = minigrad.ones(4, 2, requires_grad=True)
    for (rows,) in DataLoader(TensorDataset(x), batch_size=3):
        rows.sum().backward()
    assert x.grad.tolist() == [[1, 1]] * 4


def test_a_training_split_is_loaded():
    minigrad.manual_seed(0)
    train, test = random_split(TensorDataset(minigrad.arange(10)), [0.8, 0.2])
    loaders = DataLoader(train, 3, shuffle=True), DataLoader(test, 3)
    seen = [i for loader in loaders for (batch,) in loader for i in batch.tolist()]
    assert len(train) == 8
    assert sorted(seen) == list(range(10))


def test_samplers_and_batch_samplers_choose_samples():
    def batches(**options):
        return [batch.tolist() for batch in DataLoader(list(range(5)), **options)]

    assert batches(batch_sampler=[[4, 0], [1]]) == [[4, 0], [1]]
    assert batches(sampler=[3, 1, 2], batch_size=2) == [[3, 1], [2]]
    assert list(DataLoader([1, 2], batch_size=None)) == [1, 2]
    assert list(DataLoader(range(3), batch_size=2, collate_fn=sum)) == [1, 2]
    assert len(DataLoader(range(5), batch_size=2)) == 3
    assert len(DataLoader(range(5), batch_size=2, drop_last=True)) == 2
    assert len(DataLoader(range(5), batch_size=None)) == 5
    assert len(DataLoader(range(5), batch_sampler=[[1, 2]])) == 1
    assert list(DataLoader([])) == []
    loader = DataLoader(range(3), shuffle=True)
    assert isinstance(loader.sampler, RandomSampler)
    assert isinstance(DataLoader(range(3)).sampler, SequentialSampler)
    assert loader.batch_sampler.batch_size == loader.batch_size == 1


def test_the_fast_path_is_used_with_the_default_collate_alone():
    dataset = TensorDataset(minigrad.arange(3))
    batches = list(DataLoader(dataset, batch_size=3, collate_fn=len))
    assert batches == [3]

    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * row for row in super().__getitem__(index))

    ((batch,),) = DataLoader(Doubled(minigrad.arange(3)), batch_size=3)
    assert batch.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"batch_size": "2"}, "batch_size='2'"),
        ({"batch_size": True}, "batch_size=True"),
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"shuffle": True, "sampler": [1]}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "shuffle": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "batch_size": 3}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "drop_last": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"drop_last": 3}, "drop_last should be a boolean value"),
        ({"prefetch_factor": 2}, "prefetch_factor.* need num_workers > 0"),
        ({"persistent_workers": True}, "persistent_workers.* need num_workers > 0"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context need num_workers > 0"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        DataLoader(range(5), **options)


def test_a_timeout_is_a_number_of_seconds_and_needs_workers_to_wait_for():
    with pytest.raises(TypeError, match="timeout is a number of seconds, but got NoneType None"):
        DataLoader([1], timeout=None)
    loader = DataLoader([1], timeout=2.5)
    with pytest.raises(AssertionError, match=r"timeout=2\.5 needs num_workers > 0: only a worker can be waited for"):
        iter(loader)


def test_empty_datasets_and_invalid_generators_are_refused():
    with pytest.raises(ValueError, match="num_samples=0"):
        DataLoader([], shuffle=True)
    with pytest.raises(TypeError, match="has no len"):
        list(DataLoader(5))
    for shuffle in (False, True):
        with pytest.raises(TypeError, match=r"generator must be a minigrad\.Generator or None, not int"):
            list(DataLoader([1], shuffle=shuffle, generator=3))


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_dataset_without_a_length_is_refused(shuffle):
    class Endless(Dataset):
        def __getitem__(self, index):
            return index

    with pytest.raises(TypeError, match=r"'Endless' has no len\(\): a dataset defines __len__.*IterableDataset"):
        DataLoader(Endless(), shuffle=shuffle)
    loader = DataLoader(Endless(), sampler=[3, 1])
    assert [batch.tolist() for batch in loader] == [[3], [1]]


class Faulty(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        if index % 2:
            raise KeyError(index)
        return index


class Drawn(minigrad.utils.data.Sampler):
    """A sampler that draws all when it is asked for an iterator, as many programs write one."""

    def __init__(self, draw):
        self.draw = draw

    def __iter__(self):
        return iter(self.draw())

    def __len__(self):
        return 4


def collect(batches):
    """The batches as numbers, and None for each error."""
    found = []
    while True:
        try:
            found.append(int(next(batches)))
        except KeyError:
            found.append(None)
        except StopIteration:
            return found


@pytest.mark.parametrize("workers", [0, 2])
def test_after_an_error_the_next_batch_follows(workers):
    batches = iter(DataLoader(Faulty(), batch_size=1, num_workers=workers))
    assert len(batches) == 5 and iter(batches) is batches
    assert collect(batches) == [0, None, 2, None, 4]
    assert collect(batches) == []


def test_a_sampler_that_draws_at_once_draws_before_the_loader_does():  # numbers recorded from PyTorch
    drawn = Drawn(lambda: minigrad.randperm(4).tolist())
    minigrad.manual_seed(0)
    loader = DataLoader(range(10, 14), sampler=drawn, batch_size=None)
    assert [[*loader], [*loader]] == [[10, 11, 13, 12], [13, 12, 10, 11]]
    minigrad.manual_seed(0)
    loader = DataLoader(range(10, 14), sampler=drawn, batch_size=2)  # asked for with the first batch
    assert [x.tolist() for x in loader] == [[11, 10], [13, 12]]


test_options_of_another_type = refusals({
    "num_workers": (
        lambda: DataLoader([1, 2], num_workers="a"), TypeError,
        "^num_workers should be an int, but got str 'a' .in DataLoader.dataset"),
    "collate_fn": (
        lambda: DataLoader([1, 2], collate_fn=3), TypeError,
        "^collate_fn makes a batch from a list of samples: give a function, not int 3 .in DataLoader.dataset"),
})  # fmt: skip
