"""What the engines' answers are made of: instants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def instant(naive: datetime) -> datetime:
    """A time as engines give it, aware."""
    return naive.replace(tzinfo=UTC)


def timed(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its `first` and `last` aware."""
    return row | {name: instant(row[name]) for name in ("first", "last")}
