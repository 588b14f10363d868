"""Off-hours: a time of day and kind of day at which a person hardly ever works.

By a person's own hours, not by office hours: people of one organization sit in several zones, the
log does not say in which, and some always work at night. Who is active around the clock, as who
lends a key to a program, has no hours that are off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit_core.query.time.hours import HOUR
from audit_core.unusual.spike import LOOK_BACK as LOOK_BACK

MIN_DAYS = 10
"""How many days a person must have been active on in the time looked back on, to have hours."""

MIN_ENTRIES = 10
"""Fewer entries in a stretch are a look at the telephone, not work."""

AT_MOST = 1
"""On how many days, within an hour of that time of day, it may have happened before."""

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """When a person was active in the time looked back on."""

    of_week: Mapping[int, int]
    """By hour of the week (0 is Monday from midnight, on the clocks of a zone): on how many days it
    had entries."""
    days: int
    """On how many different days there were entries."""

    def are_off(self, start: datetime) -> bool:
        """Whether the hour that begins at `start`, aware in that zone, is off-hours; never for
        somebody who is hardly known."""
        if self.days < MIN_DAYS:
            return False
        weekend = start.weekday() >= SATURDAY
        near = {(start.hour + beside) % 24 for beside in (-1, 0, 1)}
        seen = sum(
            days
            for hour, days in self.of_week.items()
            if hour % 24 in near and (hour // 24 >= SATURDAY) == weekend
        )
        return seen <= AT_MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Hours that follow each other, all off-hours of one person."""

    since: datetime
    until: datetime
    """Exclusive."""
    count: int


def stretches(counts: Mapping[datetime, int], hours: Hours) -> tuple[Stretch, ...]:
    """The stretches of off-hours with `MIN_ENTRIES` entries or more, in order of time.

    `counts`: entries by the beginning of the hour, aware in the zone of `hours`.
    """
    found: list[Stretch] = []
    for start in sorted(counts):
        if not hours.are_off(start):
            continue
        since, count = start, counts[start]
        if found and found[-1].until == start:
            last = found.pop()
            since, count = last.since, last.count + count
        found.append(Stretch(since=since, until=start + HOUR, count=count))
    return tuple(item for item in found if item.count >= MIN_ENTRIES)
