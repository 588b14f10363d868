"""Days of a zone: where each begins, however the clocks are set around midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)


def day_start(day: date, zone: str) -> datetime:
    """The first instant, in UTC, from which on the clocks of a zone show that day or a later one.

    So days follow each other without a gap, whatever the clocks do: where they skip midnight, the
    day begins with the skip; where midnight happens twice, with the first, unless the clocks go
    back to the day before in between; and a day that a zone skipped altogether begins where the
    next one does. Raises `OverflowError` at the ends of Python's calendar.
    """
    info = ZoneInfo(zone)
    first, second = (
        datetime.combine(day, time(fold=fold), tzinfo=info).astimezone(UTC) for fold in (0, 1)
    )
    if second < first:
        # Of a skipped time Python's second reading lies before the skip, the first after it.
        return offset_change(second, first, info)
    returned = (second - MICROSECOND).astimezone(info).date() < day
    return second if returned else first


def offset_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the zone's offset at `end`, to the second.

    `start` and `end` are in UTC, and the offset changes once between them.
    """
    offset = start.astimezone(zone).utcoffset()
    while end - start > timedelta(seconds=1):
        middle = start + (end - start) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            start = middle
        else:
            end = middle
    return end.replace(microsecond=0)
