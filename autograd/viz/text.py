"""Text in drawings: what may be shown of a name, and how much room it takes at most."""

from __future__ import annotations

import math
import unicodedata

LONGEST = 60

# In thousandths of the font size, the widest of Helvetica, Arial and DejaVu Sans, rounded up.
_WIDTHS = {
    char: width
    for width, chars in {
        340: " ',./:;\\|ijlI",
        420: "!()[]ftr-",
        535: '"*_`sz?J·',
        640: "$0123456789{}abcdeghknopquvxyEFLPSTY∂Σσλ",
        790: "ABCDGHKNOQRUVXZ&",
        840: "w#+<=>^~−×←→∞",
        1020: "mMW%@…",
    }.items()
    for char in chars
}
_MARK, _OTHER, _WIDE, _EMOJI = 0, 900, 1050, 1350


def width_of(text: str, size: int) -> int:
    """Pixels that are enough for `text` in a common sans-serif font.

    >>> width_of("xW", 10), width_of("日本", 10)
    (17, 21)
    """
    return math.ceil(sum(map(_width, text)) * size / 1000)


def _width(char: str) -> int:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return _MARK
    if ord(char) >= 0x1F000:
        return _EMOJI
    return _WIDE if unicodedata.east_asian_width(char) in "WF" else _OTHER


def clean(text: str, longest: int = LONGEST) -> str:
    """`text` in one line of reasonable length, with what cannot be shown as an escape."""
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return "".join(
        c if c.isprintable() or _joins(c) else c.encode("unicode_escape").decode() for c in text
    )


def _joins(c: str) -> bool:
    """The parts of composed emoji that show nothing themselves."""
    return c == "\u200d" or unicodedata.category(c) == "Mn"


def count(n: int, what: str) -> str:
    """`1 operation`, `2 boxes`, `1,000 data`."""
    if n != 1 and what != "data":
        what += "es" if what.endswith("x") else "s"
    return f"{n:,} {what}"
