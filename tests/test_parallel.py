"""The thread pool: identical results for any number of threads, no nesting, errors raised, and fork."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref

import numpy as np
import pytest

import minigrad as torch
from minigrad import parallel
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Machine
from tests.kept_settings import read_settings, restore_settings


@pytest.fixture(autouse=True)
def _settings_as_before():
    before = read_settings()
    yield
    restore_settings(before)


def test_each_index_is_visited_once(eager):
    for length in (0, 1, 2, 3, 7, 100):
        seen, workers = np.zeros(length, int), set()

        def work(part, seen=seen, workers=workers):
            seen[part] += 1
            workers.add(threading.get_ident())

        parallel.spread(work, length, 10**9)
        assert (seen == 1).all() and len(workers) <= 3


def test_small_passes_stay_in_their_thread():
    parts = []
    parallel.spread(lambda part: parts.append((part, threading.get_ident())), 100, parallel.WORTH - 1)
    assert parts == [(slice(0, 100), threading.get_ident())]


def test_the_number_of_threads_grows_with_the_work(monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: 64)
    for size, parts in ((parallel.WORTH, 2), (3 * parallel.WORTH, 6), (100 * parallel.WORTH, 64)):
        found = []
        parallel.spread(found.append, 1000, size)
        assert len(found) == parts


def test_a_nested_spread_stays_in_its_thread(eager):
    inner = []

    def work(part):
        parallel.spread(lambda some: inner.append((some, threading.get_ident())), 10, 10**9)

    parallel.spread(work, 3, 10**9)
    assert [some for some, _ in inner] == [slice(0, 10)] * 3


def test_an_error_of_any_part_is_raised_when_all_are_done(eager):
    done = []

    def work(part):
        if part.start == 0:
            raise ValueError("the first")
        done.append(part)

    with pytest.raises(ValueError, match="the first"):
        parallel.spread(work, 3, 10**9)
    assert len(done) == 2
    with pytest.raises(ZeroDivisionError):
        parallel.spread(lambda part: 1 // (part.start - 1), 3, 10**9)
    parallel.spread(done.append, 3, 10**9)
    assert len(done) == 5


@pytest.mark.usefixtures("without_collector")
def test_a_caught_error_keeps_no_array_alive(eager):
    def fail():
        array = np.zeros(10)

        def work(part):
            raise ValueError(str(array[part]))

        with contextlib.suppress(ValueError):
            parallel.spread(work, 3, 10**9)
        return weakref.ref(array)

    array = fail()
    deadline = time.monotonic() + 10
    while array() is not None and time.monotonic() < deadline:
        time.sleep(0.01)  # a thread that wakes late holds it for a moment
    assert array() is None


def test_a_thread_that_wakes_too_late_keeps_no_array_alive(eager, monkeypatch):
    class Asleep(parallel._Pool):
        def grow(self, threads):
            """Starts none: the caller computes all pieces, and nobody takes the call from the queue."""

    monkeypatch.setattr(parallel, "_pool", Asleep())
    array = np.zeros(3)
    gone, seen = weakref.ref(array), []
    parallel.share(lambda i, array=array: seen.append(i + array[i]), range(3), 10**9)
    del array
    assert seen == [0, 1, 2]
    assert parallel._pool.queue.qsize() > 0
    assert gone() is None


def test_several_threads_may_spread_at_once(eager):
    sums = []

    def caller(number):
        for _ in range(50):
            out = np.zeros(1000)

            def work(part, out=out):
                out[part] = number

            parallel.spread(work, 1000, 10**9)
            sums.append(out.sum() == 1000 * number)

    callers = [threading.Thread(target=caller, args=(n,)) for n in range(4)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert len(sums) == 200 and all(sums)


def run_layers():
    """Results of all that is split over threads: convolutions by several algorithms, pooling, and their gradients."""
    torch.manual_seed(0)
    found = []
    for channels, kernels, kernel in ((3, 8, 3), (16, 32, 3), (6, 16, 5), (1, 4, 5), (24, 24, 1)):
        layer = torch.nn.Conv2d(channels, kernels, kernel, padding=kernel // 2)
        x = torch.randn(5, channels, 29, 31, requires_grad=True)
        y = layer(x)
        means = (
            torch.nn.functional.avg_pool2d(y, 3, 2, 1) + torch.nn.functional.avg_pool2d(y, (2, 2))[..., :15, :16].sum()
        )
        (torch.nn.functional.max_pool2d(y, 3, 2).sin().sum() + means.cos().sum()).backward()
        found += [y.detach().numpy().tobytes(), means.detach().numpy().tobytes()]
        found += [x.grad.numpy().tobytes(), layer.weight.grad.numpy().tobytes(), layer.bias.grad.numpy().tobytes()]
    return found


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_steps_of_large_parameters_are_the_same_for_any_number_of_threads(make, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 0)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        w = torch.linspace(-1, 1, 600_000).reshape(600, 1000).requires_grad_()
        optimizer = make([w], lr=0.1, weight_decay=0.01)
        for _ in range(2):
            w.grad = w.detach().cos()
            optimizer.step()
        results.append(w.detach().numpy().tobytes())
    assert all(result == results[0] for result in results)


@pytest.mark.cpu("threads share the work of a CPU")
@pytest.mark.parametrize(
    "machine", [Machine(), Machine(peak=1e12), Machine(run=1e-7)], ids=lambda m: f"{m.peak:g}, {m.run}"
)
def test_the_bits_are_the_same_for_any_number_of_threads(machine, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 0)
    dispatch.set_machine(machine)  # decides by which algorithm a layer is computed
    results = []
    for threads in (1, 2, 3, 4):
        torch.set_num_threads(threads)
        results.append(run_layers())
    for threads, result in enumerate(results[1:], 2):
        assert [at for at, (one, other) in enumerate(zip(results[0], result, strict=True)) if one != other] == [], (
            threads
        )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_pool_of_its_own(eager):
    parallel.spread(lambda part: None, 3, 10**9)
    child = os.fork()
    if child == 0:
        out = np.zeros(9)
        parallel.spread(lambda part: out.__setitem__(part, 1), 9, 10**9)
        os._exit(0 if out.all() else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("block", [2_000, 20_000, 2**23])
@pytest.mark.parametrize(
    ("algorithm", "stride", "groups", "size"),
    [
        ("planes", (1, 1), 6, (15, 17)),
        ("planes", (1, 1), 2, (15, 17)),
        ("planes", (1, 1), 1, (15, 17)),
        ("planes", (1, 1), 6, (7, 8)),  # several images in a line
        ("planes", (1, 1), 2, (7, 8)),
        ("strides", (2, 2), 6, (15, 17)),  # several images in a product
        ("strides", (2, 3), 2, (15, 17)),
        ("strides", (2, 2), 6, (25, 29)),
    ],
)
def test_planes_have_the_same_bits_for_any_number_of_threads(algorithm, stride, groups, size, block, monkeypatch):
    from minigrad import kernels
    from minigrad.kernels.fast import planes

    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(planes, "SHARED", 0)
    monkeypatch.setattr(planes, "BLOCK_BYTES", block)
    geometry, random = kernels.Geometry((3, 3), stride, (1, 1), groups=groups), np.random.default_rng(0)
    x, w = (random.standard_normal(shape, np.float32) for shape in ((5, 6, *size), (12, 6 // groups, 3, 3)))
    results = []
    for threads in (1, 2, 3, 5):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        with kernels.algorithm(algorithm):
            y = kernels.conv2d(x, w, geometry=geometry)
            dx = kernels.conv2d_input(y, w, size=size, geometry=geometry)
            dw = kernels.conv2d_weight(x, y, geometry=geometry)
        results.append([array.tobytes() for array in (y, dx, dw)])
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("block", [2_000, 20_000, 2**23])
@pytest.mark.parametrize(("groups", "outputs"), [(1, 48), (2, 48), (6, 48), (12, 12)])
def test_products_with_toeplitz_matrices_have_the_same_bits_for_any_number_of_threads(
    groups, outputs, block, monkeypatch
):
    from minigrad import kernels
    from minigrad.kernels.fast import toeplitz

    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(toeplitz, "WORTH", 0)
    monkeypatch.setattr(toeplitz, "BLOCK_BYTES", block)
    monkeypatch.setattr(toeplitz, "MANY", 0)
    geometry, random = kernels.Geometry((3, 3), (1, 2), (1, 1), groups=groups), np.random.default_rng(0)
    x, w = (random.standard_normal(shape, np.float32) for shape in ((9, 12, 8, 7), (outputs, 12 // groups, 3, 3)))
    results = []
    for threads in (1, 2, 3, 5):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        with kernels.algorithm("toeplitz"):
            y = kernels.conv2d(x, w, geometry=geometry)
            dx = kernels.conv2d_input(y, w, size=(8, 7), geometry=geometry)
            dw = kernels.conv2d_weight(x, y, geometry=geometry)
        results.append([array.tobytes() for array in (y, dx, dw)])
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("block", [2_000, 20_000, 2**23])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_channels_last_have_the_same_bits_for_any_number_of_threads(stride, block, monkeypatch):
    from minigrad import kernels
    from minigrad.kernels.fast import channels_last

    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(channels_last, "WORTH", 0)
    monkeypatch.setattr(channels_last, "BLOCK_BYTES", block)
    geometry, random = kernels.Geometry((3, 3), stride, (1, 1)), np.random.default_rng(0)
    x, w = (random.standard_normal(shape, np.float32) for shape in ((9, 6, 15, 17), (12, 6, 3, 3)))
    results = []
    for threads in (1, 2, 3, 5):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        with kernels.algorithm("channels last"):
            y = kernels.conv2d(x, w, geometry=geometry)
            dx = kernels.conv2d_input(y, w, size=(15, 17), geometry=geometry)
            dw = kernels.conv2d_weight(x, y, geometry=geometry)
        results.append([array.tobytes() for array in (y, dx, dw)])
    assert all(result == results[0] for result in results)


def test_set_num_threads_limits_spread_too(monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 0)
    parts = []
    torch.set_num_threads(1)
    parallel.spread(parts.append, 8, 10**9)
    assert parts == [slice(0, 8)]


def test_each_piece_is_computed_once_and_a_single_one_by_the_caller(eager):
    for pieces in (1, 2, 3, 10):
        seen, workers = [], set()

        def work(piece, seen=seen, workers=workers):
            seen.append(piece)
            workers.add(threading.get_ident())

        parallel.share(work, range(pieces), 10**9)
        assert sorted(seen) == [*range(pieces)]
        assert workers == {threading.get_ident()} if pieces == 1 else len(workers) <= 3


def test_two_pieces_are_shared_by_two_of_three_threads(eager):
    both, met = threading.Barrier(2, timeout=10), []
    parallel.share(lambda piece: met.append(both.wait()), range(2), 10**9)
    assert sorted(met) == [0, 1]  # in one thread the first would wait in vain


@pytest.mark.parametrize("shape", [(3, 5, 7), (300, 20, 70), (70, 20, 300), (2, 4100, 9, 30), (1, 9, 4100), (0, 4, 5)])
def test_a_product_in_parts_is_the_product(shape, eager):
    *batch, M, K, N = shape
    random = np.random.default_rng(0)
    left, right = random.standard_normal((*batch, M, K)), random.standard_normal((*batch, K, N))
    out = np.full((*batch, M, N), np.nan)
    parallel.share_product(left, right, out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-12, atol=1e-12)


def test_a_large_product_is_cut_by_its_sizes_and_one_of_several_is_not(monkeypatch):
    cuts = []
    monkeypatch.setattr(parallel, "multiply_into", lambda left, right, out: cuts.append(out.shape))
    for rows, columns in ((4096, 64), (64, 4096), (200, 100)):
        left, right, out = (np.empty(shape, np.float32) for shape in ((rows, 64), (64, columns), (rows, columns)))
        monkeypatch.setattr(parallel, "WORTH", 2**20 if rows != 200 else 0)
        for pieces in (1, 2):
            parallel.share_product(left, right, out, pieces)
    halves = [(128, 100), (72, 100)]
    expected = [[(1024, 64)] * 4, [(4096, 64)], [(64, 1024)] * 4, [(64, 4096)], halves, [(200, 100)]]
    assert cuts == [shape for found in expected for shape in found]


def test_a_sum_of_pieces_is_the_same_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 0)
    values = np.random.default_rng(0).standard_normal((37, 50)).astype(np.float32)
    totals = []
    for threads in (1, 2, 5, 8, 40):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        total = np.ones(50, np.float32)
        parallel.add_pieces(lambda i, total: np.add(total, values[i], out=total), range(37), total, 10**9)
        totals.append(total.tobytes())
        np.testing.assert_allclose(total, 1 + values.sum(0), rtol=1e-4, atol=1e-5)
    assert all(total == totals[0] for total in totals)


def test_products_within_a_part_stay_in_its_thread(monkeypatch):
    from minigrad import threads

    if not threads._switch():
        pytest.skip("NumPy's products come from a library that is not asked")
    monkeypatch.setattr(parallel, "WORTH", 0)
    counts, blas = [], threads._switch()[0]
    torch.set_num_threads(2)

    def work(piece):
        counts.append((int(blas()), torch.get_num_threads()))
        if piece == 3:
            torch.set_num_threads(3)

    parallel.share(work, range(4), 10**9)
    assert [alone for alone, _ in counts] == [1] * 4 and counts[0][1] == 2
    assert torch.get_num_threads() == int(blas()) == 3
    with pytest.raises(ValueError, match="no"), threads.products_alone(), threads.products_alone():
        raise ValueError("no")
    assert int(blas()) == 3


def test_products_of_pieces_in_turn_use_one_thread():
    from minigrad import threads

    if not threads._switch():
        pytest.skip("NumPy's products come from a library that is not asked")
    counts, blas = [], threads._switch()[0]
    torch.set_num_threads(2)
    parallel.share(lambda piece: counts.append(int(blas())), range(3), 0)
    parallel.add_pieces(lambda piece, total: counts.append(int(blas())), range(2), np.zeros(1), 0)
    assert counts == [1] * 5 and int(blas()) == 2


def test_grouped_layers_too_small_to_share_have_the_same_bits_for_any_number_of_threads(monkeypatch):
    from minigrad import threads
    from minigrad.kernels import Geometry, conv2d

    if not threads._switch():
        pytest.skip("NumPy's products come from a library that is not asked")
    random, counts, blas = np.random.default_rng(0), [], threads._switch()[0]
    x, w = (random.standard_normal(shape, np.float32) for shape in ((2, 64, 28, 28), (64, 16, 3, 3)))
    product = np.matmul
    monkeypatch.setattr(np, "matmul", lambda *given, **named: (counts.append(int(blas())), product(*given, **named))[1])
    found = []
    for number in (1, 2):
        torch.set_num_threads(number)
        found.append(conv2d(x, w, geometry=Geometry((3, 3), padding=(1, 1), groups=4)).tobytes())
    assert found[0] == found[1] and counts and {*counts} == {1}
