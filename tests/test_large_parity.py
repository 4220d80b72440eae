"""Layers at the sizes at which their products are cut up, beside PyTorch, on one thread and two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd.ops.small_products import product

RNG = np.random.default_rng(0)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = autograd.get_num_threads()
    autograd.set_num_threads(request.param)
    yield request.param
    autograd.set_num_threads(before)


def compared(torch: Any, name: str, args: Any, kwargs: Any, shape: Any, last: bool = False) -> None:
    """The result and every gradient, in double precision; `last`: with the batch last in memory."""
    theirs = getattr(torch.nn, name)(*args, **kwargs).double()
    for p in theirs.parameters():
        p.data = torch.from_numpy(RNG.uniform(-0.3, 0.3, p.shape))
    ours = getattr(nn, name)(*args, **kwargs).double()
    ours.load_state_dict({k: autograd.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    values = RNG.standard_normal(shape) + 3
    x = torch.tensor(values, requires_grad=True)
    if last:
        values = np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 0, -1)), -1, 0)
    y = autograd.from_numpy(values).requires_grad_()
    of_x, of_y = theirs(x), ours(y)
    of_x, of_y = (out[0] if isinstance(out, tuple) else out for out in (of_x, of_y))
    g = RNG.standard_normal(of_x.shape)
    of_x.backward(torch.from_numpy(g))
    of_y.backward(autograd.from_numpy(g))
    pairs = [(of_x, of_y), (x.grad, y.grad)]
    pairs += [(p.grad, q.grad) for p, q in zip(theirs.parameters(), ours.parameters(), strict=True)]
    pairs += list(zip(theirs.buffers(), ours.buffers(), strict=True))
    for expected, found in pairs:
        np.testing.assert_allclose(
            found.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-9
        )


LARGE = [
    ("Conv2d", (32, 32, 3), {"padding": 1}, (3, 32, 9, 41)),  # 123 columns: a piece and a rest
    ("Conv2d", (32, 40, 3, 2, 1), {}, (4, 32, 17, 64)),
    ("Conv2d", (16, 32, 5), {"groups": 2}, (2, 16, 12, 64)),
    ("Conv2d", (24, 48, 1), {}, (3, 24, 20, 30)),
    ("Conv2d", (3, 32, 4, 2, 1), {}, (4, 3, 32, 32)),
    ("Conv2d", (8, 8, 3), {"padding": 1, "groups": 8}, (3, 8, 9, 64)),
    ("Conv1d", (32, 64, 5), {}, (4, 32, 100)),
    ("ConvTranspose2d", (64, 32, 4, 2, 1), {}, (3, 64, 7, 16)),
    ("ConvTranspose2d", (16, 8, 3, 3, 1, 2), {}, (2, 16, 5, 20)),
    ("LSTM", (7, 100), {}, (5, 33, 7)),
    ("GRU", (7, 120), {}, (5, 33, 7)),
    ("RNN", (7, 200), {}, (5, 65, 7)),
]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LARGE)
def test_large_layers(
    name: str, args: Any, kwargs: Any, shape: Any, threads: int, torch: Any
) -> None:
    compared(torch, name, args, kwargs, shape)


@pytest.mark.parity
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("name", "args"), [("BatchNorm2d", (6,)), ("GroupNorm", (3, 6)), ("InstanceNorm2d", (6,))]
)
def test_norms_in_blocks(name: str, args: Any, last: bool, torch: Any) -> None:
    """Several blocks of rows, the last of which is not whole; both layouts of the memory."""
    compared(torch, name, args, {"affine": True}, (5, 6, 64, 130), last)


@pytest.mark.parity
@pytest.mark.parametrize("seed", range(60))
def test_geometries_of_transposed_convolution(seed: int, torch: Any) -> None:
    """Every remainder by the stride, paddings larger than the kernel's reach, one or no element."""
    rng = np.random.default_rng(seed)
    kernel, stride, padding, dilation, size = (
        tuple(rng.integers(low, high, 2).tolist())
        for low, high in ((1, 5), (1, 4), (0, 4), (1, 3), (4, 9))
    )
    options = {"stride": stride, "padding": padding, "dilation": dilation if seed % 3 else 1}
    reach = [k * 2 for k in kernel]
    if any(n + 2 * p <= r for n, p, r in zip(size, padding, reach, strict=True)):
        kernel = (1, 1)
    compared(torch, "Conv2d", (4, 4, kernel), options, (2, 4, *size))


@pytest.mark.parametrize("shape", [(800, 200, 32), (97, 300, 64), (26, 400, 100), (5, 3, 2)])
def test_products_in_pieces(shape: tuple[int, int, int], threads: int) -> None:
    m, n, k = shape
    a, b = RNG.standard_normal((m, n)), RNG.standard_normal((n, k))
    np.testing.assert_allclose(product(a, b), np.einsum("ij,jk->ik", a, b), rtol=1e-10, atol=1e-10)


@pytest.mark.parity
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 2e-5)])
@pytest.mark.parametrize(
    ("leading", "length", "source"),
    [
        ((2, 3), 64, 64),
        ((2, 3), 127, 127),  # a block of all rows
        ((2, 3), 129, 129),  # two, the second of them shorter
        ((2, 3), 200, 90),  # more rows than columns, which the last blocks see all of
        ((2, 3), 130, 300),  # columns that no row sees
        ((), 150, 150),
        ((5, 9), 256, 256),  # heads in several parts
        ((3,), 1050, 1050),
    ],
)
def test_causal_attention(
    leading: tuple[int, ...], length: int, source: int, dtype: str, tolerance: float, torch: Any
) -> None:
    rng = np.random.default_rng(length + source)
    shapes = ((length, 16), (source, 16), (source, 24), (length, 24))
    values = [rng.standard_normal((*leading, *shape)).astype(dtype) for shape in shapes]
    found = []
    for library, functions in ((torch, torch.nn.functional), (autograd, nn.functional)):
        q, k, v, g = (library.from_numpy(x.copy()) for x in values)
        inputs = [x.requires_grad_() for x in (q, k, v)]
        out = functions.scaled_dot_product_attention(q, k, v, is_causal=True)
        found.append([out, *(library.autograd.grad(out, inputs, g))])
    for expected, result in zip(*found, strict=True):
        np.testing.assert_allclose(
            result.detach().numpy(), expected.detach().numpy(), tolerance, tolerance
        )
