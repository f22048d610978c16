"""Many gradients are clipped by their total norm in three launches."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.gpu import clipping
from tests import nvrtc, standin
from tests.kernels.cuda_on_cpu import run

SIZES = [(1,), (0, 3), (7, 3), (2047,), (2048,), (2049,), (3, 2053)]


def make_parameters(shapes, device, dtype=mg.float32):
    made = [mg.tensor(np.sin(np.arange(np.prod(s)) + 1.0).reshape(s), dtype=dtype, device=device) for s in shapes]
    for g in made:
        g.grad = g.clone()
    return made


@pytest.mark.device
@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("max_norm", [1.0, 1e4])
def test_gradients_are_clipped_as_on_the_cpu(device, dtype, max_norm):
    pairs = []
    for place in ("cpu", device):
        made = make_parameters(SIZES, place, dtype)
        versions = [p.grad._version for p in made]
        norm = nn.utils.clip_grad_norm_(made, max_norm)
        assert norm.device.type == place and norm.dtype is dtype and norm.shape == ()
        assert all(p.grad._version > version for p, version in zip(made, versions, strict=True))
        pairs.append([norm.item(), *[p.grad.tolist() for p in made]])
    for got, expected in zip(*pairs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_clipping_takes_three_launches_and_no_copy_to_the_host(stand_in):
    made = make_parameters(SIZES, "cuda")
    nn.utils.clip_grad_norm_(made, 1.0)
    standin.launches.clear()
    standin.crossings.clear()
    nn.utils.clip_grad_norm_(made, 1.0)
    ours = [name for name in standin.launches if name in ("sum_squares", "norm_of_parts", "scale_all")]
    assert ours == ["sum_squares", "norm_of_parts", "scale_all"] and not standin.crossings


def test_400_arrays_and_empty_ones_have_the_norm_of_the_cpu(stand_in):
    shapes = [(n % 7 + 1,) for n in range(400)]
    made, expected = make_parameters(shapes, "cuda"), make_parameters(shapes, "cpu")
    np.testing.assert_allclose(
        nn.utils.clip_grad_norm_(made, 1.0).item(), nn.utils.clip_grad_norm_(expected, 1.0).item(), rtol=1e-6
    )
    np.testing.assert_allclose(made[399].grad.tolist(), expected[399].grad.tolist(), rtol=1e-5)
    assert nn.utils.get_total_norm(make_parameters([(0, 2)], "cuda")).item() == 0


def test_other_gradients_are_left_to_the_operations(stand_in):
    """Halves, arrays with gaps, two GPUs, other norms: by the operations."""
    cases = [
        make_parameters([(4,)], "cuda", mg.float16),
        make_parameters([(4,)], "cuda:0") + make_parameters([(4,)], "cuda:1"),
    ]
    for made in cases:
        standin.launches.clear()
        nn.utils.clip_grad_norm_(made, 0.5)
        assert "scale_all" not in standin.launches
    standin.launches.clear()
    nn.utils.get_total_norm(make_parameters([(4,)], "cuda"), norm_type=1.0)
    gapped = make_parameters([(8,)], "cuda")[0][::2]
    np.testing.assert_allclose(nn.utils.get_total_norm([gapped]).item(), np.linalg.norm(gapped.tolist()), rtol=1e-6)
    assert "sum_squares" not in standin.launches


@pytest.mark.parametrize("char", ["f", "d"])
def test_the_kernels_compute_norm_and_scaled_gradients(char):
    arrays = [np.sin(np.arange(n, dtype=char) + 1) for n in (5, 2048, 4100)]
    table = np.zeros((), clipping.TABLE)
    table["arrays"][:3], table["sizes"][:3] = [x.ctypes.data for x in arrays], [x.size for x in arrays]
    table["first"][:3], table["count"] = (0, 1, 2), 3
    parts, norm, factor = np.zeros(5), np.zeros((), char), np.array(0.5, char)
    run(clipping.SQUARES.source(char), "sum_squares", (5,), (256,), (arrays[0], parts, table))
    run(clipping.NORM.source(char), "norm_of_parts", (1,), (256,), (norm, parts, np.int32(5)))
    np.testing.assert_allclose(norm, np.linalg.norm(np.concatenate(arrays).astype("d")), rtol=1e-6)
    before = [x.copy() for x in arrays]
    run(clipping.SCALE.source(char), "scale_all", (5,), (256,), (factor, table))
    for x, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, old * factor)
    for kernel in (clipping.SQUARES, clipping.NORM, clipping.SCALE):
        nvrtc.compile_for_a_gpu(kernel.source(char))  # if NVIDIA's compiler is installed
