"""`checkpoint`: less memory for more time, as in `torch.utils.checkpoint`.

What the operations of a checkpointed function save is not kept; backward runs the function again,
with the same random numbers, and takes the values from there (Chen et al. 2016, "Training Deep Nets
with Sublinear Memory Cost").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .errors import GraphError, described
from .grad_mode import enable_grad
from .graph import saved_tensors_hooks
from .random import default_generator
from .tensor import Tensor


class CheckpointError(RuntimeError):
    """The function did something else the second time."""


class _Run:
    """One call of a checkpointed function, which can be repeated."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        again: Any,
        preserve: bool,
        check: bool,
    ) -> None:
        self.function, self.args, self.kwargs, self.again = function, args, kwargs, again
        self.versions = [a._version if isinstance(a, Tensor) else 0 for a in args]
        self.state = default_generator.get_state() if preserve else None
        self.check = check
        self.saved: list[tuple[tuple[int, ...], Any]] = []  # shapes and dtypes, in order
        self.values: dict[int, Tensor] = {}

    def pack(self, value: Tensor) -> int:
        self.saved.append((value._data.shape, value.dtype))
        return len(self.saved) - 1

    def unpack(self, i: int) -> Tensor:
        if i not in self.values:
            self.repeat()
        return self.values.pop(i)

    def repeat(self) -> None:
        """Runs the function again and keeps what its operations save."""
        for i, (a, version) in enumerate(zip(self.args, self.versions, strict=True)):
            if isinstance(a, Tensor) and a._version != version:
                raise GraphError(
                    f"checkpoint: argument {i}, {described(a)}, was changed in place before "
                    "backward could run the function on it again; pass a clone()"
                )
        values: list[Tensor] = []
        before = default_generator.get_state()
        if self.state is not None:
            default_generator.set_state(self.state)
        try:
            with enable_grad(), self.again, saved_tensors_hooks(values.append, _never):
                self.function(*self.args, **self.kwargs)
        finally:
            if self.state is not None:
                default_generator.set_state(before)
        found = [(v._data.shape, v.dtype) for v in values]
        if len(found) != len(self.saved) or (self.check and found != self.saved):
            raise CheckpointError(
                f"checkpoint: run again, the function saved {len(found)} tensors, not the same as "
                f"the {len(self.saved)} of the first time; it must do the same each time it is "
                "called with the same arguments"
            )
        self.values = dict(enumerate(values))


def _never(content: Any) -> Tensor:
    raise AssertionError("the graph of a repeated run is never walked")


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = lambda: (nullcontext(), nullcontext()),
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, keeping only the arguments for backward.

    Args:
        function: is called now and again in backward; it must do the same both times.
        args: Tensors or anything else.
        preserve_rng_state: draw the same random numbers (of the default generator) again.
        context_fn: two context managers, for the first call and for the repeated one.
        determinism_check: "default" compares shapes and dtypes of both runs, "none" does not.
        use_reentrant, debug, early_stop: accepted as in PyTorch; both of its variants are this one.

    >>> import autograd
    >>> from autograd.checkpoint import checkpoint
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> y = checkpoint(lambda t, n: (t**n).exp().sum(), x, 2)
    >>> y.backward(); x.grad
    tensor([  5.4366, 218.3926])
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}"
        )
    first: AbstractContextManager[Any]
    first, again = context_fn()
    run = _Run(function, args, kwargs, again, preserve_rng_state, determinism_check == "default")
    with first, saved_tensors_hooks(run.pack, run.unpack):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A chain of functions (or a `nn.Sequential`) in `segments` parts, all but the last of them
    checkpointed."""
    chain: Sequence[Callable[..., Any]] = list(functions)
    size = len(chain) // segments
    starts = [i * size for i in range(segments)]

    def part(start: int, end: int) -> Callable[..., Any]:
        def run(x: Any) -> Any:
            for function in chain[start:end]:
                x = function(x)
            return x

        return run

    for start in starts[:-1]:
        input = checkpoint(part(start, start + size), input, **kwargs)
    return part(starts[-1], len(chain))(input)
