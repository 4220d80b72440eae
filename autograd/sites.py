"""Where in the user's program an operation was called: file, line, columns, and module.

Found by walking the stack while something watches (`autograd.trace()`, `detect_anomaly`), past the
frames of the library itself. Only code objects and places in them are kept; lines and columns are
looked up when somebody reads them.
"""

from __future__ import annotations

import linecache
import os
import sys
import weakref
from collections.abc import Callable
from functools import cached_property
from types import CodeType, FrameType, TracebackType
from typing import Any

_library = [os.path.dirname(__file__) + os.sep]

SCOPES: dict[CodeType, Callable[[Any, Any], str | None]] = {}
"""Functions whose `self` is a scope, such as a layer: what names one scope inside another."""


def is_library(filename: str) -> bool:
    """Whether a frame with this file belongs to the library and not to its user."""
    return filename.startswith(tuple(_library))


def part_of_library(file: str) -> None:
    """Makes the package whose `__init__` is `file` part of the library."""
    _library.append(os.path.dirname(file) + os.sep)


class Scope:
    """A call of a module inside another one, or of one at the top: `path` and `type` name it."""

    __slots__ = ("children", "module", "parent", "path", "type")

    def __init__(self, module: Any, parent: Scope | None) -> None:
        self.parent, self.type = parent, type(module).__name__
        self.module = weakref.ref(module)
        self.children: Any = weakref.WeakKeyDictionary()
        self.path = ""
        if parent is not None:
            outer = parent.module()
            below = None if outer is None else _below(outer, module)
            own = self.type if below is None else below
            self.path = f"{parent.path}.{own}" if parent.path else own


def _below(outer: Any, inner: Any) -> str | None:
    for find in SCOPES.values():
        path = find(outer, inner)
        if path is not None:
            return path
    return None


_top: Any = weakref.WeakKeyDictionary()  # module -> its Scope


def scope_of(modules: list[Any]) -> Scope | None:
    """The scope of nested calls, the innermost module first."""
    scope: Scope | None = None
    for module in reversed(modules):
        known = _top if scope is None else scope.children
        found = known.get(module)
        if found is None:
            found = known[module] = Scope(module, scope)
        scope = found
    return scope


class Site:
    """A place in the user's program: a code object and an instruction of it.

    `via` tells apart several operations that one call of a library function records there.
    """

    def __init__(self, code: CodeType, lasti: int, via: tuple[Any, ...] = ()) -> None:
        self.code, self.lasti, self.via = code, lasti, via

    @property
    def filename(self) -> str:
        """As the code object has it."""
        return self.code.co_filename

    @cached_property
    def positions(self) -> tuple[int, int, int, int]:
        """Line, column, end line, end column; columns in characters, the end exclusive."""
        places = list(self.code.co_positions())
        found = places[self.lasti // 2] if self.lasti // 2 < len(places) else (None,) * 4
        line, end, column, end_column = found
        line = line or self.code.co_firstlineno
        end = end or line
        if column is None or end_column is None:  # python -X no_debug_ranges
            text = self.text(line)
            return line, len(text) - len(text.lstrip()), line, len(text)
        return line, self._characters(line, column), end, self._characters(end, end_column)

    @property
    def line(self) -> int:
        """The line's number."""
        return self.positions[0]

    def text(self, line: int) -> str:
        """The text of a line of the file, empty where it cannot be found."""
        return linecache.getline(self.filename, line).rstrip("\n")

    def _characters(self, line: int, offset: int) -> int:
        """`offset`, which counts bytes, in characters."""
        encoded = self.text(line).encode()
        return len(encoded[:offset].decode(errors="ignore")) if encoded else offset

    def __str__(self) -> str:
        where = f'File "{self.filename}", line {self.line}, in {self.code.co_name}'
        text = self.text(self.line).strip()
        return f"{where}: {text}" if text else where


_sites: dict[tuple[Any, ...], Site] = {}  # as many as the program has places


def here(scopes: bool = False) -> tuple[Site | None, Scope | None]:
    """The place of the user's program that is being run, and the scope if it is asked for."""
    frame: FrameType | None = sys._getframe(1)
    library = tuple(_library)
    via: list[Any] = []
    modules: list[Any] = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(library):
            break
        if code in SCOPES:
            modules.append(frame.f_locals["self"])
        via += (code, frame.f_lasti)
        frame = frame.f_back
    if frame is None:
        return None, None
    key = (frame.f_code, frame.f_lasti, *via)
    site = _sites.get(key)
    if site is None:
        site = _sites[key] = Site(frame.f_code, frame.f_lasti, tuple(via))
    if not scopes:
        return site, None
    outer: FrameType | None = frame.f_back
    while outer is not None:
        if outer.f_code in SCOPES:
            modules.append(outer.f_locals["self"])
        outer = outer.f_back
    return site, scope_of(modules) if modules else None


def innermost(traceback: TracebackType | None) -> tuple[Site | None, FrameType | None]:
    """Where the user's program was when an error was raised, and the library's frame below it."""
    site: Site | None = None
    below: FrameType | None = None
    while traceback is not None:
        frame = traceback.tb_frame
        if not is_library(frame.f_code.co_filename):
            site, below = Site(frame.f_code, traceback.tb_lasti), None
        elif below is None:
            below = frame
        traceback = traceback.tb_next
    return site, below
