"""`detect_anomaly`: a backward pass that stops at the first NaN and says where forward made it.

While it is on, the operations are recorded as `autograd.trace()` does, and errors of the backward
pass name the lines, shapes and values: of the operation where the backward pass stops, and of the
first one in the order of the forward pass whose result is not finite, which mostly is the cause.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .engine import tape
from .errors import placed
from .grad_mode import mode
from .recording import Recorder, described_values, first_bad, glimpse
from .tensor import Tensor


class _Anomaly:
    """What `mode.anomaly` is while detection is on: it checks the steps of a backward pass."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan
        self.recorder = Recorder(values=check_nan, start=False)

    def __call__(self, steps: Iterator[Any], roots: Sequence[Tensor]) -> Iterator[Any]:
        if self.check_nan:
            order = tape(roots)  # now: the pass frees what it has passed
            self._check_roots(roots, order)
        for node, g, contributions in steps:
            for i, c in enumerate(contributions if self.check_nan else ()):
                if c is not None and np.isnan(array := getattr(c, "_data", c)).any():
                    raise RuntimeError(
                        f"{node!r} returned nan values in gradient {i}{placed(node)}"
                        + _values(node)
                        + _arrived(g)
                        + f"; gradient {i} = {glimpse(np.asarray(array))}"
                        + _cause(order)
                    )
            yield node, g, contributions

    def _check_roots(self, roots: Sequence[Tensor], order: Sequence[Any]) -> None:
        for root in roots:
            if np.isnan(root._data).any():
                warnings.warn(
                    f"detect_anomaly: what is differentiated is NaN: {glimpse(root._data)}"
                    + _cause(order),
                    stacklevel=6,
                )


def _values(node: Any) -> str:
    text = described_values(node)
    return f"; there {text}" if text else ""


def _arrived(g: Any) -> str:
    """The upstream gradient of a node in words; of one of several results, nothing."""
    if isinstance(g, list):
        return ""
    return f"; the gradient that arrived = {glimpse(np.asarray(getattr(g, '_data', g)))}"


def _cause(order: Sequence[Any]) -> str:
    """The first value of the forward pass that is not finite, in words; empty if all are."""
    found = first_bad(order)
    if found is None:
        return ""
    node, kind = found
    word = "NaN" if kind == "nan" else "infinite"
    return (
        f". In the order of the forward pass, the first result that is {word} is that of "
        f"{node!r}{placed(node)}{_values(node)}"
    )


class set_detect_anomaly:
    """Turns anomaly detection on or off at once, in this thread; with `with`, restores it.

    `check_nan=False` only notes the lines.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _set(_Anomaly(check_nan) if mode else None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set(self._before)


class detect_anomaly:
    """Inside, a NaN in a backward pass is an error that names the operation and its line.

    >>> import autograd
    >>> x = autograd.tensor(0.0, requires_grad=True)
    >>> with autograd.detect_anomaly():
    ...     (x * 0).sqrt().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    RuntimeError: <MulBackward0> returned nan values in gradient 0; it was recorded at File ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._anomaly = _Anomaly(check_nan)
        self._before: list[_Anomaly | None] = []

    def __enter__(self) -> None:
        self._before.append(_set(self._anomaly))

    def __exit__(self, *exc: object) -> None:
        _set(self._before.pop())


def _set(anomaly: _Anomaly | None) -> _Anomaly | None:
    before: _Anomaly | None = mode.anomaly
    mode.anomaly = anomaly
    if before is not None:
        before.recorder.stop()
    if anomaly is not None:
        anomaly.recorder.start()
    return before


def is_anomaly_enabled() -> bool:
    """True while anomaly detection is on.

    >>> is_anomaly_enabled()
    False
    """
    return mode.anomaly is not None


def is_anomaly_check_nan_enabled() -> bool:
    """True while anomaly detection looks for NaN.

    >>> is_anomaly_check_nan_enabled()
    False
    """
    return mode.anomaly is not None and mode.anomaly.check_nan
