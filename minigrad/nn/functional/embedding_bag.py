"""`embedding_bag`: the sum, the mean or the maximum of the rows of a table that each bag of indices names."""

from __future__ import annotations

from minigrad.advice import warn
from minigrad.autograd.failed_calls import names_options
from minigrad.creation import arange
from minigrad.dtypes import int64
from minigrad.nn.functional.embedding import embedding
from minigrad.ops.arguments import require_bools, require_tensors
from minigrad.ops.composed import read_from
from minigrad.ops.join import cat
from minigrad.tensor import Tensor


@names_options
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The 'sum', 'mean' or 'max' of the rows of `weight` (V, D) that each bag of indices names: (B, L) -> (B, D).

    Bags of different lengths are concatenated in an `input` (T,), and `offsets` (B,) say where each begins (with
    `include_last_offset` also where the last ends). An empty bag gives zeros. `per_sample_weights`, shaped as `input`,
    scale the rows of a 'sum'. Indices equal to `padding_idx` are ignored. Raises ValueError for shapes and options
    that do not fit, RuntimeError for indices and offsets out of range and other dtypes, NotImplementedError for weights
    in other modes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html

    >>> import minigrad as torch
    >>> table = torch.tensor([[1.0], [2.0], [6.0]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2]), table, torch.tensor([0, 1]))
    tensor([[1.],
            [4.]])
    """
    operands = (input, weight, offsets, per_sample_weights)
    require_tensors("embedding_bag", "input weight offsets? per_sample_weights?", *operands)
    input, weight = _put_indices_first(input, weight)
    flags = {"scale_grad_by_freq": scale_grad_by_freq, "sparse": sparse, "include_last_offset": include_last_offset}
    require_bools("embedding_bag", **flags)
    _check_bags(input, offsets, mode, scale_grad_by_freq, per_sample_weights)
    _check_table(weight, offsets)
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        kinds = f"but {weight.dtype} does not equal {per_sample_weights.dtype}"
        raise RuntimeError(f"embedding_bag: Expected 'weight' to have the same type as 'per_sample_weights'; {kinds}")
    flat = input.reshape(-1)
    places, counts = _find_members(input, offsets, include_last_offset)
    try:
        rows = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)  # (T, D)
    except (IndexError, AssertionError) as error:
        raise RuntimeError(f"embedding_bag: {error}") from None
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    if padding_idx is not None:
        counts = counts & (flat[places] != padding_idx % weight.shape[0])
    return read_from(_reduce_bags(rows[places], counts, mode), "EmbeddingBagBackward0", input, offsets)


def _put_indices_first(input: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The indices and the table, which were given the other way round in PyTorch's first versions, with a warning."""
    if weight.dtype != int64 or not input.is_floating_point():
        return input, weight
    detail = "Usage `embedding_bag(weight, input, ...)` is deprecated: write `embedding_bag(input, weight, ...)`"
    warn(f"Argument order of nn.functional.embedding_bag was changed. {detail}")
    return weight, input


def _find_members(input: Tensor, offsets: Tensor | None, with_last: bool) -> tuple[Tensor, Tensor]:
    """Where in the flat input the members of each bag stand, and which of them are no padding: (B, L) both."""
    if offsets is None:  # `input` is (B, L)
        places = arange(input.numel(), device=input.device).reshape(input.shape)
        return places, places >= 0
    begin, end = _find_limits(offsets, input.numel(), with_last)
    longest = int((end - begin).max()) if begin.numel() and input.numel() else 0
    places = begin.unsqueeze(1) + arange(longest, device="cpu")  # (B, L)
    counts = places < end.unsqueeze(1)
    return places.masked_fill(~counts, 0).to(input.device), counts.to(input.device)


def _reduce_bags(rows: Tensor, counts: Tensor, mode: str) -> Tensor:
    """(B, L, D) and which of them count, (B, L) -> (B, D)."""
    number = counts.sum(1, keepdim=True)
    if mode != "max":
        total = rows.masked_fill(~counts.unsqueeze(2), 0).sum(1)
        return total / number.clamp(min=1).to(total.dtype) if mode == "mean" else total
    if not rows.shape[1]:
        return rows.sum(1)
    largest = rows.masked_fill(~counts.unsqueeze(2), float("-inf")).max(1).values
    return largest.masked_fill(number == 0, 0)


def _check_bags(input: Tensor, offsets: Tensor | None, mode: str, by_frequency: bool, weights: Tensor | None) -> None:
    if weights is not None and weights.shape != input.shape:
        detail = f"then it must have the same shape as the input ({input.shape})"
        raise ValueError(f"embedding_bag: If per_sample_weights ({weights.shape}) is not None, {detail}")
    if input.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if input.ndim == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
            f"sequences. However, found offsets of type {type(offsets)}"
        )
    if input.ndim == 1 and (offsets is None or offsets.ndim != 1):
        raise ValueError("offsets has to be a 1D Tensor" + (" but got None" if offsets is None else ""))
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if weights is not None and mode != "sum":
        detail = f"per_sample_weights is only supported for mode='sum' (got mode='{mode}')"
        raise NotImplementedError(f"embedding_bag: per_sample_weights was not None. {detail}")


def _check_table(weight: Tensor, offsets: Tensor | None) -> None:
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    for name, x, kinds, wanted in (("weight", weight, "f", "floats"), ("offsets", offsets, "i", "Long, Int")):
        if x is not None and x.array.dtype.kind not in kinds:
            raise RuntimeError(f"embedding_bag: expected argument '{name}' to hold {wanted}, but got {x.dtype} instead")


def _find_limits(offsets: Tensor, length: int, with_last: bool) -> tuple[Tensor, Tensor]:
    """The start and the end of each bag."""
    offsets = offsets.cpu()
    if offsets.numel() and int(offsets[0]) != 0:
        detail = f"the first sequence in the mini-batch has to start from position 0. However, got {int(offsets[0])}"
        raise RuntimeError(f"offsets[0] has to be 0, i.e., {detail}")
    if offsets.numel() and int(offsets[-1]) > length:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of {int(offsets[-1])}"
        )
    if bool((offsets[1:] < offsets[:-1]).any()):
        raise RuntimeError(f"embedding_bag: offsets must not fall, got {offsets.tolist()}")
    if with_last:
        return offsets[:-1], offsets[1:]
    return offsets, cat([offsets[1:], offsets.new_tensor([length])])
