"""Packed sequences: the elements of several sequences, time step by time step, without padding.

A recurrent layer reads the first `batch_sizes[t]` rows of each step: the sequences are sorted by falling length, so
those that have ended are the last ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad.creation import arange, as_tensor, empty_like
from minigrad.dtypes import float16, float32, float64, int8, int16, int32, int64, uint8
from minigrad.ops.arguments import as_int, require_bools, require_number, require_tensor
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.tensor import Tensor


class PackedSequence_(NamedTuple):
    """The fields of a `PackedSequence`."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """B sequences of different lengths without padding, as `pack_sequence` and `pack_padded_sequence` make them.

    `data`, of shape (sum of the lengths, *), holds the first elements of all sequences, then the second ones, and so
    on; `batch_sizes[t]` says how many sequences have an element t. Where the sequences had to be sorted by length,
    `sorted_indices` says from which place each one came, and `unsorted_indices` where it went; else they are None.
    `batch_sizes` is on the CPU, the indices are on the device of `data`.
    Raises ValueError for `batch_sizes` on a GPU.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html

    >>> import minigrad as torch
    >>> a, b = torch.tensor([1, 2, 3]), torch.tensor([7])
    >>> torch.nn.utils.rnn.pack_sequence([a, b])
    PackedSequence(data=tensor([1, 7, 2, 3]), batch_sizes=tensor([2, 1, 1]), sorted_indices=None, unsorted_indices=None)
    """

    __module__ = "minigrad.nn.utils.rnn"  # the public module, shown by type(x)

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:  # PackedSequence((data, batch_sizes))
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2: data and batch_sizes")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                f"batch_sizes should always be on CPU, got one on {batch_sizes.device}: pack_sequence() and "
                "pack_padded_sequence() of nn.utils.rnn make it so"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Converts `data` as `Tensor.to` does; the indices follow it to its device. Itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._with(data, lambda x: x.to(data.device))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """On a GPU, the first one unless the arguments of `to` name another."""
        return self._move("cuda", args, kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """On the CPU; further arguments are those of `to`."""
        return self._move("cpu", args, kwargs)

    def pin_memory(self) -> PackedSequence:
        """With `data` and the indices in page-locked memory; see `Tensor.pin_memory`."""
        return self._with(self.data.pin_memory(), lambda x: x.pin_memory())

    def is_pinned(self) -> bool:
        """Whether `data` is in page-locked memory."""
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        """Whether `data` is on a GPU."""
        return self.data.is_cuda

    def double(self) -> PackedSequence:
        """`data` as float64."""
        return self.to(dtype=float64)

    def float(self) -> PackedSequence:
        """`data` as float32."""
        return self.to(dtype=float32)

    def half(self) -> PackedSequence:
        """`data` as float16."""
        return self.to(dtype=float16)

    def long(self) -> PackedSequence:
        """`data` as int64."""
        return self.to(dtype=int64)

    def int(self) -> PackedSequence:
        """`data` as int32."""
        return self.to(dtype=int32)

    def short(self) -> PackedSequence:
        """`data` as int16."""
        return self.to(dtype=int16)

    def char(self) -> PackedSequence:
        """`data` as int8."""
        return self.to(dtype=int8)

    def byte(self) -> PackedSequence:
        """`data` as uint8."""
        return self.to(dtype=uint8)

    def _with(self, data: Tensor, convert: Callable[[Tensor], Tensor]) -> PackedSequence:
        """A copy with other `data`, and each of the indices converted; `batch_sizes` stays on the CPU."""
        indices = [None if x is None else convert(x) for x in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def _move(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PackedSequence:
        """On a device of that kind: the one that the arguments of `to` name, or else the current one."""
        named = self.data.new_empty(0).to(*args, **kwargs).device.type
        return self.to(*args, **kwargs) if named == kind else self.to(*args, **kwargs | {"device": kind})


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation q with ``q[permutation[i]] = i``, which undoes it; None for None.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.invert_permutation.html

    >>> import minigrad as torch
    >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    require_tensor("invert_permutation", "permutation", 1, permutation)
    places = arange(permutation.numel(), device=permutation.device)
    return empty_like(permutation).scatter_(0, permutation, places)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The first `lengths[b]` elements of each of B sequences in a padded tensor, as a `PackedSequence`.

    `input` has the shape (T, B, *), or (B, T, *) if `batch_first`; `lengths` is a list or a tensor on the CPU. The
    lengths fall, unless ``enforce_sorted=False``: then the sequences are sorted here, and `pad_packed_sequence` puts
    them back in order.
    Raises RuntimeError for lengths that rise, that are below 1 or above T, for another number of them than B, for
    lengths that are on a GPU, and for an `input` without elements.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html

    >>> import minigrad as torch
    >>> x = torch.tensor([[1, 2, 3], [7, 0, 0]])
    >>> torch.nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True).data
    tensor([1, 7, 2, 3])
    """
    require_tensor("pack_padded_sequence", "input", 1, input)
    require_bools("pack_padded_sequence", batch_first=batch_first)
    is_tensor = isinstance(lengths, Tensor)
    lengths = lengths.to(dtype=int64) if is_tensor else as_tensor(lengths, dtype=int64, device="cpu")
    _check_input(input, lengths, input.size(0 if batch_first else 1))
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    steps = input.transpose(0, 1) if batch_first else input  # (T, B, *)
    _check_lengths(lengths, len(steps))
    held = _mark_held(lengths, int(lengths[0]))
    # A mask picks row by row: all sequences that have an element 0, then those that have an element 1, ...
    data = name_last_call(steps[: len(held)][held.to(input.device)], "PackPaddedSequenceBackward0")
    return PackedSequence(data, held.sum(1), order)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded tensor of a packed sequence, (T, B, *) or (B, T, *) if `batch_first`, and the lengths.

    The sequences are in the order in which they were given to be packed. T is the longest length, or `total_length`;
    what is beyond a sequence's end is `padding_value`.
    Raises ValueError for a `total_length` below the longest, AttributeError for what is no packed sequence.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html

    >>> import minigrad as torch
    >>> rnn = torch.nn.utils.rnn
    >>> rnn.pad_packed_sequence(rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([7])]), batch_first=True)
    (tensor([[1, 2],
            [7, 0]]), tensor([2, 1]))
    """
    if not hasattr(sequence, "batch_sizes"):
        given = f"{type(sequence).__name__!r} object has no attribute 'batch_sizes'"
        raise AttributeError(f"{given}: pad_packed_sequence takes what pack_padded_sequence or pack_sequence returned")
    batch_sizes, order = sequence.batch_sizes, sequence.unsorted_indices
    require_bools("pad_packed_sequence", batch_first=batch_first)
    require_number("pad_packed_sequence", "padding_value", padding_value)
    longest = len(batch_sizes)
    steps = longest if total_length is None else as_int(total_length, "pad_packed_sequence(): total_length")
    if steps < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    lengths = (batch_sizes > arange(int(batch_sizes[0]), device="cpu")[:, None]).sum(1)
    held = _mark_held(lengths, steps)
    padded = sequence.data.new_full((*held.shape, *sequence.data.shape[1:]), padding_value)
    padded[held.to(padded.device)] = sequence.data
    padded = name_last_call(padded, "CopySlices")
    if batch_first:
        padded = padded.transpose(0, 1)  # (T, B, *) -> (B, T, *)
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def _mark_held(lengths: Tensor, steps: int) -> Tensor:
    """A mask (steps, B): whether sequence b has an element t."""
    return arange(steps, device=lengths.device)[:, None] < lengths


def _check_input(input: Tensor, lengths: Tensor, batch: int) -> None:
    """Raises RuntimeError unless there are sequences with elements, and a list of lengths on the CPU, one for each."""
    if not input.numel():
        raise RuntimeError(f"Cannot pack empty tensors: the padded sequences have the shape {tuple(input.shape)}")
    if lengths.ndim != 1 or lengths.device.type != "cpu":
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.ndim}D {lengths.device} Long tensor: give a list, or lengths.cpu()"
        )
    if len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={batch})"
        )


def _check_lengths(lengths: Tensor, steps: int) -> None:
    """Raises RuntimeError unless the lengths fall, and padded sequences of so many steps can have them."""
    if lengths[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: "
            f"{lengths.tolist()}"
        )
    if (lengths.diff() > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to have them sorted there. "
            f"The lengths are {lengths.tolist()}"
        )
    if lengths[0] > steps:
        raise RuntimeError(
            f"pack_padded_sequence(): a length of {int(lengths[0])} exceeds the {steps} steps of the padded sequences"
        )
