"""Grouped convolution with wide groups: each group is computed as a separate convolution, by its quickest algorithm."""

from __future__ import annotations

import numpy as np

from minigrad.backend import Array
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Algorithm, Machine, serves_groups
from minigrad.kernels.geometry import Geometry, Pair, Problem

COPIES = 2  # copies that take as long as those of the results of all groups into one array
OVERHEAD = 2e-5  # seconds of Python in three calls for each group


def conv2d(x: Array, w: Array, geometry: Geometry) -> Array:
    """(N, C, H, W), (O, C/groups, kh, kw) -> (N, O, Ho, Wo)."""
    out = np.empty((len(x), len(w), *geometry.windows(x.shape[2:])), x.dtype)
    with dispatch.algorithm(None):
        for channels, outputs in _list_groups(x.shape[1], len(w), geometry):
            out[:, outputs] = dispatch.conv2d(x[:, channels], w[outputs], geometry=_alone(geometry))
    return out


def conv2d_weight(x: Array, g: Array, geometry: Geometry) -> Array:
    """The adjoint in w: (N, C, H, W), (N, O, Ho, Wo) -> (O, C/groups, kh, kw)."""
    w = np.empty((g.shape[1], x.shape[1] // geometry.groups, *geometry.kernel), x.dtype)
    with dispatch.algorithm(None):
        for channels, outputs in _list_groups(x.shape[1], len(w), geometry):
            w[outputs] = dispatch.conv2d_weight(x[:, channels], g[:, outputs], geometry=_alone(geometry))
    return w


def conv2d_input(g: Array, w: Array, geometry: Geometry, size: Pair) -> Array:
    """The adjoint in x: (N, O, Ho, Wo), (O, C/groups, kh, kw) -> (N, C, H, W)."""
    x = np.empty((len(g), w.shape[1] * geometry.groups, *size), g.dtype)
    with dispatch.algorithm(None):
        for channels, outputs in _list_groups(x.shape[1], len(w), geometry):
            x[:, channels] = dispatch.conv2d_input(g[:, outputs], w[outputs], size=size, geometry=_alone(geometry))
    return x


def _list_groups(channels: int, outputs: int, geometry: Geometry) -> list[tuple[slice, slice]]:
    """For each group, the slice of its input channels and the slice of its output channels."""
    C, O = channels // geometry.groups, outputs // geometry.groups
    return [(slice(i * C, (i + 1) * C), slice(i * O, (i + 1) * O)) for i in range(geometry.groups)]


def _alone(geometry: Geometry) -> Geometry:
    """The geometry of the convolution of one group."""
    return geometry._replace(groups=1)


def cost(problem: Problem, machine: Machine) -> float:
    """Seconds of all groups, and of copying their results into one array."""
    (N, C, H, W), groups = problem.image, problem.geometry.groups
    group = problem._replace(
        image=(N, C // groups, H, W), outputs=problem.outputs // groups, geometry=_alone(problem.geometry)
    )
    chosen = dispatch.choose(group.image, group.outputs, group.geometry, group.char)
    copies = machine.copy(COPIES * (problem.windows * problem.outputs + N * C * H * W), H * W)
    return groups * (OVERHEAD + chosen.cost(group, machine)) + copies


ALGORITHM = Algorithm("apart", serves_groups, cost, conv2d, conv2d_input, conv2d_weight)
