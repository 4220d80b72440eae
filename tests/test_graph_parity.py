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


def _graph(lib: Any) -> Any:
    a = lib.tensor([1.0, 2.0], requires_grad=True)
    b = lib.tensor([3.0, 4.0], requires_grad=True)
    c, d = a * b, a + b
    first, second = (c * 2).split(1)
    return {"a": a, "b": b, "c": c, "d": d, "first": first, "second": second}


# (tensors with the hook, what the passes start from, what `inputs` they have)
PASSES = [
    ("abcd", "c", None),
    ("abcd", "d", None),
    ("abcd", "c", "a"),
    ("abcd", "c", "c"),
    ("abcd", "c", "cb"),
    ("ab", "d", None),
    ("d", "c", None),
    ("aa", "c", None),
    (("first", "second", "a"), ("second",), None),
    (("first", "second", "c"), ("second", "first"), None),
    ("ab", "a", None),
    ("bd", "cd", "b"),
    (("a", "first", "d"), ("c", "first"), ("b",)),
    (("a", "first", "c"), ("c", "first"), ("first",)),
]


@pytest.mark.parametrize("mode", ["all", "any"])
@pytest.mark.parametrize(("hooked", "roots", "inputs"), PASSES)
def test_hooks_on_several(hooked: Any, roots: Any, inputs: Any, mode: str, torch: Any) -> None:
    if mode == "any" and hooked[0] == "first" and "first" not in roots:
        pytest.skip("PyTorch calls the hook with None, for a result that no gradient reaches")
    found = []
    for lib in (autograd, torch):
        graph, calls = _graph(lib), []
        register = lib.autograd.graph.register_multi_grad_hook
        handle = register([graph[name] for name in hooked], calls.append, mode=mode)
        of = None if inputs is None else [graph[name] for name in inputs]
        for _ in range(2):
            sum(graph[name].sum() for name in roots).backward(retain_graph=True, inputs=of)
            calls.append("pass")
        handle.remove()
        graph["c"].sum().backward()
        found.append([_listed(call) for call in calls])
    assert found[0] == found[1]


def _listed(call: Any) -> Any:
    if isinstance(call, (list, tuple)):
        return [None if g is None else g.tolist() for g in call]
    return call if isinstance(call, str) else call.tolist()


def test_hooks_on_several_in_a_pass_inside_a_pass(torch: Any) -> None:
    found = []
    for lib in (autograd, torch):
        graph, calls = _graph(lib), []
        a, b, c = (graph[name] for name in "abc")
        lib.autograd.graph.register_multi_grad_hook([a, b], calls.append)

        def inside(_: Any, lib: Any = lib, a: Any = a, b: Any = b, calls: Any = calls) -> None:
            calls.append("inside")
            with lib.enable_grad():
                (a * b * 5).sum().backward()

        c.register_hook(inside)
        c.sum().backward()
        found.append([_listed(call) for call in calls])
    assert found[0] == found[1] and len(found[0]) == 3


def test_hooks_on_several_say_what_they_need(torch: Any) -> None:
    for lib in (autograd, torch):
        register = lib.autograd.graph.register_multi_grad_hook
        with pytest.raises(ValueError, match="mode"):
            register([lib.ones(1, requires_grad=True)], print, mode="some")
        with pytest.raises((RuntimeError, AssertionError), match="grad"):
            register([lib.ones(1)], print)
        register([lib.ones(1)], print, mode="any").remove()


def test_hooks_on_several_under_the_stepper() -> None:
    graph, calls = _graph(autograd), []
    a, b, c, d = (graph[name] for name in "abcd")
    autograd.graph.register_multi_grad_hook([a, b, c, d], calls.append)
    autograd.step(c.sum()).finish()
    assert [_listed(call) for call in calls] == [[[3, 4], [1, 2], [1, 1], None]]


def test_hooks_on_several_in_grad() -> None:
    """PyTorch's do not work in `grad` where one of the tensors is a leaf."""
    graph, calls = _graph(autograd), []
    a, b, c, d = (graph[name] for name in "abcd")
    autograd.graph.register_multi_grad_hook([a, b, c, d], calls.append)
    autograd.grad(c.sum(), [a])
    assert [_listed(call) for call in calls] == [[[3, 4], None, [1, 1], None]]
