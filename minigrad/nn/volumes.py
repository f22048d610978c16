"""Convolution layers for volumes and videos."""

from __future__ import annotations

from minigrad.nn.conv import Convolution
from minigrad.nn.conv_transpose import TransposedConvolution
from minigrad.nn.functional.volumes import conv3d, conv_transpose3d


class Conv3d(Convolution):
    """Cross-correlation with learned kernels along three axes: (N, C_in, D, H, W) -> (N, C_out, D_out, H_out, W_out).

    Y[n, o, t, i, j] = b[o]
        + sum over c, a, u, v of W[o, c, a, u, v] X[n, c, t s + a d - p, i s + u d - p, j s + v d - p]

    The same as `Conv2d` with one axis more: the depth of a volume, or the time of a video, whose kernels then see
    motion. Without N too. D_out = floor((D + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, and so the
    others. Weight (C_out, C_in / groups, kd, kh, kw) and bias start in U(-1/sqrt(fan_in), 1/sqrt(fan_in)),
    fan_in = C_in / groups kd kh kw. Options and errors are those of `Conv2d`. As `torch.nn.Conv3d`.

    >>> import minigrad as torch
    >>> layer = torch.nn.Conv3d(1, 1, kernel_size=(2, 1, 1), bias=False)
    >>> layer.weight.data[:] = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1)  # a frame minus the one before
    >>> video = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).reshape(1, 1, 2, 1, 3)  # a dot moves to the right
    >>> layer(video).detach().flatten()
    tensor([-1.,  1.,  0.])
    """

    axes, correlate = 3, staticmethod(conv3d)


class ConvTranspose3d(TransposedConvolution):
    """The transposed convolution of volumes: (N, C_in, D, H, W) -> (N, C_out, D_out, H_out, W_out).

    See `ConvTranspose2d`; the weight is (C_in, C_out / groups, kd, kh, kw). As `torch.nn.ConvTranspose3d`.

    >>> import minigrad as torch
    >>> torch.nn.ConvTranspose3d(4, 2, 2, stride=2)(torch.ones(1, 4, 3, 3, 3)).shape
    minigrad.Size([1, 2, 6, 6, 6])
    """

    axes, transpose_conv = 3, staticmethod(conv_transpose3d)
