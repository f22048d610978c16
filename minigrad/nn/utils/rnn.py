"""`torch.nn.utils.rnn`: sequences of different lengths as one padded or packed tensor, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.creation import arange, as_tensor
from minigrad.missing import explain_missing
from minigrad.nn.functional import pad
from minigrad.nn.utils.packed_sequences import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pad_packed_sequence,
)
from minigrad.ops.arguments import require_bools, require_number
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.join import stack
from minigrad.tensor import Tensor


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:  # fmt: skip
    """Stacks B sequences (L, *) of any lengths L as (longest L, B, *), or (B, longest L, *) if `batch_first`.

    Shorter ones are filled with `padding_value` at their end, or with `padding_side="left"` in front. The dtype is the
    first one's, to which the others are converted.
    Raises RuntimeError for what is no iterable, for other sides, and if the axes * differ; TypeError for other items or
    flags.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html

    >>> import minigrad as torch
    >>> torch.nn.utils.rnn.pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    require_bools("pad_sequence", batch_first=batch_first)
    if padding_side not in ("right", "left"):
        raise RuntimeError(f"pad_sequence: padding_side should be 'right' or 'left', got {padding_side!r}")
    if not isinstance(sequences, Iterable):
        given = type(sequences).__name__
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {given}")
    require_number("pad_sequence", "padding_value", padding_value)
    given_ones = list(sequences)
    if not given_ones:
        raise RuntimeError("received an empty list of sequences: pad_sequence() needs one at least")
    for x in given_ones:
        _require_sequence(x, given_ones[0])
    longest = max(x.shape[0] for x in given_ones)
    rows = []
    for x in given_ones:
        gap = longest - x.shape[0]
        ends = (0, gap) if padding_side == "right" else (gap, 0)
        typed = x if x.dtype == given_ones[0].dtype else x.to(given_ones[0].dtype)
        rows.append(pad(typed, (0, 0) * (x.ndim - 1) + ends, value=padding_value))
    return name_last_call(stack(rows, 0 if batch_first else 1), "CopySlices")


def _require_sequence(x: Tensor, first: Tensor) -> None:
    """Raises TypeError for what is no tensor, RuntimeError for a tensor without axes, or with others than the first."""
    what = "pad_sequence: sequences are tensors of one axis or more, got"
    if not isinstance(x, Tensor):
        raise TypeError(f"{what} a {type(x).__name__}; wrap each with minigrad.tensor(...)")
    if not x.ndim:
        raise RuntimeError(f"{what} a 0-d tensor")
    if x.shape[1:] != first.shape[1:]:
        shapes = f"{list(first.shape)} and {list(x.shape)}"
        raise RuntimeError(f"pad_sequence: sequences differ in length alone, in their first axis, got {shapes}")


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The first `lengths` of each of B sequences in a padded tensor (T, B, *), or (B, T, *) if `batch_first`.

    Raises ValueError for another number of lengths than B.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpad_sequence.html

    >>> import minigrad as torch
    >>> torch.nn.utils.rnn.unpad_sequence(torch.tensor([[1, 2, 3], [4, 0, 0]]), torch.tensor([3, 1]), batch_first=True)
    [tensor([1, 2, 3]), tensor([4])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    places = arange(rows.shape[1], device=lengths.device)
    return [row[places < length] for row, length in zip(rows, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs B sequences (L, *) of lengths L that fall, or of any lengths with ``enforce_sorted=False``.

    As `pad_sequence` and then `pack_padded_sequence`; it raises what they raise.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html

    >>> import minigrad as torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([7])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 7, 2, 3]), tensor([2, 1, 1]))
    """
    lengths = as_tensor([x.size(0) for x in sequences], device="cpu")
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed one, in the order in which they were given.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpack_sequence.html

    >>> import minigrad as torch
    >>> rnn = torch.nn.utils.rnn
    >>> rnn.unpack_sequence(rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([7])]))
    [tensor([1, 2, 3]), tensor([7])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip

explain_missing("torch.nn.utils.rnn", globals())
