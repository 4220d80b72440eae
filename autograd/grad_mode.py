"""Whether operations are recorded, and who watches: thread-local switches and context managers.

Each of the context managers is also a decorator, of functions and of generator functions, as in
PyTorch.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Watcher:
    """Is told what happens in a thread: base class of what needs to know, see `watching`."""

    unfuses = False  # whether layers record their cells while it is on, see fusing.py

    def recorded(self, node: Any, results: Any, args: tuple[Any, ...] = ()) -> None:
        """`node` was recorded; `results` is its Tensor or tuple of Tensors, `args` what its
        operation was given, where that is known."""

    def changed(self, tensor: Any) -> None:
        """The memory of `tensor` was written to."""

    def cut(self, how: str) -> None:
        """From here gradients do not flow back: `how` is "detach()" or "no_grad"."""

    def freed(self, nodes: Any) -> None:
        """A backward pass has dropped what `nodes` had saved."""

    def backward(
        self, tensors: Any, grads: Any, retain: bool | None, graph: bool, inputs: Any
    ) -> bool:
        """`backward()` was called with these arguments; True if the watcher has done its work."""
        return False


class _Mode(threading.local):
    """Per-thread state of the recorder; class attributes are each new thread's defaults."""

    grad = True
    plain = True  # `grad` and no watchers: the one thing the fast paths of elementwise.py ask
    watchers: tuple[Watcher, ...] = ()
    levels: tuple[Any, ...] = ()  # of the calls of `vmap` that are running, see batching/
    inference = False
    running: Any = None  # the `Pass` of the backward pass that runs, see hooks.py
    anomaly: Any = None  # wraps the steps of a backward pass while `detect_anomaly` is on

    def set(self, grad: bool) -> None:
        self.grad = grad
        self.plain = grad and not self.watchers


mode = _Mode()


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tells `watcher` of all that is recorded and changed inside the block, in this thread."""
    before = mode.watchers
    mode.watchers = (*before, watcher)
    mode.set(mode.grad)
    try:
        yield
    finally:
        mode.watchers = before
        mode.set(mode.grad)


class _GradMode:
    """Sets `mode.grad` inside the block and restores what was there, also after an error."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._previous: list[bool] = []  # a stack: one object may be entered recursively

    def __enter__(self) -> None:
        self._previous.append(mode.grad)
        if mode.watchers and mode.grad and not self._enabled:
            for watcher in mode.watchers:
                watcher.cut(type(self).__name__)
        mode.set(self._enabled)

    def __exit__(self, *exc: object) -> None:
        mode.set(self._previous.pop())

    def _fresh(self) -> _GradMode:
        """Another one like this: calls of a decorated function may overlap in threads."""
        return _GradMode(self._enabled)

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs, and not in the code that iterates over it."""

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self._fresh():
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                except GeneratorExit:
                    with self._fresh():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)
                else:
                    resume = functools.partial(generator.send, sent)

        return generate


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

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._outer = [_switched(self._enabled)]

    def __enter__(self) -> None:
        super().__enter__()
        if self._outer:  # the call itself has switched already
            self._previous[-1] = self._outer.pop()

    def __call__(self, function: F) -> F:
        if self._outer:  # a decorator: only calls of the function switch
            _switched(self._outer.pop())
        return super().__call__(function)


def _switched(grad: bool) -> bool:
    """Switches, and returns what was set before."""
    before = mode.grad
    mode.set(grad)
    return before


class inference_mode(_GradMode):
    """Like `no_grad`, for code that will never be differentiated.

    The engine has no extra checks to save here, so the two differ only in what
    `is_inference_mode_enabled` answers. Tensors made in it are like others: PyTorch would refuse
    to record them later, or to change them in place.

    >>> import autograd
    >>> with autograd.inference_mode():
    ...     autograd.is_inference_mode_enabled(), autograd.is_grad_enabled()
    (True, False)
    """

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__(False)
        self._inference = bool(mode)
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.inference)
        self._enabled = mode.grad and not self._inference
        super().__enter__()
        mode.inference = self._inference

    def __exit__(self, *exc: object) -> None:
        super().__exit__()
        mode.inference = self._before.pop()

    def _fresh(self) -> _GradMode:
        return inference_mode(self._inference)


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
