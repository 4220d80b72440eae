"""Writes what is made from the table of functions: the type stubs and the reference page.

    python docs/make_reference.py            writes them
    python docs/make_reference.py --check    fails, naming the files that are out of date

The stubs tell type checkers and editors the methods and functions that are bound at run time.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import importlib
import inspect
import keyword
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import autograd
import nn.functional
from autograd.function import OPS
from autograd.registry import ENTRIES, Entry

ROOT = Path(__file__).parent.parent
HEADER = "# Made by docs/make_reference.py from the table of functions; do not edit.\n"
SHADOWED = {"bool", "bytes", "complex", "float", "int", "list", "set", "slice", "str", "type"}
STARS: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}
TYPES: dict[str, str] = {  # names in annotations that are not defined where the function is
    "Any": "typing",
    "Callable": "collections.abc",
    "Iterator": "collections.abc",
    "Iterable": "collections.abc",
    "Sequence": "collections.abc",
    "Tensor": "autograd.tensor",
    "Size": "autograd.size",
    "Node": "autograd.function",
    "Output": "autograd.function",
    "Generator": "autograd.random",
}
PREFACE = """\
Made by `python docs/make_reference.py` from the table of functions. What is a function of
`autograd` is a method of tensors as well, `x.sin()`, where PyTorch has it, and so is its
in-place twin, `x.sin_()`.

The gradient is the rule of each operand, called x and y in their order (xs: of several
tensors): `g` is the gradient of the result, `out` the result. The tests evaluate each formula
against the code. Where there is none, the function is made of others, through which the
gradient goes, or it has none, as those with integer or bool results. The last column names the
functions of NumPy and SciPy that do the same on tensors."""


class Stub:
    """The text of one stub file, and the imports that its annotations turn out to need."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.imports: dict[str, set[str]] = {}
        self.lines: list[str] = []

    def annotation(self, annotation: Any, scope: dict[str, Any]) -> str:
        """`annotation` as text that holds in the stub; Any where a name cannot be traced."""
        if annotation is inspect.Parameter.empty:
            return self._named("Any", scope)
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        if not re.fullmatch(r"[\w\s|\[\],.]*", text):
            return self._named("Any", scope)
        words = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", text))
        if not all(word in vars(builtins) or self._traced(word, scope) for word in words):
            return self._named("Any", scope)
        return re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda m: self._named(m[0], scope), text)

    def _traced(self, word: str, scope: dict[str, Any]) -> bool:
        return word in TYPES or word == "np" or inspect.isclass(scope.get(word))

    def _named(self, word: str, scope: dict[str, Any]) -> str:
        if word == "np":
            self.imports.setdefault("numpy", set()).add("")
            return "np"
        if word in vars(builtins):
            return f"builtins.{word}" if word in SHADOWED else word
        found = scope.get(word)
        module: str = TYPES.get(word) or getattr(found, "__module__", None) or "typing"
        if module != self.module:
            self.imports.setdefault(module, set()).add(word)
        return word

    def function(self, name: str, function: Any, indent: str = "") -> None:
        """`def name(...)` with the signature that `function` has at run time."""
        plain = inspect.unwrap(function)
        scope = getattr(plain, "__globals__", {})
        try:
            signature = inspect.signature(plain)
        except (TypeError, ValueError):
            signature = inspect.signature(lambda *args, **kwargs: None)
        others = {  # names that registry.py adds, such as axis for dim
            key: own
            for key, own in getattr(function, "keywords", {}).items()
            if own in signature.parameters and key != own and not keyword.iskeyword(key)
        }
        optional = _may_be_left_out(signature, set(others.values()))
        parts, seen_star, positional_only = [], False, False
        for i, (key, p) in enumerate(signature.parameters.items()):
            typed = self.annotation(p.annotation, scope)
            star = STARS.get(p.kind, "")
            if positional_only and p.kind is not p.POSITIONAL_ONLY:
                parts.append("/")
            positional_only = p.kind is p.POSITIONAL_ONLY
            if p.kind is p.KEYWORD_ONLY and not seen_star:
                parts.append("*")
            seen_star |= p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
            default = " = ..." if key in optional else ""
            own = "self" if indent and i == 0 and not star else f"{star}{key}: {typed}{default}"
            parts.append(own)
        if positional_only:
            parts.append("/")
        if others:
            parts += [] if seen_star else ["*"]
            parts += [f"{key}: {self._named('Any', scope)} = ..." for key in others]
        result = self.annotation(signature.return_annotation, scope)
        self.lines.append(f"{indent}def {name}({', '.join(parts)}) -> {result}: ...")

    def text(self) -> str:
        head = ["import builtins"]
        for module in sorted(self.imports):
            names = sorted(self.imports[module])
            if module == "numpy":
                head.append("import numpy as np")
            else:
                head.append(f"from {module} import {', '.join(f'{n} as {n}' for n in names)}")
        return HEADER + "\n".join([*head, "", *self.lines]) + "\n"


def _may_be_left_out(signature: inspect.Signature, named_otherwise: set[str]) -> set[str]:
    """The parameters with a default, and those at the end that can be given by another name."""
    found = {key for key, p in signature.parameters.items() if p.default is not p.empty}
    for key, p in reversed([*signature.parameters.items()]):
        if p.kind is p.POSITIONAL_OR_KEYWORD and key not in found:
            if key not in named_otherwise:
                break
            found.add(key)
    return found


def of_class(stub: Stub, cls: type, bases: str = "") -> None:
    """The class with everything that is in it at run time."""
    scope = vars(sys.modules[cls.__module__])
    stub.lines.append(f"class {cls.__name__}{bases}:")
    members: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):  # what a mixin holds appears in the class itself
        if base.__module__.startswith("autograd"):
            members.update(vars(base))
            annotations.update(inspect.get_annotations(base))
    for name, annotation in annotations.items():
        stub.lines.append(f"    {name}: {stub.annotation(annotation, scope)}")
    skipped = {"__module__", "__doc__", "__dict__", "__weakref__", "__slots__", "__annotations__"}
    slots = cls.__dict__.get("__slots__", ())
    for name in slots:
        if not name.startswith("__"):
            stub.lines.append(f"    {name}: {stub.annotation('Any', scope)}")
    for name, value in sorted(members.items()):
        if name in skipped or name in slots or name in annotations:
            continue
        if isinstance(value, property):
            getter = inspect.unwrap(value.fget)  # type: ignore[arg-type]
            returns = inspect.signature(getter).return_annotation
            typed = stub.annotation(returns, getattr(getter, "__globals__", scope))
            stub.lines += ["    @builtins.property", f"    def {name}(self) -> {typed}: ..."]
            if value.fset is not None:
                stub.lines += [
                    f"    @{name}.setter",
                    f"    def {name}(self, value: {stub.annotation('Any', scope)}) -> None: ...",
                ]
        elif isinstance(value, (staticmethod, classmethod)):
            stub.lines.append(f"    @builtins.{type(value).__name__}")
            stub.function(name, value.__func__, "    ")
        elif name == "__hash__":
            stub.lines.append("    def __hash__(self) -> builtins.int: ...")
        elif callable(value):
            if name in ("__eq__", "__ne__"):
                any_ = stub.annotation("Any", scope)
                stub.lines.append(
                    f"    def {name}(self, other: {any_}) -> Tensor: ...  # type: ignore[override]"
                )
            else:
                stub.function(name, value, "    ")
    stub.lines.append("")


def tensor_stub() -> str:
    stub = Stub("autograd.tensor")
    module = importlib.import_module("autograd.tensor")
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != "autograd.tensor":
            continue
        if name == "Size":
            of_class(stub, value, "(tuple[builtins.int, ...])")
        elif inspect.isclass(value):
            of_class(stub, value)
        elif inspect.isfunction(value):
            stub.function(name, value)
    stub.imports.pop("autograd.tensor", None)
    return stub.text()


def functions_of(stub: Stub, namespace: str) -> None:
    for entry in sorted(ENTRIES.values(), key=lambda e: e.name):
        if entry.namespace == namespace and not entry.name.startswith("_"):
            stub.function(entry.name, entry.function)
            if entry.in_place and namespace == "":
                stub.function(f"{entry.name}_", getattr(autograd.Tensor, f"{entry.name}_"))


def namespace_stub(module: str, namespace: str) -> str:
    stub = Stub(module)
    functions_of(stub, namespace)
    return stub.text()


def package_stub() -> str:
    """autograd/__init__.pyi: its explicit imports as they stand, then the table's functions."""
    stub = Stub("autograd")
    source = (ROOT / "autograd" / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    explicit = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if ((isinstance(node, ast.ImportFrom) and node.level) or isinstance(node, ast.Import))
        and not any((a.asname or a.name).startswith("_") for a in node.names)
    ]
    functions_of(stub, "")
    bound = {"Tensor", "Size", "Generator"}
    stub.imports = {m: n - bound for m, n in stub.imports.items() if n - bound}
    aliases = ["float = float32", "int = int32", "bool = bool_"]
    stub.lines = [*explicit, "", *aliases, "", *stub.lines]
    return stub.text()


def functional_stub() -> str:
    stub = Stub("nn.functional")
    for name, value in sorted(vars(nn.functional).items()):
        if inspect.isfunction(value) and not name.startswith("_"):
            stub.function(name, value)
    return stub.text()


def reference() -> str:
    """docs/reference.md: each function with its signature, formula, NumPy twin and first line."""
    spaces = {
        namespace: namespace if namespace.startswith("nn.") else f"autograd.{namespace}".rstrip(".")
        for namespace in sorted({e.namespace for e in ENTRIES.values()})
    }
    headings = [*spaces.values(), "Inner operations"]
    links = [f"[{h}](#{h.lower().replace('.', '').replace(' ', '-')})" for h in headings]
    lines = ["# Reference", "", " · ".join(links), "", *PREFACE.split("\n")]
    for namespace, heading in spaces.items():
        lines += ["", f"## {heading}", ""]
        lines += ["| function | what it is | gradient | NumPy |", "|---|---|---|---|"]
        shown: dict[Callable[..., Any], list[Entry]] = {}
        for entry in ENTRIES.values():
            if entry.namespace == namespace and not entry.name.startswith("_"):
                shown.setdefault(entry.function, []).append(entry)
        for function, entries in sorted(shown.items(), key=lambda item: item[1][0].name):
            lines.append(row(function, entries))
    inner = [op for op in OPS.values() if op not in {e.op for e in ENTRIES.values()}]
    lines += ["", "## Inner operations", "", "What the functions above record in a graph besides."]
    lines += ["", "| operation | gradient |", "|---|---|"]
    inner.sort(key=lambda op: op.op_name)
    lines += [f"| `{op.op_name}` | {formula(op)} |" for op in inner]
    return "\n".join(lines) + "\n"


def row(function: Callable[..., Any], entries: list[Entry]) -> str:
    first = entries[0]
    parameters = inspect.signature(inspect.unwrap(function)).parameters.values()
    signature = re.sub(r": [^,=)]+(\[[^\]]*\])?", "", ", ".join(map(shown_parameter, parameters)))
    for key, own in getattr(function, "keywords", {}).items():
        if own in ("first", "second"):  # what a maker of several functions calls their operands
            signature = re.sub(rf"\b{own}\b", key, signature)
    names = f"`{first.name}({signature})`"
    if len(entries) > 1:
        names += " also " + ", ".join(f"`{e.name}`" for e in entries[1:])
    summary = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
    twins = ", ".join(f"`{twin(f)}`" for f in first.numpy)
    return f"| {names} | {escaped(summary)} | {formula(first.op)} | {twins} |"


def shown_parameter(p: inspect.Parameter) -> str:
    star = STARS.get(p.kind, "")
    default = "" if p.default is p.empty else f"={p.default!r}"
    return f"{star}{p.name}{default}"


def twin(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    scipy = "scipy" in module or function.__name__ not in dir(importlib.import_module("numpy"))
    if scipy and "linalg" not in module:
        return f"scipy.special.{function.__name__}"
    return f"np.{'linalg.' if 'linalg' in module else ''}{function.__name__}"


def formula(op: Any) -> str:
    if op is None:
        return ""
    return "; ".join(f"{name}: `{escaped(text)}`" for name, text in op.formula.items())


def escaped(text: str) -> str:
    return text.replace("|", "\\|")


FILES: dict[str, Callable[[], str]] = {
    "autograd/tensor.pyi": tensor_stub,
    "autograd/__init__.pyi": package_stub,
    "autograd/linalg.pyi": lambda: namespace_stub("autograd.linalg", "linalg"),
    "autograd/masked.pyi": lambda: namespace_stub("autograd.masked", "masked"),
    "autograd/special.pyi": lambda: namespace_stub("autograd.special", "special"),
    "nn/functional/__init__.pyi": functional_stub,
    "docs/reference.md": reference,
}


def outdated() -> list[str]:
    """The files that differ from what the table says."""
    wrong = []
    for name, make in FILES.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            wrong.append(name)
    return wrong


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    options = parser.parse_args(None if arguments is None else list(arguments))
    wrong = outdated()
    if options.check and wrong:
        print(f"out of date: {', '.join(wrong)}; run python docs/make_reference.py")
        return 1
    for name in wrong:
        (ROOT / name).write_text(FILES[name](), encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
