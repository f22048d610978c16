"""NVIDIA's compiler, which needs no GPU: `pip install cupy-cuda12x nvidia-cuda-nvrtc-cu12` brings it."""

from functools import cache

import pytest


@cache
def find():
    """CuPy's binding of NVRTC, or the reason why there is none here."""
    try:
        from cupy_backends.cuda.libs import nvrtc
    except ImportError:
        return None, "CuPy is not installed here, which calls NVRTC"
    try:
        nvrtc.getVersion()
    except Exception as error:  # noqa: BLE001 (each version of CuPy has its own)
        return None, f"NVRTC's library is not installed here: {error}"
    return nvrtc, ""


def require():
    """Skips the calling test where there is no NVRTC."""
    nvrtc, reason = find()
    if nvrtc is None:
        pytest.skip(reason)


@cache
def compile_for_a_gpu(source, *options):
    """The PTX of `source` for an H100, or None without NVRTC; an error shows the compiler's log."""
    nvrtc, _ = find()
    if nvrtc is None:
        return None
    program = nvrtc.createProgram(source, "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, ["--gpu-architecture=compute_90", "-std=c++14", *options])
    except nvrtc.NVRTCError as error:
        raise AssertionError(nvrtc.getProgramLog(program)) from error
    return str(nvrtc.getPTX(program))
