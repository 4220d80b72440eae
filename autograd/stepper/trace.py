"""`Trace`: one backward pass as plain data, which every front end reads; see docs/trace.md.

A trace holds numbers, lists, dicts and text only. Loading one runs nothing and believes nothing:
what the front ends rely on is checked, and the error says where it is wrong.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from pathlib import Path
from typing import Any

from .values import plain

SCHEMA = "autograd-trace/1"

COLUMNS: dict[str, Any] = {
    "op": "",
    "symbol": "",
    "name": "",
    "label": "",
    "kind": "op",
    "shape": [],
    "dtype": "",
    "results": None,
    "inputs": [],
    "roles": [],
    "args": {},
    "formula": [],
    "module": None,
    "src": None,
    "iteration": None,
    "leaf": False,
    "needs_grad": True,
    "value": None,
    "grad_before": None,
}
"""The columns of `nodes` and what stands in one that a file leaves out."""

_TYPES: dict[str, tuple[type, ...]] = {
    "op": (str,),
    "symbol": (str,),
    "name": (str,),
    "label": (str,),
    "kind": (str,),
    "shape": (list,),
    "dtype": (str,),
    "inputs": (list,),
    "roles": (list,),
    "args": (dict,),
    "formula": (list,),
    "leaf": (bool,),
    "needs_grad": (bool,),
}


class TraceError(ValueError):
    """A file or text that is no trace; the message says what is wrong and where."""


class Trace:
    """The record of one backward pass: `meta`, `files`, `modules`, `nodes`, `steps` and more.

    Made by `Stepper.trace` or from a file; `data` is the dict that docs/trace.md describes.

    >>> import autograd
    >>> from autograd.stepper import trace_of
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> trace = trace_of(x * x)
    >>> trace
    <Trace of 1 operation, 1 step>
    >>> Trace.from_json(trace.to_json()) == trace
    True
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        _check(data)

    @classmethod
    def _of_builder(cls, data: dict[str, Any]) -> Trace:
        """Without the check, which is for what comes from anywhere and takes as long."""
        found = cls.__new__(cls)
        found.data = data
        return found

    @property
    def meta(self) -> dict[str, Any]:
        """What holds for the whole pass."""
        return self.data["meta"]

    @property
    def files(self) -> list[dict[str, Any]]:
        """The source lines that made the graph, by file."""
        return self.data["files"]

    @property
    def modules(self) -> list[dict[str, Any]]:
        """The modules whose `forward` made nodes, parents first."""
        return self.data["modules"]

    @property
    def nodes(self) -> dict[str, list[Any]]:
        """The columns of the table of nodes."""
        return self.data["nodes"]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the backward pass."""
        return self.data["steps"]

    def __len__(self) -> int:
        return len(self.steps)

    def place(self, k: int) -> int:
        """The position after step `k` of the whole pass, or after the last one before it."""
        return bisect_right(self.steps, k, key=lambda step: step["k"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and self.data == other.data

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        n = self.nodes["kind"].count("op")
        return f"<Trace of {_count(n, 'operation')}, {_count(len(self), 'step')}>"

    def to_json(self, indent: int | None = None) -> str:
        """The trace as JSON text, without NaN: numbers that are not finite are words."""
        separators = (",", ":") if indent is None else None
        return json.dumps(
            self.data, allow_nan=False, ensure_ascii=False, indent=indent, separators=separators
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Trace:
        """The trace in `text`, after checking it. Keys that this version does not know are kept.

        >>> Trace.from_json("{}")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        autograd.stepper.trace.TraceError: not a trace: "schema" is missing, expected ...
        """
        try:
            data = json.loads(text, parse_constant=_refused)
        except UnicodeDecodeError as error:
            raise TraceError(f"not a trace: the file is no UTF-8 text ({error})") from None
        except json.JSONDecodeError as error:
            raise TraceError(f"not a trace: this is no JSON ({error})") from None
        except RecursionError:
            raise TraceError("not a trace: the JSON is nested too deeply") from None
        return cls(data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the JSON to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """The trace in a file that `save` wrote."""
        try:
            return cls.from_json(Path(path).read_bytes())
        except TraceError as error:
            raise TraceError(f"{os.fspath(path)}: {error}") from None


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)


def _refused(word: str) -> Any:
    raise TraceError(
        f'not a trace: it has a bare {word}, which JSON does not allow; write "{word}"'
    )


def _check(data: Any) -> None:
    """Raises unless what the front ends rely on holds; fills in columns that were left out."""
    _need(isinstance(data, dict), "the top level", "an object", data)
    _need("schema" in data, '"schema"', f'"{SCHEMA}"', None)
    schema = data["schema"]
    if not isinstance(schema, str) or schema.rpartition("/")[0] != SCHEMA.rpartition("/")[0]:
        raise TraceError(f'not a trace: "schema" is {schema!r:.60}, expected "{SCHEMA}"')
    if schema != SCHEMA:
        raise TraceError(
            f'a trace of another version: "schema" is {schema!r:.60}, this library reads '
            f'"{SCHEMA}"; open it with the version that wrote it'
        )
    for key, kind in (
        ("meta", dict),
        ("files", list),
        ("modules", list),
        ("nodes", dict),
        ("steps", list),
    ):
        _need(isinstance(data.get(key), kind), f'"{key}"', _KINDS[kind], data.get(key))
    n = _check_nodes(data["nodes"], data["files"], len(data["modules"]))
    _check_tables(data)
    _need(isinstance(data["meta"].get("roots"), list), '"meta.roots"', "a list", data["meta"])
    for root in data["meta"]["roots"]:
        _check_reference(root, n, '"meta.roots"')
    for i, step in enumerate(data["steps"]):
        _check_step(step, n, f'"steps[{i}]"')


_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number"}


def _need(holds: bool, where: str, expected: str, found: Any) -> None:
    if not holds:
        what = "missing" if found is None else f"a {type(found).__name__}"
        raise TraceError(f"not a trace: {where} is {what}, expected {expected}")


def _check_nodes(nodes: dict[str, Any], files: list[Any], modules: int) -> int:
    for name, column in nodes.items():
        _need(isinstance(column, list), f'"nodes.{name}"', "a list", column)
    _need("inputs" in nodes, '"nodes.inputs"', "a list", None)
    n = len(nodes["inputs"])
    for name, default in COLUMNS.items():
        nodes.setdefault(name, [default] * n)
    for name, column in nodes.items():
        if len(column) != n:
            raise TraceError(
                f'not a trace: "nodes.{name}" has {len(column)} entries and "nodes.inputs" {n}; '
                "all columns must be equally long"
            )
        for i, entry in enumerate(column):
            if name in _TYPES and not isinstance(entry, _TYPES[name]):
                _need(False, f'"nodes.{name}[{i}]"', _KINDS[_TYPES[name][0]], entry)
    for i, inputs in enumerate(nodes["inputs"]):
        for reference in inputs:
            if reference is not None:
                _check_reference(reference, n, f'"nodes.inputs[{i}]"')
    for i, module in enumerate(nodes["module"]):
        if module is not None:
            _check_index(module, modules, f'"nodes.module[{i}]"')
    for i, src in enumerate(nodes["src"]):
        if src is not None:
            where = f'"nodes.src[{i}]"'
            _need(isinstance(src, list) and len(src) == 5, where, "a list of 5 numbers", src)
            for part in src:
                _need(type(part) is int, where, "a list of 5 numbers", part)
            _check_index(src[0], len(files), where)
    for name in ("value", "grad_before"):
        for i, value in enumerate(nodes[name]):
            _check_value(value, f'"nodes.{name}[{i}]"')
    return n


def _check_tables(data: dict[str, Any]) -> None:
    for i, file in enumerate(data["files"]):
        where = f'"files[{i}]"'
        _need(isinstance(file, dict), where, "an object", file)
        _need(isinstance(file.get("name"), str), f"{where} name", "text", file.get("name"))
        _need(isinstance(file.get("lines"), dict), f"{where} lines", "an object", file.get("lines"))
    for i, module in enumerate(data["modules"]):
        where = f'"modules[{i}]"'
        _need(isinstance(module, dict), where, "an object", module)
        for key in ("path", "type"):
            _need(isinstance(module.get(key), str), f"{where} {key}", "text", module.get(key))
        parent = module.get("parent")
        if type(parent) is not int or not -1 <= parent < i:
            _need(False, f"{where} parent", "-1 or the number of an earlier module", parent)


def _check_step(step: Any, n: int, where: str) -> None:
    _need(isinstance(step, dict), where, "an object", step)
    _check_index(step.get("node"), n, f"{where} node")
    _need(isinstance(step.get("flags", []), list), f"{where} flags", "a list", step.get("flags"))
    _check_value(step.get("upstream"), f"{where} upstream")
    edges: Any = step.get("edges")
    _need(isinstance(edges, list), f"{where} edges", "a list", edges)
    for edge in edges:
        _need(isinstance(edge, dict), f"{where} edges", "objects", edge)
        _check_index(edge.get("to"), n, f"{where} edges to")
        for key in ("local", "contrib", "before", "after"):
            _check_value(edge.get(key), f"{where} edges {key}")


def _check_reference(reference: Any, n: int, where: str) -> None:
    """A node, or a node and which of its results."""
    if isinstance(reference, list):
        _need(len(reference) == 2 and type(reference[1]) is int, where, "[node, result]", reference)
        reference = reference[0]
    _check_index(reference, n, where)


def _check_index(index: Any, n: int, where: str) -> None:
    if type(index) is not int:
        _need(False, where, "a number", index)
    if not 0 <= index < n:
        raise TraceError(f"not a trace: {where} is {index}, but there are only {n} of those")


def _check_value(value: Any, where: str) -> None:
    """A VAL, or null where nothing is known or nothing has arrived yet."""
    if value is None or isinstance(value, (bool, int, float)):
        return
    if isinstance(value, str):
        try:
            plain(value)
        except KeyError:
            raise TraceError(
                f'not a trace: {where} is {value!r:.60}, expected a number, "NaN", "Infinity" or '
                '"-Infinity"'
            ) from None
        return
    _need(isinstance(value, dict), where, "a number or an object", value)
    if "results" in value:
        _need(isinstance(value["results"], list), f"{where} results", "a list", value["results"])
        for i, part in enumerate(value["results"]):
            _need(not isinstance(part, dict) or "results" not in part, where, "a value", part)
            _check_value(part, f"{where} results[{i}]")
        return
    shape = value.get("shape")
    sizes = isinstance(shape, list) and all(type(s) is int and s >= 0 for s in shape)
    _need(sizes, f"{where} shape", "a list of sizes", shape)
    for key, kind in (("stats", dict), ("values", list), ("preview", list), ("top", list)):
        if key in value:
            _need(isinstance(value[key], kind), f"{where} {key}", _KINDS[kind], value[key])
    for x in value.get("values", ()):
        if not isinstance(x, (bool, int, float, str)):
            _need(False, f"{where} values", "numbers", x)
        _check_value(x, f"{where} values")
