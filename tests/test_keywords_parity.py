"""Every function takes its arguments under the names PyTorch gives them, and in its order.

The names come from PyTorch's own signatures: those of Python functions, the schemas of the others,
and what the documentation calls the arguments, where that differs.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

import pytest

import autograd
import nn.functional  # noqa: F401 (fills the table)
from autograd.registry import ENTRIES, Entry

pytest.importorskip("torch")
pytestmark = pytest.mark.parity

# Options of storage and names that mean nothing here, and results written elsewhere (`out=`).
LEFT_OUT = {"out", "layout", "pin_memory", "memory_format", "names", "names_out", "_stacklevel"}
LEFT_OUT |= {"args", "kwargs", "operands", "tensors_"}
EXCEPTIONS = {
    "expand": {"implicit"},  # for the tracer
    "mm": {"out_dtype"},  # on GPUs only, as in the next three
    "bmm": {"out_dtype"},
    "addmm": {"out_dtype"},
    "baddbmm": {"out_dtype"},
    "to": {"other"},  # in the schema; Python takes it by position only
    "__getitem__": {"self", "key"},  # called by the syntax alone
    "__setitem__": {"self", "key", "value"},
    "normal": {"input"},  # of the method `normal_`
    # Names of the documentation that PyTorch refuses:
    "true_divide": {"dividend", "divisor"},
    "type_as": {"tensor"},
    "searchsorted": {"values"},
    "matrix_exp": {"A"},
    "cholesky_inverse": {"L"},
    "broadcast_to": {"shape"},
    "copy_": {"src"},
    # Packed sequences, which the layers of these names take.
    **{key: {"data", "batch_sizes"} for key in ("rnn_tanh", "rnn_relu", "gru", "lstm")},
    # Of other devices, or of memory.
    "pin_memory": {"device"},
    "is_pinned": {"device"},
    "resize_as_": {"the_template"},
}


@cache
def schemas() -> dict[str, list[Any]]:
    import torch

    found: dict[str, list[Any]] = {}
    for schema in torch._C._jit_get_all_schemas():
        # TorchScript has operators on numbers and lists under the same names.
        for_scripts = {*"abtlix", "idx", "reverse"} & {a.name for a in schema.arguments[:2]}
        if schema.name.startswith("aten::") and not for_scripts:
            found.setdefault(schema.name[6:], []).append(schema)
    return found


def counterparts(entry: Entry) -> list[Any]:
    """PyTorch's function and Tensor method of that name."""
    import torch

    module: Any = torch
    for part in filter(None, entry.namespace.split(".")):
        module = getattr(module, part, None)
    of_tensor = getattr(torch.Tensor, entry.name, None) if entry.method else None
    return [f for f in (getattr(module, entry.name, None), of_tensor) if f is not None]


def signatures(entry: Entry) -> list[list[str]]:
    """The names of the arguments, for each of the ways to call PyTorch's function."""
    found: list[list[str]] = []
    prefix = {"linalg": "linalg_", "special": "special_"}.get(entry.namespace, "")
    for f in counterparts(entry):
        try:
            parameters = inspect.signature(f).parameters.values()
            found.append([p.name for p in parameters if p.kind is not p.KEYWORD_ONLY])
        except (TypeError, ValueError):
            for schema in schemas().get(prefix + entry.name, ()):
                names = [a.name for a in schema.arguments if not a.is_out]
                found.append(["input" if name == "self" else name for name in names])
    return found


def documented(entry: Entry) -> list[list[str]]:
    """The names in the first lines of the documentation: `mv(input, vec, *, out=None)`."""
    found = []
    for f in counterparts(entry)[:1]:
        pattern = rf"(?:^|\n)\s*(?:[\w.]*\.)?{re.escape(entry.name)}\(([^()]*)\) ?->"
        for arguments in re.findall(pattern, (f.__doc__ or "")[:1500]):
            names = [part.split("=")[0].strip() for part in arguments.split(",")]
            if all(re.fullmatch(r"\w+|\*", name) for name in names):
                found.append([name for name in names if name != "*"])
    return found


def accepts(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) | set(getattr(function, "keywords", ()))


@pytest.mark.parametrize("key", ENTRIES)
def test_keywords(key: str, torch: Any) -> None:
    entry = ENTRIES[key]
    left_out = LEFT_OUT | EXCEPTIONS.get(key, set()) | {"self"}
    for names in signatures(entry) + documented(entry):
        missing = set(names) - left_out - accepts(entry.function)
        assert not missing, f"PyTorch has {names}"


METHODS = sorted(
    name
    for name in dir(autograd.Tensor)
    if name[:2] != "__"
    and name not in ENTRIES
    and inspect.isfunction(getattr(autograd.Tensor, name))
)


@pytest.mark.parametrize("name", METHODS)
def test_keywords_of_methods(name: str, torch: Any) -> None:
    function = getattr(autograd.Tensor, name)
    if {"args", "kwargs"} <= accepts(function):
        return  # the in-place twin of a function
    left_out = LEFT_OUT | EXCEPTIONS.get(name, set()) | {"self", "input", "sizes", "size"}
    for names in signatures(Entry(name, function, "", True, False, ())):
        missing = set(names) - left_out - accepts(function)
        assert not missing, f"PyTorch has {names}"


def test_a_keyword_that_python_reserves(torch: Any) -> None:
    for m in (torch, autograd):
        ends = {"from": 3, "to": 4}
        assert 3 <= m.zeros(()).uniform_(**ends).item() < 4
        assert m.zeros(2, dtype=m.int64).random_(**ends).tolist() == [3, 3]
        assert min(m.zeros(9, dtype=m.int64).random_(**{"from": 2**62, "to": None}).tolist()) > 0
        for name in ("uniform_", "random_"):
            with pytest.raises(TypeError, match="until"):
                getattr(m.zeros(2), name)(**{"from": 3, "until": 4})


def test_the_comparison_sees_nearly_all(torch: Any) -> None:
    compared = [key for key, entry in ENTRIES.items() if signatures(entry) or documented(entry)]
    assert len(compared) > 0.97 * len(ENTRIES), sorted(set(ENTRIES) - set(compared))
    assert ["input", "input2", "upper"] in signatures(ENTRIES["cholesky_solve"])
    assert documented(ENTRIES["mv"]) == [["input", "vec", "out"]]
