"""Initialization by special matrices, such as `eye_` and `orthogonal_`; `trunc_normal_`; and the older names of all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ParamSpec

import numpy as np

from minigrad.advice import warn
from minigrad.creation.drawn import randperm
from minigrad.creation.foreign import from_numpy
from minigrad.generator import Generator
from minigrad.nn.init.xavier_kaiming import (
    constant_,
    fills_outside_graph,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from minigrad.old_names import keep_old_name
from minigrad.ops.masks import where
from minigrad.tensor import Tensor

P = ParamSpec("P")


@fills_outside_graph
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as much of it as fits. Raises `ValueError` unless there are two axes.

    >>> import minigrad as torch
    >>> torch.nn.init.eye_(torch.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    _require_matrix(tensor)
    zeros_(tensor)
    tensor.diagonal().fill_(1.0)
    return tensor


def _require_matrix(tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {tuple(tensor.shape)}")


@fills_outside_graph
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution weights (out, in, *kernel) that copy each channel: 1 in the centre of the kernel, 0 elsewhere.

    Raises `ValueError` for other than 3 to 5 axes and for outputs that do not divide into `groups`.

    >>> import minigrad as torch
    >>> torch.nn.init.dirac_(torch.empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"Only tensors with 3, 4, or 5 dimensions are supported, got {tuple(tensor.shape)}")
    if tensor.shape[0] % groups:
        raise ValueError(f"dim 0 must be divisible by groups, got {tensor.shape[0]} and {groups}")
    out = tensor.shape[0] // groups
    middle = [n // 2 for n in tensor.shape[2:]]
    zeros_(tensor)
    for g in range(groups):
        for d in range(min(out, tensor.shape[1])):
            tensor[(g * out + d, d, *middle)] = 1.0
    return tensor


@fills_outside_graph
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """An orthogonal matrix times `gain`, of the tensor seen as (shape[0], rest): rows or columns of length 1.

    Raises `ValueError` for fewer than two axes, `NotImplementedError` for half precision. Source: Saxe et al., "Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.

    >>> import minigrad as torch
    >>> w = torch.nn.init.orthogonal_(torch.empty(2, 3))
    >>> torch.allclose(w @ w.T, torch.eye(2), atol=1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got {tuple(tensor.shape)}")
    if not tensor.numel():
        return tensor
    if tensor.array.dtype.char not in "fd":
        what = tensor.type().replace("Tensor", "").rpartition(".")[2]
        detail = "fill a float32 tensor, and convert it"
        raise NotImplementedError(f"\"orthogonal_\" not implemented for '{what}'; {detail}")
    rows = tensor.shape[0]
    drawn = tensor.new_empty(rows, tensor.numel() // rows).normal_(0, 1, generator=generator).cpu().numpy()
    q, r = np.linalg.qr(drawn.T if rows < drawn.shape[1] else drawn)
    q *= np.sign(np.diag(r))  # makes the result independent of the signs that LAPACK chose
    tensor.copy_(from_numpy(np.ascontiguousarray(q.T if rows < drawn.shape[1] else q)).reshape(tensor.shape))
    return tensor.mul_(gain)


@fills_outside_graph
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """N(mean, std^2) restricted to [a, b]: numbers outside are drawn again.

    If [a, b] holds less than 0.3 of the distribution, numbers are drawn uniformly in it, and each is accepted with
    probability density(number) / maximal density. Warns when the mean lies more than two standard deviations outside.
    Source: J. von Neumann, "Various techniques used in connection with random digits", 1951.

    >>> import minigrad as torch
    >>> bool(torch.nn.init.trunc_normal_(torch.empty(100), a=-1.0, b=1.0).abs().max() <= 1.0)
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_: the distribution may be incorrect.")
    low, high = [math.erf((limit - mean) / std / math.sqrt(2.0)) for limit in (a, b)]
    draw = _draw_normal if (high - low) / 2 > 0.3 else _draw_uniform
    missing = draw(tensor, mean, std, a, b, generator)
    while missing.any():
        again = tensor.clone()
        still = draw(again, mean, std, a, b, generator)
        tensor.copy_(where(missing, again, tensor))
        missing = missing & still
    return tensor


def _draw_normal(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Tensor:
    """Fills with draws of N(mean, std^2); returns a mask of those outside [a, b], rounded to the tensor's dtype."""
    tensor.normal_(mean, std, generator=generator)
    return (tensor < tensor.new_tensor(a)) | (tensor > tensor.new_tensor(b))


def _draw_uniform(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Tensor:
    """Fills with uniform draws from [a, b]; returns a mask of those that are not accepted."""
    tensor.uniform_(a, b, generator=generator)
    peak = -0.5 * ((min(max(mean, a), b) - mean) / std) ** 2  # the logarithm of the maximal density in [a, b]
    density = tensor.sub(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
    return tensor.clone().uniform_(generator=generator).log_() > density


@fills_outside_graph
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """N(0, std^2), and in every column a share `sparsity` of zeros. Raises `ValueError` unless there are two axes.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010.

    >>> import minigrad as torch
    >>> (torch.nn.init.sparse_(torch.empty(4, 2), 0.5) == 0).sum(0)
    tensor([2, 2])
    """
    _require_matrix(tensor)
    rows, columns = tensor.shape
    normal_(tensor, 0, std, generator)
    for column in range(columns):
        tensor[randperm(rows)[: math.ceil(sparsity * rows)], column] = 0
    return tensor


def _drop_underscore(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """`function` as older programs call it."""
    new = function.__name__
    old = new.removesuffix("_")
    shape, further = "2, 2, 3" if old == "dirac" else "2, 2", ", 0.5" if old in ("constant", "sparse") else ""
    warning = f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`."
    return keep_old_name(function, __name__, old, warning, f"nn.init.{old}(torch.empty({shape}){further})")


uniform, normal, constant, eye, dirac = [_drop_underscore(f) for f in (uniform_, normal_, constant_, eye_, dirac_)]
xavier_uniform, xavier_normal = [_drop_underscore(f) for f in (xavier_uniform_, xavier_normal_)]
kaiming_uniform, kaiming_normal = [_drop_underscore(f) for f in (kaiming_uniform_, kaiming_normal_)]
orthogonal, sparse = [_drop_underscore(f) for f in (orthogonal_, sparse_)]
