"""The table of public functions: what `autograd.NAME`, the Tensor methods, NumPy's dispatch, the
reference page and the tests are made from.

An elementwise `Op` is public as it is (binding.py derives its function); everything with
PyTorch-style arguments is a plain function under the decorator `public`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from .batching.samples import per_element

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry:
    """A public function and where it appears."""

    name: str
    function: Callable[..., Any]
    namespace: str  # "" for autograd, "linalg", "special", "nn.functional"
    method: bool  # also a Tensor method
    in_place: bool  # also with a trailing underscore, writing to its first argument
    numpy: tuple[Callable[..., Any], ...]  # NumPy and SciPy functions that dispatch to it
    op: Any = None  # the Op class behind an elementwise function


ENTRIES: dict[str, Entry] = {}
"""Public functions by qualified name (`sum`, `linalg.norm`)."""

NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What stands in for a NumPy or SciPy function when an argument is a Tensor."""

_KEYWORDS = {"axis": "dim", "keepdims": "keepdim"}


def public(
    name: str = "",
    *,
    namespace: str = "",
    method: bool | None = None,
    in_place: bool = False,
    numpy: Any = (),
    aliases: Iterable[str] = (),
    op: Any = None,
    keywords: dict[str, str] | None = None,
    reads_values: bool = False,
) -> Callable[[F], F]:
    """Registers a function under its own name (or `name`) and `aliases`.

    `method` defaults to True in the main namespace. An alias may name another namespace
    ("special.erf"), where it is neither a method nor in-place. `keywords` maps other names that a
    caller may use to those of parameters; a function with a parameter `dim` always accepts NumPy's
    `axis` (and `keepdims` for `keepdim`), one of linear algebra `input` for its first one, which
    PyTorch documents as `A` but calls `input` in half of them. One that looks at single values
    (`reads_values`) is called for one element after the other where that fails under `vmap`.
    """

    def register(function: F) -> F:
        if name:
            function.__name__ = function.__qualname__ = name  # for errors about arguments
        other_names = dict(keywords or {})
        parameters = function.__code__.co_varnames[: _n_parameters(function)]
        if "dim" in parameters:
            other_names |= _KEYWORDS
        if namespace == "linalg" and parameters[0] in ("A", "x"):
            other_names["input"] = parameters[0]
        if reads_values:
            function = per_element(function)
        if other_names:
            function = cast(F, _with_keywords(function, other_names))
        functions = numpy if isinstance(numpy, tuple) else (numpy,)
        as_method = namespace == "" if method is None else method
        for label in (name or function.__name__, *aliases):
            key = f"{namespace}.{label}" if namespace and "." not in label else label
            if key in ENTRIES:
                raise ValueError(f"public: {key} is registered twice")
            space, _, own = key.rpartition(".")
            here = space == namespace
            ENTRIES[key] = Entry(
                own, function, space, as_method and here, in_place and here, functions, op
            )
        for f in functions:
            NUMPY[f] = function
        return function

    return register


def _n_parameters(function: Any) -> int:
    return function.__code__.co_argcount + function.__code__.co_kwonlyargcount


def _with_keywords(function: Callable[..., Any], names: dict[str, str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for theirs, ours in names.items():
                if theirs in kwargs:
                    if ours in kwargs:
                        raise TypeError(f"{function.__name__}: give {ours} or {theirs}, not both")
                    kwargs[ours] = kwargs.pop(theirs)
        return function(*args, **kwargs)

    call.keywords = names  # type: ignore[attr-defined]
    return call
