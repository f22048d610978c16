"""The algorithm for small images, where it copies more than a few windows."""

import numpy as np
import pytest

from minigrad.kernels import tiny
from tests.kernels.layers import compute_three, draw_operands, make_layer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layer",
    [
        make_layer((1, 2, 16, 15), 3, (3, 4), (2, 1), (1, 2), (1, 2)),
        make_layer((3, 2, 9, 8), 2, (4, 3), (1, 1), (1, 1)),
        make_layer((1, 1, 60, 60), 1, (1, 3)),
        make_layer((1, 1, 60, 60), 1, (3, 1)),
    ],
)
def test_tiny_copies_the_rows_of_many_windows_as_they_lie(layer, dtype):
    x, w, g = draw_operands(*layer, dtype)
    assert w[0].size * g.size // len(w) > tiny.FEW
    precision = 1e-5 if dtype is np.float32 else 1e-12
    loops = compute_three("direct", x, w, g, layer[2])
    for ours, expected in zip(compute_three("tiny", x, w, g, layer[2]), loops, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=precision, atol=precision)
