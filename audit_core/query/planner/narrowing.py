"""Time ranges narrowed to the hours in which matches are known to lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from audit_core.query.keyset import Cursor
from audit_core.query.time.hours import HOUR, hour_of
from audit_core.query.time.windows import EPOCH, TimeRange

NOWHERE = TimeRange(since=EPOCH, until=EPOCH)
Hours = dict[datetime, int]
"""Start of an hour to the number of matches certain to be in it; 0 means there may be some."""


def cut(time_range: TimeRange, hours: Iterable[datetime]) -> TimeRange:
    """The time range, from the first to the last of the hours that begin at these times."""
    hours = sorted(hours)
    if not hours:
        return NOWHERE
    since, until = hours[0], hours[-1] + HOUR
    since = since if time_range.since is None else max(since, time_range.since)
    until = until if time_range.until is None else min(until, time_range.until)
    return TimeRange(since=since, until=until) if since < until else NOWHERE


def ahead_of(time_range: TimeRange, cursor: Cursor | None) -> TimeRange:
    """The part of the time range beyond the hour that the cursor is in."""
    if cursor is None:
        return time_range
    hour = hour_of(cursor.created_at)
    if cursor.newer:
        since = hour + HOUR
        since = since if time_range.since is None else max(since, time_range.since)
        return TimeRange(since=since, until=time_range.until)
    return TimeRange(
        since=time_range.since,
        until=hour if time_range.until is None else min(hour, time_range.until),
    )


def enough(
    hours: Hours, time_range: TimeRange, ahead: TimeRange, cursor: Cursor | None, limit: int
) -> TimeRange:
    """The time range, cut after as many hours as are certain to hold `limit` matches."""
    newer = cursor is not None and cursor.newer
    taken, total = [], 0
    for hour in sorted(hours, reverse=not newer):
        if (ahead.since is not None and hour + HOUR <= ahead.since) or (
            ahead.until is not None and hour >= ahead.until
        ):
            continue
        taken.append(hour)
        inside = (ahead.since is None or hour >= ahead.since) and (
            ahead.until is None or hour + HOUR <= ahead.until
        )
        total += hours[hour] if inside else 0
        if total >= limit:
            break
    if cursor is not None:
        taken.append(hour_of(cursor.created_at))
    return cut(time_range, taken)
