"""`MultiheadAttention`: every query looks at every key, with several heads at once."""

from __future__ import annotations

from typing import Any

from minigrad.creation.filled import empty
from minigrad.nn.functional.attention_heads import Manner, Projections, attend_by_heads
from minigrad.nn.init.xavier_kaiming import constant_, xavier_normal_, xavier_uniform_
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name of PyTorch's class for the last product of `MultiheadAttention`.

    >>> import minigrad as torch
    >>> torch.nn.MultiheadAttention(4, 2).out_proj
    NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)
    """


class MultiheadAttention(Module):
    """Each of H heads takes means of values, weighted by how well their keys fit a query; a product joins the heads.

    ``output = concat(head_1, ..., head_H) @ W_o.T + b_o``, ``head_i = softmax(q_i @ k_i.mT / sqrt(D) + mask) @ v_i``,
    where q_i, k_i and v_i are the i-th D = E / H features of ``query @ W_q.T + b_q``, ``key @ W_k.T + b_k`` and
    ``value @ W_v.T + b_v``. `in_proj_weight` (3E, E) holds W_q, W_k and W_v; where `kdim` or `vdim` differs from
    `embed_dim` E, `q_proj_weight`, `k_proj_weight` and `v_proj_weight` do. They start by Xavier's rule, biases at 0.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), with `batch_first` (N, L, E) and so on, or all
    without N; the output as the query. `attn_mask` (L, S) or (N * H, L, S) and `key_padding_mask` (N, S) hide keys
    where they are True; floats are added. With `need_weights` the second result are the weights (N, L, S), averaged
    over the heads, or (N, H, L, S); else it is None, and less is computed. `dropout` drops weights in training.
    `add_bias_kv` adds a trained key and value to each sequence, `add_zero_attn` one of zeros.
    Raises AssertionError, RuntimeError and ValueError for sizes that do not fit.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762, section 3.2.2;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html

    >>> import minigrad as torch
    >>> output, weights = torch.nn.MultiheadAttention(4, 2)(*[torch.ones(3, 1, 4)] * 3)
    >>> output.shape, weights[0, 0]
    (minigrad.Size([3, 1, 4]), tensor([0.3333, 0.3333, 0.3333], grad_fn=<SelectBackward0>))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            given = f"got embed_dim={embed_dim} and num_heads={num_heads} instead"
            raise ValueError(f"embed_dim and num_heads must be greater than 0, {given}")
        super().__init__()
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        if self.head_dim * num_heads != embed_dim:
            given = f"got {embed_dim} features for {num_heads} heads"
            raise AssertionError(f"embed_dim must be divisible by num_heads, {given}")
        shapes = self._shapes(bias, add_bias_kv)
        for name, shape in shapes.items():
            made = None if shape is None else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, made)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self._reset_parameters()

    def _shapes(self, bias: bool, add_bias_kv: bool) -> dict[str, tuple[int, ...] | None]:
        """The shapes of the parameters, None for those that are absent, in their order."""
        width, same = self.embed_dim, self._qkv_same_embed_dim
        separate = {"q_proj_weight": width, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        added = (1, 1, width) if add_bias_kv else None
        return {
            "in_proj_weight": (3 * width, width) if same else None,
            **{name: None if same else (width, size) for name, size in separate.items()},
            "in_proj_bias": (3 * width,) if bias else None,
            "bias_k": added,
            "bias_v": added,
        }

    def _reset_parameters(self) -> None:
        """Draws the projections by Xavier's rule, and sets the biases to 0."""
        for matrix in self._inward():
            xavier_uniform_(matrix)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                constant_(bias, 0.0)
        for added in (self.bias_k, self.bias_v):
            if added is not None:
                xavier_normal_(added)

    def _inward(self) -> tuple[Any, ...]:
        """The matrices that project query, key and value: one for all, or three."""
        if self._qkv_same_embed_dim:
            return (self.in_proj_weight,)
        return self.q_proj_weight, self.k_proj_weight, self.v_proj_weight

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        out = self.out_proj
        added = () if self.bias_k is None else (self.bias_k, self.bias_v)
        weights = Projections(
            self.num_heads, self._inward(), self.in_proj_bias, out.weight, out.bias, added, self.add_zero_attn
        )
        chance = self.dropout if self.training else 0.0
        manner = Manner(key_padding_mask, attn_mask, is_causal, chance, need_weights, average_attn_weights)
        swapped = self.batch_first and query.ndim == 3
        if swapped:
            query, key, value = _put_sequence_first(query, key, value)
        output, attended = attend_by_heads(query, key, value, self.embed_dim, weights, manner)
        return output.transpose(0, 1) if swapped else output, attended


def _put_sequence_first(*given: Tensor) -> list[Tensor]:
    """(N, L, E) -> (L, N, E), also in memory; a tensor that is given several times is copied once."""
    each = {id(x): x for x in given}
    turned = {place: x.transpose(0, 1).contiguous() for place, x in each.items()}
    return [turned[id(x)] for x in given]
