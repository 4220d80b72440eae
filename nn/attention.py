"""`MultiheadAttention`; the computation is in functional/attention.py."""

from __future__ import annotations

from typing import Any

import autograd
from autograd import Tensor

from . import functional as F, init
from .linear import NonDynamicallyQuantizableLinear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """Several attentions side by side (Vaswani et al., "Attention is all you need", 2017).

    Queries, keys and values are projected, and each head attends with its share of the features;
    their results, side by side, are projected once more.

    Args:
        embed_dim: E, the size of queries and of the output.
        num_heads: how many heads share E, of which it must be a divisor.
        dropout: the share of the attention weights dropped while training.
        bias: whether the projections add a bias.
        add_bias_kv: whether there is a learned key and value more.
        add_zero_attn: whether there is a key and a value of zeros more.
        kdim: size of the keys (default: E).
        vdim: size of the values (default: E).
        batch_first: whether sequences are (N, L, E) instead of (L, N, E).
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Attributes:
        in_proj_weight: the three projections, one above the other, (3E, E), xavier_uniform_ at
            first; or, where `kdim` or `vdim` differ, q_proj_weight, k_proj_weight, v_proj_weight.
        in_proj_bias: (3E,), zeros at first.
        out_proj: the Linear layer at the end, its bias zeros at first.
        bias_k, bias_v: (1, 1, E), xavier_normal_ at first, or None.

    >>> import autograd, nn
    >>> attention = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = autograd.randn(3, 5, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    (Size([3, 5, 8]), Size([3, 5, 5]))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                "embed_dim must be divisible by num_heads, got "
                f"embed_dim={embed_dim} and num_heads={num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        shapes: dict[str, tuple[int, ...]] = {}
        if self._qkv_same_embed_dim:
            shapes["in_proj_weight"] = (3 * embed_dim, embed_dim)
        else:
            sizes = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
            shapes |= {f"{x}_proj_weight": (embed_dim, size) for x, size in sizes.items()}
        if bias:
            shapes["in_proj_bias"] = (3 * embed_dim,)
        if add_bias_kv:
            shapes |= {"bias_k": (1, 1, embed_dim), "bias_v": (1, 1, embed_dim)}
        for name in (*_WEIGHTS, "in_proj_bias", "bias_k", "bias_v"):
            made = None
            if name in shapes:
                made = Parameter(autograd.empty(shapes[name], device=device, dtype=dtype))
            self.register_parameter(name, made)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in _WEIGHTS:
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the attention weights if `need_weights`.

        Args:
            query: (L, N, E); (N, L, E) with `batch_first`; (L, E) without a batch.
            key, value: likewise with length S and sizes `kdim` and `vdim`.
            key_padding_mask: (N, S): bool, True for a key to ignore, or numbers to add to its
                scores.
            need_weights: whether the weights are returned; without is faster.
            attn_mask: (L, S) or (N · num_heads, L, S): bool, True where a query must not attend
                to a key, or numbers to add to the scores.
            average_attn_weights: whether to return the mean of the weights over the heads, (N, L,
                S), or all of them, (N, num_heads, L, S).
            is_causal: says that `attn_mask` is the causal mask, which may then be faster.
        """
        return F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
            name=f"{self._get_name()}(embed_dim={self.embed_dim}, num_heads={self.num_heads})",
        )


_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
