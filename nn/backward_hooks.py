"""Hooks that see a module's gradients as they flow back through it.

The tensors that enter and leave such a module pass through an identity (`_Pass`), whose node calls
the hooks: the one at the output learns the gradients of the outputs, the one at the input, which
the backward pass reaches last, those of the inputs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd import Function, Tensor, is_grad_enabled

if TYPE_CHECKING:
    from .module import Module

Gradients = tuple[Any, ...]


class _Pass(Function):
    """The identity."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        return gradients


class BackwardHooks:
    """The hooks of one call of a module."""

    def __init__(
        self,
        module: Module,
        hooks: list[Callable[..., Any]],
        pre_hooks: list[Callable[..., Any]],
    ) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_output: Gradients | None = None
        self.inputs: _Places | None = None
        self.count = 0

    def on_inputs(self, args: Gradients) -> Gradients:
        """The arguments of `forward`, in their places in the graph where `hooks` are called."""
        self.count = len(args)
        passed, self.inputs = _passed(args, self._module)
        return passed

    def on_outputs(self, result: Any) -> Any:
        """What `forward` returned, in its place in the graph."""
        several = isinstance(result, tuple)
        results = result if several else (result,)

        def before(_: Gradients, gradients: Gradients) -> Gradients:
            self.grad_output = places.spread(gradients)
            for hook in self.pre_hooks:
                self.grad_output = _replaced(
                    hook(self.module, self.grad_output), self.grad_output, "pre hook", "grad_output"
                )
            given = self.grad_output
            if self.inputs is None:
                self._without_inputs()
            return places.gather(given)

        passed, found = _passed(results, before)
        if found is None:
            return result
        places = found
        return passed if several else passed[0]

    def _module(self, gradients: Gradients, _: Gradients) -> Gradients | None:
        """The step of the identity at the inputs."""
        if self.grad_output is None:  # not reached through the outputs, as in a double backward
            return None
        assert self.inputs is not None
        grad_input = self.inputs.spread(gradients)
        for hook in self.hooks:
            grad_input = _replaced(
                hook(self.module, grad_input, self.grad_output), grad_input, "hook", "grad_input"
            )
        self.grad_output = None
        return self.inputs.gather(grad_input)

    def _without_inputs(self) -> None:
        """No input needs a gradient, so that the hooks are called at the outputs."""
        if self.hooks:
            warnings.warn(
                f"a full backward hook of {self.module._get_name()} is called when the gradients "
                "of its outputs are known, since none of its inputs requires grad",
                UserWarning,
                stacklevel=2,
            )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.count, self.grad_output)
            if changed is not None and any(g is not None for g in changed):
                raise RuntimeError(
                    f"a backward hook of {self.module._get_name()}, none of whose inputs requires "
                    "grad, should return None or a tuple of None"
                )
        self.grad_output = None


class _Places:
    """Where among `count` values the tensors are."""

    def __init__(self, values: Gradients) -> None:
        self.count = len(values)
        self.tensors = [i for i, value in enumerate(values) if isinstance(value, Tensor)]

    def spread(self, gradients: Gradients) -> Gradients:
        """One entry per value, None where there is no gradient."""
        entries: list[Any] = [None] * self.count
        for i, gradient in zip(self.tensors, gradients, strict=True):
            entries[i] = gradient
        return tuple(entries)

    def gather(self, entries: Gradients) -> Gradients:
        return tuple(entries[i] for i in self.tensors)


def _passed(values: Gradients, hook: Callable[..., Any]) -> tuple[Gradients, _Places | None]:
    """`values` with the tensors passed through an identity whose node calls `hook`."""
    places = _Places(values)
    tensors = places.gather(values)
    if not (is_grad_enabled() and any(t.requires_grad for t in tensors)):
        return values, None
    tensors = _Pass.apply(*tensors)
    entries = list(values)
    for i, tensor in zip(places.tensors, tensors, strict=True):
        entries[i] = tensor
    node = next(t.grad_fn for t in tensors if t.grad_fn is not None)
    node.register_hook(hook)
    return tuple(entries), places


def _replaced(changed: Any, shown: Gradients, kind: str, what: str) -> Gradients:
    if changed is None:
        return shown
    changed = changed if isinstance(changed, tuple) else (changed,)
    if len(changed) != len(shown):
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(changed)}, but "
            f"expected {len(shown)}"
        )
    return changed
