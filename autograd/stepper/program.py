"""The user's program beside the tape: source lines, turns of loops, modules."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..sites import Scope, Site
from ..viz.collector import without_collector
from .forward import Forward, origin_of


class Program:
    """Where the nodes of a tape come from, as far as `autograd.trace()` was on."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self._turns: list[int] | None = None  # by number of the node
        self._counts: dict[Any, int] = {}

    def site(self, node: Any) -> Site | None:
        """The place in the user's program."""
        origin = origin_of(node)
        return None if origin is None else origin.site

    def scope(self, node: Any) -> Scope | None:
        """The innermost module."""
        origin = origin_of(node)
        return None if origin is None else origin.scope

    def scopes(self, node: Any) -> list[Scope]:
        """The modules around a node, the outermost first."""
        found = []
        scope = self.scope(node)
        while scope is not None:
            found.append(scope)
            scope = scope.parent
        return found[::-1]

    def scope_name(self, scope: Scope | None) -> str:
        """A module's path from the variable that holds the outermost one, as far as it is known."""
        if scope is None:
            return ""
        top = scope
        while top.parent is not None:
            top = top.parent
        name = self.forward.names.of_module(top.module())
        return ".".join(part for part in (name, scope.path) if part) or scope.type

    def line(self, node: Any) -> tuple[str, int] | None:
        """File and line."""
        site = self.site(node)
        return None if site is None else (site.filename, site.line)

    def turn(self, node: Any) -> tuple[int, int] | None:
        """(i, n) for the i-th of n nodes from the same place of the program; None for the only one.

        That is how often a loop went round, or how often a function was called.
        """
        own = self._place(node)
        if own is None:
            return None
        if self._turns is None:
            self._turns = []
            with without_collector():
                for each in self.forward.order:
                    place = self._place(each)
                    if place is not None:
                        self._counts[place] = self._counts.get(place, 0) + 1
                    self._turns.append(0 if place is None else self._counts[place])
        n = self._counts[own]
        return (self._turns[self.forward.number[node]], n) if n > 1 else None

    def _place(self, node: Any) -> Any:
        """What is the same for each turn of a loop; two modules that a container calls are not."""
        origin = origin_of(node)
        return None if origin is None or origin.site is None else (origin.site, origin.scope)

    def where(self, node: Any) -> str:
        """`train.py:12, turn 3 of 20`; empty where nothing was recorded."""
        site = self.site(node)
        if site is None:
            return ""
        turn = self.turn(node)
        loop = "" if turn is None else f", turn {turn[0]} of {turn[1]}"
        return f"{file_name(site.filename)}:{site.line}{loop}"


def file_name(filename: str) -> str:
    """A file as a reader knows it: a notebook's cell by its number, others by a short path."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        named = shell.compile.format_code_name(filename)
        if named is not None:
            return f"{named[0].lower()} {named[1]}"
    if filename.startswith("<"):
        return filename
    inside = os.path.relpath(filename) if os.path.splitdrive(filename)[0] == "" else filename
    return os.path.basename(filename) if inside.startswith("..") else inside
