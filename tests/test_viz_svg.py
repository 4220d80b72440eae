"""The picture: text that fits, nothing lost, folded where it must be, the same every time."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from op_samples import ROWS
from op_samples.calling import run_ours

import autograd
import nn
from autograd.viz import draw
from autograd.viz.drawing import Drawing
from autograd.viz.text import clean, width_of

SVG = "{http://www.w3.org/2000/svg}"


def leaf(*shape: int) -> autograd.Tensor:
    return autograd.ones(*shape, requires_grad=True)


def texts(drawing: Drawing) -> list[str]:
    """All text of the picture, after parsing it as XML."""
    return [e.text or "" for e in ET.fromstring(drawing.svg).iter(f"{SVG}text")]


def tooltips(drawing: Drawing) -> list[str]:
    return [e.text or "" for e in ET.fromstring(drawing.svg).iter(f"{SVG}title")]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.second = nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)

    def forward(self, x: autograd.Tensor) -> autograd.Tensor:
        return self.second(self.act(self.first(x)))


def recorded_loss() -> tuple[autograd.Tensor, Net]:
    model = Net()
    with autograd.trace():
        loss = (model(autograd.ones(3, 2)) ** 2).mean()
    return loss, model


# Deterministic and well formed ------------------------------------------------------------------


def test_the_smallest_picture_is_this_text() -> None:
    svg = leaf(2).draw(legend=False).svg
    body = re.sub(r"<style>.*</style>\n", "", svg, flags=re.S)
    assert body.splitlines() == [
        '<svg xmlns="http://www.w3.org/2000/svg" class="tapegrad" role="img" width="196"'
        ' height="60" viewBox="-8 -8 196 60">',
        "<title>Computation graph with 2 nodes</title>",
        '<g class="edge">',
        '<path d="M73 22L107 22"/>',
        '<path class="arrow" d="M107 22l-7 -3.2v6.4z"/>',
        "</g>",
        '<g class="text" transform="translate(0 9)"><title>parameter</title>'
        '<rect class="box parameter" width="73" height="26" rx="0"/>'
        '<text x="36.5" y="17">float32[2]</text></g>',
        '<g class="text" transform="translate(107 0)"><title>output</title>'
        '<rect class="box output" width="73" height="44" rx="7"/>'
        '<rect class="box output" x="3" y="3" width="67" height="38" rx="5"/>'
        '<text class="big" x="36.5" y="22">output</text>'
        '<text x="36.5" y="36">float32[2]</text></g>',
        "</svg>",
    ]


def test_the_same_graph_gives_the_same_text() -> None:
    def picture() -> str:
        autograd.manual_seed(0)
        loss, model = recorded_loss()
        loss.backward()
        with autograd.trace():
            loss = (model(autograd.ones(3, 2)) ** 2).mean()
        return loss.draw(model, values=True, grads=True).svg

    first = picture()
    assert first == picture() and "id=" not in first


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_every_direction_is_drawn(rankdir: str) -> None:
    x = leaf(2)
    drawing = (x.exp() - x).draw(rankdir=rankdir)
    assert drawing.rankdir == rankdir
    places = re.findall(r'class="text" transform="translate\((-?\d+) (-?\d+)\)"', drawing.svg)
    along = [int(place[rankdir in ("TB", "BT")]) for place in places]
    assert along == sorted(along, reverse=rankdir in ("RL", "BT"))
    assert min(along) >= 0


def test_text_fits_into_its_box() -> None:
    """The widths are those of the widest common font, so a browser's text is narrower."""
    x = leaf(3, 3)
    total = (x * x.exp()).sum()
    total.backward()
    root = ET.fromstring((x * x.exp()).sum().draw({"w" * 40: x}, values=True, grads=True).svg)
    sizes = {"big": 15, "small": 9, "left": 9}
    checked = 0
    for group in root.findall(f"{SVG}g[@class='text']"):
        box = next(e for e in group if "box" in e.get("class", ""))
        width = float(box.get("width") or re.findall(r"H([\d.]+)", box.get("d", ""))[0]) + 7
        for text in group.findall(f"{SVG}text"):
            size = sizes.get((text.get("class") or "").split(" ")[0], 10)
            wide = width_of(text.text or "", size)
            x0 = float(text.get("x", 0))
            left = x0 if "left" in (text.get("class") or "") else x0 - wide / 2
            assert left >= 0 and left + wide <= width
            checked += 1
    assert checked > 10


@pytest.mark.parametrize(
    ("text", "least"), [("WWWW@%", 5.4), ("日本語", 3.0), ("🎉🎉", 2.3), ("ffi", 1.0), ("", 0.0)]
)
def test_widths_are_no_underestimates(text: str, least: float) -> None:
    assert width_of(text, 100) >= 100 * least


HOSTILE = ['a"b', "</script><b>x", "<<i>", "&lt;&amp;", "é日本🎉", "👩‍🔬", "it's", "]]>", "{}%$"]


def test_hostile_names_are_shown_as_they_are() -> None:
    leaves = {name: leaf(2) for name in HOSTILE}
    drawing = draw({"<root>": sum(leaves.values(), start=autograd.zeros(2))}, leaves)
    assert {*HOSTILE, "<root>"} <= set(texts(drawing))
    assert "<b>" not in drawing.svg and "<b>" not in drawing.html
    for name in HOSTILE:
        assert name in drawing.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [("two\nlines", "two\\nlines"), ("\x00\x07", "\\x00\\x07"), ("\ud800", "\\ud800")],
)
def test_what_cannot_be_shown_is_escaped(name: str, shown: str, tmp_path: Path) -> None:
    x = leaf(2)
    drawing = x.exp().draw({name: x})
    assert shown in texts(drawing)
    drawing.save(tmp_path / "g.html")
    assert clean(name) == shown


# What is in the boxes ---------------------------------------------------------------------------


def test_modules_are_frames_with_their_parameters() -> None:
    loss, model = recorded_loss()
    shown = texts(loss.draw(model))
    assert {"Net", "first · Linear", "second · Linear"} <= set(shown)
    assert not any("act" in text for text in shown)  # one box needs no frame
    assert "model.first · Linear" in texts(loss.draw())


def test_depth_closes_modules_and_says_so() -> None:
    loss, model = recorded_loss()
    whole = loss.draw(model, depth=0)
    assert "Net" in texts(whole) and "3 operations, 4 parameters, 1 data" in texts(whole)
    drawing = loss.draw(model, depth=1)
    assert {"first", "act", "second", "linear, 2 parameters, 1 data"} <= set(texts(drawing))
    assert drawing.boxes < drawing.count == 12
    assert f"12 nodes folded into {drawing.boxes} boxes: draw(depth=...)" in " ".join(
        texts(drawing)
    )
    assert loss.draw(model, depth=2).boxes == 12
    assert "cluster_0" in drawing.dot and "Net" in drawing.dot


def test_source_lines_are_in_the_tooltips() -> None:
    loss, model = recorded_loss()
    (tip,) = [t for t in tooltips(loss.draw(model)) if t.startswith("tanh")]
    assert re.fullmatch(r"tanh; test_viz_svg.py:\d+; in act \(Tanh\)", tip)


def test_values_are_numbers_or_pictures_with_statistics() -> None:
    x, c = leaf(10, 10), autograd.tensor(2.0)
    y = (x * c).sum()
    shown = texts(y.draw(values=True))
    assert {"value", "all 1", "norm 10", "all 2", "y = 200", "value 200"} <= set(shown)
    assert "squares: blue below 0" in " ".join(shown)
    assert "norm 10" in y.draw(values=True).text and "norm 10" in y.draw(values=True).dot
    bad = autograd.tensor([float("nan")] * 5 + [1.0] * 95, requires_grad=True)
    drawing = (bad * 1.0).sum().draw(values=True)
    assert "5 NaN" in texts(drawing) and "#000000" in drawing.svg
    assert "value [2.72, 2.72]" in texts(leaf(2).exp().sum().draw(values=True))


def test_a_gradient_that_is_not_there_is_never_a_zero() -> None:
    x = leaf()
    h = x * 3.0
    y = h.exp()
    before = texts(y.draw(grads=True))
    assert "grad not computed yet" in before and "grad —" in before
    assert any(t.startswith("grad —: not computed yet, call backward()") for t in before)
    assert not any(t.startswith("grad 0") for t in before)
    h.retain_grad()
    y.backward()
    after = texts(y.draw(grads=True))
    assert "grad 60.26" in after and "grad 20.09" in after
    assert any(t.startswith("grad —: not kept, call retain_grad()") for t in after)


def test_a_value_that_nobody_kept_is_not_invented() -> None:
    y = ((leaf(2) + 1.0).sum() + 1.0) * 2.0
    y.backward()
    shown = " ".join(texts(y.draw(values=True)))
    assert "value not kept: compute it under autograd.trace()" in shown


def test_empty_integer_and_0d_tensors_are_drawn() -> None:
    x, i = leaf(3), autograd.tensor([0, 2])
    y = (x[i] * autograd.tensor(True)).sum() + leaf(0).sum()
    drawing = y.draw(values=True, grads=True)
    assert drawing.svg and drawing.text and drawing.dot


def test_a_leaf_alone_is_drawn() -> None:
    x = leaf(2)
    assert x.draw().count == 2 and "◎ x ← 1" in x.draw().text


def test_a_freed_graph_and_several_roots_are_drawn() -> None:
    x = leaf(2)
    a, b = x.exp().sum(), (x * 2.0).sum()
    a.backward()
    drawing = draw({"a": a, "b": b})
    assert {"a = 5.437", "b = 4"} <= set(texts(drawing))


def test_every_function_is_drawn_with_its_values() -> None:
    """One call of each row of the table of samples; what fails is named."""
    failed, drawn = [], 0
    for row in ROWS:
        sample = next((s for s in row.samples if s.kind == "call"), None)
        if sample is None:
            continue
        roots = [r for r in run_ours(row, sample, "float32").results if requires_grad(r)]
        if not roots:
            continue
        drawing = draw(roots, values=True, grads=True)
        try:
            ET.fromstring(drawing.svg)
            assert drawing.text and drawing.dot and not re.search(r"0x[0-9a-f]{6}", drawing.svg)
        except Exception as error:
            failed.append(f"{row.name}: {error}")
        drawn += 1
    assert failed == [] and drawn > 300


def requires_grad(x: object) -> bool:
    return isinstance(x, autograd.Tensor) and x.requires_grad


# A forward pass that raised ---------------------------------------------------------------------


def test_a_failed_forward_pass_is_drawn_as_far_as_it_came() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(4, 1))
    with pytest.raises(Exception, match="Linear"), autograd.trace() as recorder:
        model(autograd.ones(5, 2))
    drawing = draw(recorder)
    shown = texts(drawing)
    assert "✗ Linear" in shown and "tanh" in shown and "raised" in shown
    assert 'class="box failed"' in drawing.svg and "✗ Linear" in drawing.text
    assert "#b3261e" in drawing.dot
    assert re.search(r"(\d+) +tanh ← .*\n.*✗ Linear ← \1 ", drawing.text)
    (tip,) = [t for t in tooltips(drawing) if t.startswith("Linear")]
    assert re.match(r"Linear; test_viz_svg.py:\d+; \w+: Linear.*expected an input of shape", tip)

    with pytest.raises(Exception, match="matmul"), autograd.trace() as recorder:
        _ = leaf(2, 3).exp() @ leaf(2, 3)
    drawing = draw(recorder, values=True, grads=True)
    assert "✗ matmul" in texts(drawing) and texts(drawing).count("exp") == 1


def test_a_recorder_without_a_failure_draws_its_results() -> None:
    with autograd.trace() as recorder:
        y = leaf(2).exp()
    assert "exp" in texts(draw(recorder)) and y.requires_grad
    del y
    with autograd.trace() as empty:
        pass
    with pytest.raises(RuntimeError, match="nothing that is left was recorded"):
        draw(empty)


# Sizes ------------------------------------------------------------------------------------------


def chain(turns: int) -> autograd.Tensor:
    y, w = leaf(), leaf()
    for _ in range(turns):
        y = (y * w).tanh()
    return y


def test_ten_thousand_nodes_open_folded_within_a_second() -> None:
    y = chain(5_000)
    start = time.process_time()
    drawing = y.draw()
    text = drawing.svg
    taken = time.process_time() - start
    assert drawing.count == 10_003 and drawing.boxes <= 300
    assert "10,003 nodes folded into" in text and "draw(max_boxes=...)" in text
    assert taken < 1.5  # 0.3 s on an idle machine


def test_irregular_graphs_are_folded_too() -> None:
    operations = [autograd.Tensor.exp, autograd.Tensor.tanh, autograd.Tensor.sin]
    y, number = leaf(), 1
    for _ in range(3_000):
        number = number * 1103515245 % 2**31
        y = operations[(number >> 16) % 3](y)
    for most in (10, 50, 300):
        drawing = y.draw(max_boxes=most)
        assert 3 < drawing.boxes <= most
        assert drawing.svg.count('class="text"') == drawing.boxes


def test_everything_is_drawn_where_that_is_asked_for() -> None:
    drawing = chain(400).draw(max_boxes=10_000)
    assert drawing.boxes == drawing.count == 803


def test_a_loop_says_its_line_and_its_turns() -> None:
    with autograd.trace():
        y = chain(500)
    drawing = y.draw(max_boxes=20)
    assert any(re.match(r"line \d+ · mul, tanh ×500$", text) for text in texts(drawing))


@pytest.mark.slow
def test_a_million_nodes_are_never_refused() -> None:
    drawing = chain(500_000).draw()
    assert drawing.count == 1_000_003 and drawing.boxes <= 300
    assert "1,000,003 nodes folded into" in drawing.svg


def test_the_page_forbids_the_network_and_holds_the_picture() -> None:
    drawing = leaf(2).exp().draw()
    page = drawing.html
    assert "default-src 'none'" in page and drawing.svg in page
    assert not re.search(r"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//""", page)


def test_light_and_dark_text_has_contrast() -> None:
    """WCAG's ratio of at least 4.5 for text in boxes, and for the grey on white and on black."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        high, low = sorted((luminance(a), luminance(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    light, dark = leaf(2).draw().svg.split("@media")
    fills = re.compile(r"\.(?:op|parameter|data|output|group|failed) \{ fill: (#\w{6})")
    assert len(fills.findall(light)) == len(fills.findall(dark)) == 6
    assert all(contrast("#1a1a1a", fill) >= 7 for fill in fills.findall(light))
    assert all(contrast("#f0f0f0", fill) >= 7 for fill in fills.findall(dark))
    assert contrast("#757575", "#ffffff") >= 4.5 and contrast("#757575", "#000000") >= 4.5
