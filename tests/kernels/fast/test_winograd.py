"""Winograd's algorithm: its stated error bound, and the inspection of the data before it is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import Geometry
from minigrad.kernels.fast import winograd
from tests.kernels.layers import LAYERS, compute_three, draw_operands, make_layer


def find_largest_seen(x, geometry):
    """The largest |x| that each output sees: (N, C, H, W) -> (N, 1, Ho, Wo)."""
    columns = kernels.unfold(abs(x), geometry)
    return columns.max(axis=1).reshape(len(x), 1, *geometry.windows(x.shape[2:]))


SCENES = {
    "even": lambda x: x,
    "a pixel of 20": lambda x: set_pixel(x, 20.0),
    "a pixel of 100": lambda x: set_pixel(x, 100.0),
    "a pixel of 1e6": lambda x: set_pixel(x, 1e6),
    "a pixel of 1e16": lambda x: set_pixel(x, 1e16),
    "a bright half": lambda x: np.concatenate([x[..., :10] * 1e5, x[..., 10:]], axis=-1),
    "a dark corner": lambda x: x * np.where(np.add.outer(np.arange(x.shape[2]), np.arange(x.shape[3])) < 9, 1e-6, 1),
    "one pixel": lambda x: set_pixel(np.zeros_like(x), 1.0),
    "after a relu": lambda x: np.maximum(x, 0),
    "tiny": lambda x: x * 1e-15,
    "large": lambda x: x * 1e12,
}


def set_pixel(x, value):
    x = x.copy()
    x[0, 0, 11, 9] = value
    return x


@pytest.mark.parametrize("algorithm", [None, "winograd", "winograd 2x2", "winograd 5x5", "winograd blocks"])
@pytest.mark.parametrize("scene", SCENES)
def test_winograd_stays_within_its_stated_bound(algorithm, scene):
    """|error| <= 1e-5 (largest |x| that the output sees) (sum of its kernel's |w|), for any range of the data."""
    x_shape, _, geometry = LAYERS[algorithm or "winograd"]
    x, w, g = draw_operands(*LAYERS[algorithm or "winograd"], dtype=np.float32)
    x, g = (SCENES[scene](a).astype(np.float32) for a in (x, g))
    wide = [a.astype(np.float64) for a in (x, w, g)]
    mirror, turned = geometry.mirrored(), w.transpose(1, 0, 2, 3)
    with kernels.algorithm(algorithm):
        out = kernels.conv2d(x, w, geometry=geometry)
        dx = kernels.conv2d_input(g, w, size=x_shape[2:], geometry=geometry)
        dw = kernels.conv2d_weight(x, g, geometry=geometry)
    with kernels.algorithm("im2col"):
        error = abs(out - kernels.conv2d(*wide[:2], geometry=geometry))
        assert (error <= 1e-5 * find_largest_seen(x, geometry) * abs(w).sum((1, 2, 3)).reshape(-1, 1, 1)).all()
        error = abs(dx - kernels.conv2d_input(wide[2], wide[1], size=x_shape[2:], geometry=geometry))
        assert (error <= 1e-5 * find_largest_seen(g, mirror) * abs(turned).sum((1, 2, 3)).reshape(-1, 1, 1)).all()
        error = abs(dw - kernels.conv2d_weight(wide[0], wide[2], geometry=geometry))
        assert (error <= 1e-5 * kernels.conv2d_weight(abs(wide[0]), abs(wide[2]), geometry=geometry)).all()


@pytest.mark.parametrize(
    ("algorithm", "tile"), [("winograd", (6,)), ("winograd 5x5", (8,)), ("winograd blocks", (7, 4))]
)
def test_ordinary_data_are_even_and_a_lone_pixel_is_not(algorithm, tile):
    """Noise and noise after a relu are even; a lone pixel is not."""
    x, _, _ = draw_operands(*LAYERS[algorithm], dtype=np.float32)
    geometry = LAYERS[algorithm][2]
    for scene in ("even", "after a relu", "tiny", "large"):
        assert winograd.is_even(SCENES[scene](x), geometry, *tile)
    for scene in ("one pixel", "a pixel of 100", "a pixel of 1e6", "a bright half", "a dark corner"):
        assert not winograd.is_even(SCENES[scene](x), geometry, *tile)
    assert winograd.is_even(x[:0], geometry, *tile) and winograd.is_even(x[:, :, :1, :1], geometry, *tile)


def test_pixels_beside_the_windows_of_a_tile_are_compared_too():
    """Of 5x5 in blocks of 4x4 the tiles reach 8 pixels: the last two outputs see less than what lies beside them."""
    x = np.ones((1, 1, 9, 9), np.float32)
    geometry = Geometry((5, 5))
    assert winograd.is_even(x, geometry, 7, 4)
    x[..., 8] = 100.0  # of the first tile's outputs, 0 to 3, none sees it; the fifth does
    assert not winograd.is_even(x, geometry, 7, 4)
    assert winograd.is_even(x[..., :8], geometry, 7, 4)


@pytest.mark.parametrize("algorithm", ["winograd", "winograd 5x5"])
def test_planes_of_whole_kilobytes_are_computed_like_others(algorithm):
    layer = make_layer((2, 5, 16, 16), 3, (5, 5), padding=(2, 2))
    x, w, g = draw_operands(*layer)
    for ours, plain in zip(*(compute_three(name, x, w, g, layer[2]) for name in (algorithm, "im2col")), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-9)
