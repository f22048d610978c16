"""Poisson counts: PyTorch's recorded draws, and how many uniform numbers each takes."""

import json
import random
from math import exp, factorial, sqrt
from pathlib import Path

import pytest

import minigrad as torch
from minigrad.poisson_draws import draw_count

RECORDED = json.loads((Path(__file__).parent / "data" / "poisson.json").read_text())


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"rate {row['rate']}")
def test_counts_are_pytorchs(row):
    generator = torch.Generator().manual_seed(0)
    rates = torch.full((12,), row["rate"], dtype=torch.float64, device="cpu")
    assert torch.poisson(rates, generator=generator).tolist() == row["counts"]
    assert torch.rand(1, generator=generator, device="cpu").item() == row["next"]


def test_poisson_with_rate_zero_gives_zero():
    assert draw_count(0, iter(()).__next__) == 0


@pytest.mark.parametrize(("numbers", "count"), [([0.1], 0), ([0.9, 0.1], 1), ([0.9, 0.5, 0.1], 2)])
def test_a_small_rate_draws_one_number_more_than_its_count(numbers, count):
    left = iter([*numbers, 0.5])
    assert draw_count(2.0, left.__next__) == count  # exp(-2) is 0.135
    assert list(left) == [0.5]


@pytest.mark.parametrize("rate", [3.0, 12.0])
def test_each_count_is_as_frequent_as_its_probability(rate):
    unit, draws = random.Random(0).random, 20_000
    counts = [draw_count(rate, unit) for _ in range(draws)]
    for k in range(25):
        chance = exp(-rate) * rate**k / factorial(k)
        assert abs(counts.count(k) / draws - chance) < 5 * sqrt(chance / draws) + 1e-9
