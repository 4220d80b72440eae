"""Multi-head attention with its projections and every mask that PyTorch takes.

Inside, queries, keys and values are (N, heads, L, head_dim), whatever the order of the sequences'
dimensions outside.
"""

from __future__ import annotations

import warnings
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described
from autograd.ops.attention import Heads, attention_weights, scaled_dot_product_attention
from autograd.ops.products import linear
from autograd.registry import public
from autograd.tensor import wrap


class AttentionShapeError(ShapeError, AssertionError):
    """Sequences or masks that do not fit; PyTorch raises an AssertionError."""


@public(namespace="nn.functional")
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    batch_first: bool = False,
    name: str = "multi_head_attention_forward",
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention` computes (Vaswani et al., "Attention is all you need", 2017).

    Args:
        query: (L, N, E), or (L, E) without a batch.
        key: (S, N, E), or (S, N, K) with a projection of its own.
        value: (S, N, E), or (S, N, V).
        embed_dim_to_check: E.
        num_heads: how many heads share E.
        in_proj_weight: the projections of query, key and value, one above the other, (3E, E).
        in_proj_bias: (3E,).
        bias_k, bias_v: one more key and value that every query may attend to, (1, 1, E).
        add_zero_attn: whether to add a key and a value of zeros.
        dropout_p: the share of weights dropped if `training`.
        out_proj_weight, out_proj_bias: the last projection, (E, E) and (E,).
        training: whether there is dropout.
        key_padding_mask: (N, S): bool, True for a key to ignore, or numbers to add to its scores.
        need_weights: whether the weights are returned.
        attn_mask: (L, S) or (N · num_heads, L, S): bool, True where a query must not attend to a
            key (in `scaled_dot_product_attention` it is the other way round), or numbers to add.
        use_separate_proj_weight: whether `q_proj_weight` (E, E), `k_proj_weight` (E, K) and
            `v_proj_weight` (E, V) are used instead of `in_proj_weight`.
        static_k, static_v: keys and values as they are, (N · num_heads, S, E / num_heads).
        average_attn_weights: whether the weights are averaged over the heads.
        is_causal: says that `attn_mask` is the causal mask. It is then not looked at, unless
            there is a `key_padding_mask` or the weights are needed.
        batch_first: whether the first two dimensions of sequences are (N, L).
        name: what errors call this.

    Returns:
        The output, of the shape of `query`; and the weights, (N, L, S) or (N, num_heads, L, S),
        or None. For a query that may attend to nothing they are 0.

    Raises:
        AssertionError: for sequences and masks whose shapes do not fit.
        RuntimeError: for an `attn_mask` of the wrong size, and `is_causal` without it.

    >>> import autograd, nn
    >>> x = autograd.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> out, weights = nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 1, autograd.eye(2).tile(3, 1), None, None, None, False, 0.0,
    ...     autograd.eye(2), None)
    >>> weights
    tensor([[0.6698, 0.3302],
            [0.3302, 0.6698]])
    """
    batched = query.ndim == 3
    sequences = (query, key, value)
    _check_sequences(sequences, embed_dim_to_check, num_heads, use_separate_proj_weight, name)
    masks = _checked_masks(sequences, num_heads, attn_mask, key_padding_mask, batch_first, name)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            f"{name}: is_causal is a hint about attn_mask, which is missing; it can be made with "
            "nn.Transformer.generate_square_subsequent_mask"
        )
    if use_separate_proj_weight:
        separate = (q_proj_weight, k_proj_weight, v_proj_weight)
        projected = _projected_apart(sequences, separate, in_proj_bias, name)
    else:
        projected = _projected(sequences, in_proj_weight, in_proj_bias, name)
    if not batched:
        projected, batch_first = [x.unsqueeze(0) for x in projected], True
    q, k, v = (
        part
        for x in projected
        for part in Heads.apply(x, x.shape[-1] // embed_dim_to_check, num_heads, batch_first)
    )
    k = k if static_k is None else _static(static_k, k, "static_k", name)
    v = v if static_v is None else _static(static_v, v, "static_v", name)
    k, v, added = _extended(k, v, bias_k, bias_v, add_zero_attn, name)
    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        weights = attention_weights(q, k, _merged(*masks, added, q.dtype), dropout_p)
        out = weights @ v
        weights = weights.mean(1) if average_attn_weights else weights
        weights = weights if batched else weights.squeeze(0)
    elif is_causal and key_padding_mask is None:
        out = scaled_dot_product_attention(q, k, v, None, dropout_p, True)
    else:
        out = scaled_dot_product_attention(q, k, v, _merged(*masks, added, q.dtype), dropout_p)
    out = out.permute(0, 2, 1, 3) if batch_first else out.permute(2, 0, 1, 3)
    return linear(out.reshape(query.shape), out_proj_weight, out_proj_bias), weights


def _check_sequences(
    sequences: tuple[Tensor, ...], embed_dim: int, num_heads: int, separate: bool, name: str
) -> None:
    query, key, value = sequences
    given = f"query {described(query)}, key {described(key)} and value {described(value)}"
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise AttentionShapeError(
            f"{name}: query, key and value must all have 3 dimensions, or 2 without a batch; "
            f"got {given}"
        )
    if query.shape[-1] != embed_dim or embed_dim % num_heads:
        raise AttentionShapeError(
            f"{name}: the last dimension of the query must be {embed_dim}, a multiple of the "
            f"{num_heads} heads; got {given}"
        )
    if key.shape[:-1] != value.shape[:-1] or not (separate or key.shape == value.shape):
        raise AttentionShapeError(
            f"{name}: key and value must have one length and batch"
            f"{'' if separate else f', and the size {embed_dim}'}; got {given}"
        )


def _checked_masks(
    sequences: tuple[Tensor, ...],
    num_heads: int,
    attn_mask: Tensor | None,
    key_padding_mask: Tensor | None,
    batch_first: bool,
    name: str,
) -> tuple[Tensor | None, Tensor | None]:
    """Both masks in shapes that broadcast to (N, heads, L, S)."""
    query, key, _ = sequences
    first, second = (0, 1) if batch_first else (1, 0)
    n, length, source = 1, query.shape[0], key.shape[0]
    if query.ndim == 3:
        n, length, source = query.shape[first], query.shape[second], key.shape[second]
        if key.shape[first] != n:
            raise AttentionShapeError(
                f"{name}: query and key must have one batch size, got {described(query)} and "
                f"{described(key)}"
            )
    for what, mask in (("attn_mask", attn_mask), ("key_padding_mask", key_padding_mask)):
        if mask is not None and mask.dtype.kind not in "bf":
            raise AttentionShapeError(
                f"{name}: only bool and floating types of {what} are supported, got "
                f"{described(mask)}"
            )
    if attn_mask is not None:
        if attn_mask.shape not in ((length, source), (n * num_heads, length, source)):
            raise AttentionShapeError(
                f"{name}: attn_mask must have shape {(length, source)} or, one for each head of "
                f"each sequence, {(n * num_heads, length, source)}; got {described(attn_mask)}"
            )
        heads = (n, num_heads) if attn_mask.ndim == 3 else (1, 1)
        attn_mask = attn_mask.reshape(*heads, length, source)
    if key_padding_mask is not None:
        expected = (n, source) if query.ndim == 3 else (source,)
        if key_padding_mask.shape != expected:
            raise AttentionShapeError(
                f"{name}: key_padding_mask must have shape {expected}, got "
                f"{described(key_padding_mask)}"
            )
        key_padding_mask = key_padding_mask.reshape(n, 1, 1, source)
    return attn_mask, key_padding_mask


def _projected(
    sequences: tuple[Tensor, ...], weight: Tensor | None, bias: Tensor | None, name: str
) -> list[Tensor]:
    """The projections, of sequences that are the same tensor in one product."""
    query, key, value = sequences
    if weight is None:
        raise AttentionShapeError(f"{name}: in_proj_weight is missing")
    if query is key and key is value:
        return [linear(query, weight, bias)]
    e = query.shape[-1]
    distinct = [query, key] if key is value else [query, key, value]
    sizes = [e, 2 * e] if key is value else [e, e, e]
    biases = [None] * len(sizes) if bias is None else bias.split(sizes)
    return list(map(linear, distinct, weight.split(sizes), biases))


def _projected_apart(
    sequences: tuple[Tensor, ...],
    weights: tuple[Tensor | None, ...],
    bias: Tensor | None,
    name: str,
) -> list[Tensor]:
    """The projections with a weight each, for sizes that differ."""
    biases = [None] * 3 if bias is None else bias.chunk(3)
    projected = []
    for what, x, w, b in zip(("query", "key", "value"), sequences, weights, biases, strict=True):
        if w is None or x.shape[-1] != w.shape[-1]:
            raise AttentionShapeError(
                f"{name}: the {what} {described(x)} and its projection {described(w)} must have "
                "the same last size"
            )
        projected.append(linear(x, w, b))
    return projected


def _static(given: Tensor, projected: Tensor, what: str, name: str) -> Tensor:
    """Keys or values given from outside, in the shape of the projected ones but for the length."""
    n, heads, _, size = projected.shape
    if given.ndim != 3 or (given.shape[0], given.shape[2]) != (n * heads, size):
        raise AttentionShapeError(
            f"{name}: {what} must have shape ({n * heads}, S, {size}), got {described(given)}"
        )
    return given.reshape(n, heads, -1, size)


def _extended(
    k: Any, v: Any, bias_k: Tensor | None, bias_v: Tensor | None, add_zero: bool, name: str
) -> tuple[Any, Any, int]:
    """Keys and values with those that are added to every sequence, and how many those are."""
    if (bias_k is None) != (bias_v is None):
        raise AttentionShapeError(f"{name}: give both bias_k and bias_v, or none of them")
    more_k, more_v = [k], [v]
    n, heads, _, size = k.shape
    if bias_k is not None and bias_v is not None:
        more_k.append(bias_k.reshape(1, heads, 1, size).expand(n, heads, 1, size))
        more_v.append(bias_v.reshape(1, heads, 1, -1).expand(n, heads, 1, v.shape[-1]))
    if add_zero:
        more_k.append(autograd.zeros(n, heads, 1, size, dtype=k.dtype))
        more_v.append(autograd.zeros(n, heads, 1, v.shape[-1], dtype=v.dtype))
    if len(more_k) == 1:
        return k, v, 0
    return autograd.cat(more_k, 2), autograd.cat(more_v, 2), len(more_k) - 1


def _merged(attn: Any, padding: Any, added: int, dtype: Any) -> Any:
    """Both masks as the one that `scaled_dot_product_attention` takes, open for `added` keys."""
    masks = [m for m in (attn, padding) if m is not None]
    if not masks:
        return None
    if len(masks) == 2 and len({m.dtype.kind for m in masks}) == 2:
        warnings.warn(
            "Support for mismatched key_padding_mask and attn_mask is deprecated. "
            "Use same type for both instead.",
            UserWarning,
            stacklevel=4,
        )
        masks = [_additive(m, dtype) for m in masks]
    if masks[0].dtype.kind == "b":
        mask = ~(masks[0] if len(masks) == 1 else masks[0] | masks[1])
    else:
        masks = [_additive(m, dtype) for m in masks]
        mask = masks[0] if len(masks) == 1 else masks[0] + masks[1]
    if not added:
        return mask
    allowed = autograd.full((*mask.shape[:-1], added), mask.dtype.kind == "b", dtype=mask.dtype)
    return autograd.cat([mask, allowed], -1)


def _additive(mask: Tensor, dtype: Any) -> Tensor:
    if mask.dtype.kind == "f":
        return mask.to(dtype)
    return wrap(autograd.zeros(mask.shape, dtype=dtype).masked_fill(mask, float("-inf"))._data)
