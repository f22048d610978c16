"""The kernels on every array library: NumPy's results, without copies to the host."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad.kernels.fast  # noqa: F401 (the GPU's algorithm makes itself known)
from minigrad import backend, devices, kernels
from tests import standin

CASES = {
    "tiny": ((1, 1, 6, 8), (1, 1, 1, 2), ((1, 1), (0, 0), (1, 1), 1)),
    "padded": ((3, 8, 12, 11), (8, 8, 3, 3), ((1, 1), (1, 1), (1, 1), 1)),
    "strided groups": ((2, 4, 9, 8), (6, 2, 3, 2), ((2, 1), (1, 0), (1, 2), 2)),
    "pointwise": ((2, 4, 5, 5), (3, 4, 1, 1), ((2, 2), (0, 0), (1, 1), 1)),
    "depthwise": ((2, 3, 6, 6), (3, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 3)),
    "no images": ((0, 3, 6, 6), (2, 3, 3, 3), ((1, 1), (1, 1), (1, 1), 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_convolution_and_its_adjoints_are_numpys_without_copies(device, case):
    x_shape, w_shape, pairs = CASES[case]
    geometry = kernels.Geometry(w_shape[2:], *pairs)
    random = np.random.default_rng(0)
    x, w = random.standard_normal(x_shape), random.standard_normal(w_shape)
    g = random.standard_normal(kernels.conv2d(x, w, geometry=geometry).shape)
    place = devices.device(device)
    x_there, w_there, g_there = (backend.to_device(a, place) for a in (x, w, g))
    standin.crossings.clear()
    found = [
        kernels.conv2d(x_there, w_there, geometry=geometry),
        kernels.conv2d_input(g_there, w_there, size=x_shape[2:], geometry=geometry),
        kernels.conv2d_weight(x_there, g_there, geometry=geometry),
    ]
    assert not standin.crossings
    expected = [
        kernels.conv2d(x, w, geometry=geometry),
        kernels.conv2d_input(g, w, size=x_shape[2:], geometry=geometry),
        kernels.conv2d_weight(x, g, geometry=geometry),
    ]
    for there, here in zip(found, expected, strict=True):
        assert backend.device_of(there).type == place.type
        host = backend.to_device(there, devices.CPU)
        np.testing.assert_allclose(host, here, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("with_nan", [False, True])
def test_pooling_unfold_and_fold_are_numpys(device, with_nan):
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 6))
    if with_nan:
        x[0, 1, 2, 3] = np.nan
    place = devices.device(device)
    there = backend.to_device(x, place)
    window = kernels.Geometry((3, 2), (2, 1), (1, 1))
    places = backend.to_device(np.empty((2, 3, *window.windows((7, 6))), np.int64), place)
    best = kernels.max_pool2d(there, places, window)
    scattered = kernels.max_pool2d_input(best, places, (7, 6), False)
    columns = kernels.unfold(there, window)
    folded = kernels.fold(columns, window, (7, 6))
    places_here = np.empty(best.shape, np.int64)
    best_here = kernels.max_pool2d(x, places_here, window)
    columns_here = kernels.unfold(x, window)
    pairs = [
        (best, best_here),
        (places, places_here),
        (kernels.max_pool2d_gather(there, places), best_here),
        (scattered, kernels.max_pool2d_input(best_here, places_here, (7, 6), False)),
        (columns, columns_here),
        (folded, kernels.fold(columns_here, window, (7, 6))),
    ]
    for found, expected in pairs:
        assert backend.device_of(found).type == place.type
        np.testing.assert_allclose(backend.to_device(found, devices.CPU), expected, atol=1e-12)
