"""The graph as data, what its nodes are called, and the drawing made from it."""

from __future__ import annotations

import html
import random
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd.viz import draw
from autograd.viz.drawing import LONGEST_PLAIN, Drawing
from autograd.viz.graph import Graph, graph_of
from autograd.viz.names import Names

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing")


def leaf(*shape: int) -> autograd.Tensor:
    return autograd.ones(*shape, requires_grad=True)


def triples(graph: Graph) -> list[tuple[str, str, int]]:
    """(source, target, slot) of every edge, with nodes by symbol, name or kind."""

    def text(i: int) -> str:
        node = graph.nodes[i]
        return node.symbol or node.op or node.name or node.kind

    return [(text(e.source), text(e.target), e.slot) for e in graph.edges]


def svg_texts(drawing: Drawing) -> list[str]:
    svg = drawing.pipe("svg", encoding="utf-8")
    return [html.unescape(t) for t in re.findall(r"<text[^>]*>(.*?)</text>", svg)]


# The graph as data ---------------------------------------------------------------------------


def test_a_square_has_two_edges_in_the_order_of_its_arguments() -> None:
    x = leaf(2, 3)
    graph = graph_of([x * x])
    assert [node.kind for node in graph.nodes] == ["parameter", "op", "output"]
    assert [(e.source, e.target, e.slot, e.role) for e in graph.edges] == [
        (0, 1, 0, "x"),
        (0, 1, 1, "y"),
        (1, 2, 0, ""),
    ]
    assert graph.nodes[1].shape == (2, 3) and graph.nodes[1].dtype == "float32"
    assert graph.roots == [2]


def test_a_diamond_has_each_node_once() -> None:
    x = leaf(3)
    h = x.exp()
    graph = graph_of([(h.sin() - h).sum()])
    assert [node.op for node in graph.nodes if node.kind == "op"] == ["exp", "sin", "sub", "sum"]
    assert ("exp", "-", 1) in triples(graph) and ("sin", "-", 0) in triples(graph)


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_agree_with_the_tape(seed: int) -> None:
    choose = random.Random(seed)
    tensors = [leaf(2) for _ in range(3)]
    for _ in range(40):
        a, b = choose.choices(tensors[-8:], k=2)
        tensors.append(choose.choice([a * b, a - b, a.tanh(), a + a]))
    roots = tensors[-3:]
    graph = graph_of(roots)
    tape = autograd.engine.tape(roots)
    operations = [node for node in graph.nodes if node.kind == "op"]
    assert [node.sequence for node in operations] == [node.sequence for node in tape]
    assert [node.id for node in graph.nodes] == list(range(len(graph.nodes)))
    assert all(edge.source < edge.target for edge in graph.edges)
    for drawn, node in zip(operations, tape, strict=True):
        into = [edge for edge in graph.edges if edge.target == drawn.id]
        assert [e.slot for e in into] == [i for i, e in enumerate(node.edges) if e is not None]
        for edge in into:
            source = node.edges[edge.slot]
            assert graph.nodes[edge.source].sequence == source.sequence
            assert graph.nodes[edge.source].shape == tuple(source.shape)


def test_backward_leaves_the_structure() -> None:
    x, w = autograd.ones(4, 3), leaf(2, 3)
    loss = (x @ w.T).relu().sum()
    before = graph_of([loss])
    loss.backward()
    after = graph_of([loss])
    assert ("data", "@", 0) in triples(before) and ("data", "@", 0) not in triples(after)
    assert [t for t in triples(before) if t[0] != "data"] == triples(after)
    assert [n.lost for n in after.nodes if n.op == "matmul"] == [("x",)]


def test_constants_are_drawn_where_known_and_never_invented() -> None:
    x, c = leaf(2), autograd.tensor([3.0, 4.0])
    graph = graph_of([x * c + c * x * 2.0])
    data = [node for node in graph.nodes if node.kind == "data"]
    assert [(node.shape, node.value) for node in data] == [((2,), None), ((), 2.0)]
    assert not any(node.requires_grad for node in data)

    unknown = graph_of([1.0 - x])  # the derivative of a difference needs neither operand
    assert [node.kind for node in unknown.nodes] == ["parameter", "op", "output"]
    assert unknown.edges[0].slot == 1 and unknown.nodes[1].lost == ("x",)


def test_several_results_are_told_apart() -> None:
    a, b = leaf(2, 3).unbind(0)
    graph = graph_of([a * b, b])
    unbind = next(node for node in graph.nodes if node.op == "unbind")
    assert unbind.results == (((3,), "float32"), ((3,), "float32"))
    assert unbind.arguments == {"axis": "0"}
    assert [e.output for e in graph.edges if e.source == unbind.id] == [0, 1, 1]


def test_roots_may_be_several_a_leaf_or_the_same_twice() -> None:
    x = leaf(2)
    y = x.exp()
    graph = graph_of([x, y, y], labels=["a", "b", "c"])
    outputs = [graph.nodes[i] for i in graph.roots]
    assert [node.name for node in outputs] == ["a", "b", "c"]
    assert [(graph.nodes[e.source].kind) for e in graph.edges if e.target in graph.roots] == [
        "parameter",
        "op",
        "op",
    ]


def test_a_function_of_the_user_is_drawn_under_its_name() -> None:
    class Cube(autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            ctx.node, ctx.index = "theirs", 3  # which are no part of the graph
            return x**3

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    x = leaf(2)
    y = Cube.apply(x)
    graph = graph_of([y + y])
    assert triples(graph) == [
        ("parameter", "Cube", 0),
        ("Cube", "+", 0),
        ("Cube", "+", 1),
        ("+", "output", 0),
    ]
    assert [edge.output for edge in graph.edges] == [0, 0, 0, 0]
    assert y.grad_fn.name() == "CubeBackward" and y.output_nr == 0


def test_a_long_chain_needs_no_recursion() -> None:
    x = y = leaf()
    for _ in range(20_000):
        y = y + 1.0
    assert len(graph_of([y]).nodes) == 20_002
    assert x.grad is None


def test_a_graph_keeps_no_array_alive() -> None:
    def drawn() -> tuple[Graph, Drawing, weakref.ref]:  # type: ignore[type-arg]
        y = leaf(2).exp()
        return graph_of([y]), y.draw(), weakref.ref(y)

    graph, drawing, alive = drawn()
    assert alive() is None and graph.nodes and drawing.source


# Names ---------------------------------------------------------------------------------------


def names_of(drawing: Drawing) -> list[str]:
    return re.findall(r'POINT-SIZE="15">(.*?)</FONT>', drawing.source)


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def test_a_module_names_its_parameters() -> None:
    model = two_layers()
    found = names_of(model(autograd.ones(5, 3)).sum().draw(model))
    assert {"0.weight", "0.bias", "2.weight", "2.bias"} <= set(found)
    # Without the argument, the caller's variable that holds the module is in front.
    found = names_of(model(autograd.ones(5, 3)).sum().draw())
    assert {"model.0.weight", "model.2.bias"} <= set(found)


def test_a_frozen_parameter_is_a_parameter_still() -> None:
    model = two_layers()
    model[2].weight.requires_grad_(False)
    graph = graph_of([model(autograd.ones(5, 3)).sum()], named(model))
    (frozen,) = [node for node in graph.nodes if node.name == "2.weight"]
    assert frozen.kind == "parameter" and not frozen.requires_grad
    drawing = model(autograd.ones(5, 3)).sum().draw(model)
    assert "dashed" in drawing.dot and 'class="box parameter frozen"' in drawing.svg


def named(params: object) -> Names:
    names = Names()
    names.add_params(params)
    return names


def test_names_come_from_a_dict_then_the_attribute_then_the_variable() -> None:
    x, y, z = leaf(2), leaf(2), leaf(2)
    y.name = "an attribute"
    found = names_of(((x * y) * z).sum().draw({"given": x}))
    assert found[:3] == ["given", "an attribute", "*"]
    assert "z" in found


def test_an_intermediate_result_is_called_as_its_variable() -> None:
    x = leaf(2)
    hidden = x.exp()
    loss = hidden.sum()
    text = loss.draw().source
    assert ">hidden: float32[2]<" in text
    assert names_of(loss.draw())[-1] == "loss = 5.437"


def test_tensors_in_a_list_are_called_by_their_place() -> None:
    w, others = [leaf(2), leaf(2)], {"key": leaf(2)}
    found = names_of((w[0] * w[1] * others["key"]).draw())
    assert {"w[0]", "w[1]", "others[&#x27;key&#x27;]"} <= set(found)


def test_a_loop_over_parameters_does_not_rename_them() -> None:
    model = two_layers()
    for p in model.parameters():
        p.requires_grad_()
    _q = p
    assert {"model.2.bias"} <= set(names_of(model(autograd.ones(1, 3)).sum().draw()))


def test_private_variables_name_nothing() -> None:
    _hidden = leaf(2)
    assert "_hidden" not in _hidden.exp().draw().source


@pytest.mark.parametrize(
    ("params", "message"),
    [(3, "got int"), ({"w": np.ones(2)}, "'w' is a ndarray"), ([1], "got a int among them")],
)
def test_params_of_another_kind_are_refused(params: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        leaf(2).exp().draw(params)


# Wrong roots ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "error", "message"),
    [
        (two_layers(), TypeError, r"the module Sequential; call it .* draw\(model\(x\)\)"),
        (nn.Linear, TypeError, "the class Linear"),
        (leaf(2).mean, TypeError, r"the function mean itself; call it, as in draw\(mean\(\)\)"),
        (np.ones(2), TypeError, "ndarray, which records no graph"),
        (2.0, TypeError, "float, which records no graph"),
        ("loss", TypeError, "got str"),
        ([], ValueError, "an empty list"),
        ([leaf(2), None], TypeError, "at 1, got None; was the function's `return` forgotten"),
        ([[leaf(2)]], TypeError, "give one flat list"),
        ({"aux": autograd.ones(2)}, RuntimeError, r"float32\[2\] at 'aux' has no graph"),
        (autograd.ones(2), RuntimeError, "requires_grad=True, or it was computed under no_grad"),
    ],
)
def test_a_wrong_root_is_told_what_to_do(
    root: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw(root)


def test_where_gradients_were_cut_off_is_said() -> None:
    x = leaf(2)
    with autograd.trace():
        y = x.exp().detach() * 2.0
        with pytest.raises(RuntimeError, match=r"cut off here:\n.*detach.*line \d+") as info:
            y.draw()
    assert "y = x.exp().detach() * 2.0" in str(info.value)
    plain = autograd.ones(2)
    with pytest.raises(RuntimeError, match=r"do not require grad: .*plain \(float32"):
        (plain * 2.0).draw()
    with pytest.raises(RuntimeError, match="int64 tensors have no gradients"):
        autograd.tensor([1]).draw()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"rankdir": "left"}, 'rankdir must be "LR", "TB"'),
        ({"engine": "neato"}, 'engine must be "auto" or "dot"'),
        ({"depth": -1}, "depth must be a whole number from 0"),
        ({"depth": 1.5}, "depth must be a whole number from 0"),
        ({"max_boxes": 3}, "max_boxes must be a whole number from 10"),
    ],
)
def test_a_wrong_option_is_refused(option: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        leaf(2).exp().draw(**option)


# The drawing ---------------------------------------------------------------------------------


def test_parameters_and_data_differ_in_shape() -> None:
    x, w = autograd.ones(4, 3), leaf(2, 3)
    source = (x @ w.T).draw().source
    shapes = {
        kind: re.search(rf"shape=(\w+) .*tooltip={kind}", source)[1]  # type: ignore[index]
        for kind in ("parameter", "data")
    }
    assert shapes == {"parameter": "box", "data": "note"}


def test_edges_are_labelled_only_where_the_order_matters() -> None:
    x, y = leaf(2), leaf(2)
    assert "headlabel" not in (x + y).draw().source
    assert "headlabel" not in x.exp().draw().source
    source = (x / y).draw().source
    assert source.index("headlabel=left") < source.index("headlabel=right")
    a, b = leaf(2, 3).unbind(0)
    assert 'taillabel="[1]"' in (a + b).draw().source


def test_a_lost_operand_is_shown_on_its_side() -> None:
    x = leaf(2)
    assert "const -" in names_of((1.0 - x).draw())
    assert "- const" in names_of((x - 1.0).draw())


def test_small_graphs_run_to_the_right_and_large_ones_down() -> None:
    y = leaf()
    for _ in range(50):
        y = y.tanh()
    assert "rankdir=TB" in y.draw().source and "rankdir=LR" in y.draw(rankdir="LR").source
    assert "rankdir=LR" in leaf().exp().draw().source


HOSTILE = [
    'a"b',
    "back\\slash\\",
    "</script><b>x",
    "<<i>label</i>>",
    "a -> b; c",
    "é日本🎉",
    "&lt;&amp;",
    "\\N \\G \\l",
    "{}[]|%",
    "it's",
]


@needs_dot
def test_hostile_names_are_shown_as_they_are() -> None:
    leaves = {name: leaf(2) for name in HOSTILE}
    total = sum(leaves.values(), start=autograd.zeros(2))
    shown = svg_texts(draw({"out": total}, leaves))
    for name in HOSTILE:
        assert name in shown or name == "\\N \\G \\l"
    # This one is split where Graphviz would replace it.
    assert "\\N\\G\\l" in "".join(shown).replace(" ", "").replace("\xa0", "")


@needs_dot
@pytest.mark.parametrize(
    ("name", "shown"),
    [("two\nlines", "two\\nlines"), ("\x00\x07", "\\x00\\x07"), ("\ud800", "\\ud800")],
)
def test_what_cannot_be_shown_is_escaped(name: str, shown: str) -> None:
    x = leaf(2)
    assert shown in svg_texts(x.exp().draw({name: x}))


def test_a_long_name_is_cut() -> None:
    x = leaf(2)
    assert f">{'x' * 59}…<" in x.exp().draw({"x" * 500: x}).source


def test_a_notebook_shows_svg_and_text_without_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    bundle = leaf(2).exp().draw()._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg") and "exp" in bundle["image/svg+xml"]
    assert bundle["text/plain"].startswith("Computation graph with 3 nodes\n")


def test_the_text_in_a_notebook_is_cut() -> None:
    y = leaf(2)
    for _ in range(2 * LONGEST_PLAIN):
        y = y.exp()
    lines = y.draw(max_boxes=300)._repr_mimebundle_()["text/plain"].splitlines()
    assert len(lines) == LONGEST_PLAIN + 1
    assert lines[-1].endswith("more lines: print(drawing) shows them")


@needs_dot
def test_graphviz_can_lay_out_the_picture() -> None:
    drawing = leaf(2).exp().draw(engine="dot")
    assert drawing.svg.startswith("<?xml") and "exp" in drawing.svg
    assert drawing._repr_mimebundle_()["image/svg+xml"] == drawing.svg


def test_without_dot_what_needs_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    drawing = leaf(2).exp().draw()
    for act in (
        lambda: drawing.save(tmp_path / "g.png"),
        lambda: drawing.save(tmp_path / "g.pdf"),
        lambda: drawing.render(tmp_path / "g", format="svg"),
        lambda: leaf(2).exp().draw(engine="dot").svg,
    ):
        with pytest.raises(RuntimeError, match=r"needs its program `dot`.*apt install graphviz"):
            act()
    bundle = leaf(2).exp().draw(engine="dot")._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "apt install graphviz" in bundle["text/plain"]


@needs_dot
def test_png_and_pdf_are_made_by_graphviz(tmp_path: Path) -> None:
    drawing = leaf(2).exp().draw()
    assert Path(drawing.save(tmp_path / "g.png")).read_bytes().startswith(b"\x89PNG")
    assert Path(drawing.save(tmp_path / "g.pdf")).read_bytes().startswith(b"%PDF")
    assert Path(drawing.render(tmp_path / "h", format="svg")).exists()


def test_every_format_is_told_by_its_suffix(tmp_path: Path) -> None:
    drawing = leaf(2).exp().draw()
    for suffix, start in (
        ("svg", "<svg"),
        ("html", "<!DOCTYPE html>"),
        ("txt", "Computation graph"),
        ("dot", "digraph"),
        ("GV", "digraph"),
    ):
        path = drawing.save(str(tmp_path / f"g.{suffix}"))
        assert Path(path).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(("name", "said"), [("g.jpeg", "not .jpeg"), ("g", "there is none")])
def test_an_unknown_suffix_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"must be \.svg, \.html, .*{said}"):
        leaf(2).exp().draw().save(tmp_path / name)


def test_the_drawing_can_be_copied_and_saved(tmp_path: Path) -> None:
    drawing = leaf(2).exp().draw()
    assert drawing.copy().source == drawing.source
    path = drawing.save(tmp_path / "g.dot")
    with open(path, encoding="utf-8") as file:
        assert file.read() == drawing.source


@needs_dot
def test_graphviz_keeps_the_order_of_the_operands() -> None:
    """`a - b` with `b` recorded first: the left operand is still drawn above the right one."""
    p, q = leaf(2), leaf(2)
    b, a = q.exp(), p.sin()
    plain = (a - b).draw().pipe("plain", encoding="utf-8")
    places = {
        line.split()[1]: float(line.split()[3]) for line in plain.splitlines() if line[:4] == "node"
    }
    kinds = {node.op: f"n{node.id}" for node in graph_of([a - b]).nodes if node.op}
    assert places[kinds["sin"]] > places[kinds["exp"]]


def test_importing_the_package_does_not_import_graphviz() -> None:
    code = "import autograd, sys; assert 'graphviz' not in sys.modules; autograd.Tensor.draw"
    subprocess.run([sys.executable, "-c", code], check=True)
