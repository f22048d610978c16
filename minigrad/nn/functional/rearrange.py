"""`pixel_shuffle`, `pixel_unshuffle` and `channel_shuffle`: they only move elements."""

from __future__ import annotations

from math import prod

from minigrad.autograd.failed_calls import names_options
from minigrad.ops.arguments import as_int, require_tensors
from minigrad.ops.composed import recorded_as
from minigrad.ops.copies import copy_operation
from minigrad.ops.shape import permute, reshape
from minigrad.tensor import Tensor


@names_options
@recorded_as("PixelShuffleBackward0")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """``(*, C*r*r, H, W) -> (*, C, H*r, W*r)``: r*r channels become a block of r by r pixels.

    Raises RuntimeError for fewer than 3 axes and for channels that do not divide, ValueError for a factor whose square
    int64 does not hold.
    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016.

    >>> import minigrad as torch
    >>> torch.nn.functional.pixel_shuffle(torch.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    *N, C, H, W = _read_image_shape("pixel_shuffle", input)
    r = _read_factor("pixel_shuffle", "an upscale_factor", upscale_factor)
    if r * r >= 2**63:
        raise ValueError(f"upscale factor is too large, (upscale_factor)^2 overflowed: upscale_factor={r}")
    if C % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={C} is not divisible by {r * r}"
        )
    n, split = len(N), (*N, C // (r * r), r, r, H, W)  # (*, C, r, r, H, W) -> (*, C, H, r, W, r)
    return _deal_out(input, split, (*range(n + 1), n + 3, n + 1, n + 4, n + 2), (*N, C // (r * r), H * r, W * r))


@names_options
@recorded_as("PixelUnshuffleBackward0")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """``(*, C, H*r, W*r) -> (*, C*r*r, H, W)``: the inverse of `pixel_shuffle`.

    Raises RuntimeError for fewer than 3 axes and for sides that do not divide.

    >>> import minigrad as torch
    >>> torch.nn.functional.pixel_unshuffle(torch.arange(4.0).reshape(1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    *N, C, H, W = _read_image_shape("pixel_unshuffle", input)
    r = _read_factor("pixel_unshuffle", "a downscale_factor", downscale_factor)
    for name, length in (("height", H), ("width", W)):
        if length % r:
            detail = f"but {length} is not divisible by {r}"
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, {detail}")
    n, split = len(N), (*N, C, H // r, r, W // r, r)  # (*, C, H, r, W, r) -> (*, C, r, r, H, W)
    return _deal_out(input, split, (*range(n + 1), n + 2, n + 4, n + 1, n + 3), (*N, C * r * r, H // r, W // r))


@names_options
@recorded_as("ChannelShuffleBackward0")
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleaves the channels of `groups` groups, (N, C, ...) to the same shape.

    Raises RuntimeError for fewer than 3 axes and for channels that do not divide.
    Source: Zhang et al., "ShuffleNet", 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.channel_shuffle(torch.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    require_tensors("channel_shuffle", "input", input)
    shape = tuple(input.array.shape)
    if len(shape) < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}")
    g = _read_factor("channel_shuffle", "groups", groups)
    if shape[1] % g:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {shape[1]} channels and {g} groups.")
    return _deal_out(input, (shape[0], g, shape[1] // g, prod(shape[2:])), (0, 2, 1, 3), shape)


def _deal_out(input: Tensor, split: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """A copy of `input` with its axes split, permuted and joined to `shape`."""
    dealt = reshape(permute(reshape(input, split), order), shape)
    return dealt if dealt.view_of is None else copy_operation(dealt, order="C")


def _read_image_shape(name: str, input: Tensor) -> tuple[int, ...]:
    require_tensors(name, "input", input)
    shape = tuple(input.array.shape)
    if len(shape) < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, but got input with {len(shape)}")
    return shape


def _read_factor(name: str, what: str, value: int) -> int:
    factor = as_int(value, what)
    if factor <= 0:
        raise RuntimeError(f"{name} expects {what} that is positive, but got {factor}")
    return factor
