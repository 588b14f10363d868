"""How long entries are kept. Whole months go at once, as engines can drop a month as one piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pyarrow as pa
from sqlalchemy import ColumnElement, and_, not_, or_

from audit_core.log.schema import Statement


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
        return month_of(now - timedelta(days=self.days))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMonth:
    """A month of one organization that is kept whole, however old it is."""

    organization_id: str
    """As it is stored: '' for none."""
    month: datetime
    """Its beginning: aware, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What is dropped: all that was made before `earliest`, but for the months that are held."""

    earliest: datetime
    """The beginning of a month: aware, UTC."""
    held: frozenset[HeldMonth] = frozenset()

    @property
    def organizations(self) -> dict[datetime, tuple[str, ...]]:
        """Who holds each month that anybody holds, in order."""
        months = sorted({one.month for one in self.held})
        return {
            month: tuple(sorted(one.organization_id for one in self.held if one.month == month))
            for month in months
        }

    def expired(
        self, made_at: ColumnElement[datetime], organization_id: ColumnElement[str]
    ) -> ColumnElement[bool]:
        """Whether a row goes."""
        before = made_at < self.earliest
        held = [
            and_(made_at >= month, made_at < next_month(month), organization_id.in_(organizations))
            for month, organizations in self.organizations.items()
        ]
        return and_(before, not_(or_(*held))) if held else before


class Holds(Protocol):
    """Knows which months are held."""

    def held(
        self, earliest: datetime, fetch: Callable[[Statement], pa.Table]
    ) -> frozenset[HeldMonth]:
        """The months before `earliest` that are held; `fetch` reads the log. Raises `AuditError`:
        then nothing is dropped."""


def month_of(instant: datetime) -> datetime:
    """The beginning (UTC) of the month in which an instant lies."""
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """The beginning of the month after the one that begins then."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
