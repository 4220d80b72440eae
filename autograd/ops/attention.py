"""Scaled dot-product attention: products around one softmax that knows scale and mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .common import dropped
from .indexing import IndexSelect
from .splitting import filled


class AttentionWeights(Op):
    """softmax(scale · x) over the last dimension, 0 where `kept` is False, in one pass each way.

    A row of which nothing is kept, or all of which is -inf, is 0.
    """

    symbol, public = "softmax", False
    backward = {"x": lambda g, out, scale: (g - (g * out).sum(-1, keepdims=True)) * (out * scale)}
    formula = {"x": "scale * out * (g - sum of g * out)"}

    def forward(x, scale, kept):
        out = x * scale
        if kept is not None:
            np.copyto(out, -np.inf, where=~kept)
        top = out.max(-1, keepdims=True, initial=-np.inf)
        out -= np.where(np.isneginf(top), 0, top)
        np.exp(out, out=out)
        total = out.sum(-1, keepdims=True)
        out /= np.where(total == 0, 1, total)
        return out


class Heads(Op):
    """(N, L, parts · heads · D) as `parts` arrays (N, heads, L, D), or from (L, N, ...)."""

    symbol, public = "heads", False
    backward = {"x": lambda g, ctx, batch_first: _side_by_side(g, ctx, batch_first)}
    formula = {"x": "the gradients of the parts, side by side"}

    def forward(x, parts, heads, batch_first):
        apart = x.reshape(*x.shape[:2], parts, heads, -1)
        return tuple(apart.transpose((2, 0, 3, 1, 4) if batch_first else (2, 1, 3, 0, 4)))


def _side_by_side(g: Any, ctx: Any, batch_first: bool) -> Any:
    order = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    parts = [np.transpose(p, order) for p in filled(g, ctx)]
    first, second, heads, size = parts[0].shape
    shape = (first, second, len(parts), heads, size)
    if any(isinstance(p, Tensor) for p in parts):
        joined: Any = np.stack(parts, 2)
    else:  # np.stack alone would keep the order of the parts' memory
        joined = np.stack(parts, 2, out=np.empty(shape, parts[0].dtype))
    return joined.reshape(first, second, -1)


@public(namespace="nn.functional", op=AttentionWeights)
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ · scale + mask) value (Vaswani et al., "Attention is all you need", 2017).

    Args:
        query: of shape (*, heads, L, E).
        key: of shape (*, heads, S, E).
        value: of shape (*, heads, S, Ev).
        attn_mask: broadcasts to (*, heads, L, S): bool, True where a query may attend to a key,
            or numbers to add to the scores.
        dropout_p: the share of the weights that are dropped.
        is_causal: queries attend to keys at the same place and before; instead of `attn_mask`.
        scale: (default 1 / √E).
        enable_gqa: whether fewer heads of keys and values than of queries are shared by them.

    Returns (*, heads, L, Ev). Queries that may attend to nothing give zeros.

    >>> import autograd, nn
    >>> q = k = autograd.zeros(1, 2, 4); v = autograd.tensor([[[1.0], [3.0]]])
    >>> nn.functional.scaled_dot_product_attention(q, k, v)
    tensor([[[2.],
             [2.]]])
    """
    name = "scaled_dot_product_attention"
    q, k, v = (as_tensor(x) for x in (query, key, value))
    call = f"{name}({described(q)}, {described(k)}, {described(v)})"
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise RuntimeError(f"{call}: each needs at least 2 dimensions, length and features")
    if not q.dtype == k.dtype == v.dtype or q.dtype.kind != "f":
        raise RuntimeError(f"{call}: all three must have one floating dtype")
    if enable_gqa:
        k, v = _shared(k, q, call), _shared(v, q, call)
    return attention_weights(q, k, attn_mask, dropout_p, is_causal, scale, call) @ v


def attention_weights(
    q: Tensor,
    k: Tensor,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    call: str = "attention_weights",
) -> Any:
    """What `scaled_dot_product_attention` multiplies the values with, (*, L, S)."""
    scores: Any = q @ k.transpose(-2, -1)
    scale = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else float(scale)
    kept = None
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError(f"{call}: give attn_mask or is_causal, not both")
        kept = np.tri(q.shape[-2], k.shape[-2], dtype=np.bool_)
    elif attn_mask is not None:
        mask = as_tensor(attn_mask)
        if mask.dtype == np.bool_:
            kept = mask._data
        elif mask.dtype == q.dtype:
            scores, scale = scores * scale + mask, 1.0
        else:
            raise RuntimeError(
                f"{call}: the mask must be bool or of the queries' dtype, got {described(mask)}"
            )
    weights: Any = AttentionWeights.apply(scores, scale, kept)
    return dropped(weights, dropout_p) if dropout_p > 0 else weights


def _shared(x: Tensor, query: Tensor, call: str) -> Tensor:
    """`x` with each head repeated for the queries' heads that share it."""
    heads, wanted = x.shape[-3], query.shape[-3]
    if heads == 0 or wanted % heads:
        raise RuntimeError(f"{call}: the query's {wanted} heads must be a multiple of {heads}")
    return IndexSelect.apply(x, x.ndim - 3, np.repeat(np.arange(heads), wanted // heads))
