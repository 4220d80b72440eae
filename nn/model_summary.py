"""`summary(model, input_size)`: what each layer of a model returns, holds and computes.

The model is called once, and hooks note each call of a module on the way. The layout of the table
is that of the torchinfo package.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import autograd
from autograd import Tensor, no_grad
from autograd.dtypes import as_dtype

from .attention import MultiheadAttention
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .linear import Bilinear, Linear
from .module import Module
from .parameter import Parameter
from .sparse import Embedding, EmbeddingBag
from .tree import evaluating


@dataclass
class Call:
    """A row of the table: one call of a module.

    `own` are the parameters counted in this row: those of the module itself, and those of
    modules below it that were not called. `mult_adds` likewise.
    """

    name: str
    module: Module
    depth: int
    repeated: bool  # the module was called before
    output: Any = None
    own: list[Parameter] = field(default_factory=list)
    mult_adds: int = 0
    below: list[Call] = field(default_factory=list)

    def rows(self) -> Iterable[Call]:
        """This call and those it led to, in order."""
        yield self
        for call in self.below:
            yield from call.rows()

    @property
    def output_bytes(self) -> int:
        return sum(t.nbytes for t in _tensors(self.output))


@dataclass
class Summary:
    """The result of `summary`; `print` it, or read its fields.

    `mult_adds` is the number of multiplications with addition in the matrix products and
    convolutions (and of multiplications by the weights of other layers) of one forward pass over
    the given input. Sizes are in bytes; `output_bytes` counts the results of layers without layers
    inside, which training keeps for the backward pass.
    """

    calls: list[Call]
    depth: int
    total_params: int
    trainable_params: int
    mult_adds: int
    input_bytes: int
    output_bytes: int
    param_bytes: int

    def __str__(self) -> str:
        header = ("Layer (type)", "Output shape", "Parameters", "Mult-adds")
        body = [row for call in self.calls for row in _lines(call, self.depth)]
        widths = [max(len(row[i]) for row in (header, *body)) for i in range(4)]
        rule = "=" * (sum(widths) + 6)

        def line(row: Sequence[str]) -> str:
            name, shape, *numbers = row
            cells = [name.ljust(widths[0]), shape.ljust(widths[1])]
            cells += [n.rjust(w) for n, w in zip(numbers, widths[2:], strict=True)]
            return "  ".join(cells).rstrip()

        total = self.input_bytes + 2 * self.output_bytes + self.param_bytes
        return "\n".join(
            [
                rule,
                line(header),
                rule,
                *map(line, body),
                rule,
                f"Parameters: {self.total_params:,} ({self.trainable_params:,} trainable, "
                f"{self.total_params - self.trainable_params:,} frozen)",
                f"Mult-adds: {_scaled(self.mult_adds)}",
                f"Input: {_scaled(self.input_bytes, 'B')}, results forward and backward: "
                f"{_scaled(2 * self.output_bytes, 'B')}, parameters: "
                f"{_scaled(self.param_bytes, 'B')}, together: {_scaled(total, 'B')}",
                rule,
            ]
        )

    __repr__ = __str__


def summary(
    model: Module,
    input_size: Any = None,
    *,
    input_data: Any = None,
    depth: int = 3,
    dtypes: Sequence[Any] | None = None,
    **kwargs: Any,
) -> Summary:
    """A table of the layers of `model`: output shapes, parameters, multiply-adds and memory.

    The model is called once, in eval mode and without recording, with zeros of the given size or
    with the given data; afterwards it is as it was.

    Args:
        input_size: the shape of the input with its batch dimension, or a list of shapes.
        input_data: in the place of `input_size`, the argument of the call (or a tuple or list of
            arguments, or a dict of keyword arguments).
        depth: how many levels of modules the table shows; the counts have all.
        dtypes: of the inputs that `input_size` describes; int64 for the indices of an embedding.
        **kwargs: further arguments of the call.

    Raises:
        RuntimeError: if the call fails; it names the layers that had returned.

    >>> import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> print(summary(net, (1, 4)))
    =================================================
    Layer (type)  Output shape  Parameters  Mult-adds
    =================================================
    Sequential    [1, 2]                 -          -
    ├─0: Linear   [1, 8]                40         32
    ├─1: ReLU     [1, 8]                 -          -
    └─2: Linear   [1, 2]                18         16
    =================================================
    Parameters: 58 (58 trainable, 0 frozen)
    Mult-adds: 48
    Input: 16 B, results forward and backward: 144 B, parameters: 232 B, together: 392 B
    =================================================
    """
    args, named = _arguments(input_size, input_data, dtypes)
    watch = _Watch(model)
    try:
        with evaluating(model), no_grad():
            model(*args, **named, **kwargs)
    except Exception as error:
        done = [c.name for c in watch.finished] or ["none"]
        raise RuntimeError(
            f"summary: the call of {model._get_name()} with "
            f"{', '.join(_shape(a) for a in (*args, *named.values()))} failed with "
            f"{type(error).__name__}: {error}\nLayers that had returned: {', '.join(done)}. Give "
            "input_size with the batch dimension, dtypes for inputs that are no floats, or "
            "input_data"
        ) from error
    finally:
        watch.remove()
    watch.assign()
    rows = [row for call in watch.calls for row in call.rows()]
    parameters = list(model.parameters())
    return Summary(
        watch.calls,
        depth,
        total_params=sum(p.numel() for p in parameters),
        trainable_params=sum(p.numel() for p in parameters if p.requires_grad),
        mult_adds=sum(row.mult_adds for row in rows),
        input_bytes=sum(t.nbytes for t in _tensors((args, named, kwargs))),
        output_bytes=sum(row.output_bytes for row in rows if not row.below),
        param_bytes=sum(t.nbytes for t in (*parameters, *model.buffers())),
    )


def _arguments(size: Any, data: Any, dtypes: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if (size is None) == (data is None):
        raise ValueError("summary: give input_size or input_data, one of the two")
    if data is not None:
        if isinstance(data, Mapping):
            return (), dict(data)
        return (tuple(data) if isinstance(data, (list, tuple)) else (data,)), {}
    sizes = [size] if all(isinstance(n, int) for n in size) else list(size)
    kinds = [autograd.get_default_dtype()] * len(sizes) if dtypes is None else list(dtypes)
    if len(kinds) != len(sizes):
        raise ValueError(f"summary: {len(kinds)} dtypes for {len(sizes)} inputs")
    zeros = (autograd.zeros(*s, dtype=as_dtype(d)) for s, d in zip(sizes, kinds, strict=True))
    return tuple(zeros), {}


class _Watch:
    """Hooks on all modules of a model that note the calls."""

    def __init__(self, model: Module) -> None:
        self.calls: list[Call] = []
        self.finished: list[Call] = []
        self._open: list[Call] = []
        self._inputs: dict[int, Any] = {}
        self._names: dict[Module, str] = {}
        self._handles = []
        for path, module in model.named_modules():
            self._names[module] = path.rpartition(".")[2]
            self._handles += [
                module.register_forward_pre_hook(self._begin, prepend=True, with_kwargs=True),
                module.register_forward_hook(self._end),
            ]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _begin(self, module: Module, args: Any, kwargs: Any) -> None:
        seen = any(call.module is module for top in self.calls for call in top.rows())
        call = Call(self._names[module], module, len(self._open), seen)
        (self._open[-1].below if self._open else self.calls).append(call)
        self._open.append(call)
        self._inputs[id(call)] = (args, kwargs)

    def _end(self, module: Module, args: Any, output: Any) -> None:
        call = self._open.pop()
        call.output = output
        self.finished.append(call)

    def assign(self) -> None:
        """Gives each row its parameters, once each, and its multiply-adds."""
        taken: set[Parameter] = set()
        for call in reversed([row for top in self.calls for row in top.rows()]):
            if not call.repeated:
                call.own = [p for p in call.module.parameters() if p not in taken]
                taken.update(call.own)
            inputs, _ = self._inputs[id(call)]
            if not call.below:
                call.mult_adds = _mult_adds(call.module, inputs, call.output)


def _mult_adds(module: Module, args: tuple[Any, ...], output: Any) -> int:
    """Of one call of a module that called no other."""
    if isinstance(module, (Embedding, EmbeddingBag)):
        return 0
    if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)):
        return args[0].numel() * math.prod(module.weight.shape[1:])
    if isinstance(module, (Linear, Bilinear, Conv1d, Conv2d, Conv3d)):
        return output.numel() * math.prod(module.weight.shape[1:])
    if isinstance(module, MultiheadAttention):
        return _attention(module, *args[:3])
    if isinstance(getattr(module, "hidden_size", None), int):  # a recurrent layer or cell
        return _recurrent(module, args[0])
    weights = [p for p in module.parameters() if p.ndim]
    first = next(iter(_tensors(output)), None)
    return first.numel() if weights and first is not None else 0


def _recurrent(module: Module, x: Any) -> int:
    data = x if isinstance(x, Tensor) else x.data  # of a PackedSequence
    positions = data.numel() // data.shape[-1]
    return positions * sum(p.numel() for p in module.parameters() if p.ndim == 2)


def _attention(module: MultiheadAttention, query: Tensor, key: Tensor, value: Tensor) -> int:
    time = 1 if module.batch_first and query.ndim == 3 else 0
    queries, keys, width = query.shape[time], key.shape[time], module.embed_dim
    batch = query.numel() // query.shape[-1] // queries
    projections = 2 * queries * width + keys * (key.shape[-1] + value.shape[-1])
    return batch * width * (projections + 2 * queries * keys)


def _lines(call: Call, depth: int, before: str = "", last: bool = True) -> Iterable[list[str]]:
    """The rows of the table for `call` and what is below it."""
    branch = "" if call.depth == 0 else before + ("└─" if last else "├─")
    title = f"{branch}{call.name}: " if call.name else branch
    count = sum(p.numel() for p in call.own)
    hidden = call.below if call.depth >= depth else []
    rows = [row for child in hidden for row in child.rows()]
    count += sum(p.numel() for row in rows for p in row.own)
    work = call.mult_adds + sum(row.mult_adds for row in rows)
    note = "(shared)" if call.repeated and any(True for _ in call.module.parameters()) else ""
    yield [
        f"{title}{call.module._get_name()}",
        _shape(call.output),
        f"{count:,}" if count else note or "-",
        f"{work:,}" if work else "-",
    ]
    if call.depth < depth:
        inner = before + ("" if call.depth == 0 else "  " if last else "│ ")
        for i, child in enumerate(call.below):
            yield from _lines(child, depth, inner, i == len(call.below) - 1)


def _tensors(value: Any) -> Iterable[Tensor]:
    """The Tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)


def _shape(value: Any) -> str:
    shapes = [str(list(t.shape)) for t in _tensors(value)]
    if not shapes:
        return type(value).__name__
    return ", ".join(shapes[:3]) + (", ..." if len(shapes) > 3 else "")


def _scaled(number: int, unit: str = "") -> str:
    """`number` with three digits and a prefix: 3.74 MB."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number} {unit}".rstrip()
