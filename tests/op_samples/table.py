"""What a row of the table is made of: inputs, calls and the row itself."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LOOK_UP = "look up"  # the default of Row.numpy and Row.torch


@dataclass(frozen=True)
class Input:
    """A tensor argument: drawn anew, but always the same, for every dtype asked for."""

    shape: tuple[int, ...] = ()
    kind: str = "real"  # real: follows the dtype under test; int and bool: keep their own
    low: float = -3.0
    high: float = 3.0
    grad: bool = True
    data: Any = None

    def draw(self, seed: int, dtype: np.dtype) -> np.ndarray:
        """The values; those of a real input in `dtype`, which may be of integers or bool too."""
        rng = np.random.default_rng(seed)
        if self.data is not None:
            with np.errstate(invalid="ignore"):  # NaN as an integer
                values = np.array(self.data)
                return values.astype(dtype) if self.kind == "real" else values
        if self.kind == "bool":
            return rng.random(self.shape) < 0.5
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), self.shape)
        if dtype.kind == "f":
            return self._reals(rng).astype(dtype)
        if dtype.kind == "b":
            return rng.random(self.shape) < 0.5
        low = max(int(np.ceil(self.low)), 0 if dtype.kind == "u" else -128)
        return rng.integers(low, max(int(self.high), low) + 1, self.shape).astype(dtype)

    def _reals(self, rng: np.random.Generator) -> np.ndarray:
        """One value from each of n equal parts of the interval, shuffled: no two are close. They
        are moved off multiples of 1/2, where rounding and many activations have their kinks."""
        n = math.prod(self.shape)
        values = self.low + (np.arange(n) + rng.uniform(0.2, 0.8, n)) / max(n, 1) * (
            self.high - self.low
        )
        near = np.abs(values * 2 - np.round(values * 2)) < 0.06
        values = np.where(near, values + 0.04 * np.sign(0.5 - (values * 2) % 1), values)
        return rng.permutation(values).reshape(self.shape)

    def __str__(self) -> str:
        shape = np.shape(self.data) if self.data is not None else self.shape
        text = "x".join(map(str, shape)) or "0d"
        return text if self.kind == "real" else f"{self.kind}{text}"


def x(*shape: int, low: float = -3.0, high: float = 3.0, grad: bool = True) -> Input:
    """Real values in (low, high)."""
    return Input(shape, "real", low, high, grad)


def pos(*shape: int, grad: bool = True) -> Input:
    """Positive values."""
    return Input(shape, "real", 0.1, 3.0, grad)


def unit(*shape: int, grad: bool = True) -> Input:
    """Values inside (0, 1)."""
    return Input(shape, "real", 0.02, 0.98, grad)


def inside(*shape: int, grad: bool = True) -> Input:
    """Values inside (-1, 1)."""
    return Input(shape, "real", -0.95, 0.95, grad)


def ints(*shape: int, low: int = 0, high: int = 5) -> Input:
    """int64 values in [low, high)."""
    return Input(shape, "int", low, high, False)


def bools(*shape: int) -> Input:
    return Input(shape, "bool", grad=False)


def exact(data: Any, *, grad: bool = True) -> Input:
    """Given values: floats follow the dtype under test, integers and bools keep their own."""
    kind = {"f": "real", "i": "int", "b": "bool"}[np.asarray(data).dtype.kind]
    return Input(np.shape(data), kind, grad=grad and kind == "real", data=data)


@dataclass(frozen=True)
class Sample:
    """One call of a row's function."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    kind: str = "call"  # "call", "edge" or "bad"
    error: Any = None

    def build(self, make: Callable[[np.ndarray, Input], Any], *dtypes: Any) -> Any:
        """(args, kwargs) with `make(values, input)` in the place of each input.

        Real inputs are drawn in `dtypes` by turns.
        """
        seeds, wanted = itertools.count(), itertools.cycle(map(np.dtype, dtypes))

        def made(a: Input) -> Any:
            seed = zlib.crc32(repr((a, next(seeds))).encode())
            return make(a.draw(seed, next(wanted) if a.kind == "real" else np.dtype(bool)), a)

        return map_inputs(self.args, made), map_inputs(self.kwargs, made)

    def inputs(self) -> list[Input]:
        """The inputs, in the order in which they are built."""
        found: list[Input] = []
        map_inputs((self.args, self.kwargs), found.append)
        return found

    def __str__(self) -> str:
        words = [_word(a) for a in self.args] + [f"{k}={_word(v)}" for k, v in self.kwargs.items()]
        return ("" if self.kind == "call" else self.kind + ":") + ",".join(words)


def map_inputs(value: Any, change: Callable[[Input], Any]) -> Any:
    """`value` with `change` applied to each input in it, through tuples, lists and dicts."""
    if isinstance(value, Input):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map_inputs(v, change) for v in value)
    if isinstance(value, dict):
        return {k: map_inputs(v, change) for k, v in value.items()}
    return value


def _word(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return "(" + " ".join(map(_word, value)) + ")"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step))
    if value is Ellipsis:
        return "..."
    return getattr(value, "__name__", None) or str(value)


def call(*args: Any, **kwargs: Any) -> Sample:
    """A call where the function can be differentiated."""
    return Sample(args, kwargs)


def edge(*args: Any, **kwargs: Any) -> Sample:
    """A call compared with PyTorch (value, first derivative) but not with finite differences."""
    return Sample(args, kwargs, "edge")


def bad(error: Any, *args: Any, **kwargs: Any) -> Sample:
    """A call that must raise `error`."""
    return Sample(args, kwargs, "bad", error)


@dataclass(frozen=True, init=False)
class Row:
    """A public function, how to call it, and what it must agree with (see the package)."""

    name: str
    samples: tuple[Sample, ...]
    numpy: Any
    torch: Any
    grad: int
    run: Callable[..., Any] | None
    tol: tuple[float, float]
    random: bool  # results are random numbers: only shape and dtype are compared
    skip_dtypes: frozenset[str]  # not compared with PyTorch: names, or kinds such as "ib"; say why
    why: str

    def __init__(
        self,
        name: str,
        *samples: Sample,
        numpy: Any = LOOK_UP,
        torch: Any = LOOK_UP,
        grad: int = 2,
        run: Callable[..., Any] | None = None,
        tol: tuple[float, float] = (1e-10, 1e-5),
        random: bool = False,
        skip_dtypes: Any = (),
        why: str = "",
    ) -> None:
        skip_dtypes = frozenset(
            d for d in DTYPES if d in skip_dtypes or np.dtype(d).kind in skip_dtypes
        )
        values = locals()
        for name_ in self.__dataclass_fields__:
            object.__setattr__(self, name_, values[name_])

    def changed(self, **changes: Any) -> Row:
        """The row with other options."""
        options = {name: getattr(self, name) for name in self.__dataclass_fields__} | changes
        return Row(options.pop("name"), *options.pop("samples"), **options)

    def evaluate(self, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The result of the call with `f` as the function."""
        return f(*args, **kwargs) if self.run is None else self.run(f, *args, **kwargs)


DTYPES = ("float32", "int64", "int32", "uint8", "bool")
SPECIAL = [0.0, -0.0, 0.5, 1.0, -1.0, 100.0, -100.0, np.inf, -np.inf]
# At NaN only values are compared: no derivative is better than another.
NAN = exact([np.nan, 1.0], grad=False)


def unary(
    name: str,
    domain: Any = x,
    ref: Any = LOOK_UP,
    *more: Sample,
    edges: Any = SPECIAL,
    **options: Any,
) -> Row:
    """The row of an elementwise function of one tensor."""
    samples = [call(domain(2, 3)), call(domain()), call(domain(0, 3)), *more]
    if edges is not None:
        samples += [edge(exact(edges)), edge(NAN)]
    return Row(name, *samples, numpy=ref, **options)


def binary(
    name: str,
    first: Any = x,
    second: Any = x,
    ref: Any = LOOK_UP,
    *more: Sample,
    edges: Any = SPECIAL,
    number: float | None = 2.5,
    **options: Any,
) -> Row:
    """The row of an elementwise function of two operands that broadcast.

    `number` is the second operand of one call; None where PyTorch only takes tensors.
    """
    samples = [
        call(first(2, 3), second(2, 3)),
        call(first(2, 1, 3), second(2, 1)),
        call(first(), second(2)),
        call(first(2), second()),
        call(first(0, 3), second(3)),
        *([] if number is None else [call(first(3), number)]),
        bad((RuntimeError, ValueError), first(2, 3), second(2, 2)),
        *more,
    ]
    if edges is not None:
        column, line = np.meshgrid(edges, edges)
        samples += [
            edge(exact(column), exact(line)),
            edge(NAN, exact([[1.0], [np.nan]], grad=False)),
        ]
    return Row(name, *samples, numpy=ref, **options)


def constant(row: Row) -> Row:
    """The row as one whose results carry no gradient (comparisons, predicates)."""
    return row.changed(grad=0)
