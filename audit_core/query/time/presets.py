"""The relative windows: lengths that end now, and days, weeks and months of a zone.

All of them move with time: links and views hold their keys, never the instants that they meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto
from zoneinfo import ZoneInfo

from audit_core.query.time.days import MICROSECOND, day_start

Ends = tuple[datetime | None, datetime | None]
"""From (inclusive) and until (exclusive), in UTC; `None` without a bound."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """What lies a length or less ago; open at its end."""

    label: str
    """For people, in sentence case."""
    length: timedelta | None
    """`None`: without limit."""

    @property
    def short(self) -> str:
        """The label for titles."""
        return self.label.removeprefix("Last ")

    @property
    def compared_with(self) -> str:
        """What lies before, within a sentence."""
        return f"the prior {self.short}"

    def ends(self, now: datetime, zone: str) -> Ends:
        """What it means at `now`; the zone does not matter."""
        return (None if self.length is None else now - self.length), None

    def ends_before(self, now: datetime, zone: str) -> Ends | None:
        """What it is compared with: the same length before. `None` if it has no beginning."""
        return None if self.length is None else (now - 2 * self.length, now - self.length)


class Unit(Enum):
    """What a calendar is made of. Weeks begin on Monday, as those of charts do."""

    DAY = auto()
    WEEK = auto()
    MONTH = auto()

    def first(self, day: date) -> date:
        """The first day of the one that a day lies in."""
        if self is Unit.WEEK:
            return day - _DAY * day.weekday()
        return day.replace(day=1) if self is Unit.MONTH else day

    def following(self, first: date) -> date:
        """The first day of the next one."""
        if self is Unit.MONTH:
            return self.first(first + 31 * _DAY)
        return first + _DAY * (7 if self is Unit.WEEK else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The present day, week or month of a zone, or the one before; whole, so it may end ahead."""

    label: str
    unit: Unit
    past: bool
    """Whether the one before is meant."""
    compared_with: str
    """What the whole of it, or as much of it as has passed, is compared with, within a sentence."""

    @property
    def short(self) -> str:
        """The label for titles."""
        return self.label

    def ends(self, now: datetime, zone: str) -> Ends:
        """What it means at `now` in the zone."""
        since, until = self._around(now, zone)
        return self._around(since - MICROSECOND, zone) if self.past else (since, until)

    def ends_before(self, now: datetime, zone: str) -> Ends:
        """What it is compared with: the whole one before; of the present one that is not over yet
        only as far as the clocks have come in this one, or to its end, if it is shorter."""
        since, _ = self._around(now, zone)
        if self.past:
            since, _ = self._around(since - MICROSECOND, zone)
            return self._around(since - MICROSECOND, zone)
        before, end = self._around(since - MICROSECOND, zone)
        info = ZoneInfo(zone)
        local = now.astimezone(info)
        days = local.date() - since.astimezone(info).date()
        same_day = before.astimezone(info).date() + days
        same_time = datetime.combine(same_day, local.timetz()).astimezone(UTC)
        return before, max(before, min(same_time, end))

    def _around(self, instant: datetime, zone: str) -> tuple[datetime, datetime]:
        """The one that an instant lies in."""
        first = self.unit.first(instant.astimezone(ZoneInfo(zone)).date())
        return day_start(first, zone), day_start(self.unit.following(first), zone)


PRESETS: dict[str, Rolling | Calendar] = {
    "5m": Rolling(label="Last 5 minutes", length=timedelta(minutes=5)),
    "15m": Rolling(label="Last 15 minutes", length=timedelta(minutes=15)),
    "30m": Rolling(label="Last 30 minutes", length=timedelta(minutes=30)),
    "1h": Rolling(label="Last hour", length=timedelta(hours=1)),
    "3h": Rolling(label="Last 3 hours", length=timedelta(hours=3)),
    "6h": Rolling(label="Last 6 hours", length=timedelta(hours=6)),
    "12h": Rolling(label="Last 12 hours", length=timedelta(hours=12)),
    "1d": Rolling(label="Last day", length=timedelta(days=1)),
    "2d": Rolling(label="Last 2 days", length=timedelta(days=2)),
    "7d": Rolling(label="Last 7 days", length=timedelta(days=7)),
    "30d": Rolling(label="Last 30 days", length=timedelta(days=30)),
    "90d": Rolling(label="Last 90 days", length=timedelta(days=90)),
    "6M": Rolling(label="Last 6 months", length=timedelta(days=182)),
    "1y": Rolling(label="Last year", length=timedelta(days=365)),
    "today": Calendar(
        label="Today",
        unit=Unit.DAY,
        past=False,
        compared_with="yesterday until the same time",
    ),
    "yesterday": Calendar(
        label="Yesterday", unit=Unit.DAY, past=True, compared_with="the day before"
    ),
    "this_week": Calendar(
        label="This week",
        unit=Unit.WEEK,
        past=False,
        compared_with="last week until the same time",
    ),
    "last_week": Calendar(
        label="Last week", unit=Unit.WEEK, past=True, compared_with="the week before"
    ),
    "this_month": Calendar(
        label="This month",
        unit=Unit.MONTH,
        past=False,
        compared_with="last month until the same time",
    ),
    "last_month": Calendar(
        label="Last month", unit=Unit.MONTH, past=True, compared_with="the month before"
    ),
    "all": Rolling(label="All time", length=None),
}
"""By their keys in addresses, which never change. Six months are 182 days and a year is 365 days,
so that a length never depends on the day."""
