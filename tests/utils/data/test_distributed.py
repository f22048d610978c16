"""`DistributedSampler` gives each process PyTorch's share."""

import json
from pathlib import Path

import pytest

from minigrad.utils.data import DataLoader, DistributedSampler

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "workers.json").read_text())["shares"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda c: f"{c['size']} over {c['replicas']} {c['options']}")
def test_each_rank_gets_the_samples_that_it_gets_in_pytorch(case):
    for rank, (first, later) in enumerate(case["orders"]):
        sampler = DistributedSampler(range(case["size"]), case["replicas"], rank, **case["options"])
        assert list(sampler) == first
        assert len(sampler) == len(first)
        sampler.set_epoch(3)
        assert list(sampler) == later


def test_each_sample_goes_to_a_rank():
    shares = [
        [batch.item() for batch in DataLoader(range(7), sampler=DistributedSampler(range(7), 2, rank))]
        for rank in range(2)
    ]
    assert set(shares[0]) | set(shares[1]) == set(range(7))


def test_number_and_rank_are_those_of_the_process_group(monkeypatch):
    with pytest.raises(ValueError, match="init_process_group"):
        DistributedSampler(range(3))
    monkeypatch.setattr("minigrad.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("minigrad.distributed.get_rank", lambda: 1)
    assert list(DistributedSampler(range(4), shuffle=False)) == [1, 3]
    assert list(DistributedSampler(range(4), 4, shuffle=False)) == [1]  # what is given stays
    assert list(DistributedSampler(range(4), rank=0, shuffle=False)) == [0, 2]
    assert list(DistributedSampler(range(0), 2, 1)) == []


@pytest.mark.parametrize("rank", [-1, 2])
def test_an_invalid_rank_is_refused(rank):
    with pytest.raises(ValueError, match=rf"Invalid rank {rank}, rank should be in the interval \[0, 1\]"):
        DistributedSampler(range(3), 2, rank)
