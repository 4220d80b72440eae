"""Whether operations are recorded: one thread-local switch and the context managers that turn it.

Each of them is also a decorator, as in PyTorch.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any


class _Mode(threading.local):
    """Per-thread state of the recorder; class attributes are each new thread's defaults."""

    grad = True
    inference = False
    anomaly: Any = None  # wraps the steps of a backward pass while `detect_anomaly` is on


mode = _Mode()


class _GradMode(contextlib.ContextDecorator):
    """Sets `mode.grad` inside the block and restores what was there, also after an error."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._previous: list[bool] = []  # a stack: one decorator object may be entered recursively

    def __enter__(self) -> None:
        self._previous.append(mode.grad)
        mode.grad = self._enabled

    def __exit__(self, *exc: object) -> None:
        mode.grad = self._previous.pop()


class no_grad(_GradMode):
    """Operations inside are not recorded; results do not require grad.

    >>> import autograd
    >>> x = autograd.ones(2, requires_grad=True)
    >>> with autograd.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Any = None) -> Any:
        # PyTorch allows the decorator both with and without parentheses.
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Operations inside are recorded, even within a `no_grad` block.

    >>> import autograd
    >>> x = autograd.ones(2, requires_grad=True)
    >>> with autograd.no_grad(), autograd.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(True)


class set_grad_enabled(_GradMode):
    """Turns recording on or off at once; used with `with`, also restores it afterwards.

    >>> import autograd
    >>> with autograd.set_grad_enabled(False):
    ...     autograd.is_grad_enabled()
    False
    """

    def __init__(self, enabled: bool) -> None:
        super().__init__(bool(enabled))
        self._outer = mode.grad
        mode.grad = self._enabled

    def __enter__(self) -> None:
        # The call itself already switched; what to restore is the state from before the call.
        self._previous.append(self._outer)
        self._outer = mode.grad = self._enabled

    def __call__(self, func: Any) -> Any:
        mode.grad = self._outer  # used as a decorator: only calls of `func` switch
        return super().__call__(func)


class inference_mode(_GradMode):
    """Like `no_grad`, for code that will never be differentiated.

    The engine has no extra checks to save here, so the two differ only in what
    `is_inference_mode_enabled` answers.

    >>> import autograd
    >>> with autograd.inference_mode():
    ...     autograd.is_inference_mode_enabled(), autograd.is_grad_enabled()
    (True, False)
    """

    def __new__(cls, enabled: Any = True) -> Any:
        return super().__new__(cls) if isinstance(enabled, bool) else cls()(enabled)

    def __init__(self, enabled: Any = True) -> None:
        super().__init__(False)
        self._inference = bool(enabled)
        self._outer: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._outer.append((mode.grad, mode.inference))
        mode.inference = self._inference
        if self._inference:
            mode.grad = False

    def __exit__(self, *exc: object) -> None:
        mode.grad, mode.inference = self._outer.pop()


def is_grad_enabled() -> bool:
    """True where operations are recorded.

    >>> is_grad_enabled()
    True
    """
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """True inside `inference_mode`.

    >>> is_inference_mode_enabled()
    False
    """
    return mode.inference
