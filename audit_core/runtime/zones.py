"""Time zones by their names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTES_OF_DAY = 24 * 60


def is_zone(name: str) -> bool:
    """Whether the name is one of a time zone that can be chosen."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def next_time_of_day(
    minute: int, zone: str, after: datetime, falls_on: Callable[[date], bool] = lambda day: True
) -> datetime:
    """The first moment after `after` at which the clocks of a zone show a time of day, on a day
    that `falls_on` takes, in UTC.

    `minute` counts from midnight by these clocks. Of a time that they show twice the first is
    meant; one that they leave out is meant as if they had not been put forward. So each day has
    one, also the days of 23 and of 25 hours.
    """
    info = ZoneInfo(zone)
    day = after.astimezone(info).date() - timedelta(days=1)
    while True:
        if falls_on(day):
            local = datetime.combine(day, time(minute // 60, minute % 60), info)
            slot = local.replace(fold=0).astimezone(UTC)
            if slot > after:
                return slot
        day += timedelta(days=1)
