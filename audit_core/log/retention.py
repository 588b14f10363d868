"""How long entries are kept. Whole months go at once, as engines can drop a month as one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Keeps at least the last `days` days; everything for `None`."""

    days: int | None = None
    """From 1 up."""

    def earliest(self, now: datetime) -> datetime | None:
        """From when on entries are kept: the beginning (UTC) of the month in which `days` days
        before `now` lie. `None`: from the beginning."""
        if self.days is None:
            return None
        edge = now.astimezone(UTC) - timedelta(days=self.days)
        return edge.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
