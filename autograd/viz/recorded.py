"""What `autograd.trace()` noted of an operation, as plain data: source line, loop turn, module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from .names import Names


class Source(NamedTuple):
    """A place in the user's program; columns count characters, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(slots=True)
class Module:
    """A module whose call recorded operations.

    `path` is relative to the module at the top, `name` is what a reader calls it: the variable of
    the module at the top, then the path. `parent` is an earlier module, or -1.
    """

    path: str
    type: str
    name: str
    parent: int = -1


class Recorded:
    """The tables of what was noted; `of` adds to them."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.modules: list[Module] = []
        self.sources: list[Source] = []
        self._scopes: dict[Any, int] = {}
        self._sites: dict[Any, int] = {}
        self._places: dict[Source, int] = {}

    def of(self, node: Any) -> tuple[int, int]:
        """The places of an engine node's source line and module in the tables, -1 for none."""
        origin = vars(node).get("origin")
        if origin is None:
            return -1, -1
        return self.source(origin.site), self.module(origin.scope)

    def source(self, site: Any) -> int:
        """The place of a call site in the table."""
        if site is None:
            return -1
        if site not in self._sites:
            # `x + y` may reach the library in several ways (`__add__`, `__radd__`).
            source = Source(site.filename, *site.positions)
            if source not in self._places:
                self._places[source] = len(self.sources)
                self.sources.append(source)
            self._sites[site] = self._places[source]
        return self._sites[site]

    def module(self, scope: Any) -> int:
        """The place of a module in the table, after those around it."""
        outwards = []
        while scope is not None:
            outwards.append(scope)
            scope = scope.parent
        if not outwards:
            return -1
        prefix, parent = self.names.of_module(outwards[-1].module()), -1
        for scope in reversed(outwards):
            if scope not in self._scopes:
                name = ".".join(part for part in (prefix, scope.path) if part) or scope.type
                self._scopes[scope] = len(self.modules)
                self.modules.append(Module(scope.path, scope.type, name, parent))
            parent = self._scopes[scope]
        return parent
