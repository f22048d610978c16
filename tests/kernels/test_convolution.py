"""Every algorithm to compute a convolution against loops, SciPy and the adjoint identity."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

import minigrad.kernels.fast  # noqa: F401 (its algorithms make themselves known)
from minigrad import kernels
from minigrad.kernels import Geometry, direct, dispatch, im2col, workspace
from minigrad.kernels.algorithms import Machine, Problem
from minigrad.kernels.fast import depthwise, mec, winograd
from minigrad.ops.conv import conv, conv_input, conv_weight

ON_A_CPU = {name: algorithm for name, algorithm in dispatch.ALGORITHMS.items() if "cuda" not in name}
ALGORITHMS = [name for name in ON_A_CPU if name != "direct"]


@st.composite
def draw_convolutions(draw):
    """A shape (N, C, H, W), (O, C/groups, kh, kw) with its stride, padding, dilation and groups."""
    pair = lambda low, high: st.tuples(*[st.integers(low, high)] * 2)  # noqa: E731
    kernel, stride, padding = draw(st.one_of(pair(1, 5), pair(5, 9))), draw(pair(1, 3)), draw(pair(0, 3))
    dilation, groups = draw(pair(1, 2)), draw(st.sampled_from([1, 1, 2, 3]))
    per_group, out_per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    H, W = (draw(st.integers(n, max(13, n))) for n in least)
    N = draw(st.integers(0, 3))
    x_shape = (N, per_group * groups, H, W)
    w_shape = (out_per_group * groups, per_group, *kernel)
    return x_shape, w_shape, Geometry(kernel, stride, padding, dilation, groups)


def make_layer(x_shape, outputs, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """A problem's shapes from its numbers: images, kernels and geometry."""
    return x_shape, (outputs, x_shape[1] // groups, *kernel), Geometry(kernel, stride, padding, dilation, groups)


def make_problem(shape, char="d"):
    """The problem that the dispatch gets for a layer of these shapes."""
    return Problem(shape[0], shape[1][0], shape[2], char, np.ndarray)


def draw_operands(x_shape, w_shape, geometry, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    x = random.standard_normal(x_shape).astype(dtype)
    w = random.standard_normal(w_shape).astype(dtype)
    g = random.standard_normal((len(x), len(w), *geometry.windows(x_shape[2:]))).astype(dtype)
    return x, w, g


def compute_three(algorithm, x, w, g, geometry):
    with kernels.algorithm(algorithm):
        return (
            conv(x, w, geometry=geometry),
            conv_input(g, w, size=x.shape[2:], geometry=geometry),
            conv_weight(x, g, geometry=geometry),
        )


@pytest.mark.parametrize("algorithm", [None, *ALGORITHMS])
@settings(max_examples=60, deadline=None)
@given(shape=draw_convolutions())
def test_each_algorithm_agrees_with_loops(algorithm, shape):
    x, w, g = draw_operands(*shape)
    if algorithm and not ON_A_CPU[algorithm].serves(make_problem(shape)):
        with pytest.raises(RuntimeError, match="was forced, but cannot compute"):
            compute_three(algorithm, x, w, g, shape[2])
        return
    found = compute_three(algorithm, x, w, g, shape[2])
    for ours, loops in zip(found, compute_three("direct", x, w, g, shape[2]), strict=True):
        assert ours.dtype == loops.dtype
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


def test_depthwise_kernels_may_be_wider_than_the_image():
    for kernel, padding, dilation in (((1, 7), (0, 3), (1, 1)), ((6, 7), (0, 3), (2, 1)), ((3, 9), (1, 4), (1, 1))):
        shape = make_layer((1, 2, max(1, 2 * (kernel[0] - 1) + 1), 2), 2, kernel, (1, 1), padding, dilation, groups=2)
        x, w, g = draw_operands(*shape)
        loops = compute_three("direct", x, w, g, shape[2])
        for ours, expected in zip(compute_three("depthwise", x, w, g, shape[2]), loops, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(shape=draw_convolutions())
def test_the_three_functions_are_one_trilinear_form(shape):
    x, w, g = draw_operands(*shape)
    out, dx, dw = compute_three(None, x, w, g, shape[2])
    form = np.vdot(out, g)
    np.testing.assert_allclose([np.vdot(x, dx), np.vdot(w, dw)], form, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("N", [0, 1, 3])
@pytest.mark.parametrize("size", [(9, 8), (100, 90)])
def test_a_bias_is_added_to_each_channel_whatever_its_strides(N, size):
    x, w, _ = draw_operands((N, 2, *size), (4, 2, 3, 3), Geometry((3, 3)))
    b = np.arange(8.0)[::-2]
    out = kernels.conv2d(x, w, b, geometry=Geometry((3, 3)))
    np.testing.assert_array_equal(out, kernels.conv2d(x, w, geometry=Geometry((3, 3))) + b.reshape(-1, 1, 1))


LAYERS = {  # the shapes that each algorithm was written for
    "direct": make_layer((2, 3, 9, 8), 4, (3, 3), (2, 1), (1, 0), (1, 2)),
    "tiny": make_layer((1, 1, 6, 8), 1, (1, 2)),
    "im2col": make_layer((3, 8, 15, 17), 6, (3, 3), (2, 2), (1, 1), groups=2),
    "pointwise": make_layer((3, 16, 9, 9), 8, (1, 1), (2, 2)),
    "mec": make_layer((5, 3, 12, 19), 4, (5, 5), (3, 2), (2, 3), (1, 2)),
    "depthwise": make_layer((3, 5, 9, 8), 5, (3, 2), (1, 1), (1, 1), (2, 1), groups=5),
    "phases": make_layer((3, 3, 19, 22), 5, (5, 7), (2, 3), (2, 1)),
    "apart": make_layer((2, 8, 9, 8), 6, (3, 2), (2, 1), (1, 1), groups=2),
    "winograd": make_layer((3, 16, 23, 21), 20, (3, 3), padding=(1, 1)),
    "winograd 2x2": make_layer((3, 16, 23, 21), 20, (3, 3), padding=(1, 1)),
    "winograd 5x5": make_layer((3, 16, 23, 21), 20, (5, 6), padding=(2, 1)),
    "winograd blocks": make_layer((3, 16, 23, 21), 20, (7, 9), padding=(3, 4)),
}


def test_every_algorithm_has_a_layer_in_the_table():
    assert set(LAYERS) == set(ON_A_CPU)


@pytest.mark.parametrize("algorithm", LAYERS)
def test_forward_is_scipys_cross_correlation(algorithm):
    x_shape, w_shape, (_, (sh, sw), *_) = LAYERS[algorithm]
    groups = x_shape[1] // w_shape[1]
    geometry = Geometry(w_shape[2:], (sh, sw), groups=groups)
    x, w, _ = draw_operands(x_shape, w_shape, geometry)
    with kernels.algorithm(algorithm):
        out = kernels.conv2d(x, w, geometry=geometry)
    per_group = w_shape[0] // groups
    for n, o in np.ndindex(out.shape[:2]):
        first = o // per_group * w_shape[1]
        planes = x[n, first : first + w_shape[1]]
        expected = sum(signal.correlate(plane, k, "valid") for plane, k in zip(planes, w[o], strict=True))
        np.testing.assert_allclose(out[n, o], expected[::sh, ::sw], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("algorithm", LAYERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_and_error_is_small(algorithm, dtype):
    shape = LAYERS[algorithm]
    x, w, g = draw_operands(*shape, dtype=dtype)
    exact = compute_three("direct", *(a.astype(np.float64) for a in (x, w, g)), shape[2])
    for ours, expected in zip(compute_three(algorithm, x, w, g, shape[2]), exact, strict=True):
        assert ours.dtype == dtype
        error = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
        bound = {np.float16: 5e-4, np.float32: 2e-6, np.float64: 3e-15}[dtype]
        if algorithm in ("winograd 5x5", "winograd blocks") and dtype != np.float16:  # tiles of 7 and 8 pixels
            bound = {np.float32: 5e-6, np.float64: 1e-14}[dtype]
        assert error < bound


@pytest.mark.parametrize("algorithm", LAYERS)
def test_results_are_new_arrays_and_inputs_are_unmodified(algorithm):
    shape = LAYERS[algorithm]
    x, w, g = draw_operands(*shape, dtype=np.float32)
    first = compute_three(algorithm, x, w, g, shape[2])
    strided = [np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) for a in (x, w, g)]
    reversed_in_memory = [np.ascontiguousarray(a[..., ::-1])[..., ::-1] for a in (x, w, g)]
    for operands in (strided, reversed_in_memory):
        copies = [a.copy() for a in operands]
        for a in operands:
            a.flags.writeable = False
        again = compute_three(algorithm, *operands, shape[2])
        for a, copy in zip(operands, copies, strict=True):
            np.testing.assert_array_equal(a, copy)
        for one, two in zip(first, again, strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-5, atol=5e-6 * abs(one).max())
    for result in first:
        assert result.flags.c_contiguous and result.flags.writeable
        assert not any(np.shares_memory(result, a) for a in (x, w, g))
    keep = [result.copy() for result in first]
    compute_three(algorithm, x + 1, w + 1, g + 1, shape[2])  # would overwrite a result that lay in scratch memory
    for result, copy in zip(first, keep, strict=True):
        np.testing.assert_array_equal(result, copy)


@pytest.mark.parametrize("algorithm", [None, "im2col", "direct"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64])
def test_integers_wrap_as_their_dtype_does(algorithm, dtype):
    random = np.random.default_rng(0)
    x = random.integers(0, 100, (2, 3, 6, 5)).astype(dtype)
    w = random.integers(0, 100, (2, 3, 3, 2)).astype(dtype)
    with kernels.algorithm(algorithm):
        out = kernels.conv2d(x, w, geometry=Geometry((3, 2), padding=(1, 0)))
    exact = direct.conv2d(x.astype(np.int64), w.astype(np.int64), Geometry((3, 2), padding=(1, 0)))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, exact.astype(dtype))


def test_infinities_propagate_without_a_warning():
    x = np.full((1, 2, 5, 5), np.inf, np.float32)
    w = np.array([1, -1], np.float32).reshape(1, 2, 1, 1)
    assert np.isnan(kernels.conv2d(x, w, geometry=Geometry((1, 1)))).all()
    assert (kernels.conv2d(x, abs(w), geometry=Geometry((1, 1))) == np.inf).all()


BLOCKS_OF = {"mec": mec, "winograd": winograd, "winograd blocks": winograd, "depthwise": depthwise}


@pytest.mark.parametrize("algorithm", BLOCKS_OF)
def test_blocks_of_any_size_give_the_same_result(algorithm, monkeypatch):
    shape = LAYERS[algorithm]
    x, w, g = draw_operands(*shape)
    whole = compute_three(algorithm, x, w, g, shape[2])
    for size in (1, 2_000, 50_000, 200_000):
        monkeypatch.setattr(BLOCKS_OF[algorithm], "BLOCK_BYTES", size)
        for a, b in zip(compute_three(algorithm, x, w, g, shape[2]), whole, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("algorithm", BLOCKS_OF)
@pytest.mark.parametrize("size", [1, 700])
@settings(max_examples=40, deadline=None)
@given(shape=draw_convolutions())
def test_small_blocks_agree_with_loops(algorithm, size, shape):
    x, w, g = draw_operands(*shape)
    if not ON_A_CPU[algorithm].serves(make_problem(shape)):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BLOCKS_OF[algorithm], "BLOCK_BYTES", size)
        found = compute_three(algorithm, x, w, g, shape[2])
    for ours, loops in zip(found, compute_three("direct", x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(shape=draw_convolutions())
def test_mec_agrees_with_loops_for_wide_channels_too(shape):
    x, w, g = draw_operands(*shape)
    if not ON_A_CPU["mec"].serves(make_problem(shape)):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mec, "WIDE", 1)
        patch.setattr(mec, "REPAID", 1)
        found = compute_three("mec", x, w, g, shape[2])
    for ours, loops in zip(found, compute_three("direct", x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("lanes", [1, 15, 20, 10**6])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_mec_multiplies_packs_of_any_number_of_images(stride, lanes, monkeypatch):
    shape = make_layer((6, 3, 9, 7), 4, (3, 3), stride, (1, 1))
    expected = compute_three("direct", *draw_operands(*shape), shape[2])
    for name in ("LANES", "PACKED", "LEAST", "UNPACKED"):
        monkeypatch.setattr(mec, name, lanes)
    for ours, loops in zip(compute_three("mec", *draw_operands(*shape), shape[2]), expected, strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_depthwise_images_are_joined_also_with_a_remainder(stride, monkeypatch):
    shape = make_layer((7, 6, 5, 4), 6, (3, 3), stride, (1, 1), groups=6)
    monkeypatch.setattr(depthwise, "WORTH", 1)
    expected = compute_three("direct", *draw_operands(*shape), shape[2])
    for long in (1, 40, 80, 1000):  # numbers in a row of a product, of which an image has 18 or 28
        monkeypatch.setattr(depthwise, "LONG", long)
        for ours, loops in zip(compute_three("depthwise", *draw_operands(*shape), shape[2]), expected, strict=True):
            np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


@pytest.fixture
def avx2_machine():
    """One core with AVX2, whatever this machine is."""
    before = dispatch.machine()
    dispatch.set_machine(Machine(peak=60e9))
    yield
    dispatch.set_machine(before)


@pytest.mark.parametrize(
    ("expected", "x_shape", "w_shape", "stride"),
    [
        ("mec", (64, 6, 14, 14), (16, 6, 5, 5), 1),  # LeNet's second
        ("mec", (1, 1, 720, 1280), (1, 1, 3, 3), 1),  # a photograph
        ("winograd blocks", (8, 32, 28, 28), (32, 32, 7, 7), 1),
        ("winograd", (4, 64, 56, 56), (64, 64, 3, 3), 1),
        ("im2col", (4, 128, 56, 56), (128, 128, 3, 3), 2),
        ("depthwise", (8, 128, 28, 28), (128, 1, 3, 3), 1),
        ("depthwise", (8, 256, 14, 14), (256, 8, 3, 3), 1),
        ("apart", (8, 128, 28, 28), (128, 64, 3, 3), 1),
        ("apart", (1, 3, 720, 1280), (3, 1, 3, 3), 1),  # a photograph's channels
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
    with kernels.algorithm("apart"), pytest.raises(ValueError, match="matmul"):  # what it forgets it forces again
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
    assert dispatch.choose(*make_problem(shape, "f")) is im2col.ALGORITHM
    for ours, plain in zip(quick, compute_three(None, x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4)
    dispatch.choose.cache_clear()


def test_resnet_layer_in_single_precision_is_within_1e_5():
    geometry = Geometry((3, 3), padding=(1, 1))
    x, w, g = draw_operands((2, 64, 28, 28), (64, 64, 3, 3), geometry, np.float32)
    exact = compute_three("im2col", *(a.astype(np.float64) for a in (x, w, g)), geometry)
    for ours, expected in zip(compute_three(None, x, w, g, geometry), exact, strict=True):
        assert abs(ours - expected).max() < 1e-5 * abs(expected).max()


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
            pytest.raises(RuntimeError, match=r"'winograd' was forced, but .*stride \(2, 2\)"),
        ):
            kernels.conv2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), geometry=Geometry((3, 3), (2, 2)))


class TestWorkspace:
    def test_scratch_memory_is_bounded_reused_and_released(self):
        kernels.release_workspaces()
        assert kernels.workspace_bytes() == 0
        shape = LAYERS["winograd"]
        x, w, g = draw_operands(*shape, dtype=np.float32)
        compute_three("winograd", x, w, g, shape[2])
        kept = kernels.workspace_bytes()
        assert 0 < kept <= workspace.LIMIT
        for _ in range(3):
            compute_three("winograd", x, w, g, shape[2])
        assert kernels.workspace_bytes() == kept
        kernels.release_workspaces()
        assert kernels.workspace_bytes() == 0

    def test_scratch_memory_over_the_limit_is_not_kept(self, monkeypatch):
        kernels.release_workspaces()
        monkeypatch.setattr(workspace, "LIMIT", 1000)
        assert workspace.workspace("tiles", (1001,), np.dtype("f")).shape == (1001,)
        assert kernels.workspace_bytes() == 0

    def test_threads_do_not_share_scratch_memory(self):
        shape = LAYERS["im2col"]
        problems = [draw_operands(*shape, seed=seed) for seed in range(4)]
        expected = [compute_three("im2col", *p, shape[2]) for p in problems]
        wrong = []

        def work(number):
            for _ in range(20):
                found = compute_three("im2col", *problems[number], shape[2])
                same = zip(found, expected[number], strict=True)
                wrong.extend(number for a, b in same if not np.array_equal(a, b))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


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
