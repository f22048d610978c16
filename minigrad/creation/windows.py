"""Window functions of signal processing (Hann, Hamming, ...), for spectra and for smoothing kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.creation.filled import creates
from minigrad.ops.arguments import as_int, as_number, require_bools
from minigrad.ops.gamma import make_bessel


def _count_points(name: str, window_length: Any, periodic: bool, dtype: Any) -> tuple[Any, int]:
    """The indices k = 0, 1, ..., and the length of the symmetric window (one more if `periodic`)."""
    require_bools(name, periodic=periodic)
    length = as_int(window_length, "window_length")
    if dtype.kind != "f":
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    # A window of one point is 1, as the middle of a window of three: of any shares, of a periodic window, too.
    points = np.ones(1, dtype) if length == 1 else np.arange(length).astype(dtype)
    return points, 3 if length == 1 else length + bool(periodic)


def _sum_cosines(name: str, window_length: Any, periodic: bool, dtype: Any, *shares: float) -> Any:
    """The sum of ``shares[i] cos(2 pi i k / (length - 1))``."""
    points, length = _count_points(name, window_length, periodic, dtype)
    if len(points) == 1:
        return points
    angles = points * dtype.type(2 * math.pi / max(length - 1, 1))
    waves = [np.cos(angles * dtype.type(i)) * dtype.type(share) for i, share in enumerate(shares) if i]
    return sum(waves[::-1], np.zeros(len(points), dtype)) + dtype.type(shares[0])


@creates
def hann_window(window_length: int, periodic: bool = True, *, xp: Any, dtype: Any) -> Any:
    """``(1 - cos(2 pi k / N)) / 2`` for k < N; without `periodic` divided by N - 1, so that both ends are 0.

    Raises RuntimeError for a negative length and for dtypes that are no floats. So do all windows.

    >>> import minigrad as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _sum_cosines("hann_window", window_length, periodic, dtype, 0.5, -0.5)


@creates
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, xp: Any, dtype: Any
) -> Any:
    """``alpha - beta cos(2 pi k / N)``: see `hann_window`.

    >>> import minigrad as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    alpha, beta = as_number("hamming_window", "alpha", alpha), as_number("hamming_window", "beta", beta)
    return _sum_cosines("hamming_window", window_length, periodic, dtype, alpha, -beta)


@creates
def blackman_window(window_length: int, periodic: bool = True, *, xp: Any, dtype: Any) -> Any:
    """``0.42 - 0.5 cos(2 pi k / N) + 0.08 cos(4 pi k / N)``: see `hann_window`.

    >>> import minigrad as torch
    >>> torch.blackman_window(5, dtype=torch.float64)[1:]
    tensor([0.2008, 0.8492, 0.8492, 0.2008], dtype=minigrad.float64)
    """
    return _sum_cosines("blackman_window", window_length, periodic, dtype, 0.42, -0.5, 0.08)


@creates
def bartlett_window(window_length: int, periodic: bool = True, *, xp: Any, dtype: Any) -> Any:
    """A triangle, ``1 - |2 k / N - 1|``: see `hann_window`.

    >>> import minigrad as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    points, length = _count_points("bartlett_window", window_length, periodic, dtype)
    return 1 - np.abs(points * dtype.type(2 / max(length - 1, 1)) - 1)


@creates
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, xp: Any, dtype: Any) -> Any:
    """``i0(beta sqrt(1 - (2 k / N - 1)**2)) / i0(beta)``: see `hann_window`. The larger `beta`, the narrower.

    >>> import minigrad as torch
    >>> torch.kaiser_window(4, beta=4.0)
    tensor([0.0885, 0.6334, 1.0000, 0.6334])
    """
    points, length = _count_points("kaiser_window", window_length, periodic, dtype)
    if len(points) == 1:
        return points
    from_middle = points.astype(np.float64) * (2 / max(length - 1, 1)) - 1
    rate = as_number("kaiser_window", "beta", beta)
    shape = make_bessel(0)(rate * np.sqrt(np.maximum(1 - from_middle**2, 0.0)))
    return (shape / make_bessel(0)(np.array(rate, np.float64))).astype(dtype)
