"""`torch.backends`: settings of the libraries that compute."""

from minigrad.backends import conv, cpu, cuda, cudnn, mha
from minigrad.backends.absent import mkl, mkldnn, mps, nnpack, openmp, opt_einsum, xnnpack

__all__ = [
    "conv", "cpu", "cuda", "cudnn", "mha", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum", "xnnpack",
]  # fmt: skip
