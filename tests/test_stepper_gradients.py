"""Stepping computes what `backward()` does, to the last bit, for every operation and any graph."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from op_samples import ROWS, Row, Sample
from op_samples.calling import projected, run_ours
from test_random_graphs import LEAVES, PAIRS, Program, leaf, noted, ours, programs

import autograd
import nn

SAMPLES = [
    pytest.param(row, sample, id=f"{row.name}{i}")
    for row in ROWS
    if row.grad
    for i, sample in enumerate(row.samples)
    if sample.kind in ("call", "edge") and any(a.grad for a in sample.inputs())
]


def bits(x: Any) -> Any:
    """What tells two gradients apart: NaN equals NaN, and 0 is not -0."""
    return None if x is None else (x.shape, x.dtype, x._data.tobytes())


def constant(array: np.ndarray, like: Any) -> autograd.Tensor:
    return autograd.from_numpy(array).to(like.dtype)


def check_sums(s: Any) -> None:
    """The contributions that arrive somewhere add up to what `grad` says, and step by step."""
    running: dict[Any, Any] = dict(s.backward.seeds)
    for k in range(len(s)):
        step = s.backward.step(k)
        for _, edge, c, before, after in step.arriving():
            known = running.get(edge)
            assert (before is None) == (known is None)
            if known is not None:
                np.testing.assert_array_equal(before, known)
            np.testing.assert_array_equal(after, c if known is None else known + c)
            assert c.shape == tuple(edge.shape) and c.dtype == edge.dtype
            running[edge] = after
        for edge, g in running.items():
            if edge in s.backward.place or hasattr(edge, "variable"):
                np.testing.assert_array_equal(s.backward.gradient(edge, k + 1), g)


@pytest.mark.parametrize(("row", "sample"), SAMPLES)
def test_every_operation(row: Row, sample: Sample) -> None:
    """Stepped to the end and committed, beside `backward()` of the same call."""
    outcome = run_ours(row, sample, "float64")
    loss = projected(outcome.results, constant)
    if loss is None:
        pytest.skip("nothing of the sample requires grad")
    s = autograd.step(loss)
    while s.position < len(s):
        s.next()
    assert all(x.grad is None for x in outcome.inputs)
    found = [bits(s.grad(x)) if x._edge in s.forward.leaves else None for x in outcome.inputs]
    text, trace = s.text(), s.to_json()
    assert text and trace
    check_sums(s)
    s.commit()
    committed = [bits(x.grad) for x in outcome.inputs]
    again = run_ours(row, sample, "float64")
    projected(again.results, constant).backward()
    expected = [bits(x.grad) for x in again.inputs]
    assert committed == expected
    assert found == expected


@hypothesis.given(programs(PAIRS), st.data())
def test_random_graphs_and_any_walk(program: Program, data: st.DataObject) -> None:
    """State k after any walk is state k of a stepper that went there at once."""
    noted(program, PAIRS)
    leaves = [leaf(a) for a in LEAVES]
    loss = ours(program, PAIRS, leaves)
    keep = data.draw(st.sampled_from([0, 5_000, 2**26]), label="keep")
    s, straight = autograd.step(loss, keep=keep), autograd.step(loss)
    straight.finish()
    for _ in range(data.draw(st.integers(1, 12), label="moves")):
        move = data.draw(st.sampled_from(["next", "back", "goto", "over", "out"]))
        if move == "goto":
            s.goto(data.draw(st.integers(0, len(s))))
        elif move in ("over", "out"):
            getattr(s, move)()
        else:
            getattr(s, move)(data.draw(st.integers(0, len(s))))
        straight.goto(s.position)
        assert s.text(100) == straight.text(100)
        for x in leaves:
            if x._edge in s.forward.leaves:
                assert bits(s.grad(x)) == bits(straight.grad(x))
    s.commit()
    found = [bits(x.grad) for x in leaves]
    fresh = [leaf(a) for a in LEAVES]
    ours(program, PAIRS, fresh).backward()
    assert found == [bits(x.grad) for x in fresh]


def model_and_loss(double: bool = False) -> tuple[nn.Module, autograd.Tensor]:
    autograd.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    if double:
        model.double()
    x = autograd.randn(6, 5, dtype=model[0].weight.dtype)
    return model, nn.functional.cross_entropy(model(x), autograd.arange(6) % 3)


def test_finite_differences() -> None:
    model, loss = model_and_loss(double=True)
    s = autograd.step(loss).finish()
    for p in model.parameters():
        g, eps = s.grad(p), 1e-6
        for i in range(min(p.numel(), 4)):
            values = []
            for sign in (1, -1):
                p._data.reshape(-1)[i] += sign * eps
                values.append(model_and_loss_of(model).item())
                p._data.reshape(-1)[i] -= sign * eps
            slope = (values[0] - values[1]) / (2 * eps)
            assert g.reshape(-1)[i].item() == pytest.approx(slope, rel=1e-4, abs=1e-8)


def model_and_loss_of(model: nn.Module) -> autograd.Tensor:
    autograd.manual_seed(0)
    model_and_loss(double=True)  # draws as many numbers as were drawn before the input
    autograd.manual_seed(0)
    nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    x = autograd.randn(6, 5, dtype=autograd.float64)
    return nn.functional.cross_entropy(model(x), autograd.arange(6) % 3)


def test_accumulates_into_what_is_there_like_backward() -> None:
    found = []
    for stepping in (True, False):
        model, loss = model_and_loss()
        for i, p in enumerate(model.parameters()):
            p.grad = autograd.full_like(p, i)
        if stepping:
            autograd.step(loss).commit()
        else:
            loss.backward()
        found.append([bits(p.grad) for p in model.parameters()])
    assert found[0] == found[1]


def test_hooks_run_once_and_count() -> None:
    def run(pass_: Any) -> Any:
        calls: list[Any] = []
        x = autograd.tensor([1.0, -2.0], requires_grad=True)
        y = x * x
        y.retain_grad()
        y.register_hook(lambda g: (calls.append("y"), g * 2)[1])
        y.grad_fn.register_hook(lambda by, of: calls.append("node"))
        x.register_hook(lambda g: (calls.append("x"), g + 1)[1])
        x.register_post_accumulate_grad_hook(lambda x: calls.append("post"))
        loss = (y.exp() + y).sum()
        pass_(loss, x, y)
        return calls, bits(x.grad), bits(y.grad)

    def stepped(loss: Any, x: Any, y: Any) -> None:
        s = autograd.step(loss)
        s.finish().back(3).next(2).goto(0).finish()
        assert s.current.flags == ["hook"] or "hook" in s.goto("y").current.flags
        assert x.grad is None and y.grad is None
        s.commit()

    assert run(stepped) == run(lambda loss, x, y: loss.backward())


def test_hooks_are_not_repeated_when_steps_are() -> None:
    calls = []
    x = y = autograd.tensor(1.5, requires_grad=True)
    for i in range(600):
        y = (y * 1.001).sin() + x
        if i % 100 == 0:
            y.register_hook(lambda g: (calls.append(1), g * 1.5)[1])
    s = autograd.step(y, keep=0).finish()
    found = [bits(s.goto(k).grad(x)) for k in (1700, 300, 900, len(s))]
    assert len(calls) == 6
    calls.clear()
    straight = autograd.step(y).finish()
    assert [bits(straight.goto(k).grad(x)) for k in (1700, 300, 900, len(s))] == found


def test_a_function_of_the_users_runs_its_backward_once() -> None:
    calls = []

    class Cube(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            calls.append(g.item())
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    x = autograd.tensor(2.0, requires_grad=True)
    y = Cube.apply(x) * 2
    s = autograd.step(y, keep=0).finish()
    s.back().next().goto(0).finish()
    assert calls == [2.0]
    (contribution,) = s.current.contributions
    assert contribution.local == 12 and contribution.rule == "backward(g)"
    assert "backward(g) = 24" in s.text() and s.trace.steps[-1]["edges"][0]["local"] == 12.0
    s.commit()
    assert x.grad == 24


def test_frees_the_graph_as_backward_does() -> None:
    x = autograd.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp().sum()
    s = autograd.step(y).commit()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    assert "exp" in s.goto(2).text()  # the stepper still shows it
    assert s.current.contributions[0].local.tolist() == pytest.approx(np.exp([1.0, 2.0]))
    y = x.exp().sum()
    autograd.step(y, retain_graph=True).commit()
    y.backward()


def test_leaves_no_trace_without_commit() -> None:
    x = autograd.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.retain_grad()
    s = autograd.step(y.sum()).next(2)
    del s
    z = y.sum()
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0] and y.grad.tolist() == [1.0, 1.0]


def test_several_roots_and_gradients() -> None:
    found = []
    for stepping in (True, False):
        x = autograd.tensor([1.0, 2.0], requires_grad=True)
        roots, grads = [x * 2, x.exp(), x], [autograd.ones(2), [3.0, 4.0], np.ones(2)]
        if stepping:
            autograd.step(roots, grads).commit()
        else:
            autograd.backward(roots, grads)
        found.append(bits(x.grad))
    assert found[0] == found[1]


def test_second_derivatives_can_be_stepped() -> None:
    x = autograd.tensor(2.0, requires_grad=True)
    (g,) = autograd.grad(x**3, x, create_graph=True)
    autograd.step(g).commit()
    assert x.grad == 12


def test_a_leaf_alone() -> None:
    x = autograd.tensor([1.0, 2.0], requires_grad=True)
    s = autograd.step(x, [1.0, 3.0])
    assert len(s) == 0 and s.grad(x).tolist() == [1.0, 3.0]
    assert "nothing to step: x is a leaf" in s.text()
    assert s.trace.steps == []
    s.commit()
    assert x.grad.tolist() == [1.0, 3.0]


@pytest.mark.slow
def test_a_million_nodes() -> None:
    x = y = autograd.tensor(1.0, requires_grad=True)
    for _ in range(500_000):
        y = y * 0.999999 + x
    s = autograd.step(y, keep="32MB")
    assert len(s) == 1_000_000
    s.next(10)
    middle = s.goto(500_000).grad(x).item()
    s.finish()
    last = s.grad(x).item()
    assert s.goto(500_000).grad(x).item() == middle  # done again from a checkpoint
    assert s.back(400_000).position == 100_000
    assert "100000 of 1000000" in s.text()
    trace = s.trace
    assert trace.meta["truncated"]["nodes"] == 1_000_000
    assert len(trace.to_json()) < 3_000_000
    s.commit()
    assert x.grad.item() == last


def test_a_hundred_thousand_deep() -> None:
    x = y = autograd.tensor(1.0, requires_grad=True)
    for _ in range(50_000):
        y = (y * 1.0) + 0.0
    s = autograd.step(y).finish()
    assert s.grad(x) == 1 and s.back(100_000).position == 0
    assert "value" not in s.trace.nodes["label"]
    assert s.goto("mul_1").position == 100_000
