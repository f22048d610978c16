"""Orders are PyTorch's, number for number, and leave the generator where PyTorch's would be."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad.random import Generator
from minigrad.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "orders.json").read_text())
WEIGHTS = [0.1, 0.9, 0.0, 0.7, 3.0, 0.6]


def make_generator(seed):
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"seed {case['seed']}")
def test_two_passes_over_each_sampler_are_those_of_pytorch(case):
    samplers = {
        "random": RandomSampler(range(7), generator=make_generator(case["seed"])),
        "more": RandomSampler(range(7), num_samples=17, generator=make_generator(case["seed"])),
        "replaced": RandomSampler(range(7), True, num_samples=40, generator=make_generator(case["seed"])),
        "subset": SubsetRandomSampler([3, 1, 4, 15, 9], generator=make_generator(case["seed"])),
        "weighted": WeightedRandomSampler(WEIGHTS, 20, generator=make_generator(case["seed"])),
    }
    for name, sampler in samplers.items():
        assert [list(sampler) for _ in range(2)] == case[name], name
        assert len(sampler) == len(case[name][0])


def test_sequential_sampler_keeps_the_order():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


def test_batch_sampler_makes_batches():
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    for size, drop in ((1, True), (2, True), (2, False), (5, False), (9, True), (9, False)):
        sampler = BatchSampler(range(5), size, drop)
        assert len(list(sampler)) == len(sampler)


def test_sampling_without_replacement_follows_the_weights():
    generator = make_generator(0)
    firsts = np.zeros(6)
    for _ in range(4000):
        sample = list(WeightedRandomSampler(WEIGHTS, 5, False, generator))
        assert sorted(sample) == [0, 1, 3, 4, 5]
        firsts[sample[0]] += 1
    chances = np.array(WEIGHTS) / sum(WEIGHTS)
    spread = np.sqrt(4000 * chances * (1 - chances)) + 1e-9
    assert (abs(firsts - 4000 * chances) <= 5 * spread).all()


def test_weights_may_be_a_tensor():
    sampler = WeightedRandomSampler(minigrad.tensor([0.0, 1.0]), 3)
    assert list(sampler) == [1, 1, 1]


def test_invalid_arguments_are_refused():
    with pytest.raises(NotImplementedError, match="should implement __iter__"):
        iter(Sampler())
    with pytest.raises(TypeError, match=r"replacement should be a boolean value, but got .*=3"):
        RandomSampler(range(3), replacement=3)
    for size in (0, 2.0, True):
        with pytest.raises(ValueError, match=f"positive integer value, but got num_samples={size}"):
            RandomSampler(range(3), num_samples=size)
        with pytest.raises(ValueError, match=f"positive integer value, but got batch_size={size}"):
            BatchSampler(range(3), size, False)
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="RandomSampler cannot order 2 samples: there are no data"):
        list(RandomSampler([], num_samples=2))
    with pytest.raises(ValueError, match="drop_last should be a boolean value, but got drop_last=3"):
        BatchSampler(range(3), 1, 3)
    with pytest.raises(ValueError, match="num_samples=0"):
        WeightedRandomSampler([1, 2], 0)
    with pytest.raises(ValueError, match="replacement should be a boolean value"):
        WeightedRandomSampler([1, 2], 2, 3)
    with pytest.raises(ValueError, match=r"1d sequence but given weights have shape \(1, 2\)"):
        WeightedRandomSampler([[1, 2]], 2)
    with pytest.raises(RuntimeError, match="without replacement: 5 of 2"):
        list(WeightedRandomSampler([1, 0], 5, False))
    for weights in ([0, 0], [1, -1], [1, float("nan")]):
        with pytest.raises(RuntimeError, match="invalid multinomial distribution"):
            list(WeightedRandomSampler(weights, 1))


@pytest.mark.parametrize(
    "sampler",
    [
        RandomSampler(range(9)),
        RandomSampler(range(9), num_samples=5, replacement=True),
        WeightedRandomSampler(WEIGHTS, 3),
        WeightedRandomSampler(WEIGHTS, 3, replacement=False),
        SubsetRandomSampler(range(9)),
        BatchSampler(SubsetRandomSampler(range(9)), 2, drop_last=False),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_nothing_is_drawn_before_the_first_index(sampler):
    minigrad.manual_seed(0)
    before = minigrad.get_rng_state()
    indices = iter(sampler)
    assert minigrad.get_rng_state().tolist() == before.tolist()
    next(indices)
    assert minigrad.get_rng_state().tolist() != before.tolist()
