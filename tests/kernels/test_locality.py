"""A NaN, an infinity or an outlier affects only the outputs whose window contains it, with every algorithm."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as torch
import minigrad.kernels.fast
import minigrad.nn.functional as F
from minigrad import kernels
from minigrad.kernels import Geometry, direct
from minigrad.kernels.fast import depthwise, mec, strides, toeplitz
from tests.kernels.layers import LAYERS, draw_operands

FUNCTIONS = {"conv2d": "xw", "conv2d_input": "gw", "conv2d_weight": "xg"}


def compute(module, function, operands, geometry, size):
    """One of the three functions, of the loops of the definition (`direct`) or of the dispatch."""
    left, right = (operands[name] for name in FUNCTIONS[function])
    rest = {"conv2d_input": (size,)}.get(function, ())
    if module is direct:
        with np.errstate(all="ignore"):
            return getattr(direct, function)(left, right, geometry, *rest)
    named = {"size": size} if rest else {}
    return getattr(kernels, function)(left, right, geometry=geometry, **named)


def spoil(array, value, where):
    array = array.copy()
    place = {"first": 0, "middle": array.size * 3 // 7, "last": -1}[where]
    array.reshape(-1)[place] = value
    return array


SMALL = {
    algorithm: LAYERS[algorithm] for algorithm in LAYERS if "winograd" not in algorithm
}  # the loops of the definition take their time
SMALL["winograd"] = SMALL["winograd 2x2"] = ((1, 13, 10, 9), (14, 13, 3, 3), LAYERS["winograd"][2])
SMALL["winograd 5x5"] = ((1, 6, 10, 9), (5, 6, 5, 6), LAYERS["winograd 5x5"][2])
SMALL["winograd blocks"] = ((1, 6, 12, 13), (5, 6, 7, 9), LAYERS["winograd blocks"][2])


@pytest.mark.parametrize("where", ["first", "middle", "last"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("algorithm", SMALL)
def test_nonfinite_values_reach_the_outputs_that_see_them(algorithm, function, value, where):
    x_shape, _, geometry = SMALL[algorithm]
    operands = dict(zip("xwg", draw_operands(*SMALL[algorithm], dtype=np.float32), strict=True))
    for name in FUNCTIONS[function]:
        changed = {**operands, name: spoil(operands[name], value, where)}
        with kernels.algorithm(algorithm):
            found = compute(kernels, function, changed, geometry, x_shape[2:])
        expected = compute(direct, function, changed, geometry, x_shape[2:])
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
        clean = np.isfinite(expected)
        np.testing.assert_allclose(found[clean], expected[clean], rtol=1e-3, atol=1e-4)


# shapes of x and w, geometry: a window or a tap sees padding alone, or one group has one output
BESIDE = {
    "planes": ((2, 2, 3, 5), (1, 2, 2, 3), Geometry((2, 3), padding=(3, 2))),
    "planes, dilated": ((1, 2, 3, 5), (1, 2, 2, 3), Geometry((2, 3), padding=(1, 3), dilation=(1, 3))),
    "toeplitz": ((2, 2, 3, 5), (1, 2, 2, 3), Geometry((2, 3), padding=(3, 2))),
    "toeplitz, strips": ((2, 2, 3, 3), (2, 1, 2, 2), Geometry((2, 2), (1, 2), (4, 2), groups=2)),
    "toeplitz, groups of two": ((2, 4, 3, 3), (2, 2, 2, 2), Geometry((2, 2), (3, 3), (3, 2), groups=2)),
    "strides, columns": ((2, 2, 10, 8), (2, 1, 3, 1), Geometry((3, 1), (2, 1), (0, 3), groups=2)),
    "strides, dilated": ((1, 2, 2, 9), (4, 1, 2, 2), Geometry((2, 2), (1, 2), (2, 1), (4, 1), groups=2)),
    "strides, groups of two": ((2, 4, 5, 5), (2, 2, 2, 2), Geometry((2, 2), (3, 3), (3, 2), groups=2)),
}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("case", BESIDE)
def test_nonfinite_values_that_meet_padding_alone_give_nan(case, function, value, monkeypatch):
    monkeypatch.setattr(toeplitz, "HIGH", 0)
    monkeypatch.setattr(toeplitz, "MANY", 0)
    x_shape, _, geometry = BESIDE[case]
    operands = dict(zip("xwg", draw_operands(*BESIDE[case], dtype=np.float32), strict=True))
    for name in FUNCTIONS[function]:
        for place in range(operands[name].size):
            changed = {**operands, name: operands[name].copy()}
            changed[name].reshape(-1)[place] = value
            with kernels.algorithm(case.split(",")[0]):
                found = compute(kernels, function, changed, geometry, x_shape[2:])
            expected = compute(direct, function, changed, geometry, x_shape[2:])
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=f"{name} {place}")
            np.testing.assert_array_equal(np.isinf(found), np.isinf(expected), err_msg=f"{name} {place}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_share_a_product_do_not_see_each_others_pixels(value, monkeypatch):
    monkeypatch.setattr(mec, "multiplies_with_avx512", lambda: False)
    geometry = Geometry((3, 3), padding=(1, 1))
    x, w, g = draw_operands((2, 2, 8, 5), (3, 2, 3, 3), geometry)
    for row in range(8):
        for name in "xwg":
            operands = {"x": x.copy(), "w": w.copy(), "g": g.copy()}
            operands[name][1, 1, row % operands[name].shape[2], 2] = value
            for function in ("conv2d", "conv2d_weight"):
                with kernels.algorithm("mec"):
                    found = compute(kernels, function, operands, geometry, (8, 5))
                expected = compute(direct, function, operands, geometry, (8, 5))
                np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


@pytest.mark.parametrize("algorithm", ["tiny", "mec", "channels last", "depthwise"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_stride_multiplies_no_zeros_by_nan_or_inf(algorithm, value):
    geometry = (
        LAYERS["mec"][2]
        if algorithm == "mec"
        else Geometry((3, 3), (1, 1) if algorithm == "depthwise" else (2, 2), (1, 1))
    )
    if algorithm == "depthwise":
        geometry = geometry._replace(groups=3)
    x_shape, w_shape = (1, 3, 9, 8), (3, 3 // geometry.groups, *geometry.kernel)
    _, w, g = draw_operands(x_shape, w_shape, geometry)
    w[0, 0, 0, 0] = value
    with kernels.algorithm(algorithm):
        found = kernels.conv2d_input(g, w, size=x_shape[2:], geometry=geometry)
    with np.errstate(all="ignore"):
        expected = direct.conv2d_input(g, w, geometry, x_shape[2:])
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


JOINED = [
    ("depthwise", True),
    ("depthwise", False),
    ("planes", True),
    ("strides", True),
    ("strides", False),
    ("toeplitz", True),
]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize(("algorithm", "wide"), JOINED)
def test_joined_images_do_not_see_each_others_values(stride, value, algorithm, wide, monkeypatch):
    """Depthwise kernels slide over several small images in one go, and rows of several planes are added by one call:
    every row of the second image, in turn. With AVX-512, rows of windows share a product; with a stride, a phase of the
    pixels may have taps of weight zero.
    """
    if (algorithm, stride == (1, 1)) in [("strides", True), ("planes", False)]:
        pytest.skip("one of them serves strides, the other none")
    for module in (depthwise, strides):
        monkeypatch.setattr(module, "multiplies_with_avx512", lambda: wide)
    geometry = Geometry((3, 4), stride, (1, 1), groups=4)
    x, w, g = draw_operands((3, 4, 5, 4), (4, 1, 3, 4), geometry)
    for row in range(5):
        x_bad, g_bad = x.copy(), g.copy()
        x_bad[1, 2, row], g_bad[1, 2, row % g.shape[2]] = value, value
        for function, operands in (
            ("conv2d", {"x": x_bad, "w": w}),
            ("conv2d_weight", {"x": x_bad, "g": g}),
            ("conv2d_weight", {"x": x, "g": g_bad}),
            ("conv2d_input", {"g": g_bad, "w": w}),
        ):
            with kernels.algorithm(algorithm):
                found = compute(kernels, function, operands, geometry, (5, 4))
            expected = compute(direct, function, operands, geometry, (5, 4))
            np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_one_pixel_reaches_nine_outputs_and_one_output_nine_pixels(dtype):
    layer = torch.nn.Conv2d(16, 16, 3, padding=1, dtype=dtype)
    x = torch.zeros(1, 16, 32, 32, dtype=dtype)
    x[0, 0, 15, 15] = 1.0
    x.requires_grad_()
    out = layer(x)
    assert int((out != layer.bias.reshape(16, 1, 1)).any(1).sum()) == 9
    out[0, 3, 20, 20].backward()
    assert int((x.grad != 0).any(1).sum()) == 9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nonfinite_pixels_and_gradients_reach_only_their_neighbours(dtype, value):
    torch.manual_seed(0)
    w = torch.randn(16, 16, 3, 3).to(dtype).requires_grad_()
    x = torch.randn(1, 16, 32, 32).to(dtype).requires_grad_()
    g = torch.ones(1, 16, 32, 32, dtype=dtype)
    g[0, 5, 7, 7] = value
    F.conv2d(x, w, padding=1).backward(g)
    assert int((~x.grad.isfinite()).any(1).sum()) == 9
    assert (~w.grad.isfinite()).flatten(1).any(1).nonzero().tolist() == [[5]]
    spoiled_x = x.detach().clone()
    spoiled_x[0, 2, 0, 0] = value  # the corner: taps (0..1, 0..1) alone look at it
    w.grad = None
    F.conv2d(spoiled_x, w, padding=1).backward(torch.ones_like(g))
    hit = ~w.grad.isfinite()
    assert hit[:, 2, :2, :2].all() and int(hit.sum()) == 16 * 4
