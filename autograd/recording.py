"""`autograd.trace()`: remembers values, source lines and modules of the operations that follow.

What is noted hangs on the graph's nodes and goes with them, so nothing is kept longer than the
graph itself. While no recorder is on, operations know nothing of it (see `Watcher`).
"""

from __future__ import annotations

import functools
import math
import re
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .errors import described
from .function import OPS
from .grad_mode import Watcher, mode, no_grad
from .registry import ENTRIES
from .sites import Scope, Site, here, innermost, is_library
from .tensor import Tensor, wrap

F = TypeVar("F", bound=Callable[..., Any])

SMALL = 1024
"""Arrays of at most this many bytes are copied, so that later changes in place do not matter."""

CUTS = 20
"""Of so many places where gradients were cut off, the last ones are remembered."""


class Origin:
    """What was noted of one node: where it was called, its arguments and its results."""

    __slots__ = ("__weakref__", "_counters", "args", "passed", "results", "scope", "site")

    def __init__(self, site: Site | None, scope: Scope | None) -> None:
        self.site, self.scope = site, scope
        self.passed: Site | None = None  # the backward() that freed the node
        self.args: tuple[Any, ...] = ()
        self.results: tuple[np.ndarray, ...] = ()
        self._counters: tuple[Any, ...] = ()

    def keep(self, results: tuple[Any, ...], args: tuple[Any, ...]) -> None:
        """Keeps the values, by reference where they are large."""
        tensors = [r for r in results if isinstance(r, Tensor)]
        self.results = tuple(_kept(t._data) for t in tensors)
        self._counters = tuple((t._counter, t._version) for t in tensors)
        self.args = args

    def value(self, node: Any, index: int) -> np.ndarray | None:
        """A result; None where it was not kept or was overwritten since."""
        if index >= len(self.results):
            return None
        array = self.results[index]
        if array.nbytes <= SMALL:
            return array
        counter, version = self._counters[index]
        if counter is None:
            later = node._out_counters
            return array if later is None or not any(c.n for c in later) else None
        return array if counter.n == version else None

    def size(self) -> int:
        """Bytes of the results."""
        return sum(r.nbytes for r in self.results)


def _kept(array: np.ndarray) -> np.ndarray:
    return array.copy() if array.nbytes <= SMALL else array


class Failure(NamedTuple):
    """Where a forward pass raised: the operation, its operands, the line and the message."""

    op: str
    operands: tuple[tuple[str, Tensor], ...]
    site: Site | None
    type: str
    message: str


class Recorder(Watcher):
    """Is on from its making to `stop()`, or to the end of its `with` block.

    Attributes:
        failure: where the `with` block raised, if it did.
        cuts: the last places where gradients were cut off, by `detach()` or a `no_grad` block.
    """

    unfuses = True

    def __init__(self, keep: str | int = "64MB", values: bool = True, start: bool = True) -> None:
        self.limit, self._values = byte_count(keep), values
        self.failure: Failure | None = None
        self.cuts: list[tuple[str, Site]] = []
        self._nodes: Any = weakref.WeakSet()
        self._held: list[Any] = []
        self._bytes = 0
        self._depth = 0
        if start:
            self.start()

    def start(self) -> None:
        """Turns it on, in this thread."""
        if self not in mode.watchers:
            mode.watchers = (*mode.watchers, self)
            mode.set(mode.grad)

    def stop(self) -> None:
        """Turns it off. What it noted stays."""
        mode.watchers = tuple(w for w in mode.watchers if w is not self)
        mode.set(mode.grad)

    def __enter__(self) -> Recorder:
        self._depth += 1
        self.start()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.stop()
        if isinstance(error, Exception) and self.failure is None:
            self.failure = failure_of(error)
            self._held = list(self._nodes)  # what exists so far, for whoever looks

    def __call__(self, function: F) -> F:
        """Decorates `function`: only its calls are recorded."""
        self.stop()

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    def __repr__(self) -> str:
        state = "on" if self in mode.watchers else "off"
        return f"<autograd.trace(), {state}>"

    @property
    def results(self) -> list[Tensor]:
        """The ends of what was recorded and still exists: the roots of a partial graph.

        A root whose value was not kept is NaN.
        """
        nodes = sorted(self._nodes, key=lambda node: node.sequence)
        used = {getattr(e, "node", e) for node in nodes for e in node.edges if e is not None}
        ends = []
        for node in nodes:
            if node in used:
                continue
            for edge in node.outputs or (node,):
                value = vars(node)["origin"].value(node, edge.index)
                if value is None:
                    value = np.broadcast_to(np.array(np.nan, edge.dtype), edge.shape)
                ends.append(wrap(value, edge))
        return ends

    # As a watcher ----------------------------------------------------------------------------

    def recorded(self, node: Any, results: Any, args: tuple[Any, ...] = ()) -> None:
        site, scope = here(scopes=True)
        node.origin = origin = Origin(site, scope)
        self._nodes.add(node)
        if self._values and self._room():
            origin.keep(results if isinstance(results, tuple) else (results,), args)
            self._bytes += origin.size()

    def changed(self, tensor: Any) -> None:
        tensor._counter.changed_at = here()[0] or ""

    def cut(self, how: str) -> None:
        caller = sys._getframe(2).f_code.co_filename
        if is_library(caller) and caller != no_grad.__init__.__code__.co_filename:
            return  # not the user's, but one of the library's own
        site = here()[0]
        if site is not None and (how, site) not in self.cuts:
            self.cuts = [*self.cuts[1 - CUTS :], (how, site)]

    def freed(self, nodes: Iterable[Any]) -> None:
        site = here()[0]
        for node in nodes:
            origin = vars(node).get("origin")
            if origin is not None:
                origin.passed = site

    def _room(self) -> bool:
        """Whether more values may be kept; those of graphs that are gone do not count."""
        if self._bytes >= self.limit:
            self._bytes = sum(vars(node)["origin"].size() for node in self._nodes)
        return self._bytes < self.limit


def failure_of(error: Exception) -> Failure:
    """What failed when `error` was raised: the innermost line of the user's, and the call on it."""
    site, below = innermost(error.__traceback__)
    message = str(error)
    named = re.match(r"(?:nn\.functional\.)?([A-Za-z_]\w*)[(:]", message)
    op = named[1] if named and (named[1] in ENTRIES or named[1] in OPS) else ""
    operands: list[tuple[str, Tensor]] = []
    if below is not None:
        code = below.f_code
        op = op or code.co_name
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)
        for name in code.co_varnames[:count]:
            value = below.f_locals.get(name)
            for x in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(x, Tensor):
                    operands.append((name, x))
    return Failure(op, tuple(operands), site, type(error).__name__, message)


def byte_count(size: str | int) -> int:
    """A number of bytes from "64MB" and its like.

    >>> byte_count("64MB"), byte_count("1.5 kB"), byte_count(10)
    (67108864, 1536, 10)
    """
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kMGT]?)i?B?\s*", str(size), re.IGNORECASE)
    if match is None or isinstance(size, bool):
        raise ValueError(
            f'keep: expected a number of bytes, or text such as "64MB" or "2GB", got {size!r}'
        )
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))


def went_bad(results: Iterable[Any], operands: Iterable[Any]) -> str:
    """What an operation made that was not there before: "nan", "inf", or nothing.

    An infinity among the operands, as in a mask of -inf, excuses one in the results.
    """
    found = ""
    for r in results:
        if r is None or r.dtype.kind != "f":
            continue
        if math.isfinite(r) if r.ndim == 0 else np.isfinite(r).all():
            continue
        if np.isnan(r).any():
            return "nan"
        found = "inf"
    return "" if found and any(_infinite(x) for x in operands) else found


def _infinite(x: Any) -> bool:
    x = x._data if isinstance(x, Tensor) else x
    if isinstance(x, np.ndarray):
        return x.dtype.kind == "f" and bool(np.isinf(x).any())
    return isinstance(x, float) and math.isinf(x)


def first_bad(nodes: Iterable[Any]) -> tuple[Any, str] | None:
    """The first of the recorded `nodes` whose result went bad, and how."""
    for node in nodes:
        origin = vars(node).get("origin")
        if origin is not None and (kind := went_bad(origin.results, origin.args)):
            return node, kind
    return None


def described_values(node: Any) -> str:
    """The operands and results that were noted of a node, with a few of their values."""
    origin = vars(node).get("origin")
    if origin is None or not origin.results:
        return ""
    parts = []
    for i, a in enumerate(origin.args):
        if isinstance(a, (Tensor, np.ndarray)):
            name = node.parameter(i) if hasattr(node, "parameter") else f"argument {i}"
            parts.append(f"{name} = {glimpse(a)}")
    value = origin.value(node, 0)
    if value is not None:
        parts.append(f"result = {glimpse(value)}")
    return "; ".join(parts)


def glimpse(x: Any) -> str:
    """A tensor with a few of its values, and how many of all are not finite."""
    array = x._data if isinstance(x, Tensor) else x
    if array.ndim == 0:
        return f"{array.item():.6g}"
    flat = array.reshape(-1)
    some = ", ".join(f"{v:.4g}" for v in flat[:4].tolist())
    text = f"{described(array)} [{some}{', ...' if flat.size > 4 else ''}]"
    if array.dtype.kind != "f" or flat.size == 0:
        return text
    finite = flat[np.isfinite(flat)]
    counts = []
    if (n := int(np.isnan(flat).sum())) > 0:
        counts.append(f"{n} NaN")
    if (n := int(np.isinf(flat).sum())) > 0:
        counts.append(f"{n} infinite")
    if finite.size:
        counts.append(f"finite from {finite.min():.4g} to {finite.max():.4g}")
    return f"{text} ({', '.join(counts)})"
