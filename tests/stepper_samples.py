"""Traces for the tests of the front ends: small, folded, hostile, not finite, cut short."""

from __future__ import annotations

import copy
from typing import Any

import autograd
import nn
import optim
from autograd.stepper import trace_of
from autograd.stepper.trace import Trace

HOSTILE = [
    "</script><script>window.bad = 1</script>",
    "<img src=x onerror='window.bad = 1'>",
    "\"'`${alert(1)}\\",
    "two\nlines",
    "🙂 é ∂L/∂w = 1 (was 2",
    "__proto__",
    "]]><!--",
    "a\u2028b",
]


def expression() -> Trace:
    """A scalar expression in which `a` and `b` are used twice."""
    a = autograd.tensor(2.0, requires_grad=True)
    b = autograd.tensor(-3.0, requires_grad=True)
    c = autograd.tensor(4.0, requires_grad=True)
    with autograd.trace():
        e = a * b
        d = e + c * a
        h = d.tanh()
        L = h * b + 2 * c
    return trace_of(L)


def network() -> Trace:
    """A network of 2, 3 and 1 neurons on four inputs."""
    autograd.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
    x = autograd.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    with autograd.trace():
        hidden = model[0](x).sigmoid() @ autograd.ones(3, 2)
        loss = (model(x).sum() + hidden.sum()) ** 2
    return trace_of(loss)


def large() -> Trace:
    """Matrices of which a trace does not hold all entries."""
    autograd.manual_seed(0)
    x = autograd.randn(30, 20)
    w = autograd.randn(20, 10, requires_grad=True)
    with autograd.trace():
        y = (x @ w).tanh().sum()
    return trace_of(y)


def recurrent(turns: int = 20) -> Trace:
    """An LSTM of which only the last result is used, with Adam's update."""
    autograd.manual_seed(0)
    lstm, head = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 5)
    with autograd.trace():
        out, _ = lstm(autograd.randn(4, turns, 8))
        loss = nn.functional.cross_entropy(head(out[:, -1]), autograd.tensor([0, 1, 2, 3]))
    optimizer = optim.Adam([*lstm.parameters(), *head.parameters()], lr=0.01)
    return autograd.step(loss, optimizer=optimizer).trace


def attention() -> Trace:
    """A transformer block."""
    autograd.manual_seed(0)
    block = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    with autograd.trace():
        loss = (block(autograd.randn(2, 6, 16)) ** 2).mean()
    return trace_of(loss)


def loop(n: int) -> Trace:
    """`n` operations made by one loop."""
    w = autograd.tensor(0.99, requires_grad=True)
    x = autograd.tensor(1.0, requires_grad=True)
    with autograd.trace():
        for i in range(n):
            x = x * w if i % 2 else x + w
    return trace_of(x)


def not_finite() -> Trace:
    """log(0) and what becomes of it."""
    x = autograd.tensor([0.0, 1.0, 4.0], requires_grad=True)
    with autograd.trace():
        y = (x.log() * x).sum()
    return trace_of(y)


def named(names: list[str] = HOSTILE) -> Trace:
    """A sum of products whose tensors have the given names, from lines with those texts."""
    leaves = [autograd.tensor(float(i + 1), requires_grad=True) for i in range(len(names))]
    total = leaves[0] * 2
    for leaf in leaves[1:]:
        total = total * leaf
    data = copy.deepcopy(trace_of(total).data)
    nodes = data["nodes"]
    labels = iter(names)
    for i, kind in enumerate(nodes["kind"]):
        if kind == "leaf":
            nodes["name"][i] = nodes["label"][i] = next(labels)
    data["meta"]["title"] = names[0]
    data["files"] = [{"name": names[0], "lines": {"1": names[1]}}]
    data["modules"] = [{"path": names[2], "type": names[0], "parent": -1, "name": names[4]}]
    for i, kind in enumerate(nodes["kind"]):
        if kind == "op":
            nodes["src"][i] = [0, 1, 0, 1, 4]
            nodes["module"][i] = 0
    data["meta"]["notes"] = list(names)
    for step in data["steps"]:
        for edge in step["edges"]:
            edge["text"] = f"∂{names[0]}/∂{nodes['label'][edge['to']]} += g = 1 (was 2, now 3)"
    return Trace(data)


def changed(trace: Trace, **changes: Any) -> Trace:
    """A copy of a trace with other entries at its top level, those of `meta` merged."""
    data = copy.deepcopy(trace.data)
    for key, value in changes.items():
        data[key] = data[key] | value if key == "meta" else value
    return Trace(data)


def cut_short() -> Trace:
    """A trace that says that most of the pass is not in it."""
    groups = [{"label": "train.py:12", "op": "add", "count": 999_000, "flagged": 2}]
    truncated = {"nodes": 1_000_000, "kept": 7, "reason": "a window", "groups": groups}
    return changed(expression(), meta={"truncated": truncated, "total_steps": 1_000_000})


def updated() -> Trace:
    """A trace with an optimizer's update after its last step."""
    trace = expression()
    i = trace.nodes["label"].index("a")
    update = {
        "optimizer": "SGD",
        "rule": "w ← w − lr · g",
        "options": {"lr": 0.1},
        "params": [
            {
                "node": i,
                "name": "a",
                "text": "a ← 2 − 0.1 × 3 = 1.7",
                "before": 2.0,
                "after": 1.7,
                "grad": 3.0,
                "terms": [],
            }
        ],
    }
    return changed(trace, update=update)
