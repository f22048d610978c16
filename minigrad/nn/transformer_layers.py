"""`TransformerEncoderLayer` and `TransformerDecoderLayer`: attention, then two products at each place of a sequence.

Around each part stand a sum with its input and a layer norm: behind the sum, as in the first paper, or before the part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad.nn.functional as F
from minigrad.nn.activation import ReLU
from minigrad.nn.activation_variants import GELU
from minigrad.nn.dropout import Dropout
from minigrad.nn.functional import attention_checks as checks
from minigrad.nn.linear import Linear
from minigrad.nn.module import Layer
from minigrad.nn.multihead_attention import MultiheadAttention
from minigrad.nn.normalization import LayerNorm
from minigrad.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


def find_activation(given: Activation) -> Callable[[Tensor], Tensor]:
    """An activation by its name, or the given one. Raises RuntimeError for another name."""
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}: pass another as a function, torch.tanh")
    return getattr(F, given)


class _SelfAttentionLayer(Layer):
    """What both layers begin with, self-attention: every place of a sequence looks at every other one."""

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        """What each place sees in its own sequence."""
        masks = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return self.dropout1(self.self_attn(x, x, x, need_weights=False, **masks)[0])


class TransformerEncoderLayer(_SelfAttentionLayer):
    """Every place of a sequence looks at every other one, and is then changed by two products of its own.

    ``x = norm1(x + attend(x))``, ``x = norm2(x + linear2(activation(linear1(x))))``; with `norm_first`
    ``x = x + attend(norm1(x))``, ``x = x + linear2(activation(linear1(norm2(x))))``. `attend` is a
    `MultiheadAttention` of x with itself; `linear1` has `dim_feedforward` outputs. In training the results of both
    parts are dropped with the chance `dropout`, and so are the weights of the attention and the activations.

    Shapes: src (S, N, d_model), or (N, S, d_model) with `batch_first`, or (S, d_model); the output likewise;
    src_mask (S, S) or (N * nhead, S, S), src_key_padding_mask (N, S): True hides a place, floats are added.
    `activation` is "relu", "gelu" or a function. Raises RuntimeError for another name, and what `MultiheadAttention`
    raises.
    Sources: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762; norms in front:
    Xiong et al., "On layer normalization in the Transformer architecture", 2020, https://arxiv.org/abs/2002.04745.

    >>> import minigrad as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(torch.ones(4, 5, 8)).shape
    minigrad.Size([4, 5, 8])
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = activation = find_activation(activation)
        is_relu, is_gelu = [activation is f or isinstance(activation, c) for f, c in ((F.relu, ReLU), (F.gelu, GELU))]
        self.activation_relu_or_gelu = 1 if is_relu else 2 if is_gelu else 0

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        checks.check_masks(src_key_padding_mask, src_mask, ("src_key_padding_mask", "src_mask"))
        padding, mask = checks.as_one_kind(src_key_padding_mask, src_mask, src.dtype)
        masks = (mask, padding, is_causal)
        if self.norm_first:
            x = src + self._sa_block(self.norm1(src), *masks)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(src + self._sa_block(src, *masks))
        return self.norm2(x + self._ff_block(x))

    def _ff_block(self, x: Tensor) -> Tensor:
        """Two products at each place: (..., d_model) -> (..., dim_feedforward) -> (..., d_model)."""
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(_SelfAttentionLayer):
    """Every place of a sequence looks at its own sequence, then at another one, the `memory`, and is then changed.

    ``x = norm1(x + attend(x, x))``, ``x = norm2(x + attend(x, memory))``, ``x = norm3(x + feed(x))``, where `feed` is
    ``linear2(activation(linear1(x)))``; with `norm_first` each norm stands before its part, as in
    `TransformerEncoderLayer`, whose options and errors these are.

    Shapes: tgt (T, N, d_model), memory (S, N, d_model), with `batch_first` (N, T, d_model) and (N, S, d_model), or both
    without N; the output as `tgt`. tgt_mask (T, T), memory_mask (T, S), tgt_key_padding_mask (N, T),
    memory_key_padding_mask (N, S): True hides a place, floats are added.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762, section 3.1.

    >>> import minigrad as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2)
    >>> layer(torch.ones(5, 4, 8), memory=torch.ones(3, 4, 8)).shape
    minigrad.Size([5, 4, 8])
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.dropout1, self.dropout2, self.dropout3 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.activation = find_activation(activation)

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = tgt + self._sa_block(self.norm1(tgt), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(tgt + self._sa_block(tgt, *own))
        x = self.norm2(x + self._mha_block(x, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(
        self, x: Tensor, mem: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """What each place sees in the memory."""
        masks = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return self.dropout2(self.multihead_attn(x, mem, mem, need_weights=False, **masks)[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        """Two products at each place: (..., d_model) -> (..., dim_feedforward) -> (..., d_model)."""
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))
