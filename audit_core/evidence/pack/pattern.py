"""Patterns of a pack's filter, matched without trying a part twice: with a pattern that somebody
else wrote, a regular expression could go on for years."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MAX_CHARACTERS = 2_000
"""Of a pattern, its wildcards included."""
_ANY_TEXT, _ANY_CHARACTER = "0", "1"


def pattern(pieces: Sequence[object]) -> Callable[[str], bool]:
    """Whether a whole text fits texts, 1 for any one character and 0 for any text, in this order.

    Raises `ValueError` for anything else among them, and for more than `MAX_CHARACTERS`.
    """
    parts, lengths = _parts(pieces)
    first, *middle = (re.compile(part, re.DOTALL) for part in parts)
    if not middle:
        return lambda text: first.fullmatch(text) is not None
    last = middle.pop()

    def fits(text: str) -> bool:
        place, end = lengths[0], len(text) - lengths[-1]
        if place > end or first.match(text) is None or last.match(text, end) is None:
            return False
        for part in middle:
            # The first place is as good as any: each part has one length only.
            found = part.search(text, place, end)
            if found is None:
                return False
            place = found.end()
        return True

    return fits


def _parts(pieces: Sequence[object]) -> tuple[list[str], list[int]]:
    """Between the wildcards for any text: as regular expressions, and how many characters each
    of them takes."""
    parts, lengths = [""], [0]
    for piece in pieces:
        if type(piece) is str:
            parts[-1] += re.escape(piece)
            lengths[-1] += len(piece)
        elif isinstance(piece, bool) or str(piece) not in (_ANY_TEXT, _ANY_CHARACTER):
            raise ValueError("a pattern holds texts, 0 and 1 only")
        elif str(piece) == _ANY_CHARACTER:
            parts[-1] += "."
            lengths[-1] += 1
        else:
            parts.append("")
            lengths.append(0)
    if sum(lengths) + len(parts) - 1 > MAX_CHARACTERS:
        raise ValueError(f"a pattern has more than {MAX_CHARACTERS:,} characters")
    return parts, lengths
