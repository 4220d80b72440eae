"""Scaled dot-product attention as one operation, and with its weights as a result of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .common import dropout_mask, dropped
from .indexing import IndexSelect
from .linalg import t
from .splitting import filled
from .windows import IN_CACHE


class AttentionWeights(Op):
    """The softmax over the last dimension. A row that is -inf throughout becomes 0."""

    symbol, public = "softmax", False
    backward = {"x": lambda g, out: (g - (g * out).sum(-1, keepdims=True)) * out}
    formula = {"x": "out * (g - sum of g * out)"}

    def forward(x):
        out = x.copy()
        _softmax(out, shift=True)
        return out


def _softmax(x: np.ndarray, shift: bool) -> bool:
    """Turns the scores in `x` into weights. Without `shift`, returns False if it should be used.

    `shift` moves the largest score of each row to 0, to which softmax is blind but exp is not.
    Where sums of exponentials are far from overflow and underflow, nothing is lost without.
    """
    if shift:
        top = x.max(-1, keepdims=True, initial=-np.inf)
        x -= np.where(np.isneginf(top), 0, top)
    np.exp(x, out=x)
    total = (x @ np.ones(x.shape[-1], x.dtype))[..., None]  # six times as fast as x.sum(-1)
    if shift:
        total[total == 0] = 1
    elif total.size:
        limits = np.finfo(x.dtype)
        if not (limits.tiny**0.45 < total.min() and total.max() < limits.max**0.45):
            return False
    x *= np.reciprocal(total, out=total)
    return True


def _weights(q: Any, k: Any, mask: Any, scale: float) -> Any:
    scores = (q * scale) @ t(k)
    return AttentionWeights.call(scores if mask is None else scores + mask)


def _rule(i: int) -> Any:
    return lambda g, ctx, q, k, v, mask, stays, scale, causal: _gradient(
        i, g, ctx, (q, k, v), mask, stays, scale, causal
    )


class Attention(Op):
    """softmax(scale q kᵀ + mask) v, the weights times `stays`, for equal leading dimensions.

    One operation, because each pass over the scores, which are larger than all else, then finds
    them in the cache: they are computed for some heads at a time. `causal` takes the place of a
    mask: then they are also computed for some rows at a time, up to the last column that one of
    these sees. Of the three gradients, which share most of the work, the first that is asked for
    leaves the others on ctx.
    """

    public, saves_on_ctx = False, True
    backward = {"q": _rule(0), "k": _rule(1), "v": _rule(2)}
    formula = {
        "q": "scale * (gradient of the scores) @ k",
        "k": "scale * (gradient of the scores).mT @ q",
        "v": "weights.mT @ g",
    }

    def forward(ctx, q, k, v, mask, stays, scale, causal):
        sizes = (*q.shape[:-1], k.shape[-2])
        out = _empty_result(q, v)
        ctx.weights = [] if any(ctx.needs_input_grad) else None
        added = None if mask is None else np.broadcast_to(mask, sizes)
        step = _step(sizes[-2])
        hidden = _causal_mask(step, step, q.dtype) if causal else None
        for block, of_rows, of_columns, start, _ in _blocks(sizes, causal):
            for shift in (False, True):
                weights = q[of_rows] @ t(k[of_columns])
                weights *= scale
                if added is not None:
                    weights += added[block]
                elif hidden is not None:
                    last = weights[..., start:]
                    last += hidden[: last.shape[-2], : last.shape[-1]]
                if _softmax(weights, shift):
                    break
            used = weights if stays is None else weights * stays[block]
            np.matmul(used, v[of_columns], out=out[of_rows])
            if ctx.weights is not None:
                ctx.weights.append(weights)
        return out


_ALL = slice(None)
_ROWS = 64


def _step(length: int) -> int:
    """How many rows are computed at a time under a causal mask: at least 64, in up to 8 blocks."""
    return -(-length // min(8, max(1, length // _ROWS)))


def _blocks(sizes: tuple[int, ...], causal: bool) -> Iterator[tuple[Any, Any, Any, int, bool]]:
    """Indices of a block of scores, of its rows and of its columns; its first row; and whether
    it is the first of its part, which sees all columns that any row sees."""
    *leading, length, source = sizes
    if not causal:
        for part in _parts(sizes):
            yield part, part, part, 0, True
        return
    step = _step(length)
    for part in _parts((*leading, step, (source + 1) // 2)):  # what is seen on average
        for start in reversed(range(0, length, step or 1)):
            end = min(start + step, length)
            rows, columns = slice(start, end), slice(0, end)
            of_rows, of_columns = (*part, ..., rows, _ALL), (*part, ..., columns, _ALL)
            yield (*part, ..., rows, columns), of_rows, of_columns, start, end == length


def _causal_mask(rows: int, columns: int, dtype: np.dtype) -> np.ndarray:
    """To be added to scores: row i sees the columns up to i."""
    seen = np.tri(rows, columns, dtype=np.bool_)
    return np.where(seen, dtype.type(0), dtype.type(-np.inf))


def _empty_result(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(*, heads, L, Ev), in memory with the heads of each place side by side, so that joining
    them, which is what mostly follows, moves nothing."""
    if q.ndim < 4:
        return np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
    *leading, heads, length, _ = q.shape
    return np.empty((*leading, length, heads, v.shape[-1]), q.dtype).swapaxes(-2, -3)


def _parts(sizes: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    """Indices of the leading dimensions, of whole matrices that together fit the cache."""
    *leading, rows, columns = sizes
    if not leading:
        yield ()
        return
    size = math.prod(leading[1:]) * rows * columns
    if size > IN_CACHE and len(leading) > 1:
        for i in range(leading[0]):
            for rest in _parts(sizes[1:]):
                yield (i, *rest)
        return
    step = max(1, IN_CACHE // max(size, 1))
    for i in range(0, leading[0], step):
        yield (slice(i, i + step),)


def _gradient(
    i: int, g: Any, ctx: Any, qkv: Any, mask: Any, stays: Any, scale: float, causal: bool
) -> Any:
    if isinstance(g, Tensor):
        if causal:
            mask = _causal_mask(qkv[0].shape[-2], qkv[1].shape[-2], qkv[0].dtype)
        return _gradient_in_graph(i, g, qkv, mask, stays, scale)
    found = vars(ctx).get("found")
    if found is None or found[0] is not g or i not in found[1]:
        found = ctx.found = [g, _gradients(g, ctx, qkv, stays, scale, causal)]
    gradient = found[1].pop(i)
    if not found[1]:
        del ctx.found
    return gradient


def _gradients(
    g: Any, ctx: Any, qkv: Any, stays: Any, scale: float, causal: bool
) -> dict[int, Any]:
    """The gradients that are needed, by the position of the argument."""
    q, k, v = qkv
    sizes, needed = (*q.shape[:-1], k.shape[-2]), ctx.needs_input_grad
    unseen = causal and sizes[-1] > sizes[-2]
    make = np.zeros_like if unseen else np.empty_like
    by_q, by_k, by_v = (make(x) if needed[i] else None for i, x in enumerate(qkv))
    blocks = zip(_blocks(sizes, causal), ctx.weights, strict=True)
    for (block, of_rows, of_columns, _, first), weights in blocks:
        if by_v is not None:
            used = weights if stays is None else weights * stays[block]
            _add_product(by_v[of_columns], t(used), g[of_rows], first)
        if by_q is None and by_k is None:
            continue
        by_scores = g[of_rows] @ t(v[of_columns])
        if stays is not None:
            by_scores *= stays[block]
        by_scores -= np.vecdot(by_scores, weights)[..., None]
        by_scores *= weights
        if by_q is not None:
            np.matmul(by_scores, k[of_columns], out=by_q[of_rows])
        if by_k is not None:
            _add_product(by_k[of_columns], t(by_scores), q[of_rows], first)
    for x in (by_q, by_k):
        if x is not None:
            x *= scale
    return {i: x for i, x in enumerate((by_q, by_k, by_v)) if x is not None}


def _add_product(total: np.ndarray, a: np.ndarray, b: np.ndarray, first: bool) -> None:
    if first:
        np.matmul(a, b, out=total)
    else:
        total += a @ b


def _gradient_in_graph(i: int, g: Any, qkv: Any, mask: Any, stays: Any, scale: float) -> Any:
    q, k, v = qkv
    weights = _weights(q, k, mask, scale)
    if i == 2:
        return t(weights if stays is None else weights * stays) @ g
    by_weights = g @ t(v) if stays is None else (g @ t(v)) * stays
    inner = by_weights - (by_weights * weights).sum(-1, keepdims=True)
    by_scores = weights * inner * scale
    return by_scores @ k if i == 0 else t(by_scores) @ q


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


@public(namespace="nn.functional", op=Attention)
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
    if is_causal and attn_mask is not None:
        raise RuntimeError(f"{call}: give attn_mask or is_causal, not both")
    mask = _additive(attn_mask, q, call)
    scale = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else float(scale)
    sizes = (*q.shape[:-1], k.shape[-2])
    fits = sizes[:-2] == k.shape[:-2] == v.shape[:-2] and q.shape[-1] == k.shape[-1]
    learned = mask is not None and mask.requires_grad
    if learned or not fits or v.shape[-2] != sizes[-1]:
        mask = wrap(_causal_mask(sizes[-2], sizes[-1], q.dtype)) if is_causal else mask
        return attention_weights(q, k, mask, dropout_p, scale) @ v
    added = None if mask is None else mask._data
    stays = dropout_mask(sizes, dropout_p, q.dtype) if dropout_p > 0 else None
    return Attention.apply(q, k, v, added, stays, scale, bool(is_causal))


def attention_weights(
    q: Tensor, k: Tensor, mask: Any = None, dropout_p: float = 0.0, scale: float | None = None
) -> Any:
    """What `scaled_dot_product_attention` multiplies the values with, (*, L, S)."""
    mask = _additive(mask, q, "attention_weights")
    scale = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else scale
    weights: Any = _weights(q, k, mask, scale)
    return dropped(weights, dropout_p) if dropout_p > 0 else weights


def _additive(mask: Any, q: Tensor, call: str) -> Tensor | None:
    """A mask as numbers to add to the scores: a bool mask as 0 and -inf."""
    if mask is None:
        return None
    mask = as_tensor(mask)
    if mask.dtype == np.bool_:
        return wrap(np.where(mask._data, q.dtype.type(0), q.dtype.type(-np.inf)))
    if mask.dtype != q.dtype:
        raise RuntimeError(
            f"{call}: the mask must be bool or of the queries' dtype, got {described(mask)}"
        )
    return mask


def _shared(x: Tensor, query: Tensor, call: str) -> Tensor:
    """`x` with each head repeated for the queries' heads that share it."""
    heads, wanted = x.shape[-3], query.shape[-3]
    if heads == 0 or wanted % heads:
        raise RuntimeError(f"{call}: the query's {wanted} heads must be a multiple of {heads}")
    return IndexSelect.apply(x, x.ndim - 3, np.repeat(np.arange(heads), wanted // heads))
