"""The algorithms to compute a convolution on a GPU: each kernel's source, run on the processor, against the definition.

That the library's calls around the kernels are CuPy's is for `tests/device`, on the stand-in.
"""

import sys

import numpy as np
import pytest

from minigrad import kernels
from minigrad.gpu import launch
from minigrad.kernels import Geometry, direct
from minigrad.kernels.fast import cuda, cuda_parts, cuda_product, cuda_winograd, cuda_winograd_marks
from minigrad.kernels.geometry import Problem
from tests.kernels.cuda_on_cpu import run

FUNCTIONS = {"conv2d": "xw", "conv2d_input": "gw", "conv2d_weight": "xg"}
CASES = {  # (N, C, H, W), outputs, geometry
    "cuda direct": [
        ((2, 3, 9, 8), 3, Geometry((3, 3), padding=(1, 1), groups=3)),
        ((2, 4, 9, 8), 6, Geometry((3, 2), (2, 3), (2, 1), (2, 1), groups=2)),
        ((1, 2, 11, 10), 9, Geometry((5, 5), (3, 2), (2, 3))),
        ((1, 1, 5, 5), 1, Geometry((1, 1), (3, 3), (2, 2))),
        ((1, 3, 5, 6), 4, Geometry((2, 1), padding=(3, 2))),  # more padding than the kernel reaches
    ],
    "cuda plain": [
        ((2, 4, 9, 8), 6, Geometry((3, 2), (2, 3), (2, 1), (2, 1), groups=2)),
        ((1, 1, 6, 8), 1, Geometry((1, 2))),
    ],
    "cuda product": [
        ((2, 3, 9, 8), 5, Geometry((3, 3), padding=(1, 1))),
        ((1, 3, 5, 6), 4, Geometry((2, 1), padding=(3, 2))),
        ((1, 9, 12, 12), 66, Geometry((3, 3), padding=(1, 1))),
        ((1, 18, 7, 6), 66, Geometry((3, 2), (1, 1), (1, 0), (2, 1), groups=2)),
        ((3, 4, 9, 8), 6, Geometry((3, 2), (2, 3), (2, 1), (2, 1), groups=2)),
    ],
    "cuda winograd": [
        ((2, 3, 9, 8), 5, Geometry((3, 3), padding=(1, 1))),
        ((1, 3, 7, 11), 2, Geometry((5, 5), padding=(0, 2))),
    ],
    "cuda columns": [((2, 4, 9, 8), 6, Geometry((3, 2), (2, 3), (2, 1), (2, 1), groups=2))],
}


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch):
    def compute(kernel, grid, block, arguments, char, shared_mem=0):
        run(kernel.source(char), kernel.name, grid, block, arguments, shared_mem)

    monkeypatch.setattr(launch.Kernel, "__call__", compute)
    for family in cuda.FAMILIES.values():  # small problems in the pieces of large ones
        if hasattr(family, "ENOUGH"):
            monkeypatch.setattr(family, "ENOUGH", 8)


def draw_operands(image, outputs, geometry, char):
    random = np.random.default_rng(0)
    shapes = {
        "x": image,
        "w": (outputs, image[1] // geometry.groups, *geometry.kernel),
        "g": (image[0], outputs, *geometry.windows(image[2:])),
    }
    return {name: random.standard_normal(shape).astype(char) for name, shape in shapes.items()}


def change_layout(array):
    """The same numbers with the channels last in memory, and the rows backwards."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)[:, ::-1]), -1, 1)[:, :, ::-1]


def check(algorithm, function, arrays, geometry, size, tolerance):
    pair = [arrays[name] for name in FUNCTIONS[function]]
    rest = (size,) if function == "conv2d_input" else ()
    found = getattr(algorithm, function)(*pair, geometry, *rest)
    if function == "conv2d":  # the same sums, begun with a bias
        bias = np.arange(2 * len(pair[1]), dtype=found.dtype)[::2]
        begun = algorithm.conv2d(*pair, geometry, bias)
        np.testing.assert_allclose(begun, found + bias.reshape(-1, 1, 1), rtol=1e-5, atol=1e-5)
    expected = getattr(direct, function)(*(a.astype("d") for a in pair), geometry, *rest)
    assert found.dtype == pair[0].dtype and found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("name", "case"), [(name, i) for name in CASES for i in range(len(CASES[name]))])
def test_each_algorithm_computes_the_definition(name, case, function):
    image, outputs, geometry = CASES[name][case]
    algorithm = cuda.FAMILIES[name].ALGORITHM
    for char, change, tolerance in (("d", change_layout, 1e-10), ("f", np.asarray, 1e-4), ("f", change_layout, 1e-4)):
        if not algorithm.serves(Problem(image, outputs, geometry, char, object)):
            assert (name, char) == ("cuda winograd", "d")
            continue
        arrays = {key: change(a) for key, a in draw_operands(image, outputs, geometry, char).items()}
        check(algorithm, function, arrays, geometry, image[2:], tolerance)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", CASES)
def test_nonfinite_values_reach_the_outputs_that_see_them(name, function, value):
    image, outputs, geometry = CASES[name][0]
    char, tolerance = ("f", 1e-4) if name == "cuda winograd" else ("d", 1e-9)
    arrays = draw_operands(image, outputs, geometry, char)
    for key in FUNCTIONS[function]:
        for place in (0, arrays[key].size // 2, -1):
            changed = {**arrays, key: arrays[key].copy()}
            changed[key].reshape(-1)[place] = value
            check(cuda.FAMILIES[name].ALGORITHM, function, changed, geometry, image[2:], tolerance)


@pytest.mark.parametrize("tile", cuda_product.TILES)
def test_tiles_of_every_size_compute_the_product(tile, monkeypatch):
    monkeypatch.setattr(cuda_product, "_choose_tile", lambda *problem: tile)
    for planned in (cuda_product._prepare_product, cuda_product._prepare_weights):
        planned.cache_clear()
    image, outputs, geometry = (2, 9, 9, 8), 130, Geometry((3, 2), (1, 1), (1, 2))
    for function in FUNCTIONS:
        check(cuda_product.ALGORITHM, function, draw_operands(image, outputs, geometry, "f"), geometry, image[2:], 1e-4)
    for planned in (cuda_product._prepare_product, cuda_product._prepare_weights):
        planned.cache_clear()


def test_winograd_forms_marked_tiles_by_the_definition(monkeypatch):
    """An outlier stands in the first tile of the second image, a NaN in four tiles of the third."""
    monkeypatch.setattr(cuda_winograd, "BLOCK_BYTES", cuda_winograd._count_bytes(3, (13, 13), 13))  # image by image
    geometry, frame = Geometry((3, 3), padding=(1, 1)), cuda_winograd_marks.Frame(6, 3, 3, (13, 13))
    arrays = draw_operands((3, 8, 13, 13), 5, geometry, "f")
    check(cuda_winograd.ALGORITHM, "conv2d_weight", arrays, geometry, (13, 13), 1e-4)
    arrays["x"][1, 3, 1, 1], arrays["x"][2, 5, 3, 4] = 1e4, np.nan
    marks, seen = cuda_winograd_marks.mark(arrays["x"], None, frame, (1, 1))
    expected = np.zeros((3, 4, 4), "i")
    expected[1, 0, 0] = expected[2, :2, :2] = 1
    np.testing.assert_array_equal(marks.reshape(3, 4, 4), expected)
    assert seen == 1
    exact = direct.conv2d(arrays["x"].astype("d"), arrays["w"].astype("d"), geometry)
    found = cuda_winograd.conv2d(arrays["x"], arrays["w"], geometry)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    see = kernels.unfold(abs(np.nan_to_num(arrays["x"])), geometry).max(axis=1).reshape(3, 1, 13, 13)
    bound = 1e-5 * see * abs(arrays["w"]).sum(axis=(1, 2, 3)).reshape(-1, 1, 1)
    assert (abs(found - exact) <= bound)[~np.isnan(exact)].all()


def test_winograd_adds_marked_tiles_to_a_kernels_gradient():
    """A block looks at as many tiles as it has threads. The first are all even, in the last image one is not."""
    geometry = Geometry((3, 3), padding=(1, 1))
    arrays = {name: 1 + 0.1 * a for name, a in draw_operands((6, 1, 27, 27), 1, geometry, "f").items()}
    arrays["x"][5, 0, 20, 20] = 1e4
    check(cuda_winograd.ALGORITHM, "conv2d_weight", arrays, geometry, (27, 27), 1e-4)


def test_every_algorithm_has_its_cases():
    assert set(CASES) == set(cuda.FAMILIES)


@pytest.mark.parametrize(
    ("image", "outputs", "geometry", "name"),
    [
        ((64, 144, 56, 56), 144, Geometry((3, 3), padding=(1, 1), groups=144), "cuda direct"),
        ((64, 256, 28, 28), 256, Geometry((3, 3), padding=(1, 1), groups=32), "cuda direct"),
        ((1024, 1, 28, 28), 6, Geometry((5, 5), padding=(2, 2)), "cuda direct"),
        ((1, 1, 6, 8), 1, Geometry((1, 2)), "cuda plain"),
        ((64, 128, 28, 28), 128, Geometry((3, 3), padding=(1, 1)), "cuda winograd"),
        ((64, 64, 27, 27), 192, Geometry((5, 5), padding=(2, 2)), "cuda winograd"),
        ((2**16, 3, 128, 128), 8, Geometry((3, 3)), "cuda columns"),  # more than 32 bits count
        ((0, 3, 8, 8), 8, Geometry((3, 3)), "cuda columns"),
    ],
)
def test_each_geometry_chooses_its_algorithm(image, outputs, geometry, name):
    for function in FUNCTIONS:
        assert cuda.choose(function, image, outputs, geometry, "f", object).ALGORITHM.name == name
    assert cuda.choose(function, image, outputs, geometry, "?", object) is cuda.cuda_columns


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (3, 5, 60, 50), (2, 1, 1, 1)])
def test_sum_channels_is_the_gradient_of_a_bias(shape):
    g = np.random.default_rng(0).standard_normal(shape)
    for array in (g, change_layout(g)):
        np.testing.assert_allclose(cuda.sum_channels(array), array.sum((0, 2, 3)), rtol=1e-10, atol=1e-10)


def test_images_with_strides_between_columns_are_copied():
    images = draw_operands((2, 3, 5, 4), 3, Geometry((3, 3)), "f")["x"]
    assert cuda._with_rows(images) is images
    last = change_layout(images)
    assert cuda._with_rows(last).flags.c_contiguous
    np.testing.assert_array_equal(cuda._with_rows(last), images)


def test_integers_are_passed_as_one_argument():
    body = 'extern "C" __global__ void set_both(T* out, int first, int second) { out[0] = first, out[1] = second; }'
    out = np.zeros(2)
    cuda_parts.StructKernel("set_both", body)((1,), (1,), (out, *cuda_parts.as_struct(3, 4)), "d")
    assert out.tolist() == [3, 4]
    with pytest.raises(ValueError, match="set_both: the last parameters of this kernel are not ints"):
        cuda_parts.StructKernel("set_both", body.replace("int second", "float second")).source("d")


def test_tf32_chooses_columns_instead_of_winograd():
    problem = (64, 64, 56, 56), 64, Geometry((3, 3), padding=(1, 1))
    for char, tf32, family in (("f", False, "winograd"), ("f", True, "columns"), ("d", True, "product")):
        assert cuda.choose("conv2d", *problem, char, object, tf32).ALGORITHM.name == f"cuda {family}"


@pytest.mark.skipif(sys.maxsize < 2**32, reason="a 32-bit Python has no such strides")
def test_elements_beyond_32_bits_are_not_reachable():
    far = np.broadcast_to(np.zeros(1), (2**16, 2**16))
    assert cuda.is_reachable(far)
    assert not cuda.is_reachable(np.lib.stride_tricks.as_strided(far, (3, 2), (2**34, 8)))
