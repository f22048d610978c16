"""`multi_head_attention_forward`: several heads attend side by side, each in a part of the features.

Axes: N sequences of a batch, L queries, S keys, E features, H heads of D = E / H features each.
"""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any, NamedTuple

from minigrad.autograd.failed_calls import names_options
from minigrad.creation import zeros
from minigrad.nn.functional import attention_checks as checks
from minigrad.nn.functional.attention import find_idle, scaled_dot_product_attention
from minigrad.nn.functional.dropouts import draw_factors, dropout
from minigrad.nn.functional.linear import linear
from minigrad.nn.functional.padding import pad
from minigrad.ops.arguments import require_tensors
from minigrad.ops.attention import Kept, self_attention
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import cat
from minigrad.ops.masks import make_causal
from minigrad.tensor import Tensor


class Projections(NamedTuple):
    """The weights of a layer of attention; `inward` is one matrix (3E, E), or those of query, key and value."""

    heads: int
    inward: tuple[Tensor, ...]
    inward_bias: Tensor | None
    outward: Tensor
    outward_bias: Tensor | None
    added: tuple[Tensor, ...] = ()  # a key and a value that every query may attend to, (1, 1, E)
    add_zero: bool = False  # the same of zeros
    static: tuple[Tensor | None, Tensor | None] = (None, None)  # keys and values as (N * H, S, D) in place of projected


class Manner(NamedTuple):
    """How heads attend, beside their weights."""

    key_padding_mask: Tensor | None = None
    attn_mask: Tensor | None = None
    is_causal: bool = False
    dropout: float = 0.0
    need_weights: bool = True
    average: bool = True


@names_options
def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """What `nn.MultiheadAttention` computes, with its weights as arguments: ``concat(head_1, ..., head_H) @ W_o.T``.

    Here ``head_i = softmax(q_i @ k_i.mT / sqrt(D) + mask) @ v_i``, where q_i, k_i and v_i are the i-th D = E / H
    features of ``query @ W_q.T + b_q`` and so on.
    Shapes: query (L, N, E), key and value (S, N, features), or all without N; `in_proj_weight` (3E, E), or with
    `use_separate_proj_weight` three matrices (E, features); attn_mask (L, S) or (N * H, L, S), key_padding_mask (N, S),
    output (L, N, E), weights (N, L, S), or (N, H, L, S) unless they are averaged, or None. True in a mask hides a key,
    other than in `scaled_dot_product_attention`; floats are added. `is_causal` says that attn_mask is the causal one.
    Raises AssertionError and RuntimeError for shapes that do not fit.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762, section 3.2.2.

    >>> import minigrad as torch
    >>> one, x = torch.ones(1, 1), torch.tensor([[0.0], [2.0]])
    >>> options = (1, 1, torch.ones(3, 1), None, None, None, False, 0.0, one, None)
    >>> torch.nn.functional.multi_head_attention_forward(torch.zeros(1, 1), x, x, *options)
    (tensor([[1.]]), tensor([[0.5000, 0.5000]]))
    """
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    inward = checks.find_inward(use_separate_proj_weight, in_proj_weight, separate)
    added = checks.find_added(bias_k, bias_v, (static_k, static_v))
    weights = Projections(
        num_heads, inward, in_proj_bias, out_proj_weight, out_proj_bias, added, add_zero_attn, (static_k, static_v)
    )
    chance = dropout_p if training else 0.0
    manner = Manner(key_padding_mask, attn_mask, is_causal, chance, need_weights, average_attn_weights)
    return attend_by_heads(query, key, value, embed_dim_to_check, weights, manner)


@names_options
def attend_by_heads(
    query: Tensor, key: Tensor, value: Tensor, width: int, weights: Projections, manner: Manner
) -> tuple[Tensor, Tensor | None]:
    """The output of all heads for features of the given `width`, and what each query attended to, or None."""
    masks = (manner.key_padding_mask, manner.attn_mask)
    names = "query key value key_padding_mask? attn_mask?"
    require_tensors("multi_head_attention_forward", names, query, key, value, *masks)
    checks.check_axes(query, key, value, *masks, weights.heads)
    if query.ndim == 2:
        return _attend_without_batch(query, key, value, width, weights, manner)
    checks.check_sizes(query, key, value, width, weights, manner)
    attended = None
    merged = _attend_to_itself(query, weights, manner) if query is key is value else None
    if merged is None:
        q, k, v = [_split_into_heads(x, weights.heads) for x in _project(query, key, value, weights)]
        k, v = _add_keys(k, v, weights)
        means, attended = _attend(q, k, v, manner)  # (N, H, L, D), (N, H, L, S)
        merged = means.permute(2, 0, 1, 3).reshape(query.shape)  # (N, H, L, D) -> (L, N, E)
    output = name_last_call(linear(merged, weights.outward, weights.outward_bias), "ViewBackward0")
    return output, attended.mean(1) if attended is not None and manner.average else attended


def _attend_without_batch(
    query: Tensor, key: Tensor, value: Tensor, width: int, weights: Projections, manner: Manner
) -> tuple[Tensor, Tensor | None]:
    """The same for one sequence, (L, E): a batch of one."""
    padding = manner.key_padding_mask
    manner = manner._replace(key_padding_mask=None if padding is None else padding.unsqueeze(0))
    query, key, value = [x.unsqueeze(1) for x in (query, key, value)]
    output, attended = attend_by_heads(query, key, value, width, weights, manner)
    return output.squeeze(1), None if attended is None else attended.squeeze(0)


def _attend_to_itself(x: Tensor, weights: Projections, manner: Manner) -> Tensor | None:
    """The means of the values of all heads, side by side, (L, N, E), if one operation on a CPU serves; else None."""
    plain = len(weights.inward) == 1 and not (weights.added or weights.add_zero or manner.need_weights)
    if not plain or x.is_cuda or weights.static != (None, None):
        return None
    length, batch, _ = x.shape
    if manner.is_causal and manner.key_padding_mask is None:
        mask: Tensor | None = make_causal(x, length, length)
    else:
        mask = _merge_masks((batch, weights.heads, length), x.dtype, manner)
        if mask is not None and (mask.requires_grad or find_idle(mask) is not None):
            return None
    packed = linear(x, weights.inward[0], weights.inward_bias)  # (L, N, 3E)
    drop = partial(draw_factors, p=manner.dropout) if manner.dropout else None
    hidden = None if mask is None else mask.array
    return self_attention(packed, heads=weights.heads, mask=hidden, drop=drop, kept=Kept())


def _project(query: Tensor, key: Tensor, value: Tensor, weights: Projections) -> list[Tensor]:
    """Queries, keys and values, (L, N, E) and (S, N, E)."""
    matrices = weights.inward[0].chunk(3) if len(weights.inward) == 1 else weights.inward
    biases = (None, None, None) if weights.inward_bias is None else weights.inward_bias.chunk(3)
    return [linear(*each) for each in zip((query, key, value), matrices, biases, strict=True)]


def _split_into_heads(x: Tensor, heads: int) -> Tensor:
    """(L, N, E) -> (N, H, L, D)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).permute(1, 2, 0, 3)


def _add_keys(k: Tensor, v: Tensor, weights: Projections) -> tuple[Tensor, Tensor]:
    """Keys and values with those that every query may attend to behind them: a trained pair, and one of zeros."""
    batch, heads, _, size = k.shape
    pairs = zip((k, v), weights.static, strict=True)
    both = [x if given is None else given.view(batch, heads, -1, size) for x, given in pairs]
    if weights.added:
        trained = [x.view(1, heads, 1, size).expand(batch, -1, -1, -1) for x in weights.added]
        both = [cat(pair, 2) for pair in zip(both, trained, strict=True)]
    if weights.add_zero:
        both = [cat([x, zeros(batch, heads, 1, size, dtype=x.dtype, device=x.device)], 2) for x in both]
    return both[0], both[1]


def _attend(q: Tensor, k: Tensor, v: Tensor, manner: Manner) -> tuple[Tensor, Tensor | None]:
    """The means of the values, (N, H, L, D), and their weights, (N, H, L, S), if they are asked for."""
    causal = manner.is_causal and manner.key_padding_mask is None and not manner.need_weights
    mask = None if causal else _merge_masks((*q.shape[:2], k.shape[2]), q.dtype, manner)
    if not manner.need_weights:
        return scaled_dot_product_attention(q, k, v, mask, manner.dropout, causal), None
    scores = (q * sqrt(1 / q.shape[-1])) @ k.mT
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    if manner.dropout > 0:
        weights = dropout(weights, manner.dropout)
    return weights @ v, name_last_call(weights, "ViewBackward0")


def _merge_masks(sizes: tuple[int, int, int], dtype: Any, manner: Manner) -> Tensor | None:
    """What is added to the scores, broadcasting to (N, H, L, S); a mask hides none of the added keys.

    The `sizes` are N, H and S.
    """
    *each, keys = sizes
    padding, mask = manner.key_padding_mask, manner.attn_mask
    padding = None if padding is None else padding[:, None, None]  # (N, 1, 1, S)
    mask = mask if mask is None or mask.ndim == 2 else mask.unflatten(0, each)  # (N, H, L, S)
    masks = [checks.as_added(x, dtype) for x in (mask, padding) if x is not None]
    masks = [pad(x, (0, keys - x.shape[-1])) for x in masks]
    if len(masks) == 2:
        return masks[0] + masks[1]
    return masks[0] if masks else None
