"""`Tensor`: an ndarray with a place in the graph. No formulas live here; binding.py adds the ops.

The attributes an operation touches are plain and start at class level, so that making a result
sets one or two of them:

* `_data` the ndarray
* `_edge` where its gradient goes: the `Node` or `Output` that made it, a `Leaf` where gradients
  are accumulated, or None for a tensor that does not require grad
* `_counter` the version counter, made when first needed and shared with views and `detach()`
* `_base`, `_view`: the tensor whose memory a view shows, and how to replay the view on it
* `_seen`, `_epoch`: the version at which a view last took up its base's history; how often that
  history was rewritten, or for a view, had been rewritten then
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .batching.array import AN_ARRAY, Batched, NotBatchable, as_array
from .errors import ShapeError, described
from .grad_mode import enable_grad, mode
from .leaf import Counter, Leaf
from .protocols import Protocols
from .size import Size as Size

if TYPE_CHECKING:
    from .function import Node, Output
    from .hooks import RemovableHandle


class Tensor(Protocols):
    """A multi-dimensional array that records how it was computed.

    Made by `autograd.tensor` and its relatives. `Tensor(data)` itself is PyTorch's old
    constructor: default dtype, or an uninitialised tensor when given sizes.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    _data: np.ndarray
    _edge: Any = None
    _counter: Counter | None = None
    _base: Tensor | None = None
    _view: tuple[Any, ...] | None = None
    _seen: int = 0
    _epoch: int = 0
    _grad: Tensor | None = None
    _retained: RemovableHandle | None = None  # of the hook that fills `.grad` of a non-leaf
    _post_hooks: dict[int, Callable[..., Any]] | None = None
    name: str | None = None

    def __init__(self, *data: Any, requires_grad: bool = False) -> None:
        from .creation import legacy_array

        self._data = legacy_array(data)
        if requires_grad:
            self.requires_grad_()

    # What it holds -------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension, a `Size` (a tuple)."""
        return Size(self._data.shape)

    @property
    def dtype(self) -> np.dtype:
        """The data type, a NumPy dtype."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def data(self) -> Tensor:
        """The values without the graph: shares memory, and changes to it are not versioned.

        Assigning replaces the values, as in `p.data = p.data - lr * p.grad`.
        """
        return wrap(self._data)

    @data.setter
    def data(self, value: Any) -> None:
        self._data = value._data if isinstance(value, Tensor) else np.asarray(value)
        self._base = self._view = None
        if self._counter is not None or self._edge is not None:
            version = self._version
            self._counter = Counter()  # not that of its former views, which show the old memory
            self._counter.n = version + 1  # a node that saved the old values must not use the new
        if isinstance(self._edge, Leaf):
            self._edge.shape, self._edge.dtype = self._data.shape, self._data.dtype

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The values as an ndarray that shares memory.

        A tensor that requires grad must be `detach()`ed first, or `force=True` given.
        """
        if type(self._data) is Batched:
            raise NotBatchable(AN_ARRAY)
        if self._edge is not None and not force:
            raise RuntimeError(
                f"numpy(): {self._described()} requires grad, and the array would leave the graph; "
                "use .detach().numpy(), or numpy(force=True)"
            )
        return self._data

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self._data.size != 1:
            raise ShapeError(
                f"item(): a tensor with {self._data.size} elements cannot be converted to a "
                "number; it needs exactly one"
            )
        return self._data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for a 0-d tensor."""
        return self._data.tolist()

    def _described(self) -> str:
        return described(self)

    # Place in the graph --------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """True where gradients flow to this tensor. Settable on leaves."""
        if self._base is not None:
            self._follow_base()
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Marks a leaf as one to compute gradients for (or not), and returns it."""
        if requires_grad and self._data.dtype.kind != "f":
            raise RuntimeError(
                f"requires_grad_: only floating tensors can require grad, this one is "
                f"{self._described()}; convert it first, for example with .float()"
            )
        if not self.is_leaf and not requires_grad:
            raise RuntimeError(
                "requires_grad_(False): this tensor is the result of an operation; only leaves "
                "can change. Use .detach() for a tensor without the graph"
            )
        if not requires_grad:
            self._edge = None
        elif self._edge is None:
            self._edge = Leaf(self)
        return self

    @property
    def is_leaf(self) -> bool:
        """True unless the tensor is the recorded result of an operation."""
        if self._base is not None:
            self._follow_base()
        return self._edge is None or type(self._edge) is Leaf

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, None for a leaf."""
        if self._base is not None:
            self._follow_base()
        edge = self._edge
        return None if type(edge) is Leaf else getattr(edge, "node", edge)

    @property
    def output_nr(self) -> int:
        """Which result of `grad_fn` this tensor is."""
        return getattr(self._edge, "index", 0)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward()` has accumulated, None before the first."""
        if self._grad is None and not self.is_leaf and self._retained is None:
            import warnings

            warnings.warn(
                f"the .grad of {self._described()}, which is not a leaf, is not kept; call "
                "retain_grad() on it before backward()",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value._data.shape != self._data.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"grad: a gradient for {self._described()} must have its shape and dtype, "
                    f"got {value._described()}"
                )
        self._grad = value

    def detach(self) -> Tensor:
        """The same values outside the graph. Shares memory and version."""
        result = wrap(self._data)
        result._counter = self._versions()
        if mode.watchers and self._edge is not None:
            for watcher in mode.watchers:
                watcher.cut("detach()")
        return result

    def detach_(self) -> Tensor:
        """Takes this tensor out of the graph that made it, making it a leaf."""
        if self._base is not None:
            raise RuntimeError("detach_(): a view cannot be detached in place; use .detach()")
        self._edge = None
        return self

    def retain_grad(self) -> None:
        """Makes `backward()` fill `.grad` although this tensor is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad(): this tensor does not require grad")
        if not self.is_leaf and self._retained is None:
            self._retain()

    def _retain(self) -> None:
        """Lets what delivers this tensor's gradient fill `.grad`; again after in-place changes."""
        from .hooks import add_hook

        if self._retained is not None:
            self._retained.remove()
        reference = weakref.ref(self)  # the node must not keep its result alive

        def keep(g: Tensor) -> None:
            tensor = reference()
            if tensor is not None:
                tensor._grad = g.clone() if tensor._grad is None else tensor._grad + g

        self._retained = add_hook(self._edge, keep, last=True)

    @property
    def retains_grad(self) -> bool:
        """True for a non-leaf whose `.grad` will be filled."""
        return self._retained is not None and not self.is_leaf

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Calls `hook(grad)` when the gradient of this tensor is complete.

        What it returns, unless None, replaces the gradient. Returns a handle with `remove()`.
        """
        from .hooks import add_hook

        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad")
        return add_hook(self._edge, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls `hook(tensor)` after a backward pass has added to the `.grad` of this leaf.

        >>> import autograd
        >>> w = autograd.ones(2, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda w: print(w.grad))
        >>> (w * 3).sum().backward()
        tensor([3., 3.])
        """
        from .hooks import RemovableHandle

        if not self.requires_grad or not self.is_leaf:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: only leaves that require grad accumulate a "
                "gradient; use register_hook on other tensors"
            )
        if self._post_hooks is None:
            self._post_hooks = {}
        handle = RemovableHandle(self._post_hooks)
        self._post_hooks[handle.id] = hook
        return handle

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds the gradient of this tensor to the `.grad` of every leaf it depends on.

        Args:
            gradient: the upstream gradient, of this tensor's shape; not needed for one element.
            retain_graph: keep the saved values for another pass (default: `create_graph`).
            create_graph: record the pass itself, so that gradients can be differentiated.
            inputs: only these tensors receive gradients.
        """
        from .engine import backward

        backward(self, [gradient], retain_graph, create_graph, inputs)

    def tape(self) -> list[Node]:
        """The recorded operations that led to this tensor, oldest first.

        >>> import autograd
        >>> x = autograd.tensor(3.0, requires_grad=True)
        >>> (x * x).exp().tape()
        [<MulBackward0>, <ExpBackward0>]
        """
        from .engine import tape

        return tape([self])

    # Versions and views --------------------------------------------------------------------

    @property
    def _version(self) -> int:
        return self._counter.n if self._counter is not None else 0

    def _versions(self) -> Counter:
        """The version counter, made now if there is none, and known to the node that may have
        saved this result."""
        counter = self._counter
        if counter is None:
            counter = self._counter = Counter()
            node = self._edge
            if node is not None and type(node) is not Leaf:
                node = getattr(node, "node", node)
                node._out_counters = [*(node._out_counters or ()), counter]
        return counter

    def _become_view(self, source: Tensor, op: Any, args: tuple[Any, ...]) -> None:
        """Notes that this tensor is `op(source, *args)` and shows its memory, where it does."""
        if self._data.size and not np.may_share_memory(self._data, source._data):
            return
        self._base = base = source if source._base is None else source._base
        self._counter = source._versions()
        self._seen, self._epoch = self._counter.n, base._epoch
        chain = source._view if source._base is not None else ()
        if chain is not None and (mode.grad or source._edge is None):
            self._view = (*chain, (op, args))

    def _become_part(self, source: Tensor) -> None:
        """Notes that this tensor is one of several views that an operation made of `source`.

        It cannot be made again alone, and so not be changed in place where gradients flow.
        """
        self._base = base = source if source._base is None else source._base
        self._counter = counter = source._versions()
        self._seen, self._epoch = counter.n, base._epoch

    def _follow_base(self) -> None:
        """Takes up the base's history if an in-place change may have rewritten it."""
        base, counter = self._base, self._counter
        assert base is not None and counter is not None
        if base._base is not None:  # it became a view of what it was, see layout.py
            base = self._base = base._base
        if self._seen == counter.n:
            return
        if (self._edge is None and base._edge is None) or (
            self._view is None and self._epoch == base._epoch
        ):
            self._seen = counter.n
            return
        if self._view is None:
            raise RuntimeError(
                "this view's base was changed in place, and the view cannot be made again from "
                "it (it was made under no_grad, by an operation with several results or by a "
                "Function of your own); make the view after the change"
            )
        current = base
        with enable_grad():
            for op, args in self._view:
                current = op.apply(current, *args)
        self._seen, self._edge = counter.n, current._edge


def wrap(array: Any, edge: Node | Output | None = None) -> Tensor:
    """A Tensor around `array` without a copy; `edge` places it in the graph."""
    result = Tensor.__new__(Tensor)
    result._data = array if type(array) is np.ndarray else as_array(array)
    if edge is not None:
        result._edge = edge
    return result
