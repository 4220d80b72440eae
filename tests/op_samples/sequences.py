"""Embeddings, attention and sequence losses."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.spatial.distance import pdist

from .table import Row, bad, bools, call, edge, exact, x

F = "nn.functional."
INDEX = exact([[1, 0], [3, 3]])
BAGS = exact([1, 0, 3, 3, 2])
STARTS = exact([0, 2, 2, 4])


def bag(
    index,
    weight,
    offsets=None,
    mode="mean",
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    if index.ndim == 2:
        bags = list(index)
        weights = [None] * len(bags) if per_sample_weights is None else list(per_sample_weights)
    else:
        ends = offsets[1:] if include_last_offset else [*offsets[1:], len(index)]
        pairs = list(zip(offsets, ends, strict=False))
        bags = [index[i:j] for i, j in pairs]
        weights = [
            None if per_sample_weights is None else per_sample_weights[i:j] for i, j in pairs
        ]
    out = np.zeros((len(bags), weight.shape[1]))
    for o, b, w in zip(out, bags, weights, strict=True):
        kept = np.ones(len(b), bool) if padding_idx is None else b != padding_idx % len(weight)
        rows = weight[b[kept]] * (1 if w is None else w[kept, None])
        if len(rows):
            o[:] = getattr(np, mode)(rows, axis=0)
    return out


def attention(
    q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    if enable_gqa:
        k, v = (np.repeat(a, q.shape[-3] // a.shape[-3], -3) for a in (k, v))
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    mask = np.tri(*scores.shape[-2:], dtype=bool) if is_causal else attn_mask
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = p.sum(-1, keepdims=True)
    return p / np.where(total == 0, 1, total) @ v


def multi_head(
    q,
    k,
    v,
    e,
    heads,
    weight,
    bias,
    bias_k,
    bias_v,
    zero,
    dropout,
    out_weight,
    out_bias,
    need_weights=True,
    attn_mask=None,
    key_padding_mask=None,
):
    """One head of one sequence at a time, with masks of numbers."""
    bias = np.zeros(3 * e) if bias is None else bias
    q, k, v = (
        a @ w.T + b
        for a, w, b in zip((q, k, v), np.split(weight, 3), np.split(bias, 3), strict=True)
    )
    out, weights = np.zeros(q.shape), np.zeros((q.shape[1], heads, len(q), len(k)))
    for n, h in itertools.product(range(q.shape[1]), range(heads)):
        part = slice(h * e // heads, (h + 1) * e // heads)
        mask = np.zeros((len(q), len(k)))
        if attn_mask is not None:
            mask += attn_mask if attn_mask.ndim == 2 else attn_mask[n * heads + h]
        if key_padding_mask is not None:
            mask += key_padding_mask[n]
        query, key = q[:, n, part], k[:, n, part]
        out[:, n, part] = attention(query, key, v[:, n, part], mask)
        weights[n, h] = attention(query, key, np.eye(len(k)), mask)
    out = out @ out_weight.T + (0 if out_bias is None else out_bias)
    return out, weights.mean(1) if need_weights else None


def without_none(f, *args, **kwargs):
    return [result for result in f(*args, **kwargs) if result is not None]


def of_itself(f, sequence, *args, **kwargs):
    return without_none(f, sequence, sequence, sequence, *args, **kwargs)


def ctc(a, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """By enumeration: every path whose labels, without repetitions and blanks, are the targets."""
    a = a - np.log(np.exp(a).sum(-1, keepdims=True))
    if a.ndim == 2:
        return ctc(a[:, None], targets[None], input_lengths, target_lengths, blank, reduction)
    losses = []
    start = 0
    for n, (steps, size) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        labels = targets[n, :size] if targets.ndim == 2 else targets[start : start + size]
        start += size
        total = 0.0
        for path in itertools.product(range(a.shape[2]), repeat=steps):
            seen = [c for c, _ in itertools.groupby(path) if c != blank]
            if seen == list(labels):
                total += np.exp(a[range(steps), n, path].sum())
        loss = -np.log(total)
        losses.append(0.0 if zero_infinity and np.isinf(loss) else loss)
    if reduction == "mean":
        return np.mean(np.array(losses) / np.maximum(target_lengths, 1))
    return np.sum(losses) if reduction == "sum" else np.array(losses)


LABELS = exact([[1, 1], [2, 1], [2, 0]])
TIMES, SIZES = (4, 3, 2), (2, 2, 1)
SEQUENCES = (x(3, 2, 4), x(5, 2, 4), x(5, 2, 4))
PROJECTED = (4, 2, x(12, 4), x(12), None, None, False, 0.0, x(4, 4), x(4))
QKV = (x(2, 3, 4), x(2, 5, 4), x(2, 5, 2))


def shrinking(f, index, weight, *args, **kwargs):
    """The call on a copy of the weight, which `max_norm` changes, and what became of it."""
    copy = weight.copy() if isinstance(weight, np.ndarray) else weight.clone()
    return f(index, copy, *args, **kwargs), copy


def shrunk(index, weight, max_norm, norm_type=2.0):
    rows = np.unique(index)
    norms = np.linalg.norm(weight[rows], norm_type, axis=1, keepdims=True)
    weight[rows] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1)
    return weight[index]


def normalized(f, a, *args, **kwargs):
    """The loss of the log probabilities that the scores `a` stand for."""
    return f(a if isinstance(a, np.ndarray) else a.log_softmax(-1), *args, **kwargs)


EMBEDDINGS = [
    Row(
        F + "embedding",
        call(INDEX, x(4, 3)),
        call(exact(2), x(4, 3)),
        call(exact(np.zeros((0, 2), np.int64)), x(4, 3)),
        # A gradient that is left out or scaled on purpose is none that differences find.
        edge(INDEX, x(4, 3), padding_idx=3),
        edge(INDEX, x(4, 3), padding_idx=-4, scale_grad_by_freq=True),
        bad(IndexError, exact([4]), x(4, 3)),
        bad(IndexError, exact([-1]), x(4, 3)),
        bad(RuntimeError, INDEX, x(4)),
        bad(RuntimeError, exact([1.0]), x(4, 3)),
        numpy=lambda i, w, **_: w[i],
    ),
    Row(
        F + "embedding",
        edge(INDEX, x(4, 3), max_norm=1.0),
        edge(INDEX, x(4, 3), max_norm=2.0, norm_type=1.0),
        numpy=shrunk,
        run=shrinking,
    ),
    Row(
        F + "embedding_bag",
        *(
            call(index, x(4, 3), *offsets, mode=mode)
            for mode in ("mean", "sum", "max")
            for index, *offsets in ((INDEX,), (BAGS, STARTS))
        ),
        call(BAGS, x(4, 3), exact([0, 2, 5]), mode="sum", include_last_offset=True),
        call(BAGS, x(4, 3), STARTS, mode="sum", per_sample_weights=x(5)),
        call(INDEX, x(4, 3), mode="sum", per_sample_weights=x(2, 2), padding_idx=3),
        call(BAGS, x(4, 3), STARTS, mode="max", padding_idx=-1),
        call(exact(np.zeros((0, 2), np.int64)), x(4, 3)),
        bad(ValueError, BAGS, x(4, 3)),
        bad(ValueError, INDEX, x(4, 3), STARTS),
        bad(ValueError, INDEX, x(4)),
        bad(ValueError, INDEX, x(4, 3), mode="min"),
        bad(RuntimeError, BAGS, x(4, 3), exact([1, 2])),
        bad(RuntimeError, BAGS, x(4, 3), exact([0, 9])),
        bad(NotImplementedError, INDEX, x(4, 3), per_sample_weights=x(2, 2)),
        bad(ValueError, INDEX, x(4, 3), mode="max", scale_grad_by_freq=True),
        numpy=bag,
    ),
]

ATTENTION = [
    Row(
        F + "scaled_dot_product_attention",
        call(*QKV),
        call(x(2, 2, 3, 4), x(2, 2, 5, 4), x(2, 2, 5, 3), is_causal=True),
        call(*QKV, bools(3, 5)),
        call(*QKV, x(2, 3, 5), scale=0.3),
        call(*QKV, bools(2, 1, 5), scale=0.3),
        call(x(4, 3, 2), x(2, 5, 2), x(2, 5, 2), enable_gqa=True),
        call(x(3, 4), x(5, 4), x(5, 2)),
        edge(x(0, 3, 4), x(0, 5, 4), x(0, 5, 2)),
        edge(*QKV, exact(np.arange(15).reshape(3, 5) // 5 != 1)),  # a query without keys
        edge(*QKV, exact(np.where(np.tri(3, 5) > 0, 0.0, -np.inf), grad=False)),
        bad(RuntimeError, *QKV, bools(3, 5), is_causal=True),
        bad(RuntimeError, x(4), x(5, 4), x(5, 2)),
        bad(RuntimeError, x(3, 4), x(5, 3), x(5, 2)),
        bad(RuntimeError, x(3, 4), x(5, 4), x(4, 2)),
        bad(RuntimeError, *QKV, exact(np.ones((3, 5), np.int64))),
        numpy=attention,
    ),
    Row(
        F + "scaled_dot_product_attention",
        call(*QKV, dropout_p=0.5),
        numpy=None,
        random=True,
    ),
]

HEADS = [
    Row(
        F + "multi_head_attention_forward",
        call(*SEQUENCES, *PROJECTED),
        call(*SEQUENCES, *PROJECTED, need_weights=False, attn_mask=x(3, 5)),
        call(*SEQUENCES, *PROJECTED, attn_mask=x(4, 3, 5), key_padding_mask=x(2, 5)),
        bad(AssertionError, x(3, 2, 6), *SEQUENCES[1:], *PROJECTED),
        bad(AssertionError, *SEQUENCES, *PROJECTED, key_padding_mask=bools(5, 2)),
        bad(RuntimeError, *SEQUENCES, *PROJECTED, is_causal=True),
        numpy=multi_head,
        run=without_none,
        skip_dtypes="ib",
        why="PyTorch refuses integers in the product, ours in the projection",
    ),
    Row(
        F + "multi_head_attention_forward",
        call(x(3, 2, 4), *PROJECTED),
        call(x(3, 2, 4), *PROJECTED, need_weights=False),
        numpy=multi_head,
        run=of_itself,
        skip_dtypes="ib",
        why="as above",
    ),
]

LOSSES = [
    Row(
        F + "ctc_loss",
        *(
            call(x(4, 3, 3), LABELS, TIMES, SIZES, reduction=reduction)
            for reduction in ("mean", "sum", "none")
        ),
        call(x(4, 3, 3), exact([1, 1, 2, 1, 2]), TIMES, SIZES),
        call(
            x(4, 3, 3), exact([[0, 2], [2, 2], [2, 0]]), TIMES, SIZES, blank=1, zero_infinity=True
        ),
        call(x(4, 3), exact([1, 2]), (4,), (2,)),
        call(x(4, 1, 3), exact(np.zeros((1, 0), np.int64)), (4,), (0,)),
        edge(x(2, 2, 3), exact([[1, 1], [1, 2]]), (2, 2), (2, 2), 0, "none", True),
        bad(RuntimeError, x(4, 3, 3), LABELS, (5, 3, 2), SIZES),
        bad(RuntimeError, x(4, 3, 3), LABELS, TIMES, (3, 2, 1)),
        bad(RuntimeError, x(4, 3, 3), LABELS, TIMES, SIZES, 3),
        bad(ValueError, x(4, 3, 3), LABELS, TIMES, SIZES, reduction="avg"),
        numpy=ctc,
        run=normalized,
    ),
    Row(
        "pdist",
        call(x(4, 3)),
        call(x(3, 2), 1.0),
        call(x(3, 2), p=3.0),
        call(x(1, 2)),
        edge(exact([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]])),
        bad(RuntimeError, x(3)),
        numpy=lambda a, p=2.0: pdist(a, "minkowski", p=p) if len(a) > 1 else np.zeros(0),
    ),
]

ROWS = EMBEDDINGS + ATTENTION + HEADS + LOSSES
