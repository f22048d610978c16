"""1x1 convolutions of several images in a call: the slices of images, and their bits on any number of threads."""

import numpy as np
import pytest

from minigrad import parallel
from minigrad.kernels.fast import pointwise
from tests.kernels.layers import compute_three, draw_operands, make_layer


@pytest.mark.parametrize("scratch", [1, 100, 2**18])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
@pytest.mark.parametrize("outputs", [5, 9])
def test_slices_of_any_number_of_images_agree_with_loops(outputs, stride, scratch, monkeypatch):
    monkeypatch.setattr(pointwise, "SCRATCH", scratch)
    shape = make_layer((11, 7, 5, 6), outputs, (1, 1), stride)
    x, w, g = draw_operands(*shape)
    expected = compute_three("direct", x, w, g, shape[2])
    for found, loops in zip(compute_three("pointwise", x, w, g, shape[2]), expected, strict=True):
        np.testing.assert_allclose(found, loops, rtol=1e-10, atol=1e-12)


def test_small_images_share_a_call_and_few_images_do_not():
    whole, several = pointwise._cut_images(64, 1000, 10), pointwise._cut_images(64, parallel.WORTH, 10)
    assert whole == [slice(0, 64)]
    assert several == [slice(n, n + 16) for n in (0, 16, 32, 48)]
    assert pointwise._cut_images(3, 1000, 10) == [slice(n, n + 1) for n in range(3)]
    assert len(pointwise._cut_images(64, 1000, pointwise.SCRATCH)) == 64


@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_bits_are_the_same_for_any_number_of_threads(stride, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(pointwise, "WORTH", 0)
    shape = make_layer((13, 7, 9, 8), 6, (1, 1), stride)
    x, w, g = draw_operands(*shape, dtype=np.float32)
    results = []
    for threads in (1, 2, 3, 5):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        results.append([array.tobytes() for array in compute_three("pointwise", x, w, g, shape[2])])
    assert all(result == results[0] for result in results)
