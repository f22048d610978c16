"""Stacks of transformer layers: `TransformerEncoder`, `TransformerDecoder`, and `Transformer`, which joins the two."""

from __future__ import annotations

from copy import deepcopy
from math import inf
from typing import Any

import minigrad.nn.functional as F
from minigrad.advice import warn
from minigrad.autograd.modes import is_grad_enabled
from minigrad.creation.filled import full
from minigrad.nn.containers import ModuleList
from minigrad.nn.functional import attention_checks as checks
from minigrad.nn.init.xavier_kaiming import xavier_uniform_
from minigrad.nn.module import Layer, Module
from minigrad.nn.normalization import LayerNorm
from minigrad.nn.transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer
from minigrad.settings import get_fastpath_enabled
from minigrad.tensor import Tensor


def copy_layer(layer: Module, count: int) -> ModuleList:
    """`count` copies of a layer, all with its weights."""
    return ModuleList([deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Layer):
    """`num_layers` copies of an encoder layer, one behind the other, and `norm` behind the last.

    ``x = layer_k(x)`` for each k, then ``norm(x)``. All copies start with the weights of the given layer.

    Shapes and masks as those of the layer. As in PyTorch, places that `src_key_padding_mask` hides at the end of a
    sequence give zeros (before `norm`) in evaluation without gradients, if no `mask` is given and the layer has its
    usual options; it warns where `enable_nested_tensor` cannot have this effect.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762, section 3.1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html

    >>> import minigrad as torch
    >>> layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
    >>> torch.nn.TransformerEncoder(layer, num_layers=3)(torch.ones(4, 5, 8)).shape
    minigrad.Size([4, 5, 8])
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = copy_layer(encoder_layer, num_layers)
        self.num_layers, self.norm, self.mask_check = num_layers, norm, mask_check
        self.enable_nested_tensor = self.use_nested_tensor = enable_nested_tensor
        if enable_nested_tensor and (why := _find_unusual(encoder_layer)):
            warn(f"enable_nested_tensor is True, but self.use_nested_tensor is False because {why}")
            self.use_nested_tensor = False

    def forward(
        self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:  # fmt: skip
        checks.check_masks(src_key_padding_mask, mask, ("src_key_padding_mask", "mask"))
        x, padding, mask = src, *checks.as_one_kind(src_key_padding_mask, mask, src.dtype)
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=bool(is_causal), src_key_padding_mask=padding)
        if padding is not None and mask is None and self._skips_padding(src):
            x = _zero_ends(x, padding)
        return x if self.norm is None else self.norm(x)

    def _skips_padding(self, src: Tensor) -> bool:
        """Whether PyTorch computes nothing for hidden places at the ends of sequences."""
        first = self.layers[0]
        if not (self.use_nested_tensor and get_fastpath_enabled()) or first.training or src.ndim != 3:
            return False
        return not (is_grad_enabled() and any(x.requires_grad for x in (src, *first.parameters())))


def _find_unusual(layer: Any) -> str:
    """Why PyTorch would not make a nested tensor of the input of such layers, in its words, or ""."""
    if not isinstance(layer, TransformerEncoderLayer):
        return "encoder_layer was not TransformerEncoderLayer"
    attention, advice = layer.self_attn, "(use batch_first for better inference performance)"
    reasons = {
        "norm_first was True": layer.norm_first,
        f"self_attn.batch_first was not True{advice}": not attention.batch_first,
        "self_attn._qkv_same_embed_dim was not True": not attention._qkv_same_embed_dim,
        "self_attn was passed bias=False": attention.in_proj_bias is None,
        "activation_relu_or_gelu was not True": not layer.activation_relu_or_gelu,
        "norm1.eps was not equal to encoder_layer.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        "self_attn.num_heads is odd": attention.num_heads % 2 == 1,
    }
    return next((f"encoder_layer.{reason}" for reason, holds in reasons.items() if holds), "")


def _zero_ends(x: Tensor, padding: Tensor) -> Tensor:
    """`x` with zeros where `padding` hides places, if it hides those at the ends of sequences alone."""
    hidden = padding != 0  # (N, S); floats hide where they are not 0, as in PyTorch
    if (hidden[:, :-1] & ~hidden[:, 1:]).any():
        return x
    return x.masked_fill(hidden.unsqueeze(-1), 0.0)


class TransformerDecoder(Layer):
    """`num_layers` copies of a decoder layer, one behind the other, and `norm` behind the last.

    ``x = layer_k(x, memory)`` for each k, then ``norm(x)``. All copies start with the weights of the given layer.
    Shapes and masks as those of the layer.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762, section 3.1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html

    >>> import minigrad as torch
    >>> layer = torch.nn.TransformerDecoderLayer(8, 2)
    >>> torch.nn.TransformerDecoder(layer, num_layers=3)(torch.ones(5, 4, 8), torch.ones(3, 4, 8)).shape
    minigrad.Size([5, 4, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = copy_layer(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        masks = {
            "tgt_mask": tgt_mask, "memory_mask": memory_mask, "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask, "tgt_is_causal": bool(tgt_is_causal),
            "memory_is_causal": memory_is_causal,
        }  # fmt: skip
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, **masks)
        return x if self.norm is None else self.norm(x)


class Transformer(Layer):
    """An encoder reads one sequence; a decoder reads what the encoder made of it while it goes through another one.

    ``decoder(tgt, encoder(src))``: `TransformerEncoder` and `TransformerDecoder`, each with a norm behind its last
    layer, or the modules `custom_encoder` and `custom_decoder`. All matrices start by Xavier's rule.
    The other options are those of `TransformerEncoderLayer`.

    Shapes: src (S, N, d_model), tgt (T, N, d_model), with `batch_first` (N, S, d_model) and (N, T, d_model), or both
    without N; the output as `tgt`. Masks as those of the layers: True hides a place, floats are added.
    Raises RuntimeError for other numbers of sequences or features, and what `MultiheadAttention` raises.
    Source: Vaswani et al., "Attention is all you need", 2017, https://arxiv.org/abs/1706.03762;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Transformer.html

    >>> import minigrad as torch
    >>> net = torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> net(torch.ones(4, 5, 8), torch.ones(4, 3, 8), tgt_mask=net.generate_square_subsequent_mask(3)).shape
    minigrad.Size([4, 3, 8])
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
        custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        place = {"device": device, "dtype": dtype}

        def stack(kind: Any, layer: Any, count: int) -> Any:
            made = layer(*options, **place)
            return kind(made, count, LayerNorm(d_model, layer_norm_eps, bias=bias, **place))

        if custom_encoder is None:
            custom_encoder = stack(TransformerEncoder, TransformerEncoderLayer, num_encoder_layers)
        if custom_decoder is None:
            custom_decoder = stack(TransformerDecoder, TransformerDecoderLayer, num_decoder_layers)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        self._check_sizes(src, tgt)
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    def _check_sizes(self, src: Tensor, tgt: Tensor) -> None:
        """Raises RuntimeError for other batches or features than the layers take."""
        axes = "(N, sequence, features)" if self.batch_first else "(sequence, N, features)"
        given = f"src is {tuple(src.shape)}, tgt is {tuple(tgt.shape)}"
        batch_axis = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch_axis] != tgt.shape[batch_axis]:
            raise RuntimeError(f"the batch number of src and tgt must be equal: {given}; their axes are {axes}")
        if not src.shape[-1] == tgt.shape[-1] == self.d_model:
            wanted = "the feature number of src and tgt must be equal to d_model"
            raise RuntimeError(f"{wanted}: {given}; their last axes hold d_model = {self.d_model} features")

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The mask (sz, sz) by which no place sees a later one: -inf above the diagonal, 0 elsewhere.

        >>> import minigrad as torch
        >>> torch.nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return full((sz, sz), -inf, dtype=dtype, device=device).triu(1)

    def _reset_parameters(self) -> None:
        """Draws all matrices by Xavier's rule."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter)
