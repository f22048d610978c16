"""The matrices of Winograd's transforms, and kernels in blocks."""

import numpy as np
import pytest

from minigrad.kernels.fast.winograd_tiles import POINTS, cut_kernel, make_kernel_transform, make_transforms

DOUBLE = np.dtype(np.float64)


@pytest.mark.parametrize("tile", POINTS)
def test_a_few_products_give_the_correlation_of_a_row(tile):
    generator = np.random.default_rng(0)
    for r in range(2, tile):
        row, kernel = generator.standard_normal(tile), generator.standard_normal(r)
        A, G, B = make_transforms(tile, r, DOUBLE)  # F(m, r) takes `tile` products
        np.testing.assert_allclose(A @ ((G @ kernel) * (B @ row)), np.correlate(row, kernel), atol=1e-12)
        both = make_kernel_transform(tile, r, 2, DOUBLE) @ np.outer(kernel, [1.0, -2.0]).ravel()
        wide = make_transforms(tile, 2, DOUBLE).kernel @ [1.0, -2.0]
        np.testing.assert_allclose(both.reshape(tile, tile), np.outer(G @ kernel, wide), atol=1e-12)


@pytest.mark.parametrize("kernel", [(4, 4), (5, 7), (9, 4)])
def test_a_kernel_cut_into_blocks_is_joined_again_without_its_padding(kernel):
    cut, w = cut_kernel(kernel, 7, 4), np.random.default_rng(1).standard_normal((3, 2, *kernel))
    blocks = cut.split(w)
    assert blocks.shape == (cut.blocks[0] * cut.blocks[1], 3, 2, 16) and cut.outputs == (4, 4)
    np.testing.assert_array_equal(cut.join(blocks, w.shape), w)


def test_tiles_cover_the_result_and_whole_kernels_are_one_block():
    cut = cut_kernel((3, 5), 6, None)
    assert (cut.blocks, cut.taps, cut.outputs) == ((1, 1), (3, 5), (4, 2))
    assert [cut.count_tiles(size) for size in ((1, 1), (4, 2), (5, 3), (8, 4))] == [(1, 1), (1, 1), (2, 2), (2, 2)]
