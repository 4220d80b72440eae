"""Every row of the table without PyTorch: values, memory layouts, derivatives, rules, formulas."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.special
from op_samples import ROWS, Row, Sample
from op_samples.calling import (
    array_of,
    derivatives,
    flat,
    reference,
    run_numpy,
    run_ours,
    weights,
)

import autograd
from autograd import gradcheck, gradgradcheck
from autograd.engine import tape
from autograd.function import OPS, Node
from autograd.registry import ENTRIES
from autograd.tensor import Tensor


def pairs(*kinds: str, grad: int = 0) -> list[Any]:
    """(row, sample) for the samples of these kinds, of rows with at least `grad` derivatives."""
    return [
        pytest.param(row, sample, id=f"{row.name}-{sample}")
        for row in ROWS
        if row.grad >= grad
        for sample in row.samples
        if sample.kind in kinds and (not grad or any(a.grad for a in sample.inputs()))
    ]


REFERENCED = [p for p in pairs("call", "edge") if p.values[0].numpy and not p.values[0].random]


@pytest.mark.parametrize(("row", "sample"), REFERENCED)
def test_values(row: Row, sample: Sample) -> None:
    for dtype in ("float64", "float32"):
        ours = run_ours(row, sample, dtype, grad=False).results
        theirs = run_numpy(row, sample, dtype)
        assert len(ours) == len(theirs)
        for a, b in zip(map(array_of, ours), map(np.asarray, theirs), strict=True):
            assert a.shape == b.shape
            with np.errstate(all="ignore"):  # what overflows in float32
                b = b.astype(np.result_type(a, np.float32) if a.dtype.kind == "f" else b.dtype)
            close(a, b, row.tol["float32" in (dtype, a.dtype)])


def close(a: np.ndarray, b: np.ndarray, rtol: float) -> None:
    """Within `rtol` of the value, or of 1 where terms may have cancelled."""
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def dispatched() -> list[Any]:
    """(function, row, sample) for the NumPy functions that stand for an entry."""
    return [
        pytest.param(f, row.changed(numpy=f), sample, id=f"{f.__name__}-{row.name}-{sample}")
        for row in ROWS
        if row.run is None and not row.random
        for f in ENTRIES[row.name].numpy
        for sample in row.samples
        if sample.kind == "call"
    ]


@pytest.mark.parametrize(("function", "row", "sample"), dispatched())
def test_numpy_functions_take_tensors(function: Any, row: Row, sample: Sample) -> None:
    """`np.exp(t)` is `np.exp(t.numpy())`, and recorded."""
    try:
        expected = run_numpy(row, sample, "float64")
    except (TypeError, ValueError, RuntimeError):  # a call in PyTorch's manner
        return
    args, kwargs = sample.build(lambda a, i: leaf(a, i.grad), "float64")
    ours = flat(row.evaluate(reference(row), args, kwargs))
    recorded = row.grad and any(getattr(a, "requires_grad", False) for a in flat(args))
    for a, b in zip(ours, expected, strict=True):
        if isinstance(b, bool):
            assert a is b
            continue
        assert isinstance(a, Tensor)
        assert a.requires_grad == bool(recorded and a.is_floating_point())
        close(array_of(a), np.asarray(b), row.tol[0])


def leaf(array: np.ndarray, grad: bool) -> Tensor:
    return autograd.tensor(array, requires_grad=grad and array.dtype.kind == "f")


LAYOUTS = {
    "contiguous": np.array,
    "transposed": lambda a: np.array(a, order="F"),
    "strided": lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1] if a.ndim else a,
}


@pytest.mark.parametrize(("row", "sample"), [p for p in pairs("call") if not p.values[0].random])
def test_memory_layouts(row: Row, sample: Sample) -> None:
    """The same results and gradients wherever the inputs lie in memory, and no input is changed."""
    expected: list[np.ndarray] = []
    for name, layout in LAYOUTS.items():
        inputs: list[tuple[np.ndarray, np.ndarray]] = []

        def laid_out(array: np.ndarray, layout: Any = layout, inputs: Any = inputs) -> np.ndarray:
            laid = layout(array)
            inputs.append((laid, array))
            return laid

        outcome = run_ours(row, sample, "float64", layout=laid_out)
        levels = derivatives(outcome, autograd, min(row.grad, 1 + (name == "contiguous")))
        found = [*map(array_of, outcome.results), *(levels[0] if levels else ())]
        expected = expected or found
        for a, b in zip(found, expected, strict=True):
            close(a, b, 1e-12)
        for laid, drawn in inputs:
            np.testing.assert_array_equal(laid, drawn, err_msg=f"an input was changed ({name})")


@pytest.mark.parametrize(("row", "sample"), pairs("edge", grad=1))
def test_edges_are_silent(row: Row, sample: Sample) -> None:
    """Infinite and undefined derivatives are values, not warnings, and no input is changed."""
    inputs: list[np.ndarray] = []

    def kept(array: np.ndarray) -> np.ndarray:
        inputs.extend((array, array.copy()))
        return array

    derivatives(run_ours(row, sample, "float64", layout=kept), autograd, 1)
    for used, drawn in zip(inputs[::2], inputs[1::2], strict=True):
        np.testing.assert_array_equal(used, drawn)


@pytest.mark.parametrize(("row", "sample"), pairs("call", grad=1))
def test_derivatives(row: Row, sample: Sample) -> None:
    outcome = run_ours(row, sample, "float64")
    # Projections where whole Jacobians would be most of the time of all tests.
    large = sum(x.numel() for x in outcome.inputs) > 100
    assert gradcheck(outcome.again, outcome.inputs, fast_mode=large)
    if row.grad > 1:
        assert gradgradcheck(outcome.again, outcome.inputs, fast_mode=True)


@pytest.mark.parametrize(("row", "sample"), pairs("bad"))
def test_errors(row: Row, sample: Sample) -> None:
    with pytest.raises(sample.error) as caught:
        run_ours(row, sample, "float32")
    assert str(caught.value).strip()


# The rules -----------------------------------------------------------------------------------


def nodes_of(row: Row, sample: Sample) -> list[Node]:
    """What the call and its first derivatives record."""
    outcome = run_ours(row, sample, "float64")
    roots = [r for r in outcome.results if getattr(r, "requires_grad", False)]
    if roots and row.grad > 1:
        upstream = [autograd.from_numpy(weights(r.shape, 0)).requires_grad_() for r in roots]
        gradients = autograd.grad(
            roots, outcome.inputs, upstream, create_graph=True, allow_unused=True
        )
        roots += [g for g in gradients if g is not None and g.requires_grad]
    return tape(roots)


@cache
def recorded(*kinds: str) -> dict[str, list[Node]]:
    """The nodes that all samples of these kinds record, by the name of their op."""
    found: dict[str, list[Node]] = {}
    for parameter in pairs(*kinds, grad=1):
        with contextlib.suppress(Exception):  # a failing sample fails in the tests above
            for node in nodes_of(*parameter.values):
                found.setdefault(getattr(node, "op_name", ""), []).append(node)
    return found


def upstream_of(node: Node) -> Any:
    """An upstream gradient as the engine would give it."""
    outputs = node.outputs
    if outputs is None:
        return weights(node.shape, 1).astype(node.dtype)
    return [
        weights(o.shape, i).astype(o.dtype) if o.dtype.kind == "f" else None
        for i, o in enumerate(outputs)
    ]


def saved_by(node: Node) -> Iterator[np.ndarray]:
    """Every array that a node holds on to."""
    values = [*(node.args or ()), *vars(node).values()]
    for value in values:  # grows
        if isinstance(value, (tuple, list)):
            values.extend(value)
        elif isinstance(value, Tensor):
            yield value._data
        elif isinstance(value, np.ndarray):
            yield value


@pytest.mark.parametrize(("row", "sample"), pairs("call", grad=1))
def test_rules_keep_to_themselves(row: Row, sample: Sample) -> None:
    """The contract that lets the engine add into what a rule returns: it is the upstream gradient,
    a view of that, or memory that neither the node nor another input's gradient uses."""
    for node in nodes_of(row, sample):
        if not node.makes_own_gradients:
            continue
        g = upstream_of(node)
        upstream = [part for part in flat(g) if part is not None]
        held = list(saved_by(node))
        before = [a.copy() for a in (*held, *upstream)]
        results = [c for c in node.vjp(g, False, node.edges) if c is not None]
        for i, c in enumerate(results):
            if any(np.shares_memory(c, part) for part in upstream):
                assert c.base is not None or any(c is part for part in upstream)
                continue
            for a in held:
                assert not np.shares_memory(c, a), f"{node!r}: a gradient shows a saved array"
            for other in results[:i]:
                assert not np.shares_memory(c, other), f"{node!r}: two gradients share memory"
        for a, b in zip((*held, *upstream), before, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{node!r} changed what it was given")


def test_every_operation_is_reached_by_a_row() -> None:
    reached = recorded("call").keys() | recorded("edge").keys()
    missing = [
        name
        for name, op in OPS.items()
        if op.backward and name not in reached and "batching" not in op.__module__  # test_vmap.py
    ]
    assert not missing, (
        f"no row of tests/op_samples records these operations in a call or its first derivative: "
        f"{', '.join(missing)}"
    )


# The formulas --------------------------------------------------------------------------------

NAMES = {
    **{name: f for name, f in vars(np).items() if isinstance(f, np.ufunc)},
    **{name: getattr(np, name) for name in ("where", "flip", "sinc", "pi", "e")},
    **{name: f for name, f in vars(scipy.special).items() if isinstance(f, np.ufunc)},
    "sigmoid": scipy.special.expit,
    "cdf": scipy.special.ndtr,
    "pdf": lambda x: np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi),
    "sum": None,  # over the axes of the operation, see `evaluated`
}


def is_expression(formula: str, op: Any) -> bool:
    """Whether a formula can be evaluated; else it is prose for a reader."""
    try:
        names = {n.id for n in ast.walk(ast.parse(formula)) if isinstance(n, ast.Name)}
    except SyntaxError:
        return False
    return names <= NAMES.keys() | {"g", "out", *op.parameters}


FORMULAS = [
    (name, parameter)
    for name, op in OPS.items()
    for parameter, formula in op.formula.items()
    if is_expression(formula, op)
]


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.backward])
def test_every_rule_has_a_formula(name: str) -> None:
    assert OPS[name].formula.keys() == OPS[name].backward.keys()


@pytest.mark.parametrize(("name", "parameter"), FORMULAS)
def test_formula(name: str, parameter: str) -> None:
    """What is shown to a reader is what the rule computes, on every sample where it has a value
    (a formula for matrices has none for batches of them)."""
    op = OPS[name]
    position, compared = op.parameters.index(parameter), 0
    for node in recorded("call").get(name, ()):
        if node.edges[position] is None or node.outputs is not None:
            continue
        g = upstream_of(node)
        expected = node.vjp(g, False, node.edges)[position]
        found = evaluated(op.formula[parameter], node, g, node.edges[position].shape)
        if found is not None and np.shape(found) in ((), expected.shape):
            close(np.broadcast_to(found, expected.shape), expected, 1e-9)
            compared += expected.size
    assert compared, f"{name}: no sample could evaluate {op.formula[parameter]!r}"


def evaluated(formula: str, node: Any, g: np.ndarray, shape: tuple[int, ...]) -> Any:
    """The value of a formula at a node, for an input of `shape`; None where it has none."""
    values = {"g": g}
    if node.args:
        saved = zip(node.parameters, node.args, strict=False)
        values |= {p: node._value(i, False) for i, (p, a) in enumerate(saved) if a is not None}
        if node.args[-1] is not None:
            values["out"] = node.args[-1]
    axes = values.get("axes", values.get("axis"))
    if axes is not None and g.shape != shape:  # a reduction: g and out spread over what it reduced
        kept = [1 if i in np.ravel(axes) % len(shape) else n for i, n in enumerate(shape)]
        for name in values.keys() & {"g", "out"}:
            values[name] = np.broadcast_to(values[name].reshape(kept), shape)
    over_axes = {"sum": lambda a: np.sum(a, axis=axes, keepdims=axes is not None)}
    try:
        with np.errstate(all="ignore"):
            return eval(formula, {"__builtins__": {}}, NAMES | over_axes | values)
    except (NameError, ValueError, AttributeError):
        return None


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_integrals_of_small_integers_do_not_overflow(dtype):
    values = np.array([200, 100, 250, 7]).astype(dtype)
    ours = autograd.from_numpy(values)
    assert autograd.trapezoid(ours).item() == np.trapezoid(values.astype(float)) == 453.5
