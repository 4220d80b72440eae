"""What a notebook keeps of a stepper: HTML that works live, exported, and without trust.

The output is an `<iframe srcdoc>` with the page, and beside it the static picture and steps, which
the page hides when it runs. An untrusted notebook takes the frame away and leaves the rest. There
is no widget MIME type among it: where there is one, exports show that and nothing else (measured).
"""

from __future__ import annotations

import html

from ..trace import Trace
from .page import page
from .static import static

HEIGHT = 680
"""Of the frame, in pixels."""


def notebook(trace: Trace, step: int = 0, height: int = HEIGHT) -> str:
    """The HTML of a notebook's output.

    Args:
        step: the position that it opens at.
        height: of the frame, in pixels.
    """
    document = html.escape(page(trace, step, fallback=False), quote=True)
    hint = "To step here, trust the notebook: File → Trust Notebook."
    return (
        '<div class="tapegrad-stepper">'
        f'<iframe srcdoc="{document}" title="backward pass" '
        f'style="width: 100%; height: {int(height)}px; border: 0"></iframe>'
        f"<details open><summary>Backward pass</summary>{static(trace, hint)}</details></div>"
    )
