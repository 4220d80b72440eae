"""Runs a sample with this library, with its NumPy reference and with PyTorch, on the same values,
and takes the same derivatives: of the sum of the results, each weighted with fixed numbers."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import scipy.special

import autograd
from autograd.registry import ENTRIES

from .table import LOOK_UP, Input, Row, Sample


@dataclass
class Outcome:
    """Results (flattened) and the inputs that are differentiated, as tensors of one library."""

    evaluate: Callable[[], Any]
    inputs: list[Any]
    results: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.results = flat(self.evaluate())

    def again(self, *inputs: Any) -> tuple[Any, ...]:
        """The results anew, for `gradcheck`, which changes the inputs' values in place."""
        return tuple(flat(self.evaluate()))


def run_ours(
    row: Row,
    sample: Sample,
    *dtypes: Any,
    grad: bool = True,
    layout: Callable[..., np.ndarray] = np.array,
) -> Outcome:
    """The sample with autograd; `layout` chooses how the inputs lie in memory."""
    inputs: list[autograd.Tensor] = []

    def tensor(array: np.ndarray, a: Input) -> autograd.Tensor:
        t = autograd.from_numpy(layout(array))
        if grad and a.grad and t.is_floating_point():
            inputs.append(t.requires_grad_())
        return t

    args, kwargs = sample.build(tensor, *dtypes)

    def evaluate() -> Any:
        if row.random:
            autograd.manual_seed(0)
        return row.evaluate(ENTRIES[row.name].function, args, kwargs)

    return Outcome(evaluate, inputs)


def run_numpy(row: Row, sample: Sample, *dtypes: Any) -> list[Any]:
    """The sample with the reference: on values of `dtypes`, computed in float64."""

    def array(a: np.ndarray, _: Input) -> np.ndarray:
        return a.astype(np.float64) if a.dtype.kind == "f" else a

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's own, about empty slices and the like
        return flat(row.evaluate(reference(row), *sample.build(array, *dtypes)))


def run_torch(torch: Any, row: Row, sample: Sample, *dtypes: Any, grad: bool = True) -> Outcome:
    """The sample with PyTorch."""
    inputs: list[Any] = []

    def tensor(array: np.ndarray, a: Input) -> Any:
        t = torch.from_numpy(np.array(array))
        if grad and a.grad and t.is_floating_point():
            inputs.append(t.requires_grad_())
        return t

    args, kwargs = with_torch_dtypes(torch, sample.build(tensor, *dtypes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about degrees of freedom and the like
        return Outcome(lambda: row.evaluate(counterpart(torch, row), args, kwargs), inputs)


def flat(result: Any) -> list[Any]:
    """The parts of a result that is a tuple or list, in order."""
    if isinstance(result, (tuple, list)) and not hasattr(result, "numel"):
        return [part for r in result for part in flat(r)]
    return [result]


# Derivatives ---------------------------------------------------------------------------------


def weights(shape: tuple[int, ...], start: int) -> np.ndarray:
    """Fixed numbers without pattern, different for each `start`."""
    n = math.prod(shape)
    return np.cos(np.arange(n) * 1.7 + start + 1).reshape(shape)


def projected(results: list[Any], constant: Callable[[np.ndarray, Any], Any]) -> Any:
    """The weighted sum of what requires grad, None if nothing does."""
    total = None
    for i, r in enumerate(results):
        if getattr(r, "requires_grad", False):
            part = (r * constant(weights(tuple(r.shape), i), r)).sum()
            total = part if total is None else total + part
    return total


def derivatives(outcome: Outcome, library: Any, order: int) -> list[list[np.ndarray]]:
    """The gradients by the inputs: of the weighted sum of results, then of that of the first
    gradients, and so on. Zeros where there is no path."""
    if library is autograd:
        grad = autograd.grad

        def constant(w: np.ndarray, r: Any) -> Any:
            return autograd.from_numpy(w.astype(r.dtype))
    else:
        grad = library.autograd.grad

        def constant(w: np.ndarray, r: Any) -> Any:
            return library.from_numpy(w).to(r.dtype)

    results, levels = outcome.results, []
    for level in range(order):
        loss = projected(results, constant)
        if loss is None:
            results = [None for _ in outcome.inputs]
        else:
            results = list(
                grad(loss, outcome.inputs, create_graph=level + 1 < order, allow_unused=True)
            )
        levels.append(
            [
                np.zeros(tuple(t.shape)) if g is None else array_of(g)
                for g, t in zip(results, outcome.inputs, strict=True)
            ]
        )
    return levels


def array_of(value: Any) -> np.ndarray:
    """A tensor of either library as an ndarray."""
    return np.asarray(value.detach().numpy(force=True) if hasattr(value, "detach") else value)


# What the names stand for --------------------------------------------------------------------

_NUMPY_KEYWORDS = {"dim": "axis", "keepdim": "keepdims", "correction": "ddof"}


def reference(row: Row) -> Callable[..., Any]:
    """The NumPy or SciPy function of a row."""
    f = row.numpy
    if f == LOOK_UP:
        entry = ENTRIES[row.name]
        places = [np.linalg] if entry.namespace == "linalg" else [np, scipy.special]
        named = [getattr(place, entry.name, None) for place in places]
        f = next((f for f in (*entry.numpy, *named) if f is not None), None)
        if f is None:
            raise LookupError(f"the row of {row.name} needs numpy=: NumPy has no such name")
    try:
        takes = inspect.signature(f).parameters
    except ValueError:  # a ufunc of an older SciPy
        takes = {"axis": None, "keepdims": None, "ddof": None}
    return lambda *args, **kwargs: f(
        *args,
        **{_NUMPY_KEYWORDS[k] if _NUMPY_KEYWORDS.get(k) in takes else k: kwargs[k] for k in kwargs},
    )


def counterpart(torch: Any, row: Row) -> Callable[..., Any]:
    """The PyTorch function of a row."""
    if callable(row.torch):
        return lambda *args, **kwargs: row.torch(torch, *args, **kwargs)
    name = row.name if row.torch == LOOK_UP else row.torch
    f = _attribute(torch, name)
    if f is None and row.torch == LOOK_UP:
        leaf = ENTRIES[name].name
        places = ("Tensor.", "nn.functional.", "special.")
        f = next(filter(None, (_attribute(torch, place + leaf) for place in places)), None)
    if f is None:
        raise LookupError(f"the row of {row.name} needs torch=: PyTorch has no such name")
    return f


def _attribute(module: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        module = getattr(module, part, None)
    return module


@cache
def torch_dtypes(torch: Any) -> dict[np.dtype, Any]:
    """PyTorch's dtypes by NumPy's."""
    return {
        np.dtype(n): getattr(torch, n)
        for n in (
            "float16",
            "float32",
            "float64",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "bool",
        )
    }


def numpy_dtype(value: Any) -> np.dtype:
    """The dtype of a tensor of either library."""
    return value.dtype if isinstance(value, autograd.Tensor) else array_of(value).dtype


def with_torch_dtypes(torch: Any, value: Any) -> Any:
    """`value` with PyTorch's dtypes in the place of NumPy's."""
    if isinstance(value, np.dtype) or (inspect.isclass(value) and issubclass(value, np.generic)):
        return torch_dtypes(torch)[np.dtype(value)]
    if isinstance(value, dict):
        return {k: with_torch_dtypes(torch, v) for k, v in value.items()}
    if type(value) in (tuple, list):
        return type(value)(with_torch_dtypes(torch, v) for v in value)
    return value
