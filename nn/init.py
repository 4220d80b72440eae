"""Initial values of parameters, written in place and outside the graph.

The distributions are PyTorch's; the numbers are not, since they come from NumPy's generator.
`fan_in` and `fan_out` are the numbers of inputs and outputs that one unit of a weight connects.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.special

from autograd import Generator, Tensor
from autograd.random import rng_of

from .parameter import is_lazy


def _write(tensor: Tensor, values: Any) -> Tensor:
    if is_lazy(tensor):
        raise ValueError(
            "an uninitialized parameter has no shape yet, and gets its initial values with the "
            "first call of its lazy layer; call the model once before"
        )
    tensor._data[...] = values
    tensor._versions().n += 1
    return tensor


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before `nonlinearity` should be larger than after none.

    `param` is the slope of a leaky ReLU (default 0.01).

    >>> calculate_gain("tanh"), round(calculate_gain("relu"), 4)
    (1.6666666666666667, 1.4142)
    """
    if nonlinearity.startswith(("linear", "conv", "sigmoid")):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform on [a, b).

    >>> import autograd
    >>> w = uniform_(autograd.empty(3, 5), -1, 1)
    >>> bool((w.abs() <= 1).all())
    True
    """
    if a > b:
        raise RuntimeError(f"uniform_: expected a <= b, got a={a}, b={b}")
    values = _draw("random", tensor, generator)
    values *= b - a
    values += a
    return _write(tensor, values)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal with the given mean and standard deviation.

    >>> import autograd
    >>> normal_(autograd.empty(3), mean=2.0, std=0.0)
    tensor([2., 2., 2.])
    """
    if std < 0:
        raise RuntimeError(f"normal_: expected std >= 0, got {std}")
    values = _draw("standard_normal", tensor, generator)
    values *= std
    values += mean
    return _write(tensor, values)


def _draw(method: str, tensor: Tensor, generator: Generator | None) -> Any:
    """Random numbers in the shape and dtype of `tensor`; half precision is drawn in single."""
    dtype = np.float64 if tensor.dtype == np.float64 else np.float32
    return np.asarray(getattr(rng_of(generator), method)(tensor._data.shape, dtype=dtype))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal, with the tails below `a` and above `b` cut off (values, not multiples of `std`).

    Drawn by inverting the distribution function.

    >>> import autograd
    >>> w = trunc_normal_(autograd.empty(3, 5), std=0.02)
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            UserWarning,
            stacklevel=2,
        )
    low, high = (a - mean) / std, (b - mean) / std
    # Where both limits are positive the distribution function is nearly 1 at both, and their
    # difference is lost; in the mirror it is nearly 0, and is not.
    sign = -1.0 if low > 0 else 1.0
    first, last = scipy.special.ndtr(sign * low), scipy.special.ndtr(sign * high)
    u = rng_of(generator).random(tensor._data.shape)
    values = sign * scipy.special.ndtri(first + u * (last - first)) * std + mean
    return _write(tensor, np.clip(values, a, b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere.

    >>> import autograd
    >>> constant_(autograd.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    return _write(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return _write(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return _write(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, so that a Linear layer preserves as many inputs as it can.

    >>> import autograd
    >>> eye_(autograd.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    _check_matrix(tensor, "eye_")
    return _write(tensor, np.eye(*tensor._data.shape))


def _check_matrix(tensor: Tensor, name: str) -> None:
    if tensor.ndim != 2:
        raise ValueError(
            f"{name}: Only tensors with 2 dimensions are supported, got {tensor._described()}"
        )


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Kernels that pass their input on, so that a convolution preserves as many channels as it can.

    Args:
        tensor: a weight [out_channels, in_channels / groups, *kernel] of a 1-d, 2-d or 3-d
            convolution.
        groups: the groups of that convolution.
    """
    shape = tensor._data.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(
            "dirac_: Only tensors with 3, 4, or 5 dimensions are supported, "
            f"got {tensor._described()}"
        )
    if shape[0] % groups != 0:
        raise ValueError(f"dirac_: dim 0 ({shape[0]}) must be divisible by groups ({groups})")
    per_group = shape[0] // groups
    n = min(per_group, shape[1])
    values = np.zeros(shape)
    centre = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        values[(group * per_group + np.arange(n), np.arange(n), *centre)] = 1
    return _write(tensor, values)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """(inputs, outputs) of a weight [out, in, *kernel]."""
    shape = tensor._data.shape
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, "
            f"got {tensor._described()}"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform with variance gain² · 2 / (fan_in + fan_out).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.

    >>> import autograd
    >>> w = xavier_uniform_(autograd.empty(3, 5), gain=calculate_gain("relu"))
    """
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance gain² · 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with variance gain² / fan, which keeps the variance of activations through layers.

    He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, equations 10 and 14.

    Args:
        tensor: a weight of 2 or more dimensions.
        a: the slope of the leaky ReLU that follows.
        mode: "fan_in" keeps the variance forwards, "fan_out" that of gradients backwards.
        nonlinearity: what follows, a name that `calculate_gain` knows.
        generator: where random numbers come from.
    """
    if tensor._data.size == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", UserWarning, stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with variance gain² / fan; the arguments are those of `kaiming_uniform_`.

    >>> import autograd
    >>> w = kaiming_normal_(autograd.empty(3, 5), mode="fan_out", nonlinearity="relu")
    """
    if tensor._data.size == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", UserWarning, stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A random (semi-)orthogonal matrix; dimensions after the first are taken as one.

    Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", 2013.

    >>> import autograd
    >>> w = orthogonal_(autograd.empty(3, 5))
    >>> bool(((w @ w.T - autograd.eye(3)).abs() < 1e-5).all())
    True
    """
    shape = tensor._data.shape
    if len(shape) < 2:
        raise ValueError(
            "orthogonal_: Only tensors with 2 or more dimensions are supported, "
            f"got {tensor._described()}"
        )
    if tensor._data.size == 0:
        return tensor
    rows, columns = shape[0], tensor._data.size // shape[0]
    flat = rng_of(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(flat)
    q *= np.sign(np.diag(r))  # makes the distribution uniform (Mezzadri 2006, section 5)
    return _write(tensor, gain * (q if rows >= columns else q.T).reshape(shape))


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normal, with the share `sparsity` of each column set to zero (Martens, 2010).

    >>> import autograd
    >>> w = sparse_(autograd.empty(10, 4), sparsity=0.3)
    >>> (w == 0).sum(0).tolist()
    [3, 3, 3, 3]
    """
    _check_matrix(tensor, "sparse_")
    rows, columns = tensor._data.shape
    normal_(tensor, 0.0, std, generator)
    order = rng_of(generator).permuted(np.tile(np.arange(rows)[:, None], columns), axis=0)
    zeroed = order[: math.ceil(sparsity * rows)]
    tensor._data[zeroed, np.arange(columns)] = 0
    return tensor


# As they were called before PyTorch 0.4, and still are in programs of that time.
uniform, normal, constant, eye, dirac = uniform_, normal_, constant_, eye_, dirac_
xavier_uniform, xavier_normal = xavier_uniform_, xavier_normal_
kaiming_uniform, kaiming_normal = kaiming_uniform_, kaiming_normal_
orthogonal, sparse = orthogonal_, sparse_
