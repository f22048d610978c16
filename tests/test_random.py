"""Random numbers against those that PyTorch drew (`tests/oracle/record_random.py`)."""

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
import minigrad as torch
from minigrad import random
from minigrad.random import Generator

SEQUENCES = json.loads((Path(__file__).parent / "data" / "random.json").read_text())


def draw(generator, name, shape, dtype, numbers):
    if name == "state":
        return generator.get_state().array
    if name == "permutation":
        return generator.permutation(*numbers)
    if name == "bernoulli":
        return generator.bernoulli(*numbers, shape)
    if name == "bernoulli of":
        return generator.bernoulli(np.linspace(0, 1, 10).reshape(2, 5).astype(dtype))
    if name == "randint":
        return generator.randint(*numbers, shape, dtype)
    return getattr(generator, name)(shape, np.dtype(dtype), *numbers)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: f"seed {sequence['seed']}")
def test_recorded_draws_are_pytorchs(sequence):
    generator = Generator().manual_seed(sequence["seed"])
    for step in sequence["draws"]:
        name, shape, dtype = step["draw"], tuple(step["shape"]), step["dtype"]
        got = draw(generator, name, shape, dtype, step["numbers"])
        first = [float.fromhex(v) if isinstance(v, str) else v for v in step["first"]]
        if dtype == "float64" and name in ("normal", "exponential"):
            # The C library's sine, cosine and logarithm have a last place of their own.
            np.testing.assert_array_max_ulp(got.ravel()[:4], np.array(first), maxulp=2)
        else:
            assert got.ravel()[:4].tolist() == first, step
            assert hashlib.sha256(got.tobytes()).hexdigest()[:16] == step["digest"], step
        if name not in ("state", "permutation", "bernoulli of"):
            assert got.shape == shape
        if not name.startswith("bernoulli"):
            assert got.dtype == dtype


def test_moments_are_those_of_the_distributions():
    generator = Generator().manual_seed(1)
    n = 200_000
    for values, mean, variance in (
        (generator.uniform((n,), np.float32, -1, 3), 1, 16 / 12),
        (generator.normal((n,), np.float32, 2, 3), 2, 9),
        (generator.normal((n,), np.float64, 2, 3), 2, 9),
        (generator.exponential((n,), np.float32, 2.0), 0.5, 0.25),
        (generator.randint(-5, 5, (n,)), -0.5, 99 / 12),
        (generator.bernoulli(0.3, (n,)), 0.3, 0.21),
    ):
        assert abs(values.mean(dtype=np.float64) - mean) < 5 * math.sqrt(variance / n)
        assert values.var(dtype=np.float64) == pytest.approx(variance, rel=0.03)
    assert sorted(generator.permutation(1000).tolist()) == list(range(1000))


# ---- seeds and states -------------------------------------------------------------------------


def test_default_generator_functions():
    assert random.manual_seed(7) is random.default_generator
    assert random.initial_seed() == 7
    state = random.get_rng_state()
    first = random.default_generator.normal((3,))
    random.set_rng_state(state)
    np.testing.assert_array_equal(random.default_generator.normal((3,)), first)
    assert random.seed() == random.initial_seed() != 7
    assert random.manual_seed("3").initial_seed() == 3


def test_importing_does_not_import_numpy_random():
    code = "import sys, minigrad.random; sys.exit('numpy.random' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# ---- what is refused --------------------------------------------------------------------------


def test_draws_of_tensors_have_a_gradient_of_zero():
    mean = minigrad.ones(2, 3, requires_grad=True)
    drawn = minigrad.normal(mean, minigrad.ones(3))
    assert drawn.requires_grad
    drawn.sum().backward()
    assert mean.grad.tolist() == [[0.0] * 3] * 2


def test_linspace_between_vectors_is_refused():
    with pytest.raises(RuntimeError, match=r"0-dimensional start and end.*1 dimension\(s\)"):
        minigrad.linspace(minigrad.ones(2), 3, 4)


def test_draws_within_fork_rng_do_not_count():
    torch.manual_seed(0)
    with torch.random.fork_rng():
        first = torch.rand(3)
    assert torch.rand(3).tolist() == first.tolist()


def test_poisson_counts_have_their_mean_and_variance():
    source = torch.Generator().manual_seed(1)
    for rate in (0.5, 9.0, 11.0, 300.0):
        counts = torch.poisson(torch.full((4000,), rate), generator=source)
        assert abs(counts.mean() - rate) < 4 * (rate / 4000) ** 0.5
        assert abs(counts.var() / rate - 1) < 0.12


def test_one_poisson_draw_of_many_equals_many_of_one():
    one, two = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    counts = [torch.poisson(torch.tensor([3.0]), generator=one).item() for _ in range(400)]
    assert torch.poisson(torch.full((400,), 3.0), generator=two).tolist() == counts
    assert torch.equal(one.get_state(), two.get_state())


def test_numbers_near_the_end_of_float64_are_pytorchs():
    torch.manual_seed(0)  # recorded from PyTorch 2.13
    most = torch.finfo(torch.float64).max
    wide = torch.empty(2, dtype=torch.float64, device="cpu").uniform_(-most / 2, most / 2)
    assert wide.tolist() == [8.450110543690641e307, 3.7359634351951615e307]
    torch.empty(3, dtype=torch.float64, device="cpu").uniform_()
    positive = torch.empty(2, dtype=torch.float64, device="cpu").uniform_(0, most)
    assert positive.tolist() == [1.4222411344333234e308, 3.2107909500240595e307]
    assert torch.empty(20, dtype=torch.float64).normal_(1e308, 1e306).isfinite().all()


def test_a_cloned_state_goes_on_apart_from_its_generator():
    generator = Generator().manual_seed(5)
    torch.randn(1, generator=generator)  # leaves a second number behind
    cloned = generator.clone_state()
    first = [torch.randn(3, generator=cloned).tolist(), torch.rand(2, generator=cloned).tolist()]
    assert [torch.randn(3, generator=generator).tolist(), torch.rand(2, generator=generator).tolist()] == first
    assert cloned.initial_seed() == 5
    assert cloned is not generator
