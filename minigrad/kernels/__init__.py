"""Convolution and pooling on plain arrays: arrays in, arrays out; no tensors, no graphs.

Convolution is one trilinear form: `conv2d(x, w)`, its adjoint in x (`conv2d_input`) and its
adjoint in w (`conv2d_weight`), with

    <conv2d(x, w), g> = <x, conv2d_input(g, w)> = <w, conv2d_weight(x, g)>.

`geometry.py` holds stride, padding, dilation and groups. Several algorithms compute these three functions, each in a
file of its own: begin with `direct` (the loops of the definition), `im2col` and `tiny`; faster ones are in `fast/`.
`dispatch.py` chooses one for each call.
"""

from minigrad.kernels.adaptive_pool import adaptive_avg_pool2d as adaptive_avg_pool2d
from minigrad.kernels.adaptive_pool import adaptive_avg_pool2d_input as adaptive_avg_pool2d_input
from minigrad.kernels.adaptive_pool import adaptive_max_pool2d as adaptive_max_pool2d
from minigrad.kernels.dispatch import algorithm as algorithm
from minigrad.kernels.dispatch import conv2d as conv2d
from minigrad.kernels.dispatch import conv2d_bias as conv2d_bias
from minigrad.kernels.dispatch import conv2d_input as conv2d_input
from minigrad.kernels.dispatch import conv2d_weight as conv2d_weight
from minigrad.kernels.geometry import Geometry as Geometry
from minigrad.kernels.im2col import fold as fold
from minigrad.kernels.im2col import unfold as unfold
from minigrad.kernels.pool import avg_pool2d as avg_pool2d
from minigrad.kernels.pool import avg_pool2d_input as avg_pool2d_input
from minigrad.kernels.pool import max_pool2d as max_pool2d
from minigrad.kernels.pool import max_pool2d_gather as max_pool2d_gather
from minigrad.kernels.pool import max_pool2d_input as max_pool2d_input
from minigrad.kernels.pool import sees_everywhere as sees_everywhere
from minigrad.kernels.workspace import release_workspaces as release_workspaces
from minigrad.kernels.workspace import workspace_bytes as workspace_bytes
