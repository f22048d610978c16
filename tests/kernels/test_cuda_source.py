"""The source of the CUDA kernels compiles, and computes what its NumPy twin computes."""

import itertools

import numpy as np
import pytest

from minigrad.gpu import launch
from minigrad.kernels import Geometry
from minigrad.kernels.fast import (
    cuda_columns,
    cuda_direct,
    cuda_parts,
    cuda_plain,
    cuda_product,
    cuda_winograd,
    cuda_winograd_marks,
)
from tests import nvrtc
from tests.kernels.cuda_on_cpu import run
from tests.standin.kernels import TWINS

GEOMETRIES = [  # (N, C, H, W), kernel, stride, padding, dilation, rows of windows from, to
    ((2, 3, 5, 6), (3, 2), (1, 1), (0, 0), (1, 1), (0, 3)),
    ((1, 2, 7, 6), (3, 3), (2, 3), (1, 2), (1, 1), (0, 4)),
    ((2, 1, 8, 9), (3, 2), (1, 2), (2, 1), (2, 3), (1, 5)),
    ((3, 4, 4, 4), (1, 1), (2, 2), (0, 0), (1, 1), (0, 2)),
]


def arguments(kernel, geometry, dtype, across, turned):
    """The arrays and numbers of one launch, as `minigrad.kernels.fast.cuda_columns` makes them."""
    (N, C, H, W), (kh, kw), stride, padding, dilation, rows = geometry
    random = np.random.default_rng(0)
    geometry = Geometry((kh, kw), stride, padding, dilation)
    Wo = geometry.windows((H, W))[1]
    length = (rows[1] - rows[0]) * Wo
    x = random.integers(-9, 9, (N, C, W, H) if turned else (N, C, H, W)).astype(dtype)
    x = x.swapaxes(2, 3) if turned else x
    taps = C * kh * kw
    columns = random.integers(-9, 9, (taps, N * length) if across else (N, taps, length)).astype(dtype)
    launched = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch.Kernel, "__call__", lambda self, *launch: launched.append(launch))
        cuda_columns._move(kernel, columns, x, slice(*rows), geometry, side_by_side=across)
    return launched[0]


@pytest.mark.parametrize("kernel", [cuda_columns.GATHER, cuda_columns.SCATTER], ids=["gather", "scatter"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize(("dtype", "across", "turned"), [("f", False, False), ("d", True, True), ("q", False, True)])
def test_the_cuda_source_computes_as_its_numpy_twin(kernel, geometry, dtype, across, turned):
    grid, block, args, char = arguments(kernel, geometry, dtype, across, turned)
    target = 1 if isinstance(args[1], np.ndarray) else 0
    twins = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in args]
    TWINS[kernel.name](grid, block, twins, {})
    run(kernel.source(char), kernel.name, grid, block, args)
    np.testing.assert_array_equal(args[target], twins[target])
    np.testing.assert_array_equal(args[1 - target], twins[1 - target])


def test_source_compiles_for_a_gpu():
    nvrtc.require()
    for char, kernel in itertools.product(launch.C_TYPES, (cuda_columns.GATHER, cuda_columns.SCATTER)):
        compile_for_a_gpu(kernel, char)
    for kernel in kernels_of_the_algorithms():
        for char in "f" if kernel in list_winograd_kernels() else "fd":
            compile_for_a_gpu(kernel, char)


def compile_for_a_gpu(kernel, char):
    assert f"{kernel.name}(" in nvrtc.compile_for_a_gpu(kernel.source(char), *kernel.options)


def list_winograd_kernels():
    transforms = [("transform", "B"), ("transform", "A"), ("transform", "G")]
    transforms += [("transform_back", "back to A"), ("transform_back", "back to G")]
    sizes = [(length, taps) for taps, length in cuda_winograd.TILES.items()]
    return [
        cuda_winograd_marks.PEAKS,
        *(
            cuda_winograd_marks._make_kernel(name, n + 1 - k, k)
            for n, k in sizes
            for name in cuda_winograd_marks.SOURCES
        ),
        *(cuda_winograd._make_kernel(name, *size, matrix) for size in sizes for name, matrix in transforms),
    ]


def kernels_of_the_algorithms():
    strided = Geometry((3, 5), (2, 1), (1, 2), (1, 2))
    return [
        cuda_plain.WINDOW, cuda_plain.PIXEL, cuda_plain.WEIGHT, cuda_parts.ADD_PARTS,
        cuda_product.PACK, cuda_product.MEND,
        cuda_direct._make_kernel(cuda_direct.CONVOLVE, cuda_direct.FORWARD, strided, 4, 3, "f"),
        cuda_direct._make_kernel(cuda_direct.CONVOLVE, cuda_direct.ADJOINT, strided, 4, 3, "f"),
        cuda_direct._make_kernel(cuda_direct.CONVOLVE, cuda_direct.MIRRORED, Geometry((3, 5)), 4, 3, "f"),
        cuda_direct._make_kernel(cuda_direct.WEIGH, cuda_direct.FORWARD, strided, 4, 3, "f"),
        *(cuda_product._make_kernel(name, 64, 64) for name in ("product", "product_of_windows")),
        *list_winograd_kernels(),
    ]  # fmt: skip
