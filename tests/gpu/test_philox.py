"""Random numbers on a GPU are PyTorch's: NumPy twins against recorded draws, kernel sources against the twins."""

from functools import partial

import numpy as np
import pytest

import minigrad as torch
from minigrad import cuda, random
from minigrad.gpu import philox
from minigrad.nn.functional.dropouts import _count_neighbours
from tests import nvrtc, standin
from tests.kernels.cuda_on_cpu import run
from tests.oracle.record_philox import CALLS, FILE, HALVES, SIZES, choose_places
from tests.standin.journal import launches
from tests.standin.kernels import TWINS

DRAWN = np.load(FILE)
CASES = [(name, n) for name in CALLS for n in SIZES if name != "rand of halves" or n <= HALVES]
# A GPU's sines, cosines and logarithms differ from NumPy's in the last digits.
ROUNDED = {"randn": 4e-6, "normal_": 8e-6, "exponential_": 2e-6, "randn of doubles": 1e-14}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(random, "_of_gpus", {})


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("name", "n"), CASES)
def test_draws_and_states_are_pytorchs(name, n):
    torch.manual_seed(42)
    for expected in DRAWN[f"{name}/{n}"]:
        got = CALLS[name](torch, n).cpu().numpy()[choose_places(n)]
        np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDED.get(name, 0))
    assert cuda.get_rng_state().tolist() == DRAWN[f"{name}/{n}/state"].tolist()
    assert torch.rand(5, device="cuda").tolist() == DRAWN[f"{name}/{n}/after"].tolist()


KERNELS = {
    "draw_uniform": (philox.UNIFORM, lambda real: (real(-2), real(5), real(3))),
    "draw_normal": (philox.NORMAL, lambda real: (real(1), real(2))),
    "draw_exponential": (philox.EXPONENTIAL, lambda real: (real(-0.5), real(np.finfo(real).eps / 2))),
    "draw_bernoulli": (philox.BERNOULLI, lambda real: (real(0.3),)),
    "draw_chances": (philox.CHANCES, lambda real: (np.linspace(0, 1, 1300, dtype=real),)),
    "drop": (
        philox.DROP,
        lambda real: (np.float32(0.7), scale(real), np.linspace(-3, 3, 1300, dtype=real), room(real)),
    ),
    "draw_integers": (philox.INTEGERS, lambda _: (np.uint32(10), np.int64(-3))),
    "draw_wide_integers": (philox.WIDE_INTEGERS, lambda _: (np.uint64(2**40), np.int64(-3))),
}


def scale(real):
    return np.float64(1 / 0.7) if real is np.float64 else np.float32(real(1 / 0.7))


def room(real):
    return np.zeros(1300, real)


def fill(launch, grid, out, parameters):
    """What a launch draws into `out`, and its other arrays; the offset is an argument, then lies in memory."""
    state = np.array([2**63 + 7, 8], np.uint64)
    for key, offset, base, recorded in ((2**63 + 5, 12, np.zeros(1, np.uint64), 0), (0, 4, state, 1)):
        where = (np.int64(out.size), np.uint64(key), np.uint64(offset), base, np.int32(recorded))
        launch((grid,), (256,), (out, *where, *parameters))
    return np.stack([out, *[p for p in parameters if np.ndim(p)]])


@pytest.mark.parametrize(("name", "char"), [*[(name, char) for name in KERNELS for char in "fd"], ("drop", "e")])
def test_the_source_does_what_its_twin_does(name, char):
    draw, parameters = KERNELS[name]
    truths, integers = name in ("draw_bernoulli", "draw_chances"), "integers" in name
    kind, real = bool if truths else np.int64 if integers else char, np.dtype(char).type
    for near, grid in ((4, 2), (1, 1), (2, 1), (8, 1)) if name in ("drop", "draw_chances") else ((1, 1), (1, 6)):
        source = draw.in_packets_of(near, char == "e").source("l" if integers else "H" if char == "e" else char)
        nvrtc.compile_for_a_gpu(source)
        drawn = fill(partial(run, source, name), grid, np.zeros(1300, kind), parameters(real)).astype(float)
        twin = partial(TWINS[name], constants={"NEAR": near})
        tolerance = 2e-6 if char == "f" and name in ("draw_normal", "draw_exponential") else 1e-13
        expected = fill(twin, grid, np.zeros(1300, kind), parameters(real)).astype(float)
        np.testing.assert_allclose(drawn, expected, rtol=tolerance, atol=tolerance)
        assert len(np.unique(drawn[0])) > 1


@pytest.mark.usefixtures("stand_in")
class TestGenerators:
    def test_one_seed_starts_all_and_each_goes_its_own_way(self):
        torch.manual_seed(3)
        first = [torch.rand(3, device=f"cuda:{i}").tolist() for i in range(2)]
        assert first[0] == first[1] != torch.rand(3).tolist()
        torch.rand(1, device="cuda:1")
        assert [s.view(torch.int64).tolist() for s in cuda.get_rng_state_all()] == [[3, 4], [3, 8]]
        cuda.manual_seed(5)
        assert cuda.initial_seed() == 5 and random.of_gpu(1).initial_seed() == 3 == torch.initial_seed()
        cuda.manual_seed_all(7)
        assert [s.view(torch.int64).tolist() for s in cuda.get_rng_state_all()] == [[7, 0]] * 2
        assert cuda.seed() is None and cuda.initial_seed() != 7
        cuda.seed_all()
        assert random.of_gpu(0).initial_seed() == random.of_gpu(1).initial_seed() != 7

    def test_the_states_of_all_gpus_can_be_set(self):
        torch.manual_seed(3)
        torch.rand(1, device="cuda:1")
        states = cuda.get_rng_state_all()
        first = [torch.rand(3, device=f"cuda:{i}").tolist() for i in range(2)]
        assert first[0] != first[1]
        cuda.set_rng_state_all(states)
        assert [torch.rand(3, device=f"cuda:{i}").tolist() for i in range(2)] == first

    def test_a_seed_set_before_the_first_draw_is_used(self):
        torch.manual_seed(9)
        random._of_gpus.clear()
        assert random.of_gpu(0).initial_seed() == 9

    def test_a_generator_draws_apart_from_the_default_one(self):
        one = torch.Generator(device="cuda").manual_seed(1)
        assert one.device.type == "cuda" and isinstance(one, torch.Generator)
        state = one.get_state()
        assert state.shape == (16,) and state.dtype == torch.uint8 and state.device.type == "cpu"
        drawn = torch.rand(4, device="cuda", generator=one)
        assert one.get_offset() == 4 and torch.equal(
            torch.rand(4, device="cuda", generator=one.set_state(state)), drawn
        )
        assert torch.equal(torch.rand(4, device="cuda", generator=one.set_offset(0)), drawn)
        order = torch.randperm(50, device="cuda", generator=one)
        assert sorted(order.tolist()) == list(range(50)) != order.tolist()
        assert torch.multinomial(torch.ones(5, device="cuda"), 3, generator=one).unique().numel() == 3

    def test_a_generator_of_the_cpu_serves_a_gpu(self):
        here, there = (
            torch.randn(20, device=device, generator=torch.Generator().manual_seed(2)) for device in ("cpu", "cuda")
        )
        assert here.tolist() == there.tolist()

    def test_wrong_generators_and_states_are_refused(self):
        generator = torch.Generator(device="cuda")
        with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
            torch.rand(2, generator=generator)
        with pytest.raises(RuntimeError, match="multiple of 4, got 3"):
            generator.set_offset(3)
        with pytest.raises(RuntimeError, match="state has 16 bytes, got 5056"):
            generator.set_state(torch.get_rng_state())
        with pytest.raises(TypeError, match="lies on the CPU"):
            generator.set_state(generator.get_state().cuda())
        with pytest.raises(TypeError, match=r"uint8.*got list"):
            generator.set_state([1])
        with pytest.raises(RuntimeError, match="expects std >= 0"):
            torch.normal(0.0, -1.0, (2,), device="cuda")

    def test_fork_rng_and_checkpoint_restore_the_state(self):
        torch.manual_seed(1)
        x = torch.ones(64, device="cuda", requires_grad=True)
        with random.fork_rng():
            expected = torch.rand(3, device="cuda").tolist()
        assert torch.rand(3, device="cuda").tolist() == expected
        y = torch.utils.checkpoint.checkpoint(lambda v: torch.nn.functional.dropout(v, 0.5), x)
        y.sum().backward()
        assert x.grad.tolist() == y.tolist()

    def test_drawing_copies_nothing_to_or_from_the_gpu(self):
        torch.manual_seed(0)
        standin.crossings.clear()
        x = torch.nn.functional.dropout(torch.randn(8, 3, device="cuda"), 0.5)
        torch.nn.functional.dropout2d(torch.ones(2, 3, 4, 4, device="cuda"), 0.5)
        torch.nn.functional.gumbel_softmax(x)
        torch.nn.functional.rrelu(x, training=True)
        x.bernoulli_(0.5).normal_().uniform_().exponential_().random_(5)
        torch.bernoulli(torch.full((4,), 0.5, device="cuda"))
        torch.nn.Linear(3, 2, device="cuda")
        torch.normal(x, 1.0)
        assert standin.crossings == []


@pytest.mark.usefixtures("stand_in")
def test_each_replay_of_a_graph_draws_new_numbers():
    torch.manual_seed(4)
    expected = [torch.rand(6, device="cuda").tolist() for _ in range(4)]
    torch.manual_seed(4)
    first = torch.rand(6, device="cuda")
    g = cuda.CUDAGraph()
    with cuda.graph(g):
        one, two = torch.rand(6, device="cuda"), torch.rand(6, device="cuda")
    g.replay()
    assert [first.tolist(), one.tolist(), two.tolist()] == expected[:3]
    assert torch.rand(6, device="cuda").tolist() == expected[3]
    torch.manual_seed(4)
    g.replay()
    assert [one.tolist(), two.tolist()] == expected[:2]


def test_a_thread_drops_as_many_elements_as_16_aligned_bytes_hold():
    room = np.zeros(72, np.uint8)
    start = -room.ctypes.data % 16
    for dtype, shape, expected in (("f", (4,), 4), ("d", (2,), 2), ("e", (8,), 8), ("f", (2, 2), 4)):
        array = room[start : start + 16].view(dtype).reshape(shape)
        assert _count_neighbours(array) == _count_neighbours(array.T) == expected
    singles = room[start : start + 48].view("f")
    assert [_count_neighbours(singles[k:]) for k in range(4)] == [4, 1, 2, 1]
    assert _count_neighbours(singles[::2]) == 1


@pytest.mark.usefixtures("stand_in")
class TestDropout:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    @pytest.mark.parametrize(
        "look", [lambda x: x, lambda x: x.t(), lambda x: x[:, ::2], lambda x: x[0].expand(3, 8), lambda x: x[:, 3]]
    )
    def test_dropout_is_one_launch_in_the_order_of_memory(self, look, dtype):
        x = look(torch.linspace(-2, 2, 48, device="cuda", dtype=torch.float32).to(dtype).reshape(6, 8))
        order = np.argsort([-abs(n) for n in x.stride()], kind="stable").tolist()
        torch.manual_seed(3)
        with torch.no_grad():
            flat = torch.nn.functional.dropout(torch.ones(x.numel(), device="cuda", dtype=dtype)[: x.numel()], 0.3)
        torch.manual_seed(3)
        x = x.detach().requires_grad_()
        launches.clear()
        y = torch.nn.functional.dropout(x, 0.3)
        assert launches.count("drop") == 1, launches
        assert y.grad_fn.name() == "NativeDropoutBackward0" and (0 in x.stride() or y.stride() == (x * 1).stride())
        if _count_neighbours(x.array) == _count_neighbours(np.ones(x.numel(), x.array.dtype)):
            kept = flat.reshape([x.shape[i] for i in order]).permute(np.argsort(order).tolist())
            assert y.tolist() == (x * kept).tolist()
        (slope,) = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)
        assert (x * slope).tolist() == y.tolist() and set(slope.unique().tolist()) <= {0.0, flat.max().item()}

    def test_dropout_passes_gradgradcheck(self):
        x = torch.randn(3, 4, device="cuda", dtype=torch.float64, requires_grad=True)

        def program(v):
            torch.manual_seed(1)
            return torch.nn.functional.dropout(v * v, 0.5)

        assert torch.autograd.gradcheck(program, x) and torch.autograd.gradgradcheck(program, x)
