"""Buckets of time: how wide, where they begin, and which instant each number means.

A bucket number is plain integer arithmetic on microseconds, shifted by the zone's offset from
UTC, which all engines compute alike and fast. Where the offset changes within the window (a
daylight-saving day), the window is split into spans of one offset each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from audit_core.query.time.days import offset_change

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US

WIDTHS_US: tuple[int, ...] = (
    *(seconds * SECOND_US for seconds in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(minutes * 60 * SECOND_US for minutes in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(hours * HOUR_US for hours in (1, 2, 3, 4, 6, 8, 12)),
    *(days * DAY_US for days in (1, 2, 3, 4, 7, 14, 28, 56, 112, 182, 364)),
)
"""The widths a bucket may have. Each divides a day or is made of whole days, so that every
bucket begins on a round border of the zone's clocks; weeks begin on Monday. None is more than
twice as wide as the one before."""

MOST = 120
"""How many buckets a chart has at most."""

FEWEST = MOST // 2
"""How many it has at least, in a window of as many seconds."""

ORIGIN = datetime(1969, 12, 29, tzinfo=UTC)
"""The Monday midnight where bucket number 0 begins on the zone's clocks. It lies before every
entry in every zone: numbers are never negative, where engines divide differently."""

ORIGIN_SHIFT_US = 3 * DAY_US
"""What to add to microseconds since 1970 to count from `ORIGIN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in which a zone keeps one offset from UTC."""

    until: datetime | None
    """Exclusive end; `None` for the last one."""
    offset_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """The buckets of one chart."""

    width_us: int
    spans: tuple[Span, ...]
    """In order of time; never empty."""
    zone: str

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)

    def start(self, number: int, offset_us: int) -> datetime:
        """When a bucket begins, aware in the zone; `offset_us` is that of its span.

        A bucket that the change of offset cuts in two has one beginning, so both parts of it
        give the same answer; an hour that happens twice has two. A beginning that the clocks
        skip is the instant of the skip.
        """
        zone = self.zone_info
        wall = (ORIGIN + timedelta(microseconds=number * self.width_us)).replace(tzinfo=None)
        first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
        if _offset_us(first) < _offset_us(second):
            # Of a skipped time Python's second reading lies before the skip, the first after it.
            skip = offset_change(second.astimezone(UTC), first.astimezone(UTC), zone)
            return skip.astimezone(zone)
        if self.width_us <= HOUR_US and _offset_us(second) == offset_us:
            return second
        return first


def _offset_us(instant: datetime) -> int:
    offset = instant.utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


def width_for(since: datetime, until: datetime) -> int:
    """The narrowest width, in microseconds, that gives at most `MOST` buckets."""
    length_us = (until - since) // timedelta(microseconds=1)
    for width in WIDTHS_US:
        if length_us <= width * MOST:
            return width
    return WIDTHS_US[-1]


def spans_of(since: datetime, until: datetime, zone: str) -> tuple[Span, ...]:
    """The spans of one offset between two instants."""
    info = ZoneInfo(zone)
    spans: list[Span] = []
    for start, end in pairwise([*_days(since, until), until]):
        before, after = (_offset_us(instant.astimezone(info)) for instant in (start, end))
        if before != after:
            spans.append(Span(until=offset_change(start, end, info), offset_us=before))
    return (*spans, Span(until=None, offset_us=_offset_us(until.astimezone(info))))


def _days(since: datetime, until: datetime) -> list[datetime]:
    count = max(1, -((since - until) // timedelta(days=1)))
    return [since + timedelta(days=day) for day in range(count)]


def buckets_for(
    since: datetime, until: datetime, zone: str, width_us: int | None = None
) -> Buckets:
    """Buckets of a width that suits a window from `since` to `until` on the clocks of `zone`, or
    of the given one, one of `WIDTHS_US`."""
    width = width_for(since, until) if width_us is None else width_us
    return Buckets(width_us=width, spans=spans_of(since, until, zone), zone=zone)
