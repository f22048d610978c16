"""Binomial counts: PyTorch's recorded draws, how frequent each count is, and what is refused."""

import random
from math import comb, nan, sqrt

import pytest

import minigrad as torch
from minigrad.binomial_draws import draw_successes
from tests.refusals import refusals

TRIALS = torch.tensor([5.0, 50.0, 500.0, 5000.0, 50.0, 1e6, 20.0, 40.0], dtype=torch.float64)
CHANCES = torch.tensor([0.1, 0.3, 0.01, 0.99, 0.9, 0.2, 0.5, 0.25], dtype=torch.float64)
RECORDED = {  # seed -> PyTorch 2.13's counts, and the uniform number that follows
    3: ([0, 13, 5, 4944, 45, 200037, 10, 8], 0.7605790495872498),
    4: ([0, 17, 7, 4941, 50, 200055, 9, 9], 0.6535420417785645),
}


@pytest.mark.parametrize("seed", RECORDED)
def test_counts_are_pytorchs(seed):
    generator = torch.Generator().manual_seed(seed)
    counts, following = RECORDED[seed]
    assert torch.binomial(TRIALS, CHANCES, generator=generator).tolist() == counts
    assert torch.rand(1, generator=generator, device="cpu").item() == following


def test_many_counts_add_up_as_pytorchs():
    generator = torch.Generator().manual_seed(5)
    counts = torch.binomial(torch.full((2000,), 1000.0), torch.full((2000,), 0.3), generator=generator)
    assert counts.sum().item() == 599138.0 and counts.dtype is torch.float32


@pytest.mark.parametrize(("trials", "chance"), [(12, 0.3), (40, 0.4), (12, 0.8)])
def test_each_count_is_as_frequent_as_its_probability(trials, chance):
    unit, draws = random.Random(0).random, 20_000
    counts = [draw_successes(trials, chance, unit) for _ in range(draws)]
    for k in range(trials + 1):
        expected = comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
        assert abs(counts.count(k) / draws - expected) < 5 * sqrt(expected / draws) + 1e-9


def test_what_is_certain_draws_nothing_and_shapes_broadcast():
    nothing = iter(()).__next__
    assert [draw_successes(*law, nothing) for law in ((3.0, 0.0), (3.0, 1.0), (0.0, 0.5), (-2.0, 0.5))] == [0, 3, 0, 0]
    assert draw_successes(3.0, nan, nothing) != draw_successes(3.0, nan, nothing)
    assert torch.binomial(torch.full((2, 1), 9.0), torch.full((3,), 0.4)).shape == (2, 3)


def test_the_draws_are_in_the_graph_and_backward_from_them_is_refused():
    chances = torch.ones(1, requires_grad=True)
    drawn = torch.binomial(torch.full((1,), 5.0), chances)
    assert drawn.requires_grad and drawn.tolist() == [5.0]
    with pytest.raises(RuntimeError, match="derivative for binomial is not implemented: detach\\(\\) the result"):
        drawn.backward()


ONE, HALF = torch.ones(1), torch.full((1,), 0.5)
test_refused = refusals({
    "half precision": (
        lambda: torch.binomial(ONE.half(), HALF.half()), NotImplementedError,
        "\"binomial\" not implemented for 'Half'; convert the tensor first, with .float()",
    ),
    "whole numbers": (
        lambda: torch.binomial(torch.ones(1).long(), HALF), ValueError,
        r"floating-point dtypes for count, got: minigrad.int64; write \.float\(\)",
    ),
    "two dtypes": (
        lambda: torch.binomial(ONE, HALF.double()), RuntimeError,
        "count and prob must have one dtype, got minigrad.float32 and minigrad.float64",
    ),
    "infinitely many trials": (lambda: torch.binomial(ONE * torch.inf, HALF), RuntimeError, "count must be finite"),
    "trials that are no number": (lambda: torch.binomial(ONE * nan, HALF), RuntimeError, "count must be finite"),
    "a number": (lambda: torch.binomial(ONE, 0.5), TypeError, "argument 'prob' .* must be Tensor, not float"),
})  # fmt: skip
