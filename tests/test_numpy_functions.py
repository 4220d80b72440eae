"""NumPy's products, linear algebra, reductions and padding on Tensors: its values, and a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import autograd
from autograd import from_numpy, gradcheck

RNG = np.random.default_rng(0)
X, Y, V, W = (RNG.normal(size=s) for s in ((3, 4), (3, 4), (4,), (3,)))
C = RNG.normal(size=(2, 4, 3))
WITH_NAN = np.where(RNG.random((3, 4)) < 0.3, np.nan, X)
WITH_NAN[1] = X[1]
MASK = RNG.random((3, 4)) < 0.6
MASK[:, 0] = True

CALLS = {
    # Products.
    "dot matrices": lambda x, y: np.dot(x, y.T),
    "dot of vectors": lambda x, y: np.dot(x[0], y[0]),
    "dot of a number": lambda x, y: np.dot(x, 2.0),
    "dot, 2-d with 3-d": lambda x, y: np.dot(x, C),
    "vdot": lambda x, y: np.vdot(x, y),
    "vecdot": lambda x, y: np.vecdot(x, y),
    "matvec": lambda x, y: np.matvec(x, y[0]),
    "vecmat": lambda x, y: np.vecmat(y[:, 0], x),
    "tensordot": lambda x, y: np.tensordot(x, y, axes=([1], [1])),
    "tensordot of two": lambda x, y: np.tensordot(x, y, 2),
    "einsum": lambda x, y: np.einsum("ij,kj->ik", x, y, optimize=True),
    "einsum with lists": lambda x, y: np.einsum(x, [0, 1], y, [0, 1], [0]),
    **{
        f"convolve {mode}": lambda x, y, mode=mode: np.convolve(x[0], y[:, 0], mode)
        for mode in ("full", "same", "valid")
    },
    "convolve a longer kernel": lambda x, y: np.convolve(x[:, 0], y[0], "same"),
    "correlate": lambda x, y: np.correlate(x[0], y[:, 0]),
    "polyval": lambda x, y: np.polyval(x[0], y),
    "interp": lambda x, y: np.interp(x, np.array([-1.0, 0.1, 1.3]), y[:, 0]),
    "interp beyond": lambda x, y: np.interp(x, np.array([-0.4, 0.1, 0.3]), y[:, 0], left=-1),
    # Linear algebra.
    "norm": lambda x, y: np.linalg.norm(x),
    "norm of rows": lambda x, y: np.linalg.norm(x, axis=1, keepdims=True),
    "nuclear norm": lambda x, y: np.linalg.norm(x, "nuc"),
    "vector_norm": lambda x, y: np.linalg.vector_norm(x, ord=3, axis=0),
    "matrix_norm": lambda x, y: np.linalg.matrix_norm(x, ord="fro"),
    "singular values": lambda x, y: np.linalg.svd(x, compute_uv=False),
    "svd": lambda x, y: abs(np.linalg.svd(x, full_matrices=False)[2]),
    "lstsq": lambda x, y: np.linalg.lstsq(x.T, y[0], rcond=None)[0],
    "lstsq of a matrix": lambda x, y: np.linalg.lstsq(x.T, y.T, rcond=None)[0],
    "linalg.outer": lambda x, y: np.linalg.outer(x[0], y[:, 0]),
    "linalg.trace": lambda x, y: np.linalg.trace(x[None, :, :3], offset=1),
    "matrix_transpose": lambda x, y: np.linalg.matrix_transpose(x),
    "linalg.vecdot": lambda x, y: np.linalg.vecdot(x, y, axis=0),
    # Reductions.
    "sum where": lambda x, y: np.sum(x, axis=1, where=MASK, initial=2.0),
    "prod where": lambda x, y: np.prod(x, axis=0, where=MASK, keepdims=True),
    "mean where": lambda x, y: np.mean(x, axis=1, where=MASK),
    "max where": lambda x, y: np.max(x, axis=1, where=MASK, initial=-9.0),
    "min and initial": lambda x, y: np.min(x, axis=0, initial=0.1),
    "max of nothing": lambda x, y: np.max(x[:, :0], axis=1, initial=3.0),
    "add.reduce": lambda x, y: np.add.reduce(x),
    "add.reduce where": lambda x, y: np.add.reduce(x, axis=None, where=MASK),
    "maximum.reduce": lambda x, y: np.maximum.reduce(x, axis=1, keepdims=True),
    "average": lambda x, y: np.average(x, axis=0),
    "weighted average": lambda x, y: np.average(x, axis=1, weights=y[0] ** 2),
    "average by all": lambda x, y: np.average(x, weights=y**2, returned=True)[1],
    **{
        name: lambda x, y, name=name: getattr(np, name)(x + (WITH_NAN - X), axis=1)
        for name in ("nanmax", "nanmin", "nanprod", "nancumsum", "nancumprod", "nanvar", "nanstd")
    },
    "nanmax of all": lambda x, y: np.nanmax(x + (WITH_NAN - X)),
    "nanstd with ddof": lambda x, y: np.nanstd(x + (WITH_NAN - X), ddof=1),
    "cumulative_sum": lambda x, y: np.cumulative_sum(x, axis=1),
    "sort flattened": lambda x, y: np.sort(x, axis=None),
    # Shapes.
    "pad": lambda x, y: np.pad(x, ((1, 0), (0, 2)), constant_values=3.0),
    **{
        f"pad {mode}": lambda x, y, mode=mode: np.pad(x, 2, mode=mode)
        for mode in ("edge", "reflect", "symmetric", "wrap")
    },
    "insert": lambda x, y: np.insert(x, 1, y[0], axis=0),
    "insert several": lambda x, y: np.insert(x[0], [1, 3], y[0, :2]),
    "insert flattened": lambda x, y: np.insert(x, 2, 5.0),
    "block": lambda x, y: np.block([[x, y], [y, x]]),
    "block of vectors": lambda x, y: np.block([x[0], y[0]]),
    "choose": lambda x, y: np.choose(MASK.astype(int), [x, y]),
    # Ufuncs.
    "divmod": lambda x, y: np.divmod(x, 0.3)[1],
    "modf": lambda x, y: np.modf(x)[0],
    "conj": lambda x, y: np.conj(x),
    "betaln": lambda x, y: scipy.special.betaln(x**2 + 1, y**2 + 1),
    "log_expit": lambda x, y: scipy.special.log_expit(x),
    "astype": lambda x, y: np.astype(x, np.float64),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name: str) -> None:
    call = CALLS[name]
    with np.errstate(all="ignore"):
        expected = call(X, Y)
    x, y = (from_numpy(a.copy()).requires_grad_() for a in (X, Y))
    found = call(x, y)
    assert isinstance(found, autograd.Tensor) and found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found.numpy(force=True), expected, rtol=1e-10, atol=1e-12)
    if found.requires_grad:
        assert gradcheck(lambda *xs: call(*xs), (x, y), fast_mode=True)
    else:
        assert name == "max of nothing"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.isin(x, [1, 3]),
        lambda x: np.nanargmax(x * 1.0, axis=1),
        lambda x: np.argpartition(x, 2)[:, :1] * 0,
        lambda x: np.argsort(x, axis=None, kind="stable"),
        lambda x: np.partition(x, 1)[:, 1],
        lambda x: np.partition(x, 2, axis=None)[2],
    ],
)
def test_integers(call: Any) -> None:
    a = RNG.permutation(12).reshape(3, 4)
    found = call(from_numpy(a))
    assert isinstance(found, autograd.Tensor)
    np.testing.assert_array_equal(found.numpy(), call(a))


def test_what_is_written_where_a_mask_holds() -> None:
    x, out = from_numpy(X.copy()).requires_grad_(), from_numpy(Y.copy())
    result = np.exp(x, where=MASK, out=out)
    assert result is out
    np.testing.assert_allclose(out.numpy(force=True), np.where(MASK, np.exp(X), Y))
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), MASK * np.exp(X))
    with pytest.raises(TypeError, match=r"np.exp with where="):
        np.exp(x, where=MASK)  # the rest would be whatever was in memory


@pytest.mark.parametrize("ufunc", [np.add, np.subtract])
def test_at_counts_repetition(ufunc: Any) -> None:
    expected, t, v = V.copy(), from_numpy(V.copy()), from_numpy(W.copy()).requires_grad_()
    index = np.array([1, 1, 3])
    ufunc.at(expected, index, W)
    assert ufunc.at(t, index, v) is None
    np.testing.assert_allclose(t.numpy(force=True), expected)
    t.sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), np.full(3, 1.0 if ufunc is np.add else -1.0))


def test_what_has_no_counterpart_says_so() -> None:
    x = from_numpy(X)
    for call in (
        lambda: np.add.reduceat(x, [0, 2], axis=1),
        lambda: np.cbrt(x),
        lambda: np.apply_along_axis(np.sum, 0, x),
        lambda: np.pad(x, 1, mode="linear_ramp"),
    ):
        with pytest.raises(TypeError, match=r"for Tensors"):
            call()
    with pytest.raises(ValueError, match="where= needs initial="):
        np.max(x, where=MASK)
    with pytest.raises(ValueError, match="indices must lie in"):
        np.choose(np.array([3]), [x[0, :1], x[0, 1:2]])
