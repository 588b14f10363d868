"""An entry that was picked, to be looked at beside others: as it stands in an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.query.time.windows import format_instant, parse_instant

MAX_PICKS = 5
"""How many entries can be compared."""

_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which entry, and where to look for it."""

    entry_id: str
    created_at: datetime
    """Aware, UTC."""

    def to_param(self) -> str:
        """The pick as one URL parameter; `from_param` gives it back."""
        return f"{format_instant(self.created_at)}~{self.entry_id}"

    @classmethod
    def from_param(cls, text: str) -> Pick:
        """Raises `ValueError` with the reason if the text is no pick."""
        time, mark, entry_id = text.partition("~")
        if not mark or not entry_id or len(text) > _LONGEST:
            raise ValueError(f"the entry to compare {text[:_LONGEST]!r} cannot be read")
        return cls(entry_id=entry_id, created_at=parse_instant(time))
