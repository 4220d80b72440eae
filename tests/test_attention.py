"""Attention as one operation beside the same of several: products, softmax, dropout."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import gradcheck, gradgradcheck
from autograd.ops import attention
from nn.functional import scaled_dot_product_attention as fused

LEADING = [(), (3,), (2, 3), (2, 2, 3)]


def composite(q: Any, k: Any, v: Any, mask: Any = None, dropout_p: float = 0.0, **kw: Any) -> Any:
    """The reference, which the one operation takes its second derivatives from."""
    if kw.pop("is_causal", False):
        mask = autograd.from_numpy(np.tri(q.shape[-2], k.shape[-2], dtype=np.bool_))
    return attention.attention_weights(q, k, mask, dropout_p, **kw) @ v


def sequences(leading: tuple[int, ...], dtype: Any = np.float64, size: float = 1.0) -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = [(*leading, *shape) for shape in ((4, 6), (5, 6), (5, 3))]
    return [
        autograd.from_numpy(rng.normal(0, size, s).astype(dtype)).requires_grad_() for s in shapes
    ]


def both(qkv: list[Any], *args: Any, **kwargs: Any) -> list[list[np.ndarray]]:
    """Results and gradients of one and the other."""
    found = []
    for f in (fused, composite):
        autograd.manual_seed(0)
        out = f(*qkv, *args, **kwargs)
        upstream = autograd.from_numpy(np.cos(np.arange(out.numel())).reshape(out.shape))
        gradients = autograd.grad(out, qkv, upstream.to(out.dtype))
        found.append([x.detach().numpy() for x in (out, *gradients)])
    return found


def close(found: list[list[np.ndarray]], tolerance: float = 1e-12) -> None:
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, tolerance, tolerance)


@pytest.mark.parametrize("in_cache", [1, 50, 1 << 17], ids=["alone", "some", "together"])
@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_all_kinds(leading: Any, in_cache: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many matrices are computed at a time."""
    monkeypatch.setattr(attention, "IN_CACHE", in_cache)
    rng = np.random.default_rng(1)
    qkv = sequences(leading)
    close(both(qkv))
    for rows in (1, 2, 64):  # at least so many are computed at a time
        monkeypatch.setattr(attention, "_ROWS", rows)
        close(both(qkv, is_causal=True, scale=0.7))
        close(both(qkv, dropout_p=0.4, is_causal=True))
        close(both([qkv[1], qkv[0], qkv[0]], is_causal=True))  # more rows than columns
    close(both(qkv, autograd.from_numpy(rng.random((4, 5)) < 0.6), 0.4))
    close(both(qkv, autograd.from_numpy(rng.normal(size=(*leading, 1, 5)))))


def test_the_parts_are_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for leading, limit in itertools.product(LEADING, (1, 20, 41, 1000)):
        monkeypatch.setattr(attention, "IN_CACHE", limit)
        counted = np.zeros((*leading, 4, 5), np.int64)
        for part in attention._parts(counted.shape):
            assert counted[part].size <= max(limit, 20)
            counted[part] += 1
        assert (counted == 1).all()


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_large_scores(size: float) -> None:
    """Their exponentials overflow, or all of a row's vanish: then the largest becomes 0 first."""
    for is_causal in (False, True):
        found = both(sequences((2, 3), np.float32, size), is_causal=is_causal)
        close(found, 1e-5)
        assert all(np.isfinite(a).all() for a in found[0])
    q, k, v = sequences((), np.float32)
    shifted = composite(q, k, v, autograd.full((4, 5), -1e4))
    np.testing.assert_allclose(
        fused(q, k, v, autograd.full((4, 5), -1e4)).detach(), shifted.detach(), 1e-3
    )


def test_half_precision() -> None:
    close(both(sequences((2,), np.float16)), 5e-3)
    close(both(sequences((2,), np.float16), is_causal=True), 5e-3)


def test_rows_without_keys() -> None:
    mask = autograd.ones(4, 5, dtype=autograd.bool)
    mask[1] = False
    found = both(sequences((2, 3)), mask)
    close(found)
    assert (found[0][0][..., 1, :] == 0).all() and (found[0][1][..., 1, :] == 0).all()


@pytest.mark.parametrize("needed", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_some_gradients(needed: tuple[int, ...]) -> None:
    """Those that nobody needs are not computed, and a second backward pass finds the same."""
    q, k, v = (
        x if i in needed else x.detach() for i, x in enumerate(sequences((2, 3), np.float32))
    )
    out = fused(q, k, v)
    inputs = [x for x in (q, k, v) if x.requires_grad]
    first, second = (autograd.grad(out.sum(), inputs, retain_graph=True) for _ in range(2))
    expected = autograd.grad(composite(q, k, v).sum(), inputs)
    for a, b, c in zip(first, second, expected, strict=True):
        assert autograd.equal(a, b)
        np.testing.assert_allclose(a, c, 1e-4, 1e-5)


def test_derivatives_to_second_order() -> None:
    qkv = sequences((2,))
    mask = autograd.from_numpy(np.random.default_rng(2).normal(size=(4, 5)))
    for options in ({}, {"attn_mask": mask}, {"is_causal": True, "scale": 0.2}):

        def function(q: Any, k: Any, v: Any, options: Any = options) -> Any:
            return fused(q, k, v, **options)

        assert gradcheck(function, qkv)
        assert gradgradcheck(function, qkv, fast_mode=True)


def test_a_mask_may_be_learned() -> None:
    mask = autograd.zeros(4, 5, dtype=autograd.float64, requires_grad=True)
    assert gradcheck(lambda m, *qkv: fused(*qkv, m), [mask, *sequences((2,))])


def test_heads_are_joined_without_a_copy() -> None:
    """The result lies in memory as its transpose is mostly wanted."""
    out = fused(*(x.detach() for x in sequences((2, 3))))
    assert out.transpose(1, 2).is_contiguous()
    assert fused(*(x.detach() for x in sequences((3,)))).is_contiguous()


def test_nothing_is_kept_where_no_gradient_is_needed() -> None:
    qkv = sequences((2,))
    with autograd.no_grad():
        assert not fused(*qkv).requires_grad
    out = fused(*qkv)
    assert [weights.shape for weights in out.grad_fn.weights] == [(2, 4, 5)]
    out.sum().backward()
    assert not any(isinstance(x, (np.ndarray, list)) for x in vars(out.grad_fn).values())
