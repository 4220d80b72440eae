"""Random numbers whose parameters are tensors, and tensors filled with random numbers in place.

As in PyTorch, a sample does not depend on its parameters smoothly: their gradient is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.array import as_array, whole
from ..creation import as_tensor, finish, size_of
from ..dtypes import get_default_dtype
from ..errors import described
from ..function import Op
from ..inplace import assign
from ..random import draw, range_of, rng_of
from ..registry import public
from ..tensor import Tensor, wrap
from .broadcast import broadcast_shapes
from .convert import to


class Sample(Op):
    """What `draw` makes of the parameters `xs`."""

    public = False
    backward = {"xs": lambda g, ctx: [np.zeros_like(g) for _ in ctx.edges[1:]]}
    formula = {"xs": "0"}

    def forward(draw, *xs):
        return draw(*xs)


def _parameter(x: Any, name: str, low: float, high: float = np.inf) -> Tensor:
    """`x` as a tensor, which must be floating and within [low, high]."""
    p = as_tensor(x)
    if p.dtype.kind != "f":
        raise NotImplementedError(
            f"{name}: only floating tensors are possible, got {described(p)}; convert with .float()"
        )
    values = whole(p._data)
    if not ((values >= low) & (values <= high)).all():
        raise RuntimeError(f"{name}: the values must lie in [{low:g}, {high:g}]")
    return p


def _check(condition: bool, name: str, what: str) -> None:
    if not condition:
        raise RuntimeError(f"{name}: {what}")


@public()
def bernoulli(input: Any, p: float | None = None, *, generator: Any = None) -> Tensor:
    """1 with the probability that each element gives (or with probability `p`), else 0.

    >>> import autograd
    >>> autograd.bernoulli(autograd.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is not None:
        x = as_tensor(input)
        return wrap(_flips(p, x._data.shape, generator).astype(x.dtype))
    x = _parameter(input, "bernoulli", 0, 1)
    return Sample.apply(lambda q: _flips(q, q.shape, generator).astype(q.dtype), x)


def _flips(p: Any, shape: tuple[int, ...], generator: Any) -> np.ndarray:
    _check(
        bool(np.all((whole(p) >= 0) & (whole(p) <= 1))),
        "bernoulli",
        f"p must lie in [0, 1], got {p}",
    )
    return as_array(rng_of(generator).random(shape) < p)


@public(method=False)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal values with the given means and standard deviations.

    Either may be a tensor, whose shape the result has (or they broadcast); two numbers need a
    `size`.

    >>> import autograd
    >>> autograd.normal(autograd.tensor([1.0, 2.0]), 0.0)
    tensor([1., 2.])
    >>> autograd.normal(0.0, 1.0, (2, 3)).shape
    Size([2, 3])
    """
    if size is not None:
        _check(std >= 0, "normal", f"std must not be negative, got {std}")
        noise = draw("standard_normal", size_of((), size), dtype or get_default_dtype(), generator)
        return finish(
            noise * noise.dtype.type(std) + noise.dtype.type(mean), None, device, requires_grad
        )
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal: two numbers need a size; or give the mean or the std as a tensor")
    if not isinstance(std, Tensor):
        _check(std >= 0, "normal", f"std must not be negative, got {std}")
        m = _parameter(mean, "normal", -np.inf)
        return Sample.apply(lambda a: _gauss(a, a.dtype.type(std), generator), m)
    if not isinstance(mean, Tensor):
        s = _parameter(std, "normal", 0)
        return Sample.apply(lambda b: _gauss(b.dtype.type(mean), b, generator), s)
    m = _parameter(mean, "normal", -np.inf)
    s = _parameter(to(std, m.dtype), "normal", 0)
    broadcast_shapes(m._data.shape, s._data.shape)
    return Sample.apply(lambda a, b: _gauss(a, b, generator), m, s)


def _gauss(mean: Any, std: Any, generator: Any) -> np.ndarray:
    scale = np.broadcast_to(std, np.broadcast_shapes(np.shape(mean), np.shape(std)))
    noise = draw("standard_normal", scale.shape, mean.dtype, generator)
    return (mean + scale * noise).astype(mean.dtype, copy=False)


@public()
def poisson(input: Any, generator: Any = None) -> Tensor:
    """Poisson counts with the rate that each element gives.

    >>> import autograd
    >>> autograd.poisson(autograd.zeros(2))
    tensor([0., 0.])
    """
    x = _parameter(input, "poisson", 0)
    return Sample.apply(lambda r: as_array(rng_of(generator).poisson(r)).astype(r.dtype), x)


@public(reads_values=True)
def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None
) -> Tensor:
    """Indices drawn with probabilities in proportion to the values, for each row of `input`.

    Without `replacement` an index is drawn at most once, so there must be enough of them.

    >>> import autograd
    >>> autograd.multinomial(autograd.tensor([0.0, 3.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    x = as_tensor(input)
    weights = x._data.astype(np.float64)
    name = f"multinomial({described(x)}, {num_samples})"
    _check(x.dtype.kind == "f" and x._data.ndim in (1, 2), name, "expected floats in 1 or 2 dims")
    _check(num_samples > 0, name, "the number of samples must be positive")
    _check(
        replacement or num_samples <= x._data.shape[-1],
        name,
        "without replacement there are not enough categories",
    )
    _check(
        bool((np.isfinite(weights) & (weights >= 0)).all()),
        name,
        "the probabilities must be finite and not negative",
    )
    total = weights.cumsum(-1)
    _check(bool((total[..., -1] > 0).all()), name, "a row has no positive probability")
    rng = rng_of(generator)
    if replacement:
        points = rng.random((*x._data.shape[:-1], num_samples)) * total[..., -1:]
        if num_samples * weights.shape[-1] < 1000:  # cheaper than a search for each row
            return wrap((total[..., None, :] <= points[..., None]).sum(-1))
        rows = zip(np.atleast_2d(total), np.atleast_2d(points), strict=True)
        found = np.stack([np.searchsorted(row, at, side="right") for row, at in rows])
        return wrap(found.reshape(points.shape))
    # The order of exponential variables with these rates is that of drawing one after the other.
    with np.errstate(divide="ignore"):
        times = rng.standard_exponential(weights.shape) / weights
    return wrap(np.argsort(times, -1, kind="stable")[..., :num_samples])


# In place -----------------------------------------------------------------------------------


def _fill(x: Tensor, values: Any, name: str) -> Tensor:
    return assign(x, wrap(as_array(values).astype(x.dtype, copy=False)), name)


def _standard(x: Tensor, method: str, generator: Any, name: str) -> np.ndarray:
    """Numbers of a standard distribution in the shape and dtype of `x`, which must be floating."""
    _parameter(wrap(np.empty(0, x.dtype)), name, 0)
    return draw(method, x._data.shape, x.dtype, generator)


@public(keywords={"from": "low"})
def uniform_(input: Tensor, low: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with uniform values on [low, to).

    >>> import autograd
    >>> autograd.zeros(2).uniform_(3, 3)
    tensor([3., 3.])
    """
    _check(low <= to, "uniform_", f"expected low <= to, got {low} and {to}")
    values = _standard(input, "random", generator, "uniform_")
    return _fill(input, values * (to - low) + low, "uniform_")


@public()
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with normal values.

    >>> import autograd
    >>> autograd.zeros(2).normal_(3, 0)
    tensor([3., 3.])
    """
    _check(std >= 0, "normal_", f"std must not be negative, got {std}")
    values = _standard(input, "standard_normal", generator, "normal_")
    return _fill(input, values * std + mean, "normal_")


@public()
def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Tensor:
    """Fills the tensor with exponentials of normal values.

    >>> import autograd
    >>> autograd.zeros(2).log_normal_().min() > 0
    tensor(True)
    """
    _check(std > 0, "log_normal_", f"std must be positive, got {std}")
    values = _standard(input, "standard_normal", generator, "log_normal_")
    return _fill(input, np.exp(values * std + mean), "log_normal_")


@public()
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills the tensor with exponential values of rate `lambd`.

    >>> import autograd
    >>> autograd.zeros(2).exponential_().min() >= 0
    tensor(True)
    """
    _check(lambd > 0, "exponential_", f"lambd must be positive, got {lambd}")
    values = _standard(input, "standard_exponential", generator, "exponential_")
    return _fill(input, values / lambd, "exponential_")


@public()
def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fills the tensor with values of the Cauchy distribution.

    >>> import autograd
    >>> autograd.zeros(2).cauchy_().shape
    Size([2])
    """
    _check(sigma > 0, "cauchy_", f"sigma must be positive, got {sigma}")
    turns = _standard(input, "random", generator, "cauchy_") - 0.5
    return _fill(input, np.tan(np.pi * turns) * sigma + median, "cauchy_")


@public()
def geometric_(input: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fills the tensor with numbers of trials until one with probability `p` succeeds: 1, 2, ...

    >>> import autograd
    >>> autograd.zeros(2).geometric_(0.5).min() >= 1
    tensor(True)
    """
    _check(0 < p < 1, "geometric_", f"p must lie in (0, 1), got {p}")
    return _fill(input, rng_of(generator).geometric(p, input._data.shape), "geometric_")


@public()
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fills the tensor with 1 with probability `p` (a number or a tensor), else 0.

    >>> import autograd
    >>> autograd.zeros(2).bernoulli_(autograd.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    chances = p._data if isinstance(p, Tensor) else p
    return _fill(input, _flips(chances, input._data.shape, generator), "bernoulli_")


_DIGITS = {"e": 11, "f": 24, "d": 53}  # bits of the largest range of integers a float has


@public(keywords={"from": "low"})
def random_(
    input: Tensor, *bounds: Any, low: Any = None, to: Any = None, generator: Any = None
) -> Tensor:
    """Fills the tensor with integers: `random_(low, to)`, `random_(to)`, or all that it can hold.

    >>> import autograd
    >>> autograd.zeros(2).random_(3, 4)
    tensor([3., 3.])
    """
    dtype = input.dtype
    if dtype.kind == "f":
        least, most = -(2 ** _DIGITS[dtype.char]), 2 ** _DIGITS[dtype.char]
    else:
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if low is not None and to is None and not bounds:
        to = most + 1
    if bounds or to is not None:
        low, high = range_of(bounds, low or 0, to, "random_")
    else:
        low, high = 0, most + 1
    _check(
        least <= low and high - 1 <= most,
        "random_",
        f"{dtype} cannot hold all integers in [{low}, {high})",
    )
    values = rng_of(generator).integers(low, high - 1, input._data.shape, endpoint=True)
    return _fill(input, values, "random_")
