"""Special functions: error functions, gamma, Bessel and zeta functions, and sums with x log x.

Families whose derivatives are members of the family again (polygamma, Bessel) are one operation
with the order as an argument, and so can be differentiated any number of times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import scipy.special

from ..batching.array import as_array
from ..elementwise import Binary, Unary
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .common import as_float
from .pointwise import kept

TWO_OVER_SQRT_PI, SQRT_2PI = 2 / math.sqrt(math.pi), math.sqrt(2 * math.pi)


def not_implemented(name: str) -> Callable[..., NoReturn]:
    """The rule of an input that PyTorch has no derivative for either."""

    def rule(g: Any) -> NoReturn:
        raise NotImplementedError(
            f"{name} has no derivative with respect to its first argument; detach() it"
        )

    return rule


class Erf(Unary):
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""

    aliases = ("special.erf",)
    numpy = scipy.special.erf
    forward = kept(numpy)
    backward = {"x": lambda g, x: g * (TWO_OVER_SQRT_PI * np.exp(-x * x))}
    formula = {"x": "g * 2 / sqrt(pi) * exp(-x**2)"}


class Erfc(Unary):
    """1 - erf(input), exact where erf is close to 1."""

    aliases = ("special.erfc",)
    numpy = scipy.special.erfc
    forward = kept(numpy)
    backward = {"x": lambda g, x: g * (-TWO_OVER_SQRT_PI * np.exp(-x * x))}
    formula = {"x": "-g * 2 / sqrt(pi) * exp(-x**2)"}


class Erfinv(Unary):
    """The inverse of erf; ±∞ at ±1."""

    aliases = ("special.erfinv",)
    numpy = scipy.special.erfinv
    forward = kept(numpy)
    backward = {"x": lambda g, out: g * (np.exp(out * out) / TWO_OVER_SQRT_PI)}
    formula = {"x": "g * sqrt(pi) / 2 * exp(out**2)"}


class Erfcx(Unary):
    """exp(input²) · erfc(input), without overflow."""

    namespace = "special"
    numpy = scipy.special.erfcx
    forward = kept(numpy)
    backward = {"x": lambda g, x, out: g * (2 * x * out - TWO_OVER_SQRT_PI)}
    formula = {"x": "g * (2 * x * out - 2 / sqrt(pi))"}


class Ndtr(Unary):
    """The distribution function of the standard normal distribution."""

    namespace = "special"
    numpy = scipy.special.ndtr
    forward = kept(numpy)
    backward = {"x": lambda g, x: g * (np.exp(-0.5 * x * x) / SQRT_2PI)}
    formula = {"x": "g * exp(-x**2 / 2) / sqrt(2 * pi)"}


class Ndtri(Unary):
    """The inverse of ndtr: the quantiles of the standard normal distribution."""

    namespace = "special"
    numpy = scipy.special.ndtri
    forward = kept(numpy)
    backward = {"x": lambda g, out: g * (SQRT_2PI * np.exp(0.5 * out * out))}
    formula = {"x": "g * sqrt(2 * pi) * exp(out**2 / 2)"}


class LogNdtr(Unary):
    """log(ndtr(input)), exact where ndtr underflows."""

    namespace = "special"
    numpy = scipy.special.log_ndtr
    forward = kept(numpy)
    # exp(-x²/2) / ndtr(x), of which both would underflow.
    backward = {
        "x": lambda g, x: g * math.sqrt(2 / math.pi) / scipy.special.erfcx(x * -math.sqrt(0.5))
    }
    formula = {"x": "g * exp(-x**2 / 2) / sqrt(2 * pi) / ndtr(x)"}


class Logit(Op):
    backward = {"x": lambda g, x, eps: _by_logit(g, x, eps)}
    formula = {"x": "g / (x * (1 - x)) within [eps, 1 - eps], else 0"}

    def forward(x, eps):
        limited = x if eps is None else np.clip(x, eps, 1 - eps)
        return scipy.special.logit(limited).astype(x.dtype, copy=False)


def _by_logit(g: Any, x: Any, eps: float | None) -> Any:
    low = 0.0 if eps is None else eps
    within = (x >= low) & (x <= 1 - low)
    return np.where(within, g / (x * (1 - x)), math.nan if eps is None else 0.0)


@public(in_place=True, numpy=scipy.special.logit, aliases=("special.logit",), op=Logit)
def logit(input: Any, eps: float | None = None) -> Tensor:
    """log(input / (1 - input)), the inverse of sigmoid; `eps` limits input to [eps, 1 - eps].

    >>> import autograd
    >>> autograd.logit(autograd.tensor([0.5, 1.0]), eps=0.25)
    tensor([0.0000, 1.0986])
    """
    return Logit.apply(as_float(input), eps)


class Entr(Unary):
    """-input · log(input), the term of an entropy: 0 at 0, -∞ for negative input."""

    namespace = "special"
    numpy = scipy.special.entr
    forward = kept(numpy)
    backward = {"x": lambda g, x: g * (-np.log(x) - 1)}
    formula = {"x": "-g * (log(x) + 1)"}


class XLogY(Binary):
    """input · log(other), but 0 where input is 0 (unless other is NaN)."""

    op_name, promote, aliases = "xlogy", "float", ("special.xlogy",)
    numpy = scipy.special.xlogy
    forward = kept(numpy)
    backward = {
        "x": lambda g, x, y: np.where((x == 0) & (y <= 0), 0.0, g * np.log(y)),
        "y": lambda g, x, y: g * x / y,
    }
    formula = {"x": "g * log(y)", "y": "g * x / y"}


class XLog1PY(Binary):
    """input · log(1 + other), but 0 where input is 0 (unless other is NaN)."""

    op_name, promote, namespace = "xlog1py", "float", "special"
    numpy = scipy.special.xlog1py
    forward = kept(numpy)
    backward = {
        "x": lambda g, x, y: np.where((x == 0) & (y <= -1), 0.0, g * np.log1p(y)),
        "y": lambda g, x, y: g * x / (y + 1),
    }
    formula = {"x": "g * log(1 + y)", "y": "g * x / (1 + y)"}


class LGamma(Unary):
    """log |Γ(input)|."""

    op_name, aliases = "lgamma", ("special.gammaln",)
    numpy = scipy.special.gammaln
    backward = {"x": lambda g, x: g * scipy.special.psi(x)}
    formula = {"x": "g * digamma(x)"}

    def forward(x):
        # At -inf SciPy has -inf, where C and PyTorch have inf.
        return _log_gamma(np.where(x == -np.inf, np.inf, x))


_log_gamma = kept(scipy.special.gammaln)


class Digamma(Unary):
    """The derivative of lgamma."""

    aliases = ("special.digamma", "special.psi")
    numpy = scipy.special.psi
    forward = kept(numpy)
    backward = {"x": lambda g, x: g * Polygamma.call(x, 1)}
    formula = {"x": "g * polygamma(1, x)"}


class Polygamma(Op):
    backward = {"x": lambda g, x, n: g * Polygamma.call(x, n + 1)}
    formula = {"x": "g * polygamma(n + 1, x)"}

    def forward(x, n):
        return as_array(scipy.special.polygamma(n, x), x.dtype)


@public(in_place=True, aliases=("special.polygamma",), op=Polygamma)
def polygamma(n: Any, input: Any) -> Tensor:
    """The n-th derivative of digamma; as a method, `x.polygamma(n)`.

    >>> import autograd
    >>> autograd.polygamma(1, autograd.tensor([1.0]))
    tensor([1.6449])
    """
    if isinstance(n, Tensor):
        n, input = input, n
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}")
    return Polygamma.apply(as_float(input), n)


@public(in_place=True, aliases=("special.multigammaln",))
def mvlgamma(input: Any, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension `p`.

    >>> import autograd
    >>> autograd.mvlgamma(autograd.tensor([2.0]), 2)
    tensor([0.4516])
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p must be at least 1, got {p}")
    x: Any = as_float(input)
    shifts = np.arange(p, dtype=x.dtype) / 2
    return (x[..., None] - shifts).lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


class IGamma(Binary):
    """The regularized lower incomplete gamma function P(input, other)."""

    op_name, promote, aliases = "igamma", "float", ("special.gammainc",)
    numpy = scipy.special.gammainc
    forward = kept(numpy)
    backward = {
        "x": not_implemented("igamma"),
        "y": lambda g, x, y: g * np.exp((x - 1) * np.log(y) - y - scipy.special.gammaln(x)),
    }
    formula = {"x": "not implemented", "y": "g * exp((x - 1) * log(y) - y - lgamma(x))"}


class IGammaC(Binary):
    """The regularized upper incomplete gamma function Q(input, other) = 1 - P."""

    op_name, promote, aliases = "igammac", "float", ("special.gammaincc",)
    numpy = scipy.special.gammaincc
    forward = kept(numpy)
    backward = {
        "x": not_implemented("igammac"),
        "y": lambda g, x, y: -g * np.exp((x - 1) * np.log(y) - y - scipy.special.gammaln(x)),
    }
    formula = {"x": "not implemented", "y": "-g * exp((x - 1) * log(y) - y - lgamma(x))"}


class Zeta(Binary):
    """The Hurwitz zeta function, Σ (k + other)^-input for k = 0, 1, ...."""

    promote, namespace = "float", "special"
    backward = {
        "x": not_implemented("zeta"),
        "y": lambda g, x, y: -g * x * Zeta.call(x + 1, y),
    }
    formula = {"x": "not implemented", "y": "-g * x * zeta(x + 1, y)"}

    def forward(x, y):
        return as_array(scipy.special.zeta(x, y), np.result_type(x, y))


def _ordered(first: Any, second: Any, general: Any) -> Callable[..., Any]:
    """A Bessel function of any order, by SciPy's faster ones for the orders 0 and 1."""

    def forward(x: Any, n: int) -> Any:
        out = first(x) if n == 0 else second(x) if n == 1 else general(n, x)
        return out.astype(x.dtype, copy=False)

    return forward


class Bessel(Op):
    """The Bessel function of the first kind of integer order n."""

    public = False
    forward = _ordered(scipy.special.j0, scipy.special.j1, scipy.special.jv)
    backward = {"x": lambda g, x, n: g * 0.5 * (Bessel.call(x, n - 1) - Bessel.call(x, n + 1))}
    formula = {"x": "g * (J(n - 1, x) - J(n + 1, x)) / 2"}


class ModifiedBessel(Op):
    """The modified Bessel function of the first kind of integer order n."""

    public = False
    forward = _ordered(scipy.special.i0, scipy.special.i1, scipy.special.iv)
    backward = {"x": lambda g, x, n: g * _mean_of_neighbours(ModifiedBessel, x, n)}
    formula = {"x": "g * (I(n - 1, x) + I(n + 1, x)) / 2"}


class ScaledBessel(Op):
    """exp(-|x|) times the modified Bessel function of the first kind of integer order n."""

    public = False
    forward = _ordered(scipy.special.i0e, scipy.special.i1e, scipy.special.ive)
    backward = {
        "x": lambda g, x, out, n: g * (_mean_of_neighbours(ScaledBessel, x, n) - np.sign(x) * out)
    }
    formula = {"x": "g * ((Ie(n - 1, x) + Ie(n + 1, x)) / 2 - sign(x) * out)"}


def _mean_of_neighbours(op: Any, x: Any, n: int) -> Any:
    if n == 0:  # those of -1 and 1 are equal, and SciPy is fast for 1
        return op.call(x, 1)
    return 0.5 * (op.call(x, n - 1) + op.call(x, n + 1))


class SphericalBessel(Op):
    """The spherical Bessel function of the first kind of order n."""

    public = False
    backward = {"x": lambda g, x, n: g * _spherical_slope(x, n)}
    formula = {"x": "g * (n * j(n - 1, x) - (n + 1) * j(n + 1, x)) / (2 * n + 1)"}

    def forward(x, n):
        return as_array(scipy.special.spherical_jn(n, x), x.dtype)


def _spherical_slope(x: Any, n: int) -> Any:
    upper = SphericalBessel.call(x, n + 1)
    if n == 0:
        return -upper
    return (n * SphericalBessel.call(x, n - 1) - (n + 1) * upper) / (2 * n + 1)


def _of_order(
    name: str, op: Any, order: int, what: str, namespace: str = "special", **options: Any
) -> None:
    def function(input: Any) -> Tensor:
        return op.apply(as_float(input), order)

    function.__doc__ = f"The {what} of order {order}."
    public(name, namespace=namespace, op=op, **options)(function)


_J, _I = "Bessel function of the first kind", "modified Bessel function of the first kind"
_of_order("bessel_j0", Bessel, 0, _J, numpy=scipy.special.j0)
_of_order("bessel_j1", Bessel, 1, _J, numpy=scipy.special.j1)
_of_order("spherical_bessel_j0", SphericalBessel, 0, "spherical " + _J, keywords={"x": "input"})
_of_order(
    "i0",
    ModifiedBessel,
    0,
    _I,
    namespace="",
    in_place=True,
    numpy=(np.i0, scipy.special.i0),
    aliases=("special.i0", "special.modified_bessel_i0"),
)
_of_order(
    "i1", ModifiedBessel, 1, _I, numpy=scipy.special.i1, aliases=("special.modified_bessel_i1",)
)
_of_order("i0e", ScaledBessel, 0, "exp(-|input|) times the " + _I, numpy=scipy.special.i0e)
_of_order("i1e", ScaledBessel, 1, "exp(-|input|) times the " + _I, numpy=scipy.special.i1e)


class Sinc(Unary):
    """sin(π · input) / (π · input), 1 at 0."""

    numpy, aliases = np.sinc, ("special.sinc",)
    # By a Bessel function: the quotient rule would cancel near 0, and be 0 / 0 at it.
    backward = {"x": lambda g, x: g * -math.pi * SphericalBessel.call(x * math.pi, 1)}
    formula = {"x": "g * (cos(pi * x) - sinc(x)) / x"}

    def forward(x):
        return np.sinc(x).astype(x.dtype, copy=False)
