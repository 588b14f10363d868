"""Whether who sends entries has been silent for longer than they usually are. Pure.

What is usual is read off their own arrivals, so that nobody has to set it: a collector that sends
around the clock is missed within hours, one that sends each night only after a day and a half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

PRECISION = timedelta(minutes=1)
"""Arrivals that come sooner after the last one that was noted are not noted."""
DAYS = 7
"""Gaps that ended within so many days before the last arrival count: a week holds each weekday, and
the weekend."""
MARGIN = 1.5
"""A silence this many times as long as the longest gap is not usual any more."""
SHORTEST = timedelta(hours=1)
"""No silence is called unusual before: a restart or a slow hour is none."""
ENOUGH = timedelta(days=1)
"""Who has sent for less long than this, from the first arrival to the last, has no habits: somebody
may have sent once by hand."""
FIRST_WEEK = timedelta(days=3)
"""Until a whole week is known, no silence is called unusual before: its weekend may be to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """When entries came from one sender, as far as it says what is usual."""

    since: datetime
    """The first arrival that was noted."""
    last: datetime
    gaps: Mapping[int, timedelta] = field(default_factory=dict)
    """The longest gap between two arrivals that ended on a day (UTC), by the days since 1970."""


def with_arrival(known: Arrivals | None, at: datetime) -> Arrivals:
    """The arrivals with one more; the very same where it need not be noted."""
    if known is None:
        return Arrivals(since=at, last=at)
    gap = at - known.last
    if gap < PRECISION:
        return known
    day = _day(at)
    gaps = {ended: length for ended, length in known.gaps.items() if ended >= day - DAYS}
    gaps[day] = max(gap, gaps.get(day, gap))
    return Arrivals(since=known.since, last=at, gaps=gaps)


def resumed(known: Arrivals | None, at: datetime) -> Arrivals | None:
    """The arrivals of a sender that somebody had stopped, and lets go on now: the time between is
    no habit of theirs."""
    return None if known is None else replace(known, last=max(known.last, at))


def usual_silence(arrivals: Arrivals) -> timedelta | None:
    """For how long the sender may be silent before that is unusual; `None`: nobody can say.

    `MARGIN` times the longest gap of the week before the last arrival, since people sleep and have
    weekends; an average would call every night unusual. An outage makes it longer for a week.
    """
    known_for = arrivals.last - arrivals.since
    if known_for < ENOUGH or not arrivals.gaps:
        return None
    shortest = SHORTEST if known_for >= timedelta(days=DAYS) else FIRST_WEEK
    return max(MARGIN * max(arrivals.gaps.values()), shortest)


def is_silent(arrivals: Arrivals | None, now: datetime) -> bool:
    """Whether the sender has been silent for longer than usual; not where nobody can say."""
    usual = None if arrivals is None else usual_silence(arrivals)
    return arrivals is not None and usual is not None and now - arrivals.last > usual


def write_arrivals(arrivals: Arrivals) -> str:
    """The JSON that is kept."""
    return json.dumps(
        {
            "since": arrivals.since.isoformat(),
            "last": arrivals.last.isoformat(),
            "gaps": {str(day): gap.total_seconds() for day, gap in arrivals.gaps.items()},
        }
    )


def read_arrivals(text: str | None) -> Arrivals | None:
    """What `write_arrivals` wrote; `None` for nothing."""
    if text is None:
        return None
    kept = json.loads(text)
    return Arrivals(
        since=datetime.fromisoformat(kept["since"]),
        last=datetime.fromisoformat(kept["last"]),
        gaps={int(day): timedelta(seconds=seconds) for day, seconds in kept["gaps"].items()},
    )


def _day(instant: datetime) -> int:
    return int(instant.astimezone(UTC).timestamp() // 86_400)
