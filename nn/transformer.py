"""The Transformer of Vaswani et al., "Attention is all you need" (2017): stacks of its layers.

Everywhere below, sequences are (length, N, d_model), or (N, length, d_model) with `batch_first`, or
(length, d_model) without a batch; S is the length of the source and T that of the target. A
`..._mask` is (T, S), or (N · nhead, T, S), a `..._key_padding_mask` (N, S); both hold True for what
must not be attended to, or numbers that are added to the scores.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described

from . import functional as F, init
from .containers import ModuleList
from .module import Module
from .norm import LayerNorm
from .transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer


class _Stack(Module):
    """Copies of a layer, one after the other, and perhaps a norm at the end."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm


class TransformerEncoder(_Stack):
    """`num_layers` copies of an encoder layer, one after the other.

    They start with the same weights; draw new ones for each where that matters.

    Args:
        encoder_layer: what is copied.
        num_layers: how often.
        norm: a module applied at the end.
        enable_nested_tensor, mask_check: accepted and without effect; there are no nested tensors.

    >>> import autograd, nn
    >>> layer = nn.TransformerEncoderLayer(d_model=16, nhead=4, dim_feedforward=32)
    >>> encoder = nn.TransformerEncoder(layer, num_layers=2)
    >>> encoder(autograd.randn(10, 3, 16)).shape
    Size([10, 3, 16])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """`src` through all layers; whether `mask` is causal is found out if not said."""
        causal = _is_causal(mask) if is_causal is None else is_causal
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(_Stack):
    """`num_layers` copies of a decoder layer, one after the other.

    They start with the same weights; draw new ones for each where that matters.

    Args:
        decoder_layer: what is copied.
        num_layers: how often.
        norm: a module applied at the end.

    >>> import autograd, nn
    >>> layer = nn.TransformerDecoderLayer(d_model=16, nhead=4, dim_feedforward=32)
    >>> decoder = nn.TransformerDecoder(layer, num_layers=2)
    >>> decoder(autograd.randn(7, 3, 16), autograd.randn(10, 3, 16)).shape
    Size([7, 3, 16])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """`tgt` through all layers, each of which attends to `memory`."""
        causal = _is_causal(tgt_mask) if tgt_is_causal is None else tgt_is_causal
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


def _is_causal(mask: Tensor | None) -> bool:
    """Whether `mask` is what `generate_square_subsequent_mask` makes, or the same as bools."""
    if mask is None or mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        return False
    above = np.triu(np.ones(mask.shape, np.bool_), 1)
    return np.array_equal(
        mask._data, above if mask.dtype == np.bool_ else np.where(above, -np.inf, 0)
    )


class Transformer(Module):
    """An encoder, and a decoder that attends to its output.

    Args:
        d_model: size of the features.
        nhead: how many heads share them.
        num_encoder_layers, num_decoder_layers: how many layers of each kind.
        dim_feedforward: size inside the feed-forward networks.
        dropout: the share dropped.
        activation: "relu", "gelu" or a function.
        custom_encoder, custom_decoder: modules to use instead.
        layer_norm_eps: `eps` of the LayerNorms.
        batch_first: whether sequences are (N, length, d_model).
        norm_first: whether LayerNorm comes before attention and network, not after the sums.
        bias: whether Linear layers and LayerNorms have a bias.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    All weights of 2 dimensions are xavier_uniform_ at first.

    >>> import autograd, nn
    >>> model = nn.Transformer(16, 4, 2, 2, dim_feedforward=32, batch_first=True)
    >>> src, tgt = autograd.randn(3, 10, 16), autograd.randn(3, 7, 16)
    >>> mask = nn.Transformer.generate_square_subsequent_mask(7)
    >>> model(src, tgt, tgt_mask=mask).shape
    Size([3, 7, 16])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        order = (batch_first, norm_first)
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, **made)

        if custom_encoder is None:
            layer = TransformerEncoderLayer(*sizes, *order, **made)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*sizes, *order, **made)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """What the decoder makes of `tgt` and the encoded `src`; of the shape of `tgt`.

        The masks of `memory` are for the attention of the target to the source. Whether the others
        are causal is found out where `..._is_causal` is None.
        """
        batch = 0 if self.batch_first else 1
        given = f"{self._get_name()}: src {described(src)} and tgt {described(tgt)}"
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise ShapeError(f"{given} must have one batch size, dimension {batch}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ShapeError(f"{given} must have d_model={self.d_model} as their last dimension")
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask: -inf above the diagonal, where a query would look ahead, else 0.

        >>> import nn
        >>> nn.Transformer.generate_square_subsequent_mask(3)
        tensor([[0., -inf, -inf],
                [0., 0., -inf],
                [0., 0., 0.]])
        """
        full = autograd.full((sz, sz), float("-inf"), dtype=dtype, device=device)
        return autograd.triu(full, 1)
