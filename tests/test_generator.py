"""`Generator`: seeds, states, errors, and threads and processes that share one."""

import math
import os
import threading

import numpy as np
import pytest

import minigrad
import minigrad as torch
from minigrad.random import Generator


def make_state(size):
    return minigrad.zeros(size, dtype=minigrad.uint8, device="cpu")


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


@pytest.mark.cpu("a GPU draws by another rule")
def test_floating_integers_are_drawn_between_bounds_that_the_dtype_holds():
    for low, high, dtype, drawn in (  # recorded with PyTorch
        (0, 2**40, torch.float32, [245195849728, 192984694784, 954192953344]),
        (-100, 60000, torch.float16, [7556, 25680, 17520]),
        (2**24 + 1, 2**25, torch.float32, [25103440, 29666292, 18262172]),
    ):
        torch.manual_seed(0)
        assert torch.randint(low, high, (4,), dtype=dtype).tolist()[:3] == drawn


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


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: g.randint(5, 5, (2,)), RuntimeError, "from=5 >= to=5.*never drawn"),
        (lambda g: g.randint(-1, 3, (2,), "uint8"), RuntimeError, "from = -1.*uint8"),
        (lambda g: g.randint(0, 257, (2,), "uint8"), RuntimeError, "to - 1 = 256.*uint8"),
        (lambda g: g.randint(0, 3, (2,), "bool"), RuntimeError, "to - 1 = 2.*bool"),
        (lambda g: g.randint(0, 70000, (2,), "float16"), RuntimeError, "69999.*float16"),
        (lambda g: g.randint(0.5, 2, (2,)), TypeError, "integer"),
        (
            lambda g: g.randint(2**25 + 1, 2**25 + 2, (2,), "float32"),
            RuntimeError,
            "casted to dtype.*33554436 >= to=33554434",
        ),
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
