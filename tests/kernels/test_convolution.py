"""Every algorithm to compute a convolution against loops, SciPy and the adjoint identity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from scipy import signal

import minigrad.kernels.fast  # noqa: F401 (its algorithms make themselves known)
from minigrad import kernels
from minigrad.kernels import Geometry, direct, dispatch
from minigrad.kernels.fast import channels_last, depthwise, mec, planes, toeplitz, winograd
from minigrad.kernels.fast.sheets import read_windows
from tests.kernels.layers import LAYERS, compute_three, draw_convolutions, draw_operands, make_layer, make_problem

ON_A_CPU = {name: algorithm for name, algorithm in dispatch.ALGORITHMS.items() if "cuda" not in name}
ALGORITHMS = [name for name in ON_A_CPU if name != "direct"]


@pytest.mark.parametrize("algorithm", [None, *ALGORITHMS])
@settings(max_examples=60, deadline=None)
@given(shape=draw_convolutions())
@example(shape=make_layer((2, 1, 1, 5), 1, (7, 5), padding=(3, 0)))  # most rows of the kernel read no pixel
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


@pytest.mark.parametrize("algorithm", ["depthwise", "planes", "toeplitz"])
def test_depthwise_kernels_may_be_wider_than_the_image(algorithm):
    for kernel, padding, dilation in (((1, 7), (0, 3), (1, 1)), ((6, 7), (0, 3), (2, 1)), ((3, 9), (1, 4), (1, 1))):
        shape = make_layer((1, 2, max(1, 2 * (kernel[0] - 1) + 1), 2), 2, kernel, (1, 1), padding, dilation, groups=2)
        x, w, g = draw_operands(*shape)
        loops = compute_three("direct", x, w, g, shape[2])
        for ours, expected in zip(compute_three(algorithm, x, w, g, shape[2]), loops, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-10)


@settings(max_examples=100, deadline=None)
@given(shape=draw_convolutions())
def test_strips_of_toeplitz_matrices_agree_with_loops(shape):
    x_shape, w_shape, geometry = shape
    shape = make_layer(x_shape, x_shape[1], w_shape[2:], *geometry[1:4], groups=x_shape[1])
    x, w, g = draw_operands(*shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toeplitz, "HIGH", 0)
        patch.setattr(toeplitz, "MANY", 0)
        found = compute_three("toeplitz", x, w, g, shape[2])
    for ours, loops in zip(found, compute_three("direct", x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


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


BLOCKS_OF = {
    "mec": mec,
    "winograd": winograd,
    "winograd blocks": winograd,
    "depthwise": depthwise,
    "planes": planes,
    "toeplitz": toeplitz,
    "channels last": channels_last,
}


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


@pytest.mark.parametrize("wide", [True, False])  # rows of windows share a product, or not
@pytest.mark.parametrize(("few", "innermost"), [(0, 1), (0, 100), (1000, 16)])  # the adjoint in w, in three ways
@pytest.mark.parametrize("block", [1, 2**22])  # bytes: each image in strips, or all together
@settings(max_examples=40, deadline=None)
@given(shape=draw_convolutions())
def test_groups_of_any_number_of_channels_are_multiplied_in_each_way(wide, few, innermost, block, shape):
    x, w, g = draw_operands(*shape)
    if not ON_A_CPU["depthwise"].serves(make_problem(shape)):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depthwise, "multiplies_with_avx512", lambda: wide)
        for name, value in {"CALL": 10**5, "FEW": few, "WIDE": innermost, "BLOCK_BYTES": block, "LEAST": 1}.items():
            patch.setattr(depthwise, name, value)
        found = compute_three("depthwise", x, w, g, shape[2])
    for ours, loops in zip(found, compute_three("direct", x, w, g, shape[2]), strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_depthwise_images_are_joined_also_with_a_remainder(stride, monkeypatch):
    shape = make_layer((7, 6, 5, 4), 6, (3, 3), stride, (1, 1), groups=6)
    expected = compute_three("direct", *draw_operands(*shape), shape[2])
    for run in (1, 6, 11, 1000):  # numbers in a line, of which an image takes 3 or 5
        monkeypatch.setattr(depthwise, "RUN", run)
        for ours, loops in zip(compute_three("depthwise", *draw_operands(*shape), shape[2]), expected, strict=True):
            np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)


def test_rows_of_windows_share_a_product_where_its_call_takes_longer(monkeypatch):
    """Of 28 rows: two of a depthwise layer of eight images, four of one image, but one of 16 channels in a group, or
    without AVX-512, or with a dilation, as their lines are no neighbours.
    """
    plain, dilated = (read_windows((28, 28), Geometry((3, 3), (1, 1), (d, d), (d, d))) for d in (1, 2))
    for wide, expected in ((True, [2, 4, 1, 1]), (False, [1, 1, 1, 1])):
        monkeypatch.setattr(depthwise, "multiplies_with_avx512", lambda wide=wide: wide)
        cases = [(plain, 1, 1, 8), (plain, 1, 1, 1), (plain, 16, 16, 8), (dilated, 1, 1, 8)]
        assert [depthwise._count_together(*case) for case in cases] == expected


def test_a_large_image_is_laid_in_strips_for_a_bounded_scratch_memory():
    """15 lines for each row of a photograph would take 15 times its memory."""
    layout = read_windows((1080, 1080), Geometry((15, 15), padding=(7, 7)))
    work = depthwise._divide(layout, 15, 1, np.empty((1, 3, 1, 1080, 1080), np.float32))
    assert work.strips[0].start == 0 and work.strips[-1].stop == 1080
    height = work.strips[0].stop
    assert len(work.strips) > 10 and height % work.together == 0
    assert (height + 14) * 15 * 1087 * 4 < 2 * depthwise.BLOCK_BYTES


def test_resnet_layer_in_single_precision_is_within_1e_5():
    geometry = Geometry((3, 3), padding=(1, 1))
    x, w, g = draw_operands((2, 64, 28, 28), (64, 64, 3, 3), geometry, np.float32)
    exact = compute_three("im2col", *(a.astype(np.float64) for a in (x, w, g)), geometry)
    for ours, expected in zip(compute_three(None, x, w, g, geometry), exact, strict=True):
        assert abs(ours - expected).max() < 1e-5 * abs(expected).max()
