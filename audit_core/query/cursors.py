"""The cursor: a place between two entries in the order newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.query.windows import format_instant, parse_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins: after one entry on the way to older ones, or before it on the way back.

    A keyset, never an offset: entries that arrive meanwhile shift nothing.
    """

    created_at: datetime
    """Aware, UTC."""
    seq: int
    newer: bool = False
    """False: the entries older than this one. True: the newest page of those newer than it."""

    def to_param(self) -> str:
        """The cursor as one URL parameter."""
        direction = "newer" if self.newer else "older"
        return f"{direction}~{format_instant(self.created_at)}~{self.seq}"

    @classmethod
    def from_param(cls, text: str) -> Cursor:
        """Raises `ValueError` with the reason if the text is no cursor."""
        parts = text.split("~")
        if len(parts) != 3 or parts[0] not in ("older", "newer") or not _is_number(parts[2]):
            raise ValueError(f"the place {text!r} in the list cannot be read")
        return cls(created_at=parse_instant(parts[1]), seq=int(parts[2]), newer=parts[0] == "newer")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
