"""What programs written for accelerators ask for, as far as it has a meaning on a CPU: nothing.

Mixed precision, compilation and the precision of products are there to be quick on hardware that
is not here. They are accepted, so that such programs run, and change no number: everything is
computed in the dtypes of its tensors.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any, Final

_PRECISIONS = ("highest", "high", "medium")


class autocast(contextlib.ContextDecorator):
    """Mixed precision, as a context or a decorator: accepted, and without effect.

    PyTorch computes products in half the precision here, where hardware gains from it. NumPy's
    would be slower that way, so they stay as exact as they are outside.

    >>> import autograd
    >>> with autograd.autocast("cpu", dtype=autograd.bfloat16):
    ...     y = autograd.ones(2) @ autograd.ones(2)
    >>> y.dtype
    dtype('float32')
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"autocast: device_type must be a str such as 'cpu', got {device_type!r}"
            )

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        pass


def cuda_autocast(enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> autocast:
    """`autocast("cuda")`, as `cuda.amp.autocast` takes its arguments."""
    return autocast("cuda", dtype, enabled, cache_enabled)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: see `autocast`.

    >>> import autograd
    >>> autograd.is_autocast_enabled()
    False
    """
    return False


class GradScaler:
    """The scaling of losses under `autocast`: what PyTorch's does where it is not enabled.

    Gradients that stay in float32 cannot vanish as those in float16 do, so the scale is 1 and
    `step(optimizer)` is `optimizer.step()`.

    >>> import autograd
    >>> scaler = autograd.amp.GradScaler()
    >>> scaler.scale(autograd.tensor(2.0)), scaler.get_scale(), scaler.is_enabled()
    (tensor(2.), 1.0, False)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        pass

    def scale(self, outputs: Any) -> Any:
        """`outputs`, as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Does nothing: the gradients were not scaled."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args, **kwargs)`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Does nothing: the scale stays 1."""

    def get_scale(self) -> float:
        """1.0."""
        return 1.0

    def is_enabled(self) -> bool:
        """False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """An empty dict."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Accepts any state, since there is none to set."""


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """The function or module itself, since there is no compiler; without one, a decorator.

    >>> import autograd
    >>> autograd.compile(abs) is abs, autograd.compile(mode="reduce-overhead")(abs) is abs
    (True, True)
    """
    return (lambda function: function) if model is None else model


class _Jit:
    """`torch.jit` as far as it marks what is to be compiled: everything stays as it is.

    >>> import autograd
    >>> @autograd.jit.script
    ... def double(x: autograd.Tensor) -> autograd.Tensor:
    ...     return 2 * x
    >>> double(autograd.ones(1)), autograd.jit.is_scripting()
    (tensor([2.]), False)
    """

    Final = Final

    def script(self, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The function, class or module itself."""
        return obj

    trace = script_method = script_if_tracing = export = unused = script

    def ignore(self, drop: Any = False, **kwargs: Any) -> Any:
        """The function itself; a decorator if called with options."""
        return drop if callable(drop) else self.script

    def is_scripting(self) -> bool:
        """False."""
        return False

    is_tracing = is_scripting

    def annotate(self, the_type: Any, the_value: Any) -> Any:
        """The value."""
        return the_value

    def __getattr__(self, name: str) -> Any:
        if name == "ScriptModule":
            return importlib.import_module("nn").Module
        raise AttributeError(
            f"'jit' has no attribute {name!r}: programs are not compiled here. Store the weights, "
            "with autograd.save(model.state_dict(), path)"
        )


jit = _Jit()


def set_float32_matmul_precision(precision: str) -> None:
    """Accepts "highest", "high" or "medium"; products of float32 have its full precision anyhow.

    >>> import autograd
    >>> autograd.set_float32_matmul_precision("high")
    """
    if precision not in _PRECISIONS:
        raise RuntimeError(
            f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}"
        )


def get_float32_matmul_precision() -> str:
    """ "highest".

    >>> import autograd
    >>> autograd.get_float32_matmul_precision()
    'highest'
    """
    return "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: the same program with the same seed gives the same numbers in any case.

    >>> import autograd
    >>> autograd.use_deterministic_algorithms(True)
    """
