"""When a schedule is due, by the clocks of its zone. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MINUTES_OF_DAY = 24 * 60


class Every(StrEnum):
    """How often; the value is kept."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def window(self) -> str:
        """The window of each export: the whole day, week or month before."""
        return {Every.DAY: "yesterday", Every.WEEK: "last_week", Every.MONTH: "last_month"}[self]

    def describe(self, minute: int, zone: str) -> str:
        """For people: `each Monday at 06:30 (Europe/Berlin)`."""
        day = {Every.DAY: "each day", Every.WEEK: "each Monday", Every.MONTH: "on each first"}[self]
        return f"{day} at {minute // 60:02}:{minute % 60:02} ({zone})"

    def falls_on(self, day: date) -> bool:
        """Whether it is due on a day."""
        if self is Every.WEEK:
            return day.weekday() == 0
        return self is Every.DAY or day.day == 1


def next_slot(every: Every, minute: int, zone: str, after: datetime) -> datetime:
    """The first moment after `after` at which it is due, in UTC.

    `minute` counts from midnight by the clocks of the zone. Of a time that the clocks show twice
    the first is meant; one that they leave out is meant as if they had not been put forward. So
    each day has one, also the days of 23 and of 25 hours.
    """
    info = ZoneInfo(zone)
    day = after.astimezone(info).date() - timedelta(days=1)
    while True:
        if every.falls_on(day):
            local = datetime.combine(day, time(minute // 60, minute % 60), info)
            slot = local.replace(fold=0).astimezone(UTC)
            if slot > after:
                return slot
        day += timedelta(days=1)
