"""What a trace shows where no script runs: a picture and the steps as nested `<details>`.

Untrusted notebooks and GitHub take away scripts, frames and inline SVG, but leave images with data
URIs, `<details>` and text (measured), and a reader can step by opening one detail after another.
"""

from __future__ import annotations

import base64
import html
from typing import Any

from ...viz.scene import Folding, scene_of
from ...viz.svg import Picture
from ..trace import Trace
from ..values import short
from .scene import COMFORTABLE, graph_of_trace

MOST_STEPS = 40
"""So many steps are listed; of a longer pass the first ones and the flagged ones."""

LARGEST_PICTURE = 12_000
"""Above so many characters the picture leaves out the numbers, then it folds more."""


def static(trace: Trace, hint: str = "Allow JavaScript to step through the pass.") -> str:
    """The HTML: no script, no style, nothing to fetch."""
    title = html.escape(str(trace.meta.get("title", "L")))
    parts = [
        f"<p><b>Backward pass of <code>{title}</code></b>: {len(trace.steps)} steps. {hint}</p>",
        f'<p><img alt="graph of {title}" style="max-width: 100%" src="{picture(trace)}"></p>',
        *(f"<p>{html.escape(note)}</p>" for note in _notes(trace)),
    ]
    shown = _chosen(trace)
    parts += [_step(trace, trace.steps[k]) for k in shown]
    if len(shown) < len(trace.steps):
        parts.append(f"<p>{len(trace.steps) - len(shown)} more steps are not listed here.</p>")
    return "\n".join(parts)


def picture(trace: Trace) -> str:
    """The graph as a data URI, with values and gradients where there is room for them."""
    graph = graph_of_trace(trace)
    uri = ""
    folding = Folding(graph, limit=COMFORTABLE)
    for numbers, limit in ((True, COMFORTABLE), (False, COMFORTABLE), (False, 20), (False, 8)):
        if limit < COMFORTABLE:
            folding = Folding(graph, limit=limit)
        scene = scene_of(folding, values=numbers, grads=numbers)
        svg = Picture(scene).svg()
        uri = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
        if len(uri) <= LARGEST_PICTURE:
            break
    return uri


def _notes(trace: Trace) -> list[str]:
    notes = list(trace.meta.get("notes", ()))
    truncated, error = trace.meta.get("truncated"), trace.meta.get("error")
    if truncated:
        notes.append(
            f"Not all of it is here: {truncated['kept']:,} of {truncated['nodes']:,} operations. "
            f"{truncated.get('reason', '')}"
        )
    if error:
        notes.append(f"{error['type']}: {error['message']}")
    return notes


def _chosen(trace: Trace) -> list[int]:
    """The numbers of the steps that are listed."""
    if len(trace.steps) <= MOST_STEPS:
        return list(range(len(trace.steps)))
    flagged = [k for k, step in enumerate(trace.steps) if {"nan", "inf"} & set(step["flags"])]
    first = range(MOST_STEPS // 2)
    return sorted({*first, *flagged[: MOST_STEPS // 2]})


def _step(trace: Trace, step: dict[str, Any]) -> str:
    """One step: a line to see, and what it does when it is opened."""
    nodes, i = trace.nodes, step["node"]
    flags = f" <b>! {html.escape(', '.join(step['flags']))}</b>" if step["flags"] else ""
    head = f"Step {step['k']}: <code>{html.escape(nodes['label'][i])}</code>"
    head = f"{head} ({html.escape(nodes['op'][i])}){flags}"
    lines = [
        f"g = ∂{trace.meta.get('title', 'L')}/∂{nodes['label'][i]} = {_brief(step['upstream'])}"
    ]
    lines += [edge["text"] for edge in step["edges"]]
    src = nodes["src"][i]
    if src is not None:
        file = trace.files[src[0]]
        lines.append(f"{file['name']}:{src[1]}  {file['lines'].get(str(src[1]), '').strip()}")
    body = html.escape("\n".join(lines))
    return f"<details><summary>{head}</summary><pre>{body}</pre></details>"


def _brief(value: Any) -> str:
    if not isinstance(value, dict):
        return "not computed yet" if value is None else short(value)
    if "results" in value:
        return ", ".join(_brief(part) for part in value["results"])
    shape = "×".join(map(str, value["shape"]))
    return f"{shape} {value['dtype']} of norm {short(value['stats']['norm'])}"
