"""What PyTorch keeps in `torch.autograd.graph`: hooks on the values that operations save, and on
the gradients of several tensors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .custom import FunctionNode
from .errors import freed_error
from .function import _CTX, _OUT, Node as Node, Op
from .grad_mode import Watcher, mode, no_grad, watching
from .hooks import register_multi_grad_hook as register_multi_grad_hook, specialize
from .tensor import Tensor, wrap


class saved_tensors_hooks(Watcher):
    """Stores what operations save for backward in another form.

    Inside the block, each saved tensor is replaced by `pack_hook(tensor)`, and when backward needs
    it, `unpack_hook` gets that and returns a tensor with the same content. The innermost pair
    counts.

    >>> import autograd
    >>> from autograd.graph import saved_tensors_hooks
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.tolist(), autograd.tensor):
    ...     y = (x * x).sum()
    >>> y.backward(); x.grad
    tensor([2., 4.])
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._blocks: list[AbstractContextManager[None]] = []

    def __enter__(self) -> None:
        self._blocks.append(watching(self))
        self._blocks[-1].__enter__()

    def __exit__(self, *exc: Any) -> None:
        self._blocks.pop().__exit__(*exc)

    def recorded(self, node: Any, results: Any, args: tuple[Any, ...] = ()) -> None:
        innermost = [w for w in mode.watchers if isinstance(w, saved_tensors_hooks)][-1]
        if innermost is not self or not node.args:
            return
        with no_grad():
            if isinstance(node, FunctionNode):
                for saved in node.args:
                    if saved is not None:
                        saved.value = Packed(saved.value.detach(), self)
            else:
                _pack(node, self)


class save_on_cpu(saved_tensors_hooks):
    """Keeps what operations save on the CPU, where it is: nothing changes."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t, lambda t: t)


class Packed:
    """A saved value in the form that a pack hook gave it."""

    def __init__(self, value: Tensor, hooks: saved_tensors_hooks) -> None:
        version = value._version
        self.content = hooks.pack_hook(value)
        self._unpack = hooks.unpack_hook
        if value._version != version:
            raise RuntimeError("saved_tensors_hooks: the pack hook changed its input in place")

    def unpack(self) -> Tensor:
        """The value, from the unpack hook."""
        value = self._unpack(self.content)
        if not isinstance(value, Tensor):
            raise TypeError(
                f"saved_tensors_hooks: the unpack hook must return a Tensor, got "
                f"{type(value).__name__}"
            )
        return value


def _pack(node: Any, hooks: saved_tensors_hooks) -> None:
    """Replaces what an `Op` saved: arguments, result, and arrays that are attributes of ctx."""
    *arguments, out = node.args
    packed = [
        Packed(a.detach(), hooks)
        if isinstance(a, Tensor)
        else Packed(wrap(a), hooks)
        if isinstance(a, np.ndarray) and a.ndim
        else a
        for a in arguments
    ]
    if isinstance(out, tuple):
        out = tuple(Packed(wrap(o), hooks) for o in out)
    elif out is not None:
        out = Packed(wrap(out), hooks)
    node.args = (*packed, out)
    node.attributes = {
        name: Packed(wrap(value), hooks)
        for name, value in vars(node).items()
        if isinstance(value, np.ndarray) and value.ndim
    }
    for name in node.attributes:
        delattr(node, name)
    specialize(node, _PackedOp)


class _PackedOp:
    """An `Op` whose saved values are unpacked during its step of the backward pass."""

    args: Any
    edges: tuple[Any, ...]
    attributes: dict[str, Packed]
    _unpacked: dict[Packed, Tensor]

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        if self.args is None:
            raise freed_error(self)
        self._unpacked = {}  # each value once, also where several rules ask for it
        try:
            return Op.vjp(self, g, graph, edges)  # type: ignore[arg-type]
        finally:
            del self._unpacked
            for name in self.attributes:
                vars(self).pop(name, None)

    def _once(self, packed: Packed) -> Tensor:
        if packed not in self._unpacked:
            self._unpacked[packed] = packed.unpack()
        return self._unpacked[packed]

    def _value(self, i: int, graph: bool) -> Any:
        if i == _CTX:
            for name, packed in self.attributes.items():
                setattr(self, name, self._once(packed)._data)
            return self
        if i != _OUT:
            return super()._value(i, graph)  # type: ignore[misc]
        out, outputs = self.args[-1], self.outputs  # type: ignore[attr-defined]
        several = isinstance(out, tuple)
        values: list[Any] = [self._once(p)._data for p in (out if several else (out,))]
        if graph:
            values = [
                wrap(v, e) for v, e in zip(values, outputs if several else (self,), strict=True)
            ]
        return values if several else values[0]

    def _argument(self, i: int, graph: bool) -> Any:
        a = self.args[i]
        if not isinstance(a, Packed):
            return a
        array = self._once(a)._data
        return wrap(array, self.edges[i]) if graph and self.edges[i] is not None else array
