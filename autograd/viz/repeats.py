"""What repeats in a sequence: the turns of a loop, found in the operations that it recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FEWEST = 6  # elements that a loop stands for: fewer are as easily read as they are
ROUNDS, PERIODS = 16, 40  # bounds on the work in a sequence that hardly repeats


class Loop:
    """`turns` are the parts of a sequence that follow one another with equal tokens."""

    def __init__(self, turns: list[list[Any]]) -> None:
        self.turns = turns


class Tokens:
    """Numbers for things, equal things getting equal numbers."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def of(self, text: str) -> int:
        """The number of a text."""
        return self.known.setdefault(text, len(self.known))


def find_loops(
    tokens: Sequence[int], contents: Sequence[Any], table: Tokens
) -> tuple[list[int], list[Any]]:
    """The sequence with what repeats put into a `Loop`, loops in loops as well.

    A loop is at least two turns after one another whose tokens are equal, and at least `FEWEST`
    elements. Shorter periods go first, so that an inner loop becomes one element before the
    outer one is looked for; two loops are equal if their bodies and their numbers of turns are.

    >>> tokens, contents = find_loops([7, 1, 2, 1, 2, 1, 2, 8], "abcdefgh", Tokens())
    >>> [c.turns if isinstance(c, Loop) else c for c in contents]
    ['a', [['b', 'c'], ['d', 'e'], ['f', 'g']], 'h']
    """
    tokens, contents = list(tokens), list(contents)
    for _ in range(ROUNDS):
        for period in _periods(tokens):
            shorter = _collapse(tokens, contents, period, table)
            if len(shorter[0]) < len(tokens):
                tokens, contents = shorter
                break
        else:
            break
    return tokens, contents


def _periods(tokens: list[int]) -> list[int]:
    """Distances at which tokens come again, the shortest first."""
    last: dict[int, int] = {}
    count: dict[int, int] = {}
    for i, token in enumerate(tokens):
        if token in last:
            distance = i - last[token]
            count[distance] = count.get(distance, 0) + 1
        last[token] = i
    often = [d for d, times in count.items() if times > 1 or 2 * d >= FEWEST]
    return sorted(often)[:PERIODS]


def _collapse(
    tokens: list[int], contents: list[Any], period: int, table: Tokens
) -> tuple[list[int], list[Any]]:
    """The sequence with its repeats of one period put into loops."""
    kept_tokens: list[int] = []
    kept: list[Any] = []
    i, n = 0, len(tokens)
    while i < n:
        j = i
        while j + period < n and tokens[j] == tokens[j + period]:
            j += 1
        times = (j - i) // period + 1
        if times >= 2 and times * period >= FEWEST:
            end = i + times * period
            body = ",".join(map(str, tokens[i : i + period]))
            kept_tokens.append(table.of(f"({body}) x {times}"))
            turns = range(i, end, period)
            kept.append(Loop([contents[k : k + period] for k in turns]))
            i = end
        else:
            # No repeat begins in between either: the equal stretch would be shorter still.
            kept_tokens.extend(tokens[i : j + 1])
            kept.extend(contents[i : j + 1])
            i = j + 1
    return kept_tokens, kept
