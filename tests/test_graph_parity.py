"""What nodes of the graph say of themselves, here and in PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import autograd

pytest.importorskip("torch")
pytestmark = pytest.mark.parity

# Of operations that are one in both libraries; x needs a gradient, y does not.
RESULTS = {
    "a number": lambda lib, x, y: x * 2,
    "a constant": lambda lib, x, y: y - x,
    "twice the same": lambda lib, x, y: x * x,
    "one argument": lambda lib, x, y: x.relu(),
    "a dimension": lambda lib, x, y: x.sum(0),
    "softmax": lambda lib, x, y: x.softmax(-1),
    "an index": lambda lib, x, y: x[0],
    "an index that is a tensor": lambda lib, x, y: x[lib.tensor([0, 1])],
    "gather": lambda lib, x, y: x.gather(1, lib.zeros(2, 1, dtype=lib.int64)),
    "cat": lambda lib, x, y: lib.cat([y, x, y]),
    "stack": lambda lib, x, y: lib.stack([x, y]),
    "split": lambda lib, x, y: x.split(1)[1],
    "of one of several results": lambda lib, x, y: x.split(1)[1].exp(),
    "matmul": lambda lib, x, y: x.T @ y,
    "where": lambda lib, x, y: lib.where(y > 0, x, y),
    "a tensor to fill with": lambda lib, x, y: x.masked_fill(y > 0, y[0, 0]),
    "reshape": lambda lib, x, y: x.reshape(6),
    "a bias that is None": lambda lib, x, y: lib.nn.functional.layer_norm(x, (3,), x[0]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_next_functions(name: str, torch: Any) -> None:
    """There is a pair for each argument that could have a gradient, None for constants."""
    found = []
    for lib in (autograd, torch):
        x = lib.ones(2, 3, requires_grad=True)
        node = RESULTS[name](lib, x, lib.ones(2, 3)).grad_fn
        pairs = [(n is not None, number) for n, number in node.next_functions]
        leaves = [getattr(n, "variable", None) is x for n, _ in node.next_functions]
        found.append((pairs, leaves))
    assert found[0] == found[1]


def test_node_of_a_function(torch: Any) -> None:
    found = []
    for lib in (autograd, torch):

        class Scaled(lib.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any, factor: Any, y: Any) -> Any:
                ctx.factor = factor
                return x * factor + y

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * ctx.factor, None, None

        class Again(Scaled):
            pass

        x = lib.ones(2, requires_grad=True)
        for function in (Scaled, Again):
            node = function.apply(x, 3, lib.ones(2)).grad_fn
            node.register_hook(lambda *_: None)
            links = [(n is not None, number) for n, number in node.next_functions]
            found.append((node.name(), type(node).__name__, links))
    assert found[:2] == found[2:]
    assert found[1][0] == "AgainBackward" and len(found[1][2]) == 2


def _views(lib: Any) -> list[Any]:
    x = lib.arange(12.0).reshape(3, 4)
    return [x[1], x, x.T, x[:, 1:3], x.detach(), lib.ones(2), x[:0]]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5, 6), (4, 3, 2), (1,), (3, 5), (6, 0, 1)])
def test_copies_of_views_share_memory(order: tuple[int, ...], torch: Any) -> None:
    found = []
    for lib in (autograd, torch):
        views = _views(lib)
        given = [views[i] for i in order]
        copies = copy.deepcopy(given)
        shapes = [(tuple(c.shape), c.stride()) for c in copies if c.numel()]
        states = []
        for c in copies:
            c.mul_(-2)
            states.append([other.tolist() for other in copies])
        found.append((shapes, states, [g.tolist() for g in given]))
    assert found[0] == found[1]


def test_a_copy_that_shares_memory_knows_of_changes() -> None:
    x = autograd.ones(3)
    a, b = copy.deepcopy([x[:2], x])
    a.requires_grad_()
    y = (a * a).sum()
    with autograd.no_grad():
        b.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
    assert x.tolist() == [1, 1, 1]


def test_copies_of_modules_keep_ties(torch: Any) -> None:
    found = []
    for lib in (autograd, torch):
        net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Linear(2, 2))
        net[1].weight = net[0].weight
        net.register_buffer("row", net[0].weight.detach()[1])
        net.register_buffer("whole", lib.zeros(2, 2))
        net.register_buffer("part", net.whole[0])
        with lib.no_grad():
            net[0].weight.fill_(1.0)
            twin = copy.deepcopy(net)
            twin[0].weight.mul_(3)
            twin.whole.add_(5)
        assert twin[1].weight is twin[0].weight is not net[0].weight
        found.append([t.tolist() for t in (twin.row, twin.part, net.row, net.part)])
    assert found[0] == found[1]
