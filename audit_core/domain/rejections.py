"""A record that could not become an entry: kept, counted and shown, never dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass

RAW_LIMIT = 2_000
"""How many characters of the record as read are kept."""

_CUT_MARK = re.compile(r"… \(cut, [0-9,]{1,20} characters\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One record that was refused, with its place and the reason."""

    place: str
    """File and line, like ``entries.jsonl:17`` or ``entries.csv:17``."""
    reason: str
    """A sentence: what is wrong, with the value."""
    raw: str
    """The record as read. Longer than `RAW_LIMIT` it is cut, and says so at its end."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", cut_raw(self.raw))


def cut_raw(raw: str) -> str:
    """`raw`, at most `RAW_LIMIT` characters of it and then the whole length; idempotent."""
    if len(raw) <= RAW_LIMIT or _CUT_MARK.fullmatch(raw, RAW_LIMIT):
        return raw
    return f"{raw[:RAW_LIMIT]}… (cut, {len(raw):,} characters)"
