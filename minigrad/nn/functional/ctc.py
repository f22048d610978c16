"""`ctc_loss`: connectionist temporal classification, for sequences that are not aligned with their targets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np

from minigrad.creation import full, tensor
from minigrad.nn.functional.shared_by_losses import loss
from minigrad.ops.arguments import as_int, require_bools, require_floats
from minigrad.ops.composed import read_from
from minigrad.ops.gather import gather
from minigrad.ops.join import cat, stack
from minigrad.ops.masks import where
from minigrad.ops.reduce_variants import logsumexp
from minigrad.shown_values import shorten
from minigrad.tensor import Tensor

_NEVER = -1e30  # log(0), but finite, so that the gradient is 0 and not NaN


@loss
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[int], target_lengths: Tensor | Sequence[int],
    blank: int = 0, reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """``-log`` of the probability of all alignments that give `targets` when repeats and then `blank` are removed.

    Shapes: log_probs (T, N, C) or (T, C); targets (N, S), or all targets concatenated; lengths (N,). The mean is over
    each loss divided by its target's length. A target longer than its input gives inf, or with `zero_infinity` 0 with
    a gradient of 0. Raises RuntimeError for shapes and lengths that do not fit.
    Source: Graves et al., "Connectionist Temporal Classification", 2006, section 4.1.

    >>> import minigrad as torch
    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.functional.ctc_loss(log_probs, torch.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """
    require_floats("ctc_loss", log_probs)
    require_bools("ctc_loss", zero_infinity=zero_infinity)
    _check_shapes(log_probs, targets)
    batched = log_probs.ndim == 3
    scores = log_probs if batched else log_probs.unsqueeze(1)  # (T, N, C)
    inputs, lengths = _as_lengths("input_lengths", input_lengths), _as_lengths("target_lengths", target_lengths)
    blank = as_int(blank, "blank")
    rows = _read_targets(scores, targets, inputs, lengths, blank)
    losses = -_log_likelihood(scores, rows, inputs, lengths, blank)
    losses = where(losses > -0.5 * _NEVER, 0.0 if zero_infinity else inf, losses)  # no alignment gives the target
    losses = read_from(losses, "CtcLossBackward0", log_probs, targets, losses)
    if reduction == "none":
        return losses if batched else losses.squeeze(0)
    if reduction == "sum":
        return losses.sum()
    return (losses / tensor(np.maximum(lengths, 1), device=losses.device).to(losses.dtype)).mean()


def _as_lengths(name: str, given: Any) -> np.ndarray:
    """The lengths as a NumPy array."""
    array = np.atleast_1d(given.numpy(force=True) if isinstance(given, Tensor) else np.asarray(given))
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise RuntimeError(f"ctc_loss: {name} must be one integer for each sequence, got {shorten(given, str)}")
    return array.astype(np.int64)


def _check_shapes(log_probs: Tensor, targets: Tensor) -> None:
    """Raises unless `log_probs` is (T, N, C) or (T, C) and not empty, and `targets` is (N, S) or concatenated."""
    shape, of_targets = list(log_probs.shape), list(targets.shape)
    if len(shape) not in (2, 3):
        raise RuntimeError(f"ctc_loss: expected log_probs of 2 or 3 dimensions, (T, C) or (T, N, C), got {shape}")
    if not log_probs.array.size:
        raise RuntimeError(f"ctc_loss: log_probs tensor must not be empty, got shape {shape}")
    if len(of_targets) not in (1, 2):
        detail = f"expected targets of 1 or 2 dimensions, (N, S) or all of them in a row, got {of_targets}"
        raise RuntimeError(f"ctc_loss: {detail}")


def _read_targets(scores: Tensor, targets: Tensor, inputs: np.ndarray, lengths: np.ndarray, blank: int) -> np.ndarray:
    """The targets as an array (N, S), padded with `blank`, after checks of lengths and values."""
    T, N, C = scores.shape
    if len(inputs) != N or len(lengths) != N:
        which = "input_lengths" if len(inputs) != N else "target_lengths"
        got = f"got {list(scores.shape)} with {len(inputs)} input_lengths and {len(lengths)} target_lengths"
        raise RuntimeError(
            f"{which} must be of size batch_size: ctc_loss expected log_probs (T, N, C) and {N} lengths each, {got}"
        )
    if targets.ndim == 2 and targets.shape[0] != N:
        raise RuntimeError(f"ctc_loss: expected targets of {N} sequences, (N, S), got {list(targets.shape)}")
    if not 0 <= blank < C:
        raise RuntimeError(f"ctc_loss: blank must be in label range [0, {C}), got {blank}")
    if inputs.max(initial=0) > T or inputs.min(initial=0) < 0 or lengths.min(initial=0) < 0:
        got = f"{inputs.tolist()} and {lengths.tolist()}"
        raise RuntimeError(f"Expected input_lengths to have value at most {T}, and no negative lengths, but got {got}")
    classes = targets.numpy(force=True)
    if classes.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: targets must be class numbers, long or int, got {targets.dtype}")
    rows = np.full((N, max(int(lengths.max(initial=0)), 1)), blank, np.int64)
    ends = np.cumsum(lengths)
    for n, (length, end) in enumerate(zip(lengths, ends, strict=True)):
        row = classes[n] if classes.ndim == 2 else classes[end - length : end]
        if len(row) < length:
            raise RuntimeError(f"Expected targets to hold {length} classes for sequence {n}, but got {len(row)}")
        rows[n, :length] = row[:length]
    if ((rows < 0) | (rows >= C)).any():
        raise RuntimeError(f"ctc_loss: a target is out of range [0, {C})")
    return rows


def _log_likelihood(scores: Tensor, rows: np.ndarray, inputs: np.ndarray, lengths: np.ndarray, blank: int) -> Tensor:
    """Log p of each target, (N,), by the forward recursion over its states (blank, first, blank, second, ..., blank).

    alpha[s] is log p of all alignments so far that end in state s. They stayed in s, came from s - 1, or skipped the
    blank between two different classes; equal classes need it, because repeats are removed.
    """
    T, N, _ = scores.shape
    states = np.full((N, 2 * rows.shape[1] + 1), blank, np.int64)
    states[:, 1::2] = rows
    skips = np.zeros(states.shape, bool)
    skips[:, 3::2] = rows[:, 1:] != rows[:, :-1]
    on_device = partial(tensor, device=scores.device)
    seen = gather(scores, 2, on_device(states).expand(T, *states.shape)).unbind()  # of each time (N, states)
    never = full((N, 2), _NEVER, dtype=scores.dtype, device=scores.device)
    closed = on_device(np.where(skips, 0.0, _NEVER)).to(scores.dtype)
    alpha = where(on_device(np.arange(states.shape[1]) < 2), seen[0], _NEVER)  # begins with a blank or the first class
    steps = [alpha]
    for t in range(1, T):
        earlier = cat([never, alpha], 1)  # the states before the first one are never reached
        alpha = seen[t] + logsumexp(stack([alpha, earlier[:, 1:-1], earlier[:, :-2] + closed]), 0)
        steps.append(alpha)
    last = stack(steps)[on_device(np.maximum(inputs - 1, 0)), on_device(np.arange(N))]  # (N, states)
    ends = gather(last, 1, on_device(np.stack([2 * lengths, np.maximum(2 * lengths - 1, 0)], 1)))  # blank, last class
    ends = where(on_device(np.stack([lengths >= 0, lengths > 0], 1)), ends, _NEVER)
    of_no_input = on_device(np.where(lengths == 0, 0.0, _NEVER)).to(scores.dtype)
    return where(on_device(inputs > 0), logsumexp(ends, 1), of_no_input)
