"""MEC with packs, rows and widths that its constants would not choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from minigrad.kernels import Geometry
from minigrad.kernels.fast import mec
from tests.kernels.layers import compute_three, draw_convolutions, draw_operands, make_layer, make_problem


@settings(max_examples=60, deadline=None)
@given(shape=draw_convolutions())
def test_mec_agrees_with_loops_for_wide_channels_too(shape):
    x, w, g = draw_operands(*shape)
    if not mec.ALGORITHM.serves(make_problem(shape)):
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


@pytest.mark.parametrize("block", [1, 3_000, 2**21])
@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (1, 1)), ((2, 2), (0, 2)), ((3, 1), (2, 0))])
@pytest.mark.parametrize(("outputs", "kh"), [(2, 3), (6, 5), (7, 6), (3, 1)])
def test_mec_multiplies_rows_of_few_output_channels_together(outputs, kh, stride, padding, block, monkeypatch):
    monkeypatch.setattr(mec, "multiplies_with_avx512", lambda: False)
    monkeypatch.setattr(mec, "BLOCK_BYTES", block)
    for height in (13, 14, 16, 17, 19, 20):
        shape = make_layer((3, 2, height, 9), outputs, (kh, 3), stride, padding)
        x, w, g = draw_operands(*shape)
        expected = compute_three("direct", x, w, g, shape[2])
        for ours, loops in zip(compute_three("mec", x, w, g, shape[2]), expected, strict=True):
            np.testing.assert_allclose(ours, loops, rtol=1e-9, atol=1e-10)
    plain, strided = Geometry((3, 3)), Geometry((3, 3), (2, 2))
    assert [mec._count_together(outputs, 4, rows, plain) for rows in (20, 18, 17)] == [4, 2, 1]
    assert mec._count_together(outputs, 4, 20, strided) == 2
    monkeypatch.setattr(mec, "multiplies_with_avx512", lambda: True)
    assert mec._count_together(outputs, 4, 20, plain) == 1
