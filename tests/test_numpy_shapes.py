"""NumPy's functions about shapes, joining and indexing give Tensors their values and a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, gradcheck

X = np.random.default_rng(0).normal(size=(2, 3, 4))

CALLS: dict[str, Callable[[Any], Any]] = {
    "transpose": np.transpose,
    "transpose axes": lambda x: np.transpose(x, axes=(1, 2, 0)),
    "permute_dims": lambda x: np.permute_dims(x, (2, 0, 1)),
    "matrix_transpose": np.matrix_transpose,
    "reshape": lambda x: np.reshape(x, (4, -1)),
    "reshape keyword": lambda x: np.reshape(x, shape=6 * 4),
    "reshape F": lambda x: np.reshape(x, (4, -1, 2), order="F"),
    "ravel": np.ravel,
    "ravel F": lambda x: np.ravel(x, order="F"),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "squeeze axis": lambda x: np.squeeze(x[:1, :, :1], axis=(0, 2)),
    "expand_dims": lambda x: np.expand_dims(x, -1),
    "expand_dims several": lambda x: np.expand_dims(x, axis=(0, 2, -1)),
    "swapaxes": lambda x: np.swapaxes(x, 0, axis2=-1),
    "moveaxis": lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
    "rollaxis": lambda x: np.rollaxis(x, 2),
    "rollaxis start": lambda x: np.rollaxis(x, 0, start=2),
    "broadcast_to": lambda x: np.broadcast_to(x[:, :1], shape=(5, 2, 3, 4)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x[0], x[:, :1]),
    "atleast": lambda x: np.atleast_2d(x[0, 0], x[0]),
    "concatenate": lambda x: np.concatenate((x, x[:, :1]), axis=1),
    "concatenate flat": lambda x: np.concatenate([x, x[0]], axis=None),
    "concatenate with an array": lambda x: np.concatenate([x, X], 0),
    "concatenate dtype": lambda x: np.concatenate([x, x], dtype=np.float64),
    "stack": lambda x: np.stack([x[0], x[1]], axis=-1),
    "hstack": lambda x: np.hstack((x, x)),
    "vstack": lambda x: np.vstack([x, x]),
    "dstack": lambda x: np.dstack([x, x]),
    "column_stack": lambda x: np.column_stack([x[0, 0, :3], x[0]]),
    "append": lambda x: np.append(x, [1.0, 2.0]),
    "append axis": lambda x: np.append(x, x, axis=2),
    "split": lambda x: np.split(x, 2, axis=-1),
    "split at": lambda x: np.split(x, [1, 2], axis=1),
    "array_split": lambda x: np.array_split(x, 3, axis=2),
    "hsplit": lambda x: np.hsplit(x, 3),
    "vsplit": lambda x: np.vsplit(x, 2),
    "dsplit": lambda x: np.dsplit(x, [1]),
    "unstack": lambda x: np.unstack(x, axis=1),
    "meshgrid": lambda x: np.meshgrid(x[0, 0], x[0, 1, :2]),
    "meshgrid ij": lambda x: np.meshgrid(x[0, 0], x[0, 1, :2], indexing="ij"),
    "tile": lambda x: np.tile(x, (2, 1, 2)),
    "tile number": lambda x: np.tile(x, reps=2),
    "repeat": lambda x: np.repeat(x, 2),
    "repeat axis": lambda x: np.repeat(x, [1, 0, 2], axis=1),
    "roll": lambda x: np.roll(x, 5),
    "roll axis": lambda x: np.roll(x, shift=(1, -1), axis=(0, 2)),
    "rot90": lambda x: np.rot90(x, k=3, axes=(1, 2)),
    "flip": np.flip,
    "flip axis": lambda x: np.flip(x, axis=(0, 2)),
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "kron": lambda x: np.kron(x[0], x[1, :2]),
    "take": lambda x: np.take(x, [[0, 5], [-1, 5]]),
    "take axis": lambda x: np.take(x, [[0, 2], [-1, 2]], axis=-1),
    "take number": lambda x: np.take(x, 1, axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(X, axis=1), axis=1),
    "delete": lambda x: np.delete(x, [0, 3], axis=2),
    "delete flat": lambda x: np.delete(x, 5),
    "compress": lambda x: np.compress([True, False, True], x, axis=1),
    "extract": lambda x: np.extract(X > 0, x),
    "where": lambda x: np.where(X > 0, x, 0.5),
    "select": lambda x: np.select([X > 1, X > 0], [x, 2 * x], default=-1.0),
    "diagonal": lambda x: np.diagonal(x, offset=1, axis1=1, axis2=-1),
    "trace": lambda x: np.trace(x, offset=-1, axis1=2, axis2=1),
    "diag": lambda x: np.diag(x[0], k=1),
    "diagflat": lambda x: np.diagflat(x[0, 0]),
    "tril": lambda x: np.tril(x, k=-1),
    "triu": lambda x: np.triu(x, 1),
    "copy": np.copy,
}


def parts(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name: str) -> None:
    call = CALLS[name]
    x = autograd.from_numpy(X.copy()).requires_grad_()
    found, expected = parts(call(x)), parts(call(X))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert isinstance(a, Tensor) and a.requires_grad and a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_array_equal(a.detach().numpy(), b)
    assert gradcheck(lambda x: tuple(parts(call(x))), (x,), fast_mode=True)


CONSTANTS: dict[str, Callable[[Any], Any]] = {
    "zeros_like": lambda x: np.zeros_like(x, dtype=np.int32),
    "ones_like": np.ones_like,
    "ones_like shape": lambda x: np.ones_like(x, shape=(2, 2)),
    "full_like": lambda x: np.full_like(x, 3),
    "where": lambda x: np.where(x > 0),
    "unravel_index": lambda x: np.unravel_index(np.argsort(x[0, 0]), (2, 2)),
    "shape": np.shape,
    "ndim": np.ndim,
    "size": np.size,
    "size axis": lambda x: np.size(x, axis=1),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name: str) -> None:
    call = CONSTANTS[name]
    found, expected = parts(call(autograd.from_numpy(X))), parts(call(X))
    for a, b in zip(found, expected, strict=True):
        value = a.numpy() if isinstance(a, Tensor) else a
        assert np.asarray(value).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(value, b)


def test_copyto_writes_and_records() -> None:
    source = autograd.ones(3, requires_grad=True)
    target = autograd.zeros(2, 3)
    np.copyto(target, source)
    target.sum().backward()
    assert source.grad is not None and source.grad.tolist() == [2, 2, 2]
    with pytest.raises(TypeError, match="Tensor"):
        np.copyto(np.zeros(3), source)


UNSUPPORTED: dict[str, Callable[[Any], Any]] = {
    "order": lambda x: np.reshape(x, -1, order="A"),
    "mode": lambda x: np.take(x, [9], mode="wrap"),
    "sparse": lambda x: np.meshgrid(x, sparse=True),
    "keyword": lambda x: np.zeros_like(x, subok=False),
    "no counterpart": lambda x: np.unwrap(x),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_supported_says_so(name: str) -> None:
    with pytest.raises(TypeError, match=r"np\.\w+"):
        UNSUPPORTED[name](autograd.ones(3))


def test_unequal_split_is_an_error() -> None:
    with pytest.raises(ValueError, match="equal"):
        np.split(autograd.arange(5), 2)
