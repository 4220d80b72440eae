"""`detect_anomaly`: a backward pass that stops at the first NaN and says where forward made it.

While it is on, each recorded operation notes the line of the user's program, and errors of the
backward pass name it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import placed
from .grad_mode import Watcher, mode

_PACKAGE = os.path.dirname(__file__) + os.sep


def location() -> str:
    """The line of the user's program that is being run: file, line, function and text."""
    for frame, line in traceback.walk_stack(None):
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            summary = traceback.FrameSummary(frame.f_code.co_filename, line, frame.f_code.co_name)
            where = f'File "{summary.filename}", line {line}, in {summary.name}'
            return f"{where}: {summary.line}" if summary.line else where
    return ""


class _Places(Watcher):
    def recorded(self, node: Any, results: Any) -> None:
        node.recorded_at = location()

    def changed(self, tensor: Any) -> None:
        tensor._counter.changed_at = location()


class _Anomaly:
    """What `mode.anomaly` is while detection is on: it checks the steps of a backward pass."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def __call__(self, steps: Iterator[Any]) -> Iterator[Any]:
        for node, g, contributions in steps:
            for i, c in enumerate(contributions if self.check_nan else ()):
                if c is not None and np.isnan(getattr(c, "_data", c)).any():
                    raise RuntimeError(
                        f"{node!r} returned nan values in gradient {i}{placed(node)}"
                    )
            yield node, g, contributions


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
    others = tuple(w for w in mode.watchers if not isinstance(w, _Places))
    mode.watchers = others if anomaly is None else (*others, _Places())
    mode.set(mode.grad)
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
