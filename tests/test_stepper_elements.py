"""The sum behind each element of a gradient, for every operation, and as it stands in a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_samples import Row, Sample
from op_samples.calling import projected, run_ours
from test_stepper_gradients import SAMPLES, constant

import autograd
import nn
from autograd.stepper.elements import Rule
from autograd.stepper.values import plain


def leaf(values: Any) -> autograd.Tensor:
    return autograd.tensor(values, requires_grad=True)


# At edges factors are infinite, and do not add up.
@pytest.mark.parametrize(("row", "sample"), [p for p in SAMPLES if p.values[1].kind == "call"])
def test_terms_add_up_to_the_element(row: Row, sample: Sample) -> None:
    loss = projected(run_ours(row, sample, "float64").results, constant)
    if loss is None:
        pytest.skip("nothing of the sample requires grad")
    s = autograd.step(loss).finish()
    seen: set[Any] = set()
    for k in range(len(s)):
        step = s.backward.step(k)
        for slot, edge, c, *_ in step.arriving():
            if c.size == 0 or (s.forward.op(step.node), slot) in seen:
                continue
            seen.add((s.forward.op(step.node), slot))
            for flat in {0, c.size // 2}:
                index = tuple(int(i) for i in np.unravel_index(flat, c.shape))
                if not np.isfinite(c[index]):
                    continue
                found = Rule(s.forward, step, slot).element(index)
                total = sum(t.factor * t.upstream for t in found.terms)
                np.testing.assert_allclose(total, c[index], rtol=1e-8, atol=1e-10)
                assert str(found).startswith(f"d{s.forward.label(edge)}")


def expanded(trace: Any, step: dict[str, Any], edge: dict[str, Any]) -> np.ndarray | None:
    """The contribution from its `expand`, with nothing but the trace; None if there is none."""

    def array(val: Any) -> np.ndarray | None:
        if not isinstance(val, dict):
            return np.array(plain(val))
        if "values" not in val:
            return None
        return np.array([plain(v) for v in val["values"]]).reshape(val["shape"])

    expand = edge.get("expand")
    if expand is None:
        return None
    contrib, g = (
        array(edge["contrib"]),
        array(step["upstream"])
        if "results" not in (step["upstream"] if isinstance(step["upstream"], dict) else {})
        else None,
    )
    shape = () if contrib is None else contrib.shape
    if contrib is None:
        return None
    if expand["kind"] == "terms":
        upstream = step["upstream"]
        out = []
        for terms in expand["terms"]:
            total = 0.0
            for k, factor in terms:
                part = upstream["results"][k[0]] if isinstance(k, list) else upstream
                values = part["values"] if isinstance(part, dict) else [part]
                total += plain(factor) * plain(values[k[1] if isinstance(k, list) else k])
            out.append(total)
        return np.array(out).reshape(shape)
    if g is None:
        return None
    if expand["kind"] == "matmul":
        other = array(trace.nodes["value"][expand["other"]])
        if other is None:
            return None
        return g @ other.T if edge["slot"] == 0 else other.T @ g
    local = array(edge["local"])
    if local is None:
        return None
    product = np.broadcast_to(local, g.shape) * g
    while product.ndim > len(shape):
        product = product.sum(0)
    for axis, n in enumerate(shape):
        if n == 1 and product.shape[axis] != 1:
            product = product.sum(axis, keepdims=True)
    return product


def network() -> autograd.Tensor:
    autograd.manual_seed(0)
    x, w = autograd.randn(4, 3), autograd.randn(3, 5, requires_grad=True)
    model = nn.Sequential(nn.Linear(5, 3), nn.Softmax(-1), nn.LayerNorm(3))
    h = model((x @ w + autograd.randn(5, requires_grad=True)).tanh())
    parts = h.split([1, 2], 1)
    image = autograd.randn(1, 1, 4, 4, requires_grad=True)
    conv = nn.functional.conv2d(image, autograd.randn(1, 1, 3, 3, requires_grad=True))
    return (
        nn.functional.cross_entropy(h, autograd.tensor([0, 1, 2, 0]))
        + (parts[0] * parts[1]).mean()
        + h[1:, [0, 2]].reshape(-1).cumsum(0).max()
        + conv.sum()
    )


def test_the_expansions_of_a_trace_give_the_contributions() -> None:
    trace = autograd.step(network()).trace
    kinds = set()
    for step in trace.steps:
        for edge in step["edges"]:
            found = expanded(trace, step, edge)
            if found is None:
                continue
            kinds.add(edge["expand"]["kind"])
            contrib = edge["contrib"]
            values = contrib["values"] if isinstance(contrib, dict) else [contrib]
            np.testing.assert_allclose(
                found.reshape(-1), [plain(v) for v in values], rtol=2e-4, atol=1e-6
            )
    assert kinds == {"elementwise", "matmul", "terms"}


def one(s: Any, *args: Any) -> str:
    (found,) = s.element(*args)
    return str(found)


def test_matrix_products_name_their_factors() -> None:
    x, w = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[0.5, 0.25], [-1.0, 2.0]])
    s = autograd.step(x @ w, [[1.0, 0.0], [2.0, -1.0]]).finish()
    assert one(s, w, 1, 0) == "dw[1,0] = Σ_i x[i,1] · g[i,0] = 2 × 1 + 4 × 2 = 10"
    assert one(s, x, 1, 0) == "dx[1,0] = Σ_k w[0,k] · g[1,k] = 0.5 × 2 + 0.25 × (−1) = 0.75"


def test_linear_layers_name_their_factors() -> None:
    x, w, b = leaf([[1.0, 2.0]]), leaf([[3.0, 4.0], [5.0, 6.0]]), leaf([0.0, 0.0])
    s = autograd.step(nn.functional.linear(x, w, b), [[1.0, -1.0]]).finish()
    assert one(s, w, 1, 0) == "dw[1,0] = Σ_i x[i,0] · g[i,1] = 1 × (−1) = −1"
    assert one(s, x, 0, 1) == "dx[0,1] = Σ_k w[k,1] · g[0,k] = 4 × 1 + 6 × (−1) = −2"
    assert one(s, b, 1) == "db[1] = Σ_k g[k,1] = (−1) = −1"


def test_broadcasting_is_a_sum() -> None:
    x, b = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([10.0, 20.0])
    s = autograd.step(x * b, np.ones((2, 2))).finish()
    assert one(s, b, 1) == "db[1] = Σ_i g · x = 2 × 1 + 4 × 1 = 6"
    assert one(s, x, 1, 1) == "dx[1,1] = g · b = 20 × 1 = 20"


def test_long_sums_show_their_largest_terms() -> None:
    x = leaf(np.arange(20.0))
    s = autograd.step((x * leaf(2.0)).sum()).finish()
    text = one(s, s.forward.labels()["leaf_2"])
    assert "… (14 smaller terms)" in text and "19 × 1" in text


def test_an_operand_used_twice_has_two_sums() -> None:
    x = leaf([2.0, 3.0])
    assert len(autograd.step((x * x).sum()).finish().element(x, 0)) == 2
