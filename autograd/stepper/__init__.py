"""Stepping through a backward pass: the real engine, paused after each node.

forward.py answers what is known of the recorded operations, backward.py drives the engine and logs
what it does, stepper.py moves between the states (state.py), build.py makes of it all a `Trace`
(trace.py), plain data that every front end reads.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .trace import Trace as Trace, TraceError as TraceError

if TYPE_CHECKING:
    from .replay import Replay as Replay
    from .stepper import Stepper as Stepper


def __getattr__(name: str) -> Any:
    """The classes of steppers, for annotations and `isinstance`: imported when asked for."""
    if name == "Stepper":
        from .stepper import Stepper

        return Stepper
    if name == "Replay":
        from .replay import Replay

        return Replay
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def step(
    loss: Any,
    grad: Any = None,
    stop: Any = None,
    *,
    optimizer: Any = None,
    params: Any = None,
    keep: str | int = "64MB",
    retain_graph: bool = False,
) -> Stepper:
    """A stepper through the backward pass from `loss`, at its start.

    Nothing is added to `.grad` before `commit()`. With `autograd.trace()` on during the forward
    pass, the stepper also knows source lines, modules and all values.

    Args:
        loss: a Tensor that requires grad, or a list, tuple or dict of them.
        grad: its gradient (for several roots a list or dict), ones where it has one element.
        stop: where `run()` stops: "nonfinite", a function of the state, or a dict with the
            arguments of `Stepper.stop_at`.
        optimizer: shows its update after the last step.
        params: what names the leaves: a module, a dict, or `named_parameters()`; by default the
            variables of the caller do.
        keep: how many bytes of gradients are kept for going back; others are computed again.
        retain_graph: whether `commit()` leaves the graph for another pass.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> s = autograd.step(y)
    >>> s.next().grad(x)
    tensor(6.)
    >>> for contribution in s.current.contributions:
    ...     print(contribution.text)
    ∂y/∂x += g · x = 1 × 3 = 3 (was not computed yet, now 3)
    ∂y/∂x += g · x = 1 × 3 = 3 (was 3, now 6)
    """
    return _stepper(sys._getframe(1), loss, grad, stop, optimizer, params, keep, retain_graph)


def trace_of(loss: Any, grad: Any = None) -> Trace:
    """The backward pass from `loss`, from its first step to its last, as a `Trace`.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> trace_of(x * x).steps[0]["edges"][1]["text"]
    '∂L/∂x += g · x = 1 × 3 = 3 (was 3, now 6)'
    """
    return _stepper(sys._getframe(1), loss, grad).trace


def _stepper(
    frame: Any,
    loss: Any,
    grad: Any,
    stop: Any = None,
    optimizer: Any = None,
    params: Any = None,
    keep: str | int = "64MB",
    retain_graph: bool = False,
) -> Stepper:
    from .checks import roots_and_seeds
    from .forward import Variables
    from .stepper import Stepper

    names = Variables()
    if params is not None:
        names.add_params(params, "step")
    roots, seeds, labels = roots_and_seeds(loss, grad, names, frame)
    for label, root in zip(labels, roots, strict=False):
        names.add(label, root)
    names.add_variables(frame)
    stepper = Stepper(roots, seeds, names, keep, retain_graph)
    if stop is not None:
        _add_stop(stepper, stop)
    if optimizer is not None:
        stepper.step_with(optimizer)
    return stepper


def _add_stop(stepper: Stepper, stop: Any) -> None:
    if stop == "nonfinite":
        stepper.stop_at(nonfinite=True)
    elif callable(stop):
        stepper.stop_at(when=stop)
    elif isinstance(stop, dict):
        stepper.stop_at(**stop)
    else:
        raise ValueError(
            f'step: stop must be "nonfinite", a function of the state, or a dict such as '
            f'{{"norm_above": 1e3}} (see Stepper.stop_at), got {stop!r:.60}'
        )
