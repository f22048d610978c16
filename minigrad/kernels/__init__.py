"""Convolution and pooling on plain arrays: arrays in, arrays out; no tensors, no graphs.

Convolution is one trilinear form: `conv2d(x, w)`, its adjoint in x (`conv2d_input`) and its
adjoint in w (`conv2d_weight`), with

    <conv2d(x, w), g> = <x, conv2d_input(g, w)> = <w, conv2d_weight(x, g)>.

`choose.py` picks one of several ways to compute it, each a file of its own: `direct` (the loops of
the definition), `tiny`, `im2col`, `mec`, `pointwise`, `depthwise`, `winograd`. Inputs may have
any strides and are never modified; results own their memory.
"""

from minigrad.kernels.choose import algorithm as algorithm
from minigrad.kernels.choose import conv2d as conv2d
from minigrad.kernels.choose import conv2d_input as conv2d_input
from minigrad.kernels.choose import conv2d_weight as conv2d_weight
from minigrad.kernels.im2col import fold as fold
from minigrad.kernels.im2col import unfold as unfold
from minigrad.kernels.pool import max_pool2d as max_pool2d
from minigrad.kernels.pool import max_pool2d_gather as max_pool2d_gather
from minigrad.kernels.pool import max_pool2d_input as max_pool2d_input
from minigrad.kernels.pool import pooled_length as pooled_length
from minigrad.kernels.windows import output_length as output_length
from minigrad.kernels.workspace import release_workspaces as release_workspaces
from minigrad.kernels.workspace import workspace_bytes as workspace_bytes
