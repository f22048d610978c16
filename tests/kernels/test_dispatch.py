"""How a convolution's algorithm is chosen: by the shape, by force, in each thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import minigrad.kernels.fast  # noqa: F401 (its algorithms make themselves known)
from minigrad import kernels
from minigrad.kernels import Geometry, direct, dispatch, im2col, tiny
from minigrad.kernels.algorithms import Machine
from minigrad.kernels.geometry import Problem
from minigrad.threads import get_count, set_count
from tests.kernels.layers import LAYERS, compute_three, draw_operands, make_layer, make_problem


@pytest.fixture
def avx2_machine():
    """One core with AVX2, whatever this machine is."""
    before = dispatch.machine()
    dispatch.set_machine(Machine(peak=50e9))
    yield
    dispatch.set_machine(before)


@pytest.mark.parametrize("peak", [50e9, 80e9])
@pytest.mark.parametrize("channels", [4, 8, 12])
def test_few_channels_at_40x40_are_planes(channels, peak):
    problem = Problem((8, channels, 40, 40), channels, Geometry((3, 3), padding=(1, 1)), "f", np.ndarray)
    costs = {name: dispatch.ALGORITHMS[name].cost(problem, Machine(peak=peak)) for name in ("mec", "planes", "im2col")}
    assert min(costs, key=costs.__getitem__) == "planes"


def test_many_small_images_of_few_channels_are_planes_beside_winograd():
    problem = Problem((512, 16, 8, 8), 16, Geometry((3, 3), padding=(1, 1)), "f", np.ndarray)
    machine = Machine()
    costs = {name: dispatch.ALGORITHMS[name].cost(problem, machine) for name in ("mec", "planes", "winograd")}
    assert min(costs, key=costs.__getitem__) == "planes"


def test_phases_do_not_count_the_convolution_inside_them_as_free():
    geometry = Geometry((3, 3), (2, 2), (1, 1))
    assert dispatch.choose((4, 24, 16, 16), 64, geometry).name not in ("phases", "tiny")


@pytest.mark.parametrize(
    ("expected", "x_shape", "w_shape", "stride"),
    [
        ("mec", (8, 3, 64, 64), (32, 3, 7, 7), 1),
        ("mec", (1, 1, 720, 1280), (1, 1, 3, 3), 1),  # a photograph
        ("winograd blocks", (8, 32, 28, 28), (32, 32, 7, 7), 1),
        ("winograd", (4, 64, 56, 56), (64, 64, 3, 3), 1),
        ("winograd", (128, 32, 8, 8), (32, 32, 3, 3), 1),
        ("im2col", (8, 512, 14, 14), (512, 512, 3, 3), 2),
        ("channels last", (4, 128, 56, 56), (128, 128, 3, 3), 2),
        ("channels last", (64, 64, 5, 5), (64, 64, 3, 3), 1),
        ("planes", (32, 8, 32, 32), (8, 8, 3, 3), 1),
        ("strides", (4, 64, 56, 56), (64, 1, 3, 3), 2),
        ("toeplitz", (128, 512, 4, 4), (512, 1, 3, 3), 1),
        ("toeplitz", (8, 512, 7, 7), (512, 1, 3, 3), 2),
        ("toeplitz", (128, 16, 5, 5), (120, 16, 5, 5), 1),
        ("planes", (1, 512, 14, 14), (512, 1, 3, 3), 1),
        ("depthwise", (8, 96, 28, 28), (96, 1, 5, 5), 1),
        ("planes", (2, 1024, 7, 7), (1024, 1, 3, 3), 1),
        ("toeplitz", (32, 512, 7, 7), (512, 1, 3, 3), 1),
        ("planes", (8, 1024, 7, 7), (1024, 16, 3, 3), 1),
        ("apart", (8, 128, 28, 28), (128, 64, 3, 3), 1),
        ("depthwise", (1, 3, 720, 1280), (3, 1, 3, 3), 1),  # a photograph's channels
        ("phases", (8, 3, 224, 224), (64, 3, 11, 11), 4),
        ("winograd 5x5", (8, 64, 27, 27), (192, 64, 5, 5), 1),
    ],
)
def test_each_shape_chooses_its_algorithm(avx2_machine, expected, x_shape, w_shape, stride):
    geometry = Geometry(w_shape[2:], (stride, stride), (1, 1), groups=x_shape[1] // w_shape[1])
    assert dispatch.choose(x_shape, w_shape[0], geometry).name == expected


def test_double_precision_never_takes_winograd(avx2_machine):
    for char in "fd":
        chosen = dispatch.choose((2, 64, 32, 32), 64, Geometry((3, 3), padding=(1, 1)), char)
        assert chosen.name.startswith("winograd") == (char == "f")


def test_each_group_of_apart_chooses_by_its_own_shape(monkeypatch):
    x, w, g = draw_operands((2, 128, 20, 20), (128, 64, 3, 3), Geometry((3, 3), padding=(1, 1), groups=2), np.float32)
    chosen = []
    choose = dispatch.choose
    monkeypatch.setattr(dispatch, "choose", lambda *given: chosen.append(choose(*given).name) or choose(*given))
    compute_three("apart", x, w, g, Geometry((3, 3), padding=(1, 1), groups=2))
    assert chosen == ["apart", *["winograd"] * 2] * 3
    with kernels.algorithm("apart"), pytest.raises(ValueError, match="reshape"):  # what it forgets it forces again
        kernels.conv2d(x[:, :, :2], w[:, :3], geometry=Geometry((3, 3), padding=(1, 1), groups=2))
    assert dispatch._forced.name is None


def test_the_three_algorithms_of_the_heart_compute_the_same(monkeypatch):
    shape = LAYERS["winograd"]
    x, w, g = draw_operands(*shape, dtype=np.float32)
    quick = compute_three(None, x, w, g, shape[2])
    monkeypatch.setattr(
        dispatch, "ALGORITHMS", {name: dispatch.ALGORITHMS[name] for name in ("direct", "tiny", "im2col")}
    )
    dispatch.choose.cache_clear()
    assert dispatch.choose(*make_problem(shape, "f")) in (tiny.ALGORITHM, im2col.ALGORITHM)
    for ours, plain in zip(quick, compute_three(None, x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4)
    dispatch.choose.cache_clear()


class TestForcing:
    def test_an_algorithm_is_forced_in_a_block_or_until_the_next_call(self):
        with kernels.algorithm("im2col"):
            with kernels.algorithm("direct"):
                assert dispatch._forced.name == "direct"
            assert dispatch._forced.name == "im2col"
        assert dispatch._forced.name is None
        kernels.algorithm("im2col")
        assert dispatch._forced.name == "im2col"
        kernels.algorithm(None)
        assert dispatch._forced.name is None

    def test_a_forced_algorithm_is_local_to_its_thread(self):
        seen = []
        with kernels.algorithm("direct"):
            thread = threading.Thread(target=lambda: seen.append(dispatch._forced.name))
            thread.start()
            thread.join()
        assert seen == [None]

    def test_an_unknown_name_is_refused_with_the_known_ones(self):
        with pytest.raises(ValueError, match=r"unknown algorithm 'magic'; known are direct, .*im2col"):
            kernels.algorithm("magic")

    def test_a_forced_algorithm_names_the_shape_that_it_cannot_compute(self):
        with (
            kernels.algorithm("winograd"),
            pytest.raises(RuntimeError, match=r"'winograd' was forced, but .*images \(.*stride \(2, 2\)"),
        ):
            kernels.conv2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), geometry=Geometry((3, 3), (2, 2)))


def test_a_forced_algorithm_is_used_in_backward_too(monkeypatch):
    import minigrad as torch

    calls = []
    watched = direct.ALGORITHM._replace(conv2d_weight=lambda *a: calls.append(a) or direct.conv2d_weight(*a))
    monkeypatch.setitem(dispatch.ALGORITHMS, "direct", watched)
    dispatch.choose.cache_clear()
    kernel = torch.ones(1, 1, 2, 2, requires_grad=True)
    with torch.backends.conv.algorithm("direct"):
        torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), kernel).sum().backward()
    dispatch.choose.cache_clear()
    assert len(calls) == 1
    assert kernel.grad.tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]


FEW_PIECES = {  # layers with fewer pieces than threads, and a product that OpenBLAS would divide among its own
    "7x7, one image": make_layer((1, 16, 20, 20), 16, (7, 7)),
    "1x1, three images": make_layer((3, 96, 17, 19), 200, (1, 1)),
    "1x1, one image": make_layer((1, 64, 50, 50), 96, (1, 1)),
    "1x1, one pixel": make_layer((1, 900, 1, 1), 300, (1, 1)),
    "3x3 of stride 2": make_layer((2, 32, 28, 28), 64, (3, 3), (2, 2)),
    "3x3, one image": make_layer((1, 48, 21, 21), 64, (3, 3), padding=(1, 1)),
    "one output": make_layer((1, 24, 24, 24), 1, (3, 3), padding=(1, 1)),
    "one channel": make_layer((1, 1, 40, 40), 24, (5, 5)),
    "few windows": make_layer((1, 128, 7, 7), 256, (3, 3), padding=(1, 1)),
    "two groups": make_layer((1, 64, 20, 20), 64, (3, 3), groups=2),
    "depthwise": make_layer((1, 96, 30, 30), 96, (3, 3), padding=(1, 1), groups=96),
}


@pytest.fixture
def threads_as_before():
    before = get_count()
    yield
    set_count(before)


@pytest.mark.cpu("threads share the work of a CPU")
@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("char", "fd")
@pytest.mark.parametrize("layer", FEW_PIECES)
def test_every_algorithm_computes_the_same_bits_for_any_number_of_threads(layer, char):
    shape = FEW_PIECES[layer]
    operands, problem = draw_operands(*shape, dtype=np.dtype(char)), make_problem(shape, char)
    able = [name for name, one in dispatch.ALGORITHMS.items() if one.serves(problem) and name != "direct"]
    assert {"im2col", "mec" if shape[2].groups == 1 else "depthwise"} <= {*able}
    for algorithm in (None, *able):
        found = []
        for threads in (1, 2, 3, 5):
            set_count(threads)
            found.append([array.tobytes() for array in compute_three(algorithm, *operands, shape[2])])
        assert all(one == found[0] for one in found), algorithm
