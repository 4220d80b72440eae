"""Window functions: NumPy's, and the Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..creation import finish
from ..dtypes import as_dtype, get_default_dtype
from ..registry import public
from ..tensor import Tensor


def _window(
    name: str, values: Callable[..., np.ndarray], parameter: str = "", default: float = 0.0
) -> Any:
    """Registers a window; `values(M)`, or `values(M, parameter)`, are those of a symmetric one."""

    def function(
        M: int,
        *,
        sym: bool = True,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        **options: float,
    ) -> Tensor:
        if options.keys() - {parameter}:
            raise TypeError(f"{name}: unknown options {sorted(options.keys() - {parameter})}")
        kind = get_default_dtype() if dtype is None else as_dtype(dtype)
        if M < 0 or kind.kind != "f":
            raise ValueError(f"{name}: expected a length >= 0 and a float dtype, got {M}, {kind}")
        # A periodic window is a symmetric one of one more point, without the last.
        n = M if sym or M < 2 else M + 1
        arguments = [options.get(parameter, default)] if parameter else []
        return finish(values(n, *arguments)[:M], kind, device, requires_grad)

    function.__name__ = function.__qualname__ = name
    option = f", `{parameter}` by default {default:g}" if parameter else ""
    function.__doc__ = f"""The {name} window of `M` points{option}; `sym=False` for spectra.

    >>> import autograd
    >>> autograd.signal.windows.{name}(4).shape
    Size([4])
    """
    return public(name, namespace="signal.windows")(function)


def _gaussian(n: int, std: float) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / std) ** 2)


hann = _window("hann", np.hanning)
hamming = _window("hamming", np.hamming)
blackman = _window("blackman", np.blackman)
bartlett = _window("bartlett", np.bartlett)
kaiser = _window("kaiser", np.kaiser, "beta", 12.0)
gaussian = _window("gaussian", _gaussian, "std", 1.0)


def _of_length(symmetric: Any) -> Any:
    """Registers the window under its older name: periodic unless it is asked otherwise."""
    name = symmetric.__name__ + "_window"

    def function(
        window_length: int,
        periodic: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        if window_length < 0:
            raise RuntimeError(f"{name}: the length must not be negative, got {window_length}")
        return symmetric(
            window_length,
            sym=not periodic,
            dtype=dtype,
            device=device,
            requires_grad=requires_grad,
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""`signal.windows.{name[:-7]}` of `window_length` points, for spectra
    unless `periodic=False`.

    >>> import autograd
    >>> autograd.{name}(3).shape
    Size([3])
    """
    return public(name, method=False)(function)


hann_window = _of_length(hann)
blackman_window = _of_length(blackman)
bartlett_window = _of_length(bartlett)


@public(method=False)
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """alpha - beta · cos(2π i / n), with the defaults the Hamming window; see `hann_window`.

    >>> import autograd
    >>> autograd.hamming_window(3).shape
    Size([3])
    """
    window = hann_window(window_length, periodic, dtype=dtype, device=device)
    # The Hann window is 1/2 - cos / 2; one point is 1 in all of them.
    result = window if window_length == 1 else (alpha - beta) + 2 * beta * window
    return result.requires_grad_() if requires_grad else result
