"""The CUDA kernels' source: it compiles, and computes what its NumPy twin computes."""

import ctypes
import itertools
import shutil
import subprocess

import numpy as np
import pytest

from minigrad.kernels import Geometry
from minigrad.kernels.fast import cuda
from tests.standin.kernels import run_twin

# A processor runs the kernel as a loop over its threads: it uses neither shared memory nor barriers.
AS_CPP = """
struct dim {{ int x; }};
static dim blockIdx, blockDim, threadIdx;
#define __global__
{source}
extern "C" void launch(int blocks, int threads, {declared}) {{
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
            {name}({passed});
}}
"""
GEOMETRIES = [  # (N, C, H, W), kernel, stride, padding, dilation, rows of windows from, to
    ((2, 3, 5, 6), (3, 2), (1, 1), (0, 0), (1, 1), (0, 3)),
    ((1, 2, 7, 6), (3, 3), (2, 3), (1, 2), (1, 1), (0, 4)),
    ((2, 1, 8, 9), (3, 2), (1, 2), (2, 1), (2, 3), (1, 5)),
    ((3, 4, 4, 4), (1, 1), (2, 2), (0, 0), (1, 1), (0, 2)),
]


def arguments(body, geometry, dtype, across, turned):
    """The arrays and numbers of one launch, as `minigrad.kernels.fast.cuda` makes them."""
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

    class Library:
        ndarray = np.ndarray

        @staticmethod
        def RawKernel(code, name):
            return lambda grid, block, args: launched.append((name, grid, block, args))

    cuda._kernel.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda, "array_module", lambda array: Library)
        cuda._move(body, columns, x, slice(*rows), geometry, across)
    cuda._kernel.cache_clear()
    return launched[0]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Each kernel as a function, compiled as C++."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler here, which would run the kernels' source on the processor")
    folder, made = tmp_path_factory.mktemp("kernels"), {}

    def function(body, name, dtype):
        if (name, dtype) not in made:
            code = cuda.source(body, np.dtype(dtype).char)
            head = code[code.index(f"void {name}(") + len(f"void {name}(") :]
            declared = head[: head.index(")")]
            passed = ", ".join(p.split()[-1].lstrip("*") for p in declared.split(","))
            path = folder / f"{name}_{np.dtype(dtype)}.cpp"
            path.write_text(AS_CPP.format(source=code, declared=declared, name=name, passed=passed))
            subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", path.with_suffix(".so"), path], check=True)
            made[name, dtype] = ctypes.CDLL(str(path.with_suffix(".so"))).launch
        return made[name, dtype]

    return function


def as_c(value):
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_int(value) if value.dtype == np.int32 else ctypes.c_longlong(value)


@pytest.mark.parametrize("body", [cuda.GATHER, cuda.SCATTER], ids=["gather", "scatter"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize(("dtype", "across", "turned"), [("f", False, False), ("d", True, True), ("q", False, True)])
def test_source_computes_what_its_twin_computes(compiled, body, geometry, dtype, across, turned):
    name, grid, block, args = arguments(body, geometry, dtype, across, turned)
    target = 1 if isinstance(args[1], np.ndarray) else 0
    twins = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in args]
    run_twin(name, twins)
    compiled(body, name, dtype)(*[ctypes.c_int(n) for n in (*grid, *block)], *[as_c(a) for a in args])
    np.testing.assert_array_equal(args[target], twins[target])
    np.testing.assert_array_equal(args[1 - target], twins[1 - target])


def test_source_compiles_for_a_gpu():
    """NVRTC needs no driver: `pip install cupy-cuda12x nvidia-cuda-nvrtc-cu12` brings it."""
    reason = "CuPy is not installed here, which knows how to call NVRTC"
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason=reason)
    try:
        nvrtc.getVersion()
    except Exception as error:  # noqa: BLE001 (each version of CuPy has its own)
        pytest.skip(f"NVRTC's library is not installed here: {error}")
    for char, body in itertools.product(cuda.C_TYPES, (cuda.GATHER, cuda.SCATTER)):
        program = nvrtc.createProgram(cuda.source(body, char), "kernel.cu", [], [])
        nvrtc.compileProgram(program, ["--gpu-architecture=compute_90"])
        assert "_windows(" in str(nvrtc.getPTX(program))
