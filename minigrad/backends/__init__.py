"""Settings of what computes, under PyTorch's names."""

from minigrad.backends import conv, cuda, cudnn

__all__ = ["conv", "cuda", "cudnn"]
