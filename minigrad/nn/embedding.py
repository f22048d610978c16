"""Embedding: a table of vectors, looked up by integers."""

from __future__ import annotations

from typing import Any, Self

import minigrad.nn.functional as F
from minigrad.autograd.modes import no_grad
from minigrad.creation import empty
from minigrad.nn import init
from minigrad.nn.module import Layer, describe_options
from minigrad.nn.parameter import Parameter
from minigrad.ops.arguments import as_int
from minigrad.tensor import Tensor


class Table(Layer):
    """The base of the look-up tables: a weight (num_embeddings, embedding_dim) whose row `padding_idx` is zero."""

    weight: Parameter
    padding_idx: int | None

    def _make_table(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None, given: Tensor | None, frozen: bool,
        device: Any, dtype: Any
    ) -> None:  # fmt: skip
        """Makes the table: the `given` one, or a random one."""
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            padding_idx = as_int(padding_idx, "padding_idx")
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"Padding_idx must be within num_embeddings {num_embeddings}, got {padding_idx}")
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        size = (num_embeddings, embedding_dim)
        if given is not None and tuple(given.shape) != size:
            shapes = f"{tuple(given.shape)} for {size}"
            raise AssertionError(f"Shape of weight does not match num_embeddings and embedding_dim: got {shapes}")
        weight = empty(size, device=device, dtype=dtype) if given is None else given
        self.weight = Parameter(weight, requires_grad=not frozen)
        if given is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the table from N(0, 1)."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)


def require_table(embeddings: Tensor) -> tuple[int, ...]:
    """The shape of `embeddings`. Raises AssertionError unless it has two axes."""
    if embeddings.ndim != 2:
        raise AssertionError(f"Embeddings parameter is expected to be 2-dimensional, got {embeddings.ndim}")
    return embeddings.shape


class Embedding(Table):
    """Looks up rows of a table by their indices: integers (*) -> (*, embedding_dim).

    The weight (num_embeddings, embedding_dim) starts in N(0, 1); the row `padding_idx` is zero and is not
    trained. Rows with a norm above `max_norm` are scaled down when they are looked up. Raises `AssertionError`
    for a `padding_idx` outside the table, and `IndexError` at a call with an index outside it.
    `Embedding.from_pretrained(table)` takes an existing table. As `torch.nn.Embedding`, without sparse gradients.

    >>> import minigrad as torch
    >>> torch.nn.Embedding(10, 3)(torch.tensor([[1, 2], [4, 5]])).shape
    minigrad.Size([2, 2, 3])
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False, _weight: Tensor | None = None, _freeze: bool = False, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self._make_table(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False
    ) -> Self:  # fmt: skip
        """An embedding whose table is `embeddings` (num_embeddings, embedding_dim), not trained while `freeze`.

        It shares the memory of `embeddings`. Raises `AssertionError` for another number of axes.

        >>> import minigrad as torch
        >>> layer = torch.nn.Embedding.from_pretrained(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> layer(torch.tensor([1]))
        tensor([[3., 4.]])
        """
        rows, width = require_table(embeddings)
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def forward(self, input: Tensor) -> Tensor:
        options = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return F.embedding(input, self.weight, self.padding_idx, *options)

    def extra_repr(self) -> str:
        return describe_options(
            self, "num_embeddings embedding_dim", padding_idx=None, max_norm=None, norm_type=2.0,
            scale_grad_by_freq=False, sparse=False,
        )  # fmt: skip


class EmbeddingBag(Table):
    """The 'mean', 'sum' or 'max' of the rows in each bag of indices: (B, L), or (T,) and offsets (B,), -> (B, D).

    The weight starts in N(0, 1); the row `padding_idx` is zero and does not count.
    As `torch.nn.EmbeddingBag`, without sparse gradients; `F.embedding_bag` describes the options.

    >>> import minigrad as torch
    >>> torch.nn.EmbeddingBag(10, 3)(torch.tensor([1, 2, 4]), torch.tensor([0, 2])).shape
    minigrad.Size([2, 3])
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, _weight: Tensor | None = None,
        include_last_offset: bool = False, padding_idx: int | None = None, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse, self.mode = scale_grad_by_freq, sparse, mode
        self.include_last_offset = include_last_offset
        self._make_table(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
        include_last_offset: bool = False, padding_idx: int | None = None,
    ) -> Self:  # fmt: skip
        """Bags over the table `embeddings` (num_embeddings, embedding_dim), not trained while `freeze`.

        It shares the memory of `embeddings`. Raises `AssertionError` for another number of axes.

        >>> import minigrad as torch
        >>> bags = torch.nn.EmbeddingBag.from_pretrained(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> bags(torch.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        rows, width = require_table(embeddings)
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        bags = cls(rows, width, *options)
        bags.weight.requires_grad = not freeze
        return bags

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
            self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        usual = {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        place = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{describe_options(self, 'num_embeddings embedding_dim', **usual)}, mode={self.mode!r}{place}"
