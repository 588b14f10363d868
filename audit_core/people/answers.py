"""What the engines' answers are made of: instants, and stretches of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


def instant(naive: datetime) -> datetime:
    """A time as engines give it, aware."""
    return naive.replace(tzinfo=UTC)


def timed(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its `first` and `last` aware."""
    return row | {name: instant(row[name]) for name in ("first", "last")}


def width_us(since: datetime, until: datetime, stretches: int) -> int:
    """How long `stretches` stretches are, in microseconds, to reach from one end to the other."""
    return max(1, -(-((until - since) // timedelta(microseconds=1)) // stretches))
