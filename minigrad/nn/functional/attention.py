"""`scaled_dot_product_attention`: every query takes a mean of the values, weighted by how well their keys fit it."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.failed_calls import names_options
from minigrad.creation import ones
from minigrad.layout import find_memory_order
from minigrad.nn.functional.attention_checks import as_added
from minigrad.nn.functional.dropouts import draw_factors, dropout
from minigrad.ops.arguments import as_number, require_bools, require_floats, require_tensors
from minigrad.ops.attention import Kept, attention, attention_of_matrices
from minigrad.ops.copies import lay_in_order
from minigrad.ops.gather import repeat_interleave
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.masks import find_hidden_rows, make_causal, where
from minigrad.ops.precision import in_float32
from minigrad.size import broadcasts
from minigrad.tensor import Tensor

_FLASH = "ScaledDotProductFlashAttentionForCpuBackward0"  # PyTorch's kernel for four axes and no dropout


@names_options
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """``softmax(query @ key.mT * scale + attn_mask) @ value``; `scale` is ``1 / sqrt(E)`` unless it is given.

    Shapes: query (*, L, E), key (*, S, E), value (*, S, V), attn_mask broadcasts to (*, L, S), output (*, L, V). A bool
    mask says which keys a query may attend to, a float mask is added; a query that may attend to no key gives zeros.
    `is_causal` means the mask ``ones(L, S).tril()``, also beside another mask. Weights are dropped with probability
    `dropout_p`, also outside training. With `enable_gqa` several heads of queries, axis -3, share a head of keys and
    values. Raises RuntimeError for fewer than two axes, several dtypes, a mask that does not broadcast to the weights,
    a probability outside [0, 1], and heads that are no multiple.
    With four axes the output lies in memory as the query does.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html

    >>> import minigrad as torch
    >>> x = torch.tensor([[0.0, 0.0], [2.0, 4.0]])
    >>> torch.nn.functional.scaled_dot_product_attention(torch.zeros(2, 2), x, x, is_causal=True)
    tensor([[0., 0.],
            [1., 2.]])
    """
    name = "scaled_dot_product_attention"
    require_tensors(name, "query key value attn_mask?", query, key, value, attn_mask)
    require_bools(name, is_causal=is_causal, enable_gqa=enable_gqa)
    _check(query, key, value, attn_mask, as_number(name, "dropout_p", dropout_p))
    if enable_gqa:
        key, value = [_share_heads(query, x) for x in (key, value)]
    if is_causal and attn_mask is not None:
        attn_mask, is_causal = _hide_later_keys(query, key, attn_mask), False
    factor = max(query.shape[-1], 1) ** -0.5 if scale is None else as_number(name, "scale", scale)
    adjacent = all(x.array.flags.c_contiguous or x.stride()[-1] == 1 for x in (query, key, value))
    flash = query.ndim == 4 and query.shape[-1] == value.shape[-1] and adjacent and not dropout_p
    if not flash or (attn_mask is not None and attn_mask.requires_grad):
        return _attend(query, key, value, attn_mask, factor, dropout_p, is_causal)
    # so that heads that were split by view and transpose are merged again by transpose and view
    order = None if query.array.flags.c_contiguous else find_memory_order(query.shape, query.stride())
    result = _attend(query, key, value, attn_mask, factor, dropout_p, is_causal, order)
    return name_last_call(result if order is None else lay_in_order(result, order), _FLASH)


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float) -> None:
    """Raises RuntimeError for axes and dtypes that do not fit, and for what is no probability."""
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if min(query.ndim, key.ndim, value.ndim) < 2:
        axes = f"query.dim: {query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim}"
        raise RuntimeError(
            f"Expected query, key, and value to all be at least 2 dimensional, (*, L, E), but got {axes}"
        )
    if not query.dtype == key.dtype == value.dtype:
        kinds = f"query.dtype: {query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype}"
        raise RuntimeError(f"Expected query, key, and value to have the same dtype, but got {kinds}")
    require_floats("scaled_dot_product_attention", query)
    if attn_mask is not None and attn_mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
        kinds = f"attn_mask.dtype: {attn_mask.dtype} and query.dtype: {query.dtype}"
        raise RuntimeError(f"Expected attn_mask dtype to be bool or to match query dtype, but got {kinds}")


def _hide_later_keys(query: Tensor, key: Tensor, mask: Tensor) -> Tensor:
    """A mask by which a query attends to no key that stands after it, and to those alone that `mask` allows."""
    earlier = ones(query.shape[-2], key.shape[-2], dtype=dtypes.bool_, device=query.device).tril()
    return mask & earlier if mask.dtype is dtypes.bool_ else where(earlier, mask, -inf)


def _share_heads(query: Tensor, x: Tensor) -> Tensor:
    """Keys or values, each head repeated for the heads of queries that share it: (*, Hk, S, E) -> (*, H, S, E)."""
    heads = [y.shape[-3] if y.ndim > 2 else 1 for y in (query, x)]
    if not heads[1] or heads[0] % heads[1]:
        detail = f"the query has {heads[0]}, key or value {heads[1]}"
        raise RuntimeError(f"Number of heads in key and value must divide the number of heads in query: {detail}")
    return repeat_interleave(x, heads[0] // heads[1], -3)


@in_float32
def _attend(
    query: Any, key: Any, value: Any, mask: Any, scale: float, dropout_p: float, is_causal: bool, order: Any = None
) -> Any:  # fmt: skip
    idle = None if mask is None else find_idle(mask)
    added = _find_added(query, key, mask, is_causal)
    if idle is None and _one_operation_serves(query, key, value, added):
        attend = attention if query.ndim > 2 else attention_of_matrices
        hidden = None if added is None else added.array
        drop = partial(draw_factors, p=dropout_p) if dropout_p else None
        return attend(query, key, value, mask=hidden, scale=scale, drop=drop, order=order, kept=Kept(added))
    scores = (query * scale) @ key.mT  # (*, L, S)
    if added is not None:
        if not broadcasts(added.shape, scores.shape):
            detail = f"must broadcast to the shape of the weights, (*, L, S) = {tuple(scores.shape)}"
            raise RuntimeError(f"scaled_dot_product_attention: attn_mask of shape {tuple(mask.shape)} {detail}")
        scores = scores + added
    if idle is None:
        return dropout(scores.softmax(-1), dropout_p) @ value
    weights = scores.masked_fill(idle, 0.0).softmax(-1)  # of -inf alone the softmax would be NaN, and its gradient
    return dropout(weights.masked_fill(idle, 0.0), dropout_p) @ value


def _find_added(query: Any, key: Any, mask: Any, is_causal: bool) -> Any:
    """What is added to the scores: a mask of floats as it is, 0 or -inf for one of bools and a causal one; or None."""
    if mask is not None:
        return as_added(~mask, query.dtype) if mask.dtype is dtypes.bool_ else mask
    return make_causal(query, query.shape[-2], key.shape[-2]) if is_causal else None


def _one_operation_serves(query: Any, key: Any, value: Any, added: Any) -> bool:
    """Whether they are on a CPU, nothing but the mask broadcasts, and the mask needs no gradient."""
    q, k, v = query.array.shape, key.array.shape, value.array.shape
    if query.is_cuda or not (q[:-2] == k[:-2] == v[:-2] and q[-1] == k[-1] and k[-2] == v[-2]):
        return False
    return added is None or (not added.requires_grad and broadcasts(added.array.shape, (*q[:-1], k[-2])))


def find_idle(mask: Any) -> Any:
    """The rows of a mask whose query may attend to no key, (..., L, 1); None where a look at the CPU finds none."""
    idle = compute(find_hidden_rows, mask)
    return idle if idle.is_cuda or idle.any() else None  # a GPU is not waited for
