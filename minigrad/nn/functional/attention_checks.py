"""What is checked before heads attend: axes, sizes and masks. The words are PyTorch's, and what to do."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from minigrad import dtypes
from minigrad.advice import warn
from minigrad.creation import zeros_like
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.functional.attention_heads import Manner, Projections


# ---- weights --------------------------------------------------------------------------------------
def find_inward(separate: bool, packed: Tensor | None, three: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
    """The matrices that project query, key and value. Raises AssertionError where the wanted ones are not given."""
    if not separate:
        if packed is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        return (packed,)
    for name, matrix in zip("qkv", three, strict=True):
        if matrix is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    return tuple([x for x in three if x is not None])


def find_added(bias_k: Tensor | None, bias_v: Tensor | None, static: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
    """The key and the value that are added. Raises AssertionError for one without the other, or beside static ones."""
    if bias_k is None or bias_v is None:
        if bias_k is not None or bias_v is not None:
            given, other = ("bias_k", "bias_v") if bias_v is None else ("bias_v", "bias_k")
            raise AssertionError(f"{given} is set but {other} is None")
        return ()
    for name, x in zip(("key", "value"), static, strict=True):
        if x is not None:
            raise AssertionError(f"bias cannot be added to static {name}.")
    return bias_k, bias_v


# ---- masks ----------------------------------------------------------------------------------------
def check_mask(name: str, mask: Tensor | None) -> None:
    """Raises AssertionError for a mask of another kind than bools and floats."""
    if mask is not None and mask.dtype is not dtypes.bool_ and not mask.is_floating_point():
        hint = f"{name}.bool() is True where it is not 0, and True hides a key"
        raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.dtype}: {hint}")


def check_masks(padding: Tensor | None, mask: Tensor | None, names: tuple[str, str]) -> None:
    """Raises AssertionError for masks of integers, and warns of a bool mask beside one of floats, as PyTorch does."""
    for name, x in zip(names, (padding, mask), strict=True):
        check_mask(name, x)
    if padding is not None and mask is not None and padding.dtype != mask.dtype:
        told = f"Support for mismatched {names[0]} and {names[1]} is deprecated."
        warn(f"{told} Use same type for both instead.")


def as_added(mask: Any, dtype: Any) -> Any:
    """A mask as floats to add to scores: -inf where one of bools hides a key."""
    return zeros_like(mask, dtype=dtype).masked_fill(mask, -inf) if mask.dtype is dtypes.bool_ else mask


def as_one_kind(padding: Any, mask: Any, dtype: Any) -> tuple[Any, Any]:
    """Both masks as floats if only one of them is of bools, so that what reads them next has nothing to warn of."""
    if padding is None or mask is None or padding.dtype == mask.dtype:
        return padding, mask
    return as_added(padding, dtype), as_added(mask, dtype)


# ---- axes and sizes -------------------------------------------------------------------------------
_AXES = {2: "unbatched (2-D)", 3: "batched (3-D)"}


def check_axes(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int
) -> None:
    """Raises AssertionError for other numbers of axes than those of a batch, or of one sequence."""
    if query.ndim not in (2, 3):
        wanted = "query should be unbatched 2D or batched 3D tensor but received"
        raise AssertionError(f"{wanted} {query.ndim}-D query tensor of shape {tuple(query.shape)}")
    start = f"For {_AXES[query.ndim]} `query`, expected"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        found = f"but found {key.ndim}-D and {value.ndim}-D tensors respectively"
        raise AssertionError(f"{start} `key` and `value` to be {query.ndim}-D {found}")
    if padding is not None and padding.ndim != query.ndim - 1:
        shape = "(N, S), a row for each sequence" if query.ndim == 3 else "(S,), one for each key"
        found = f"but found {padding.ndim}-D tensor instead: it is {shape}"
        raise AssertionError(f"{start} `key_padding_mask` to be `None` or {query.ndim - 1}-D {found}")
    if mask is not None and mask.ndim not in (2, 3):
        found = f"but found {mask.ndim}-D tensor instead: it is (L, S), or (N * num_heads, L, S)"
        raise AssertionError(f"{start} `attn_mask` to be `None`, 2-D or 3-D {found}")
    if mask is not None and query.ndim == 2 and mask.ndim == 3:
        expected = (heads, query.shape[0], key.shape[0])
        if mask.shape != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {mask.shape}")


def check_sizes(query: Tensor, key: Tensor, value: Tensor, width: int, weights: Projections, manner: Manner) -> None:
    """Raises AssertionError and RuntimeError for batches, weights and masks whose sizes do not fit each other."""
    queries, batch, _ = query.shape
    keys = key.shape[0]
    check_masks(manner.key_padding_mask, manner.attn_mask, ("key_padding_mask", "attn_mask"))
    if manner.is_causal and manner.attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    _check_features(query, key, value, width, weights)
    if key.shape[1] != batch:
        found = f"but got {batch} and {key.shape[1]}"
        axes = "with batch_first=True they are (N, sequence, features), else (sequence, N, features)"
        raise RuntimeError(f"the batch number of query and key must be equal, {found}: {axes}")
    if manner.attn_mask is not None:
        _check_attn_mask(manner.attn_mask, batch, weights.heads, queries, keys)
    _check_static(weights, batch, width)
    if manner.key_padding_mask is not None:
        for axis, expected in enumerate((batch, keys)):
            given = manner.key_padding_mask.shape[axis]
            if given != expected:
                found = f"but got {given}: it is (N, S), here for {batch} sequences of {keys} keys"
                raise AssertionError(f"Expected key_padded_mask.shape[{axis}] to be {expected}, {found}")


def _check_features(query: Tensor, key: Tensor, value: Tensor, width: int, weights: Projections) -> None:
    if query.shape[-1] != width:
        hint = f"the last axis of a query {tuple(query.shape)} holds the embed_dim features"
        raise AssertionError(f"was expecting embedding dimension of {width}, but got {query.shape[-1]}: {hint}")
    if width % weights.heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {weights.heads}")
    if len(weights.inward) == 1:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if key.shape[-1] != width:
            product = f"({key.shape[0] * key.shape[1]}x{key.shape[-1]} and {width}x{width})"
            hint = f"key and value have {key.shape[-1]} features, not embed_dim = {width}; kdim= and vdim= allow it"
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied {product}: {hint}")
        return
    if key.shape[:2] != value.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
    for name, x, matrix in zip(("query", "key", "value"), (query, key, value), weights.inward, strict=True):
        expected = (width, x.shape[-1])
        if matrix.shape != expected:
            raise AssertionError(f"expecting {name} weights shape of {expected}, but got {matrix.shape}")


def _check_attn_mask(mask: Tensor, batch: int, heads: int, queries: int, keys: int) -> None:
    expected = (queries, keys) if mask.ndim == 2 else (batch * heads, queries, keys)
    if mask.shape != expected:
        meaning = "(queries, keys)" if mask.ndim == 2 else "(batch * num_heads, queries, keys)"
        found = f"is {mask.shape}, but should be {expected}"
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask {found}. It is {meaning}")


def _check_static(weights: Projections, batch: int, width: int) -> None:
    for name, x in zip(("static_k", "static_v"), weights.static, strict=True):
        for axis, expected in ((0, batch * weights.heads), (2, width // weights.heads)):
            if x is not None and x.shape[axis] != expected:
                raise AssertionError(f"expecting {name}.size({axis}) of {expected}, but got {x.shape[axis]}")
