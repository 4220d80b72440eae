"""vmap of every operation of the table is the stack of what it gives for each element."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_samples import ROWS
from op_samples.calling import flat, weights
from op_samples.table import Input, Row, Sample, map_inputs

import autograd
import nn
from autograd import Tensor, func
from autograd.batching import NotBatchable
from autograd.grad_mode import mode
from autograd.registry import ENTRIES

BATCH = 3


def batches(sample: Sample, vary: str) -> list[np.ndarray]:
    """For each input of the sample a batch of values: of the kinds in `vary` different ones."""

    def drawn(i: int, a: Input) -> np.ndarray:
        seed = zlib.crc32(repr((a, i)).encode())
        step = a.kind in vary and a.data is None
        return np.stack([a.draw(seed + k * step, np.dtype(float)) for k in range(BATCH)])

    return [drawn(i, a) for i, a in enumerate(sample.inputs())]


def called(row: Row, sample: Sample) -> Callable[..., tuple[Tensor, ...]]:
    """The call as a function of its tensors, which gives the tensors in its result."""
    function = ENTRIES[row.name].function

    def call(*xs: Tensor) -> tuple[Tensor, ...]:
        following = iter(xs)
        args, kwargs = (
            map_inputs(v, lambda _: next(following)) for v in (sample.args, sample.kwargs)
        )
        return tuple(r for r in flat(row.evaluate(function, args, kwargs)) if isinstance(r, Tensor))

    return call


def weighted(results: tuple[Tensor, ...]) -> Tensor:
    """A number that depends on all floating results."""
    total = autograd.zeros((), dtype=float)
    for i, r in enumerate(results):
        if r.is_floating_point():
            total = total + (r * autograd.from_numpy(weights(tuple(r.shape), i))).sum()
    return total


def by_element(f: Callable[..., Any], xs: list[Tensor], mapped: tuple[bool, ...]) -> list[Any]:
    return [
        f(*(x[i] if m else x[0] for x, m in zip(xs, mapped, strict=True))) for i in range(BATCH)
    ]


def tensors(arrays: list[np.ndarray], grad: bool = False) -> list[Tensor]:
    xs = [autograd.tensor(a) for a in arrays]
    return [x.requires_grad_() if grad and x.is_floating_point() else x for x in xs]


def close(ours: Tensor, theirs: list[Tensor], what: str) -> None:
    expected = np.stack([t.detach().numpy() for t in theirs])
    found = ours.detach().numpy()
    assert found.dtype == expected.dtype, what
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=what)


def choices(n: int) -> list[tuple[bool, ...]]:
    """Which inputs are mapped: all, and where there are several, each one by itself."""
    alone = [tuple(i == j for j in range(n)) for i in range(n)] if n > 1 else []
    return [(True,) * n, *alone]


WALK = [
    pytest.param(row, sample, id=f"{row.name}-{sample}")
    for row in ROWS
    for sample in row.samples
    if sample.kind == "call" and not row.random and sample.inputs()
]


def values_for(sample: Sample, f: Any) -> list[np.ndarray]:
    """Values for which the call works on each element, with results of the same shapes."""
    for vary in ("real int bool", "real bool", "real", ""):
        arrays = batches(sample, vary)
        try:
            results = by_element(f, tensors(arrays), (True,) * len(arrays))
        except Exception:
            continue
        if len({tuple(r.shape for r in result) for result in results}) == 1:
            return arrays
    raise AssertionError("no values were found for which the call works")


# These write to their first argument, or to another one, which must be mapped as well.
WRITING = ("__setitem__", "clone", "nn.functional.batch_norm", "nn.functional.instance_norm")


@pytest.mark.parametrize(("row", "sample"), WALK)
def test_values_and_gradients_are_those_of_the_elements(row: Row, sample: Sample) -> None:
    f = called(row, sample)
    arrays = values_for(sample, f)
    for mapped in choices(len(arrays)):
        dims = tuple(0 if m else None for m in mapped)
        xs = tensors(arrays)
        inputs = [x if m else x[0].clone() for x, m in zip(xs, mapped, strict=True)]
        try:
            found = func.vmap(f, dims)(*inputs)
        except NotBatchable as refused:
            assert "writing in place" in str(refused) and row.name in WRITING
            continue
        expected = by_element(f, tensors(arrays), mapped)
        for i, result in enumerate(found):
            close(result, [e[i] for e in expected], f"in_dims={dims}")
        wanted = tuple(i for i, a in enumerate(sample.inputs()) if a.grad and a.kind == "real")
        if row.grad and wanted and any(r.is_floating_point() for r in found):
            check_gradients(f, arrays, mapped, wanted)


def check_gradients(
    f: Any, arrays: list[np.ndarray], mapped: tuple[bool, ...], wanted: tuple[int, ...]
) -> None:
    dims = tuple(0 if m else None for m in mapped)

    def value(*xs: Tensor) -> Tensor:
        return weighted(f(*xs))

    # One gradient for each element: vmap of grad.
    gradient = func.grad(value, wanted)
    xs = tensors(arrays)
    inputs = [x if m else x[0] for x, m in zip(xs, mapped, strict=True)]
    found = func.vmap(gradient, dims)(*inputs)
    expected = by_element(gradient, xs, mapped)
    for i, g in enumerate(found):
        close(g, [e[i] for e in expected], f"vmap(grad), in_dims={dims}")
    # The gradient of the sum over the elements: grad of vmap.
    total = func.grad(lambda *xs: func.vmap(value, dims)(*xs).sum(), wanted)(*inputs)
    for place, (i, g) in enumerate(zip(wanted, total, strict=True)):
        parts = np.stack([e[place].numpy() for e in expected])
        wanted_sum = parts if mapped[i] else parts.sum(0)
        np.testing.assert_allclose(
            g.numpy(), wanted_sum, rtol=1e-9, atol=1e-9, err_msg=f"grad(vmap), in_dims={dims}"
        )


# How it is used ------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-10, atol=1e-12)


def test_the_function_runs_once_and_sees_one_element() -> None:
    seen = []

    def f(x: Tensor) -> Tensor:
        seen.append((x.shape, x.ndim, x.numel(), len(x), x.dtype))
        return x.sum()

    same(func.vmap(f)(autograd.tensor(X)), X.sum(1))
    assert seen == [((3,), 1, 3, 3, np.dtype(float))]


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "data-dependent control flow"),
        (lambda x: x * x.sum().item(), r"\.item\(\) on a Tensor"),
        (lambda x: x * float(x.sum()), r"\.item\(\) on a Tensor"),
        (lambda x: autograd.tensor(x.tolist()), r"\.item\(\) on a Tensor"),
        (lambda x: autograd.tensor(x.numpy()), "cannot become one ndarray"),
        (lambda x: autograd.zeros(3).add_(x), "writing in place"),
        (lambda x: autograd.rand(3) * x, "randomness error mode"),
        (lambda x: x[x > 0], "different ones for the elements"),
        (lambda x: x.sum().backward(), "inside a functorch transform"),
    ],
)
def test_values_decide_nothing(f: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        func.vmap(f)(autograd.tensor(X, requires_grad=True))
    assert not mode.levels


def test_dimensions_may_be_nested_and_negative() -> None:
    def f(tree: Any, scale: Any) -> Any:
        return {"a": tree["a"] * scale[0], "b": (tree["b"].sum(), tree["a"])}

    a, b = RNG.normal(size=(2, 4)), RNG.normal(size=(4, 5))
    tree = {"a": autograd.tensor(a), "b": autograd.tensor(b)}
    mapped = func.vmap(f, ({"a": -1, "b": 0}, None), {"a": 1, "b": (0, -1)})
    found = mapped(tree, [autograd.tensor(2.0)])
    same(found["a"], a * 2)
    same(found["b"][0], b.sum(1))
    same(found["b"][1], a)
    constant = func.vmap(lambda x, y: (x, y), (0, None), (0, None))
    same(constant(autograd.tensor(a), autograd.tensor(b))[1], b)


def test_levels_nest_in_any_order() -> None:
    a, b = (autograd.tensor(RNG.normal(size=n)) for n in (3, 4))
    outer = func.vmap(func.vmap(autograd.mul, in_dims=(None, 0)), in_dims=(0, None))
    same(outer(a, b), np.outer(a.numpy(), b.numpy()))
    turned = func.vmap(func.vmap(autograd.mul, in_dims=(None, 0)), in_dims=(0, None), out_dims=1)
    same(turned(a, b), np.outer(b.numpy(), a.numpy()))
    pairs = func.vmap(lambda x: func.vmap(lambda y: (x * y).cumsum(0))(autograd.eye(3)))
    same(pairs(autograd.tensor(X)), (X[:, None] * np.eye(3)).cumsum(-1))


def test_derivatives_of_every_order_pass_through() -> None:
    w = autograd.tensor(RNG.normal(size=(3, 3)), requires_grad=True)
    x = autograd.tensor(X, requires_grad=True)

    def f(x: Tensor) -> Tensor:
        return (x @ w).tanh() * x

    batch, loop = func.vmap(f)(x), autograd.stack([f(row) for row in x])
    same(batch.detach(), loop.detach())
    for _ in range(3):
        batch, loop = (
            autograd.cat(
                [g.reshape(-1) for g in autograd.grad(y.sin().sum(), (x, w), create_graph=True)]
            )
            for y in (batch, loop)
        )
        same(batch.detach(), loop.detach())


def test_a_result_that_is_the_same_for_all_counts_once() -> None:
    w = autograd.tensor(3.0, requires_grad=True)

    def f(x: Tensor) -> tuple[Tensor, Tensor]:
        h = w * 2
        return h * x, h * h

    y, z = func.vmap(f, out_dims=(0, None))(autograd.tensor([1.0, 10.0]))
    (dw,) = autograd.grad(y.sum() + z, w)
    assert dw.item() == 2 * 11 + 8 * 3


def test_vmap_of_grad_by_what_is_shared_and_grad_of_that() -> None:
    w = autograd.tensor(RNG.normal(size=3), requires_grad=True)
    per_sample = func.vmap(func.grad(lambda w, x: (w * x).sum() ** 3), (None, 0))(
        w, autograd.tensor(X)
    )
    total = X @ w.detach().numpy()
    same(per_sample.detach(), 3 * total[:, None] ** 2 * X)
    (dw,) = autograd.grad(per_sample.sum(), w)
    same(dw, (6 * total * X.sum(1)) @ X)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 4, 7])
def test_chunks_change_nothing(chunk_size: int) -> None:
    f = func.vmap(lambda x, y: (x * y, y.sum()), (0, None), (1, 0), chunk_size=chunk_size)
    product, total = f(autograd.tensor(X), autograd.tensor(X[0]))
    same(product, (X * X[0]).T)
    same(total, np.full(4, X[0].sum()))


def test_views_and_writing_in_place() -> None:
    def f(x: Tensor) -> Tensor:
        y = x.new_zeros(2, 3)
        y[1] = x
        y[1, :2] *= 2
        z = autograd.zeros_like(x)
        z += y.sum(0)
        y.view(-1)[0] = z[2]
        return y

    x = autograd.tensor(X, requires_grad=True)
    found, expected = func.vmap(f)(x), autograd.stack([f(row) for row in x])
    same(found.detach(), expected.detach())
    (ours,), (theirs,) = (autograd.grad((y**2).sum(), x) for y in (found, expected))
    same(ours, theirs)


RANDOM = [
    lambda x: autograd.rand(2, 3),
    lambda x: autograd.randint(0, 1000, (3,)),
    lambda x: autograd.randperm(20),
    lambda x: autograd.bernoulli(x * 0 + 0.5),
    lambda x: autograd.normal(x * 0, 1.0),
    lambda x: autograd.multinomial(autograd.ones(50), 5),
    lambda x: x.new_empty(3).uniform_(),
    lambda x: nn.functional.dropout(x.new_ones(20)),
]


@pytest.mark.parametrize("f", RANDOM)
def test_randomness(f: Any) -> None:
    autograd.manual_seed(0)
    alike = func.vmap(f, randomness="same")(autograd.tensor(X)).numpy()
    different = func.vmap(f, randomness="different")(autograd.tensor(X)).numpy()
    assert (alike == alike[0]).all()
    assert all((a != b).any() for a, b in itertools.combinations(different, 2))
    with pytest.raises(RuntimeError, match="randomness error mode"):
        func.vmap(f)(autograd.tensor(X))
    assert not mode.levels


def test_randomness_of_nested_levels() -> None:
    def drawn(outer: str, inner: str) -> np.ndarray:
        f = func.vmap(lambda x: autograd.rand(()), randomness=inner)
        return func.vmap(f, randomness=outer)(autograd.tensor(X)).numpy()

    assert len(set(drawn("different", "different").ravel())) == 12
    by_rows, by_columns = drawn("different", "same"), drawn("same", "different")
    assert (by_rows == by_rows[:, :1]).all() and len(set(by_rows[:, 0])) == 4
    assert (by_columns == by_columns[:1]).all() and len(set(by_columns[0])) == 3


class ByNumpy(autograd.Function):
    """A sine that leaves the library, so that it can only be run for each element."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return autograd.from_numpy(np.sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * autograd.from_numpy(np.cos(ctx.saved_tensors[0].detach().numpy()))


class Generated(autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0].cos()


class WithRule(Generated):
    generate_vmap_rule = False

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Any) -> Any:
        assert info.batch_size == 4 and in_dims == (0,) and x.shape == (4, 3)
        return WithRule.apply(x), 0


@pytest.mark.parametrize("function", [ByNumpy, Generated, WithRule])
def test_functions_of_users(function: Any) -> None:
    x = autograd.tensor(X)
    found = func.vmap(func.grad(lambda x: (function.apply(x) * x).sum()))(x)
    same(found, np.cos(X) * X + np.sin(X))
    w = autograd.tensor(X[0], requires_grad=True)
    total = func.vmap(lambda x: function.apply(w * x))(x).sum()
    same(autograd.grad(total, w)[0], (np.cos(X[0] * X) * X).sum(0))


def test_modules_and_recurrent_layers() -> None:
    for model, x in (
        (nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)), X),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2).eval(), nn.MaxPool2d(2)),
            RNG.normal(size=(4, 1, 1, 6, 6)),
        ),
        (nn.GRU(3, 2, batch_first=True), RNG.normal(size=(4, 2, 5, 3))),
    ):
        model = model.double()
        call = (lambda x, m=model: m(x)[0]) if isinstance(model, nn.GRU) else model
        batch = autograd.tensor(x)
        same(func.vmap(call)(batch).detach(), autograd.stack([call(row) for row in batch]).detach())


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_in_batch(create_graph: bool) -> None:
    x = autograd.tensor(X, requires_grad=True)
    unused = autograd.tensor(1.0, requires_grad=True)
    y = (x.sin() * x.cumsum(1)).sum(1)
    vectors = autograd.tensor(RNG.normal(size=(5, 4)))
    found, nothing = autograd.grad(
        y,
        (x, unused),
        vectors,
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
        is_grads_batched=True,
    )
    rows = [
        autograd.grad(y, x, v, retain_graph=True, create_graph=create_graph)[0] for v in vectors
    ]
    assert nothing is None
    same(found.detach(), autograd.stack(rows).detach())
    if create_graph:
        expected = autograd.grad(autograd.stack(rows).square().sum(), x, retain_graph=True)[0]
        same(autograd.grad(found.square().sum(), x)[0], expected)
    with pytest.raises(RuntimeError, match="is_grads_batched"):
        autograd.grad(y, x, (None,), is_grads_batched=True)


@pytest.mark.parametrize("row", [r for r in ROWS if r.grad and not r.random], ids=lambda r: r.name)
def test_one_backward_pass_gives_all_rows_of_the_jacobian(row: Row) -> None:
    """The graph of a single call, with a batch of gradients going back through it."""
    sample = next((s for s in row.samples if s.kind == "call" and s.inputs()), None)
    if sample is None:
        return
    f = called(row, sample)
    arrays = [a[0] for a in values_for(sample, f)]
    xs = [
        autograd.tensor(a).requires_grad_(spec.grad and a.dtype.kind == "f")
        for a, spec in zip(arrays, sample.inputs(), strict=True)
    ]
    outputs = [y for y in f(*xs) if y.requires_grad]
    inputs = [x for x in xs if x.requires_grad]
    if not outputs or not inputs:
        return
    vectors = [autograd.from_numpy(RNG.normal(size=(BATCH, *y.shape))) for y in outputs]
    options = {"retain_graph": True, "allow_unused": True}
    found = autograd.grad(outputs, inputs, vectors, is_grads_batched=True, **options)
    rows = [
        autograd.grad(outputs, inputs, [v[i] for v in vectors], **options) for i in range(BATCH)
    ]
    for g, parts in zip(found, zip(*rows, strict=True), strict=True):
        assert (g is None) == (parts[0] is None)
        if g is not None:
            close(g, list(parts), row.name)
