"""`Tensor`: an ndarray with a place in the graph. No formulas live here; binding.py adds the ops.

The attributes an operation touches are plain and start at class level, so that making a result
sets one or two of them:

* `_data` the ndarray
* `_edge` where its gradient goes: the `Node` or `Output` that made it, a `Leaf` where gradients
  are accumulated, or None for a tensor that does not require grad
* `_counter` the version counter, made when first needed and shared with views and `detach()`
* `_base`, `_view`, `_epoch`: the tensor whose memory a view shows, how to replay the view on it,
  and the rewriting of the base's history that this view's node belongs to
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .grad_mode import mode

if TYPE_CHECKING:
    from .function import Node, Output


class _Counter:
    """How often the memory behind a tensor and its views was changed in place."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0


class Leaf:
    """Where the engine accumulates: the end of every path through the graph.

    It refers to its tensor weakly, since the tensor owns it: a gradient for a tensor that nobody
    can look at any more is dropped.
    """

    __slots__ = ("__weakref__", "_tensor", "dtype", "hooks", "shape")
    edges: tuple[Any, ...] = ()
    sequence = -1

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = weakref.ref(tensor)
        self.shape, self.dtype = tensor._data.shape, tensor._data.dtype
        self.hooks: dict[int, Callable[..., Any]] | None = None

    @property
    def variable(self) -> Tensor | None:
        """The leaf tensor, None if it is gone."""
        return self._tensor()

    def __repr__(self) -> str:
        return "<AccumulateGrad>"


class Tensor:
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
    _counter: _Counter | None = None
    _base: Tensor | None = None
    _view: tuple[Any, ...] | None = None
    _epoch: int = 0
    _grad: Tensor | None = None
    _retains_grad: bool = False
    _post_hooks: dict[int, Callable[..., Any]] | None = None
    name: str | None = None

    __hash__ = object.__hash__  # by identity, since == is elementwise

    def __init__(self, *data: Any, requires_grad: bool = False) -> None:
        from .creation import legacy_array

        self._data = legacy_array(data)
        if requires_grad:
            self.requires_grad_()

    # What it holds -------------------------------------------------------------------------

    @property
    def shape(self) -> Any:
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
        if self._counter is not None or self._edge is not None:
            self._versions().n += 1  # a node that saved the old values must not use the new ones
        if isinstance(self._edge, Leaf):
            self._edge.shape, self._edge.dtype = self._data.shape, self._data.dtype

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The values as an ndarray that shares memory.

        A tensor that requires grad must be `detach()`ed first, or `force=True` given.
        """
        if self._edge is not None and not force:
            raise RuntimeError(
                f"numpy(): {self._described()} requires grad, and the array would leave the graph; "
                "use .detach().numpy(), or numpy(force=True)"
            )
        return self._data

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self._data.size != 1:
            raise RuntimeError(
                f"item(): a tensor with {self._data.size} elements cannot be converted to a "
                "number; it needs exactly one"
            )
        return self._data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for a 0-d tensor."""
        return self._data.tolist()

    def _described(self) -> str:
        from .errors import described

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
        if self._grad is None and not self.is_leaf and not self._retains_grad:
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
        if self.is_leaf or self._retains_grad:
            return
        self._retains_grad = True
        reference = weakref.ref(self)  # the node must not keep its result alive

        def keep(g: Tensor) -> None:
            tensor = reference()
            if tensor is not None:
                tensor._grad = g.clone() if tensor._grad is None else tensor._grad + g

        from .hooks import add_hook

        add_hook(self._edge, keep, last=True)

    @property
    def retains_grad(self) -> bool:
        """True for a non-leaf whose `.grad` will be filled."""
        return self._retains_grad and not self.is_leaf

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Calls `hook(grad)` when the gradient of this tensor is complete.

        What it returns, unless None, replaces the gradient. Returns a handle with `remove()`.
        """
        from .hooks import add_hook

        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad")
        return add_hook(self._edge, hook)

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

    def _versions(self) -> _Counter:
        """The version counter, made now if there is none, and known to the node that may have
        saved this result."""
        counter = self._counter
        if counter is None:
            counter = self._counter = _Counter()
            node = self._edge
            if node is not None and type(node) is not Leaf:
                node = getattr(node, "node", node)
                node._out_counters = [*(node._out_counters or ()), counter]
        return counter

    def _become_view(self, source: Tensor, op: Any, args: tuple[Any, ...]) -> None:
        """Notes that this tensor is `op(source, *args)` and shows its memory, where it does."""
        if not np.may_share_memory(self._data, source._data):
            return
        self._base = base = source if source._base is None else source._base
        self._counter = source._versions()
        self._epoch = base._epoch
        chain = source._view if source._base is not None else ()
        if op is not None and chain is not None and (mode.grad or source._edge is None):
            self._view = (*chain, (op, args))

    def _follow_base(self) -> None:
        """Takes up the base's new history if an in-place change has rewritten it."""
        base = self._base
        assert base is not None
        if self._epoch == base._epoch:
            return
        self._epoch = base._epoch
        if self._view is None:
            raise RuntimeError(
                "this view's base was changed in place, and the view cannot be made again from "
                "it (it was made under no_grad, or by an operation with several results); make "
                "the view after the change"
            )
        current = base
        for op, args in self._view:
            current = op.apply(current, *args)
        self._edge = current._edge

    # Python's protocols --------------------------------------------------------------------

    def __repr__(self) -> str:
        from .printing import tensor_text

        return tensor_text(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else object.__format__(self, spec)

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == (value._data if isinstance(value, Tensor) else value)).any())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise RuntimeError(
                f"the truth value of {self._described()} is ambiguous; use .any() or .all()"
            )
        return bool(self._data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._data.dtype.kind not in "iub":
            raise TypeError(f"only integer tensors can be an index, got {self._described()}")
        return int(self.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "deepcopy: only leaf tensors can be copied this way; use .detach().clone()"
            )
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        import copy

        for key, value in self.__dict__.items():
            if key not in _NOT_COPIED:
                setattr(result, key, copy.deepcopy(value, memo))
        return result.requires_grad_(self._edge is not None)

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError("pickle: only leaf tensors can be pickled; use .detach()")
        # As in PyTorch, gradients are left behind.
        skipped = (*_NOT_COPIED, "_grad")
        state = {k: v for k, v in self.__dict__.items() if k not in skipped}
        return _rebuild, (type(self), state, self._edge is not None)


# What ties a tensor to others; a copy stands alone.
_NOT_COPIED = ("_base", "_view", "_counter", "_epoch", "_edge", "_post_hooks")


def _rebuild(kind: type[Tensor], state: dict[str, Any], requires_grad: bool) -> Tensor:
    """A tensor from what `Tensor.__reduce__` wrote."""
    result = kind.__new__(kind)
    result.__dict__.update(state)
    return result.requires_grad_(requires_grad)


class Size(tuple[int, ...]):
    """A shape: a tuple with PyTorch's `numel`.

    >>> Size((2, 3)).numel(), Size((2, 3)) == (2, 3)
    (6, True)
    """

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        n = 1
        for size in self:
            n *= size
        return n

    def __repr__(self) -> str:
        return f"Size({list(self)})"


def wrap(array: Any, edge: Node | Output | None = None) -> Tensor:
    """A Tensor around `array` without a copy; `edge` places it in the graph."""
    result = Tensor.__new__(Tensor)
    result._data = array if type(array) is np.ndarray else np.asarray(array)
    if edge is not None:
        result._edge = edge
    return result
