"""`Stepper`: a backward pass that waits after each node, and can go back.

The engine is the real one (backward.py); nothing is written to `.grad` before `commit()`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..engine import accumulate, target_of
from ..hooks import LAST, run_hooks
from ..leaf import Leaf
from ..recording import byte_count
from ..tensor import Tensor, wrap
from .backward import Backward
from .forward import Forward, Variables
from .moves import Moves
from .program import Program
from .state import State, tensor
from .text import near
from .trace import Trace
from .why import Why, why

if TYPE_CHECKING:
    from .whatif import WhatIf


class Stepper(Moves):
    """The backward pass from one or several roots, one node at a time; made by `autograd.step`.

    Position k is after k steps, 0 before the first. `next`, `back`, `over`, `into`, `out`, `goto`,
    `run` and `finish` move and return the stepper, which prints as its state. The gradients of a
    step are those of `backward()`, since the same engine runs; `commit()` adds them to `.grad`.

    >>> import autograd
    >>> a = autograd.tensor(2.0, requires_grad=True)
    >>> b = autograd.tensor(-3.0, requires_grad=True)
    >>> s = autograd.step((a * b).tanh())
    >>> len(s), s.position
    (2, 0)
    >>> s.finish().grad(a)
    tensor(-7.3671e-05)
    >>> a.grad is None, s.commit().committed, a.grad
    (True, True, tensor(-7.3671e-05))
    """

    def __init__(
        self,
        roots: list[Tensor],
        seeds: list[Any],
        names: Variables,
        keep: str | int = "64MB",
        retain_graph: bool = False,
    ) -> None:
        self.forward = Forward(roots, names)
        self.program = Program(self.forward)
        self.seeds = seeds
        self._targets = [target_of(root) for root in roots]
        self.backward = Backward(self.forward.order, self._targets, seeds, byte_count(keep))
        self.position = 0
        self.stopped = ""
        self.committed = False
        self.optimizer: Any = None
        self._retain = retain_graph
        self._conditions = []
        self._freed: dict[Any, Any] = {}
        self._trace: tuple[Any, Trace] | None = None

    # Where it is -----------------------------------------------------------------------------

    @property
    def current(self) -> State:
        """The state at this position."""
        return self.state(self.position)

    def state(self, k: int) -> State:
        """The state after `k` steps, which need not have been taken yet."""
        self._check_position(k)
        self.backward.advance(k)
        return State(self, k)

    @property
    def error(self) -> Exception | None:
        """What a node's rule raised; the pass cannot go past it."""
        return self.backward.error

    def grad(self, w: Any) -> Tensor | None:
        """The gradient of `w` so far: a Tensor, a node, or a label. None: not computed yet.

        At the end, hooks of leaves have run.
        """
        return tensor(self.backward.gradient(self.target(w), self.position))

    def why(self, w: Any) -> Why:
        """The contributions to the gradient of `w` so far, the largest first.

        >>> import autograd
        >>> x = autograd.tensor(3.0, requires_grad=True)
        >>> y = x * x + 2 * x
        >>> print(autograd.step(y).finish().why(x))
        x: 8 = the sum of 3 contributions
           38%               3  by mul_1 (mul, step 3): g · x
           38%               3  by mul_1 (mul, step 3): g · x
           25%               2  by mul_2 (mul, step 2): g · 2
        """
        return why(self, self.target(w))

    def target(self, w: Any) -> Any:
        """What the engine calls `w`: a Tensor, a node of the graph, or the label of either."""
        if isinstance(w, Tensor):
            found = target_of(w)
            if found is None:
                raise ValueError(
                    f"{w._described()} does not require grad, so no gradient flows to it"
                )
        elif isinstance(w, str):
            return self._labelled(w)
        else:
            found = w
        if type(found) is not Leaf and getattr(found, "node", found) in self.backward.place:
            return found
        if found in self.forward.leaves:
            return found
        raise ValueError(
            f"{w!r:.80} is not in this graph: nothing that is differentiated here was computed "
            "from it"
        )

    def _labelled(self, label: str) -> Any:
        names = self.forward.labels()
        if label in names:
            return names[label]
        ends = [name for name in names if name.endswith("." + label)]
        if len(ends) == 1:  # "0.weight" of model.0.weight
            return names[ends[0]]
        raise KeyError(f"no node or leaf is called {label!r}; there {near(label, list(names))}")

    # The end ---------------------------------------------------------------------------------

    def commit(self) -> Stepper:
        """Finishes the pass and adds the gradients to `.grad`, exactly as `backward()` does.

        The graph is freed, unless `retain_graph` was given; the stepper goes on showing it.
        """
        if self.committed:
            raise RuntimeError("commit: this pass has been committed; step() again for another")
        self.finish()
        self.forward.remember_gradients()
        assert self.backward.final is not None
        for node in self.backward.retained:
            self._fill_retained(node)
        for leaf, g in self.backward.final.items():
            if (variable := leaf.variable) is not None:
                accumulate(variable, g, False, False)
        self.committed = True
        if not self._retain:
            self._free()
        return self

    def _fill_retained(self, node: Any) -> None:
        """Runs the hooks of `retain_grad`, which were left out while stepping."""
        upstream = self.backward.step(self.backward.place[node]).upstream
        if upstream is None:
            return
        outputs = node.outputs
        parts = [(node, upstream)] if outputs is None else zip(outputs, upstream, strict=True)
        for target, g in parts:
            hooks = {key: hook for key, hook in (target.hooks or {}).items() if key >= LAST}
            if hooks and g is not None:
                run_hooks(hooks, wrap(g))

    def _free(self) -> None:
        for node in self.forward.order:
            if node.frees:
                self._freed[node] = node.args
                node.args = None

    @contextmanager
    def _saved(self, node: Any) -> Iterator[None]:
        """Gives a node that the commit freed its values back for a moment."""
        if node not in self._freed:
            yield
            return
        node.args = self._freed[node]
        try:
            yield
        finally:
            node.args = None

    def step_with(self, optimizer: Any) -> Stepper:
        """Shows, after the last step, what `optimizer.step()` will do with the gradients.

        It is worked out on copies: parameters and optimizer stay as they are.
        """
        if not hasattr(optimizer, "param_groups") or not hasattr(optimizer, "step"):
            raise TypeError(
                f"step_with: expected an optimizer such as optim.SGD(model.parameters()), got "
                f"{type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        return self

    def update_lines(self) -> list[str]:
        """The optimizer's update for a reader; takes the steps that are left."""
        from .update import lines

        self.backward.advance(len(self))
        return [] if self.optimizer is None else lines(self, self.optimizer)

    def update_record(self, ids: dict[Any, int]) -> dict[str, Any] | None:
        """The optimizer's update for a trace, with parameters by node id."""
        from .update import record

        if self.optimizer is None or self.error is not None:
            return None
        return record(self, self.optimizer, ids)

    def element(self, w: Any, *index: int) -> list[Any]:
        """The sums behind one element of what the current step adds to the gradient of `w`.

        One for each time the current node uses `w`.

        >>> import autograd
        >>> x = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> w = autograd.tensor([[0.5], [-1.0]], requires_grad=True)
        >>> s = autograd.step((x @ w).sum()).goto("matmul_1")
        >>> s.element(w, 1, 0)
        [dw[1,0] = Σ_i x[i,1] · g[i,0] = 2 × 1 + 4 × 1 = 6]
        """
        from .elements import element

        return element(self, self.target(w), index)

    def what_if(self, values: Any = None, grad: Any = None) -> WhatIf:
        """This pass beside one with other values of leaves, or other gradients at nodes.

        Args:
            values: a dict from leaves (Tensors or labels) to values. The recorded operations run
                again; what was not recorded with `autograd.trace()` may not be able to.
            grad: a dict from nodes (Tensors or labels) to the gradients that should arrive there.

        >>> import autograd
        >>> x = autograd.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> autograd.step(y).what_if({x: 5.0})
        what if x = 5 (was 3):
          y: 9 → 25
          ∂y/∂x: 6 → 10
        """
        from .whatif import what_if

        return what_if(self, values or {}, grad or {})

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Gives all nodes back, for a moment, what the commit freed."""
        for node, args in self._freed.items():
            node.args = args
        try:
            yield
        finally:
            for node in self._freed:
                node.args = None

    # Showing ---------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """The whole pass as data; takes the steps that are left, without moving the position."""
        from .build import build

        key = (self.committed, id(self.optimizer))
        if self._trace is None or self._trace[0] != key:
            self._trace = key, build(self)
        return self._trace[1]

    def to_json(self, indent: int | None = None) -> str:
        """The trace as JSON."""
        return self.trace.to_json(indent)

    def text(self, width: int | None = None, ascii: bool = False) -> str:
        """The current step for a terminal: node, line, values, formula with numbers, gradients."""
        from .text import text

        return text(self, width, ascii)

    def html(self) -> str:
        """One self-contained page, that needs no network."""
        from .web.page import page

        return page(self.trace, self.trace.place(self.position))

    def _repr_html_(self) -> str:
        from .web.notebook import notebook

        return notebook(self.trace, self.trace.place(self.position))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page (`.html`), the trace (`.json`) or the text (`.txt`) to a file."""
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        makers = {".html": self.html, ".htm": self.html, ".json": self.to_json, ".txt": self.text}
        if suffix not in makers:
            raise ValueError(
                f"save: {os.fspath(path)!r} must end in .html (a page), .json (the trace) or .txt"
            )
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(makers[suffix]())

    def widget(self) -> Any:
        """A live view for Jupyter; needs anywidget (pip install 'tapegrad[jupyter]')."""
        from .web.widget import widget

        return widget(self)

    def __repr__(self) -> str:
        return self.text()
