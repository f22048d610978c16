"""Runs minigrad/gpu on NumPy arrays: the source of every kernel is compiled for the processor.

Where NVIDIA's compiler is installed, it compiles each of them too.
"""

import contextlib

import numpy as np

from minigrad import backend
from minigrad.gpu import launch
from tests import nvrtc
from tests.kernels.cuda_on_cpu import run


class Library:
    """The part of CuPy that a `Kernel` uses."""

    ndarray = np.ndarray
    launched: list

    @staticmethod
    def RawKernel(code, name, options=()):
        def call(grid, block, arguments, shared_mem=0):
            Library.launched.append(name)
            nvrtc.compile_for_a_gpu(code, *options)
            run(code, name, grid, block, arguments, shared_mem)

        return call


@contextlib.contextmanager
def run_kernels_on_processor(monkeypatch):
    """Within, NumPy's arrays count as arrays of a GPU; yields the list of the names of launched kernels."""
    Library.launched = []
    with monkeypatch.context() as patch:
        patch.setattr(launch, "array_module", lambda array: Library)
        patch.setattr(backend, "gpu_array_type", lambda: np.ndarray)
        yield Library.launched
