"""When a schedule is due, by the clocks of its zone. Pure."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from audit_core.runtime.zones import next_time_of_day


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
    """The first moment after `after` at which it is due, in UTC: see `next_time_of_day`."""
    return next_time_of_day(minute, zone, after, every.falls_on)
