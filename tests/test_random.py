"""Random numbers against those that PyTorch drew (`tests/oracle/record_random.py`)."""

import hashlib
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import minigrad
import minigrad as torch
from minigrad import random
from minigrad.random import Generator
from minigrad.twister import fused_multiply_add


def make_state(size):
    return minigrad.zeros(size, dtype=minigrad.uint8, device="cpu")


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


def test_a_kept_normal_number_outlives_other_draws_but_not_a_seed():
    one = Generator().manual_seed(3)
    pair = one.normal((2,)).tolist()
    one.manual_seed(3)
    first = one.normal((1,)).item()
    one.uniform((5,))
    assert [first, one.normal((1,)).item()] == pair
    one.manual_seed(3).normal((1,))
    one.manual_seed(3)
    assert one.normal((1,)).item() == first


def test_large_draws_equal_the_same_draws_in_pieces():
    whole, pieces = Generator(), Generator()
    got = whole.uniform((100_000,), np.float64, 0.0, 2.0)
    expected = [pieces.uniform((20_000,), np.float64, 0.0, 2.0) for _ in range(5)]
    np.testing.assert_array_equal(got, np.concatenate(expected))


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


def test_fused_multiply_add_rounds_once():
    from fractions import Fraction

    generator = Generator().manual_seed(2)
    for dtype in (np.float32, np.float64):
        x = generator.normal((200,), dtype)
        scale, shift = dtype(0.7), dtype(-0.3)
        exact = [float(Fraction(float(v)) * Fraction(float(scale)) + Fraction(float(shift))) for v in x]
        np.testing.assert_array_equal(fused_multiply_add(x, scale, shift), np.array(exact, dtype))


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


@pytest.mark.parametrize("before", [lambda g: None, lambda g: g.normal((1,)), lambda g: g.uniform((624,))])
def test_a_state_can_be_copied_to_another_generator(before):
    one = Generator().manual_seed(11)
    before(one)
    two = Generator()
    assert two.set_state(one.get_state()) is two
    assert two.initial_seed() == 11
    np.testing.assert_array_equal(two.get_state().array, one.get_state().array)
    expected = one.normal((5,))
    np.testing.assert_array_equal(two.normal((5,)), expected)


def test_seeds_are_stored_and_truncated_as_in_pytorch():
    assert Generator().initial_seed() == 67280421310721
    assert Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    low, wide = Generator().manual_seed(5), Generator().manual_seed(5 + 2**40)
    np.testing.assert_array_equal(low.uniform((4,)), wide.uniform((4,)))
    assert Generator().seed() != Generator().seed()
    assert str(Generator("cpu").device) == "cpu"


def test_importing_does_not_import_numpy_random():
    code = "import sys, minigrad.random; sys.exit('numpy.random' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: g.randint(5, 5, (2,)), RuntimeError, "from=5 >= to=5.*never drawn"),
        (lambda g: g.randint(-1, 3, (2,), "uint8"), RuntimeError, "from = -1.*uint8"),
        (lambda g: g.randint(0, 257, (2,), "uint8"), RuntimeError, "to - 1 = 256.*uint8"),
        (lambda g: g.randint(0, 3, (2,), "bool"), RuntimeError, "to - 1 = 2.*bool"),
        (lambda g: g.randint(0, 70000, (2,), "float16"), RuntimeError, "69999.*float16"),
        (lambda g: g.randint(0.5, 2, (2,)), TypeError, "integer"),
        (lambda g: g.uniform((2,), "float32", 1, 0), RuntimeError, "from=1 > to=0; swap"),
        (lambda g: g.uniform((2,), "float32", 0, 1e39), RuntimeError, r"to=1e\+39 is out of bounds"),
        (lambda g: g.uniform((2,), "float32", math.nan, 1), RuntimeError, "from=nan"),
        (lambda g: g.uniform((2,), "float32", -3e38, 3e38), RuntimeError, "to - from"),
        (lambda g: g.uniform((2,), "int64"), NotImplementedError, "int64; use float32 or randint"),
        (lambda g: g.normal((2,), "int64"), NotImplementedError, "normal draws floating-point"),
        (lambda g: g.normal((2,), "float32", 0, -1), RuntimeError, "std >= 0.0, but found std -1"),
        (lambda g: g.exponential((2,), "float32", 0), RuntimeError, "lambda > 0.0.*lambda=0"),
        (lambda g: g.bernoulli(2, (3,)), RuntimeError, r"in \[0, 1\], but got p=2"),
        (lambda g: g.bernoulli(np.array([0.5, -1])), RuntimeError, "the tensor p has others"),
        (lambda g: minigrad.ones(2).bernoulli("a"), TypeError, "argument 'p' must be a number, not str"),
        (lambda g: minigrad.poisson(minigrad.tensor([math.inf])), RuntimeError, "rate to be finite"),
        (lambda g: g.permutation(-1), RuntimeError, "n >= 0, got -1"),
        (lambda g: g.manual_seed(1.5), RuntimeError, "expected an int, but got float"),
        (lambda g: g.manual_seed(True), RuntimeError, "expected an int, but got bool"),
        (lambda g: g.manual_seed(minigrad.tensor(3)), RuntimeError, "expected an int, but got Tensor"),
        (lambda g: g.manual_seed(2**64), ValueError, r"\[-2\*\*63, 2\*\*64\)"),
        (lambda g: g.set_state(np.zeros(5056, np.uint8)), TypeError, "uint8.*got ndarray"),
        (lambda g: g.set_state(minigrad.zeros(5)), TypeError, "uint8"),
        (lambda g: g.set_state(make_state(5)), RuntimeError, "5056.*5"),
        (lambda g: g.set_state(make_state(5056)), RuntimeError, "Invalid mt19937 state"),
        (lambda g: Generator("gpu"), RuntimeError, "cpu, cuda"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Generator())


def test_draws_of_tensors_have_a_gradient_of_zero():
    mean = minigrad.ones(2, 3, requires_grad=True)
    drawn = minigrad.normal(mean, minigrad.ones(3))
    assert drawn.requires_grad
    drawn.sum().backward()
    assert mean.grad.tolist() == [[0.0] * 3] * 2


def test_linspace_between_vectors_is_refused():
    with pytest.raises(RuntimeError, match=r"0-dimensional start and end.*1 dimension\(s\)"):
        minigrad.linspace(minigrad.ones(2), 3, 4)


def test_threads_that_share_a_generator_draw_each_number_once():
    generator = torch.Generator()
    expected = sorted(torch.rand(64, generator=generator.manual_seed(3)).tolist())
    for _ in range(50):
        generator.manual_seed(3)
        start, drawn = threading.Barrier(4), []

        def draw(start=start, drawn=drawn):
            start.wait()
            drawn.extend(torch.rand(16, generator=generator).tolist())

        threads = [threading.Thread(target=draw) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(drawn) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
@pytest.mark.cpu("a child has no GPU of its parent's")
def test_a_child_forked_while_a_thread_draws_can_draw():
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            torch.rand(20000)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                torch.rand(10)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


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
