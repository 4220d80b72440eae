"""Every row of the table against PyTorch: values, dtypes, shapes, both derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_samples import ROWS, Row, Sample
from op_samples.calling import Outcome, array_of, derivatives, run_ours, run_torch

import autograd
from autograd.registry import ENTRIES

pytest.importorskip("torch")
pytestmark = pytest.mark.parity
FAMILIES = (
    IndexError,
    TypeError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    AssertionError,
)


def pairs(*kinds: str) -> list[Any]:
    """(row, sample) for every sample of these kinds that PyTorch can run."""
    return [
        pytest.param(row, sample, id=f"{row.name}-{sample}")
        for row in ROWS
        if row.torch is not None
        for sample in row.samples
        if sample.kind in kinds
    ]


def assert_same(ours: list[Any], theirs: list[Any], row: Row, dtypes: tuple[str, ...] = ()) -> None:
    """Equal Python values; tensors of one dtype and shape with close values."""
    assert len(ours) == len(theirs)
    for x, y in zip(ours, theirs, strict=True):
        if not hasattr(y, "numel"):
            assert x == y
            continue
        a, b = array_of(x), array_of(y)
        assert a.dtype == b.dtype, f"dtype {a.dtype}, PyTorch has {b.dtype}"
        assert a.shape == b.shape, f"shape {a.shape}, PyTorch has {b.shape}"
        assert not row.grad or x.requires_grad == y.requires_grad, "requires_grad"
        if not row.random:
            close(a, b, row.tol["float32" in (*dtypes, b.dtype)], "value")


def close(a: np.ndarray, b: np.ndarray, rtol: float, what: str) -> None:
    """Within `rtol` of the value, or of 1 where terms may have cancelled."""
    if a.dtype.kind != "f":
        np.testing.assert_array_equal(a, b, err_msg=what)
    else:
        finite = np.abs(b[np.isfinite(b)])
        scale = np.clip(finite.max(initial=0.0), 1.0, 1e3)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=what)


@pytest.mark.parametrize(("row", "sample"), pairs("call", "edge"))
def test_values_and_derivatives(row: Row, sample: Sample, torch: Any) -> None:
    theirs = run_torch(torch, row, sample, "float64")
    ours = run_ours(row, sample, "float64")
    assert_same(ours.results, theirs.results, row)
    if not row.random:
        order = min(row.grad, 1) if sample.kind == "edge" else row.grad
        compare_derivatives(ours, theirs, row, order, torch)


def compare_derivatives(ours: Outcome, theirs: Outcome, row: Row, order: int, torch: Any) -> None:
    try:
        expected = derivatives(theirs, torch, order)
    except RuntimeError as error:  # what PyTorch lacks is compared with finite differences only
        assert "derivative for" in str(error), error
        return
    for level, found in enumerate(derivatives(ours, autograd, order)):
        for i, (a, b) in enumerate(zip(found, expected[level], strict=True)):
            close(a, b, row.tol[0], f"derivative {level + 1} by input {i}")


STOPPING = """relu nn.functional.hardtanh nn.functional.relu6 nn.functional.leaky_relu
    nn.functional.elu nn.functional.hardsigmoid nn.functional.hardswish nn.functional.threshold
    nn.functional.hardshrink nn.functional.softshrink clamp clamp_min clamp_max maximum minimum fmax
    fmin max min median where masked_fill sign floor ceil round trunc copysign nextafter
    nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.max_pool3d
    nn.functional.adaptive_max_pool2d rnn_relu_cell"""


@pytest.mark.parametrize(
    ("row", "sample"), [p for p in pairs("call") if p.values[0].name in STOPPING.split()]
)
def test_infinite_and_nan_gradients(row: Row, sample: Sample, torch: Any) -> None:
    """What stops a gradient gives 0 for an infinite one, as in PyTorch, and not 0 * inf = NaN."""

    def upstream(shape: Any, dtype: np.dtype) -> np.ndarray:
        n = int(np.prod(shape))
        return np.resize([np.inf, 2.0, -np.inf, np.nan, -1.0], n).reshape(shape).astype(dtype)

    found = []
    for library, outcome in (
        (torch, run_torch(torch, row, sample, "float64")),
        (autograd, run_ours(row, sample, "float64")),
    ):
        roots = [r for r in outcome.results if getattr(r, "requires_grad", False)]
        if not roots:
            return
        grad = getattr(library, "autograd", library).grad
        seeds = [library.from_numpy(upstream(tuple(r.shape), array_of(r).dtype)) for r in roots]
        gradients = grad(roots, outcome.inputs, seeds, allow_unused=True)
        found.append([None if g is None else array_of(g) for g in gradients])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(*(0.0 if c is None else c for c in (a, b)), rtol=1e-6)


def takes_real_inputs(parameter: Any) -> bool:
    """Whether the sample has inputs that follow the dtype under test."""
    return any(a.kind == "real" for a in parameter.values[1].inputs())


DTYPES = [("float32",), ("int64",), ("int32",), ("uint8",), ("bool",)]
MIXED = [
    ("float32", "float64"),
    ("float32", "int64"),
    ("int32", "float32"),
    ("bool", "int64"),
    ("int32", "uint8"),
    ("float64", "bool"),
]


@pytest.mark.parametrize(("row", "sample"), [p for p in pairs("call") if takes_real_inputs(p)])
def test_dtypes(row: Row, sample: Sample, torch: Any) -> None:
    """The results PyTorch has, in its dtypes. What it refuses we may well compute."""
    several = sum(a.kind == "real" for a in sample.inputs()) > 1
    for dtypes in DTYPES + MIXED * several:
        if row.skip_dtypes & set(dtypes):
            continue
        try:
            theirs = run_torch(torch, row, sample, *dtypes).results
        except FAMILIES:
            continue
        try:
            assert_same(run_ours(row, sample, *dtypes).results, theirs, row, dtypes)
        except Exception as error:
            error.add_note(f"for inputs of dtype {' and '.join(dtypes)}")
            raise


IN_PLACE = [
    p
    for p in pairs("call")
    if ENTRIES[p.values[0].name].in_place and p.values[0].run is None and takes_real_inputs(p)
]


@pytest.mark.parametrize(("row", "sample"), IN_PLACE)
def test_in_place_twin(row: Row, sample: Sample, torch: Any) -> None:
    """`x.NAME_(...)` gives the value and gradient that PyTorch's does, or refuses where it does."""
    name = ENTRIES[row.name].name + "_"

    def twin(f: Any, *args: Any, **kwargs: Any) -> Any:
        first = next(i for i, a in enumerate(args) if hasattr(a, "clone"))  # as in polygamma(n, x)
        others = (*args[:first], *args[first + 1 :])
        return getattr(args[first].clone(), name)(*others, **kwargs)

    if not hasattr(torch.Tensor, name):
        return
    changed = row.changed(run=twin)
    for dtype in {"float64", "int64"} - row.skip_dtypes:
        try:
            theirs = run_torch(torch, changed, sample, dtype)
        except FAMILIES as error:
            if "not implemented" not in str(error):
                with pytest.raises((RuntimeError, TypeError)):
                    run_ours(changed, sample, dtype)
            continue
        ours = run_ours(changed, sample, dtype)
        assert_same(ours.results, theirs.results, row)
        compare_derivatives(ours, theirs, row, min(row.grad, 1), torch)


@pytest.mark.parametrize(("row", "sample"), pairs("bad"))
def test_errors(row: Row, sample: Sample, torch: Any) -> None:
    with pytest.raises(FAMILIES) as theirs:
        run_torch(torch, row, sample, "float32")
    with pytest.raises(sample.error) as ours:
        run_ours(row, sample, "float32")
    family = next(f for f in FAMILIES if isinstance(theirs.value, f))
    assert isinstance(ours.value, family), (
        f"PyTorch raises {type(theirs.value).__name__}, a {family.__name__}: {theirs.value}"
    )
