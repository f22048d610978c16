"""``softmax(scale * query @ key.mT + mask) @ value`` as one operation, with the gradients of all three.

Shapes: query (*, L, E), key (*, S, E), value (*, S, V), the weights of the values (*, L, S), the result (*, L, V).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.joint import joint_operation
from minigrad.autograd.messages import overwritten
from minigrad.autograd.recording import operation
from minigrad.layout import invert
from minigrad.ops.activation import softmax_operation
from minigrad.ops.grad_fn_names import shown_as
from minigrad.ops.matmul import multiply_matrices, product_of
from minigrad.passes import in_parts, is_large


class Kept:
    """What the forward keeps for the gradients."""

    __slots__ = ("factors", "mask", "scaled", "version", "weights")

    scaled: Any  # query * scale
    weights: Any  # after the softmax, (*, L, S)
    factors: Any  # of a dropout, by which they are multiplied then, or None

    def __init__(self, mask: Any = None) -> None:
        """`mask`: the tensor of the mask, if others may write to it."""
        self.mask = mask
        self.version = 0 if mask is None else mask.writes[0]

    def check_mask(self) -> None:
        """Raises if the mask was written to: weights that are computed again would be others than the forward's."""
        now = 0 if self.mask is None else self.mask.writes[0]
        if now != self.version:
            raise overwritten("scaled_dot_product_attention", None, self.mask.array.shape, self.version, now)


def _apply(ufunc: Any, x: Any, y: Any) -> Any:
    return in_parts(ufunc, x, y) if is_large(x) else ufunc(x, y)


def _weigh(query: Any, key: Any, mask: Any, scale: float) -> tuple[Any, Any]:
    """``query * scale``, and the weights of the values."""
    scaled = _apply(np.multiply, query, scale)
    scores = product_of(scaled, key.mT)
    if mask is not None:
        scores = _apply(np.add, scores, mask)
    return scaled, softmax_operation(scores, dim=scores.ndim - 1)


def _forward(
    query: Any, key: Any, value: Any, *, mask: Any, scale: float, drop: Any, order: Any, kept: Kept
) -> Any:  # fmt: skip
    kept.scaled, kept.weights = _weigh(query, key, mask, scale)
    kept.factors = None if drop is None else drop(kept.weights)
    means = product_of(_drop(kept.weights, kept.factors), value)
    return means if order is None else np.ascontiguousarray(means.transpose(order)).transpose(invert(order))


def _drop(weights: Any, factors: Any) -> Any:
    return weights if factors is None else _apply(np.multiply, weights, factors)


def _backward(
    g: Any, query: Any, key: Any, value: Any, mask: Any, scale: float, kept: Kept
) -> tuple[Callable[[], Any], ...]:
    """The gradients of query, key and value, as functions: each is computed only if it is wanted."""
    scaled, weights, factors = kept.scaled, kept.weights, kept.factors
    if isinstance(g, TensorBase):  # computed again, so that it can be differentiated again
        kept.check_mask()
        scaled, weights = _weigh(query, key, mask, scale)
        factors = factors if factors is None else wrap(factors)
    found: list[Any] = []

    def find_slope() -> Any:  # the gradient of the scores, which those of query and key share
        if not found:
            dropped = _drop(multiply_matrices(g, value.mT), factors)  # (*, L, V) @ (*, V, S) -> (*, L, S)
            found.append(softmax_operation.rules[0](dropped, weights, weights.ndim - 1))  # type: ignore[misc]
        return found[0]

    return (
        lambda: _apply(np.multiply, multiply_matrices(find_slope(), key), scale),
        lambda: multiply_matrices(scaled.mT, find_slope()).mT,  # (*, E, L) @ (*, L, S) -> (*, E, S) -> (*, S, E)
        lambda: multiply_matrices(_drop(weights, factors).mT, g),
    )


# `mask`, an array or None, is added to the scores. ``drop(weights)`` gives the factors of a dropout. The axes of the
# result lie in memory in this `order`, the outermost first; None: as they stand.
attention = joint_operation("attention", _forward, _backward, "UnsafeViewBackward0")
attention_of_matrices = shown_as(attention, "MmBackward0")


# ---- several heads of a sequence that attends to itself -----------------------------------------
def _split(packed: Any, heads: int) -> list[Any]:
    """Queries, keys and values side by side, (L, N, 3E), as three of (N, H, L, D)."""
    length, batch, width = packed.shape
    parts = packed.reshape(length, batch, 3, heads, width // (3 * heads))
    return [np.transpose(parts[:, :, i], (1, 2, 0, 3)) for i in range(3)]


def _forward_of_heads(packed: Any, *, heads: int, mask: Any, drop: Any, kept: Kept) -> Any:
    query, key, value = _split(packed, heads)
    means = _forward(query, key, value, mask=mask, scale=_usual_scale(query), drop=drop, order=None, kept=kept)
    length, batch, width = packed.shape
    return np.transpose(means, (2, 0, 1, 3)).reshape(length, batch, width // 3)  # (N, H, L, D) -> (L, N, E)


def _usual_scale(query: Any) -> float:
    return query.shape[-1] ** -0.5


def _rule_of_heads(g: Any, packed: Any, heads: int, mask: Any, kept: Kept) -> Any:
    query, key, value = _split(packed, heads)
    length, batch, width = g.shape
    g = np.transpose(g.reshape(length, batch, heads, width // heads), (1, 2, 0, 3))  # (L, N, E) -> (N, H, L, D)
    parts = _backward(g, query, key, value, mask, _usual_scale(query), kept)
    side_by_side = [np.transpose(part(), (2, 0, 1, 3)).reshape(length, batch, width) for part in parts]
    return np.concatenate(side_by_side, 2)  # (L, N, 3E)


self_attention = operation("self_attention", _forward_of_heads, _rule_of_heads, in_float32=True)
