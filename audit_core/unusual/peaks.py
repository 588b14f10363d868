"""Peaks: spikes of a week, as stretches of hours that each lie above their band. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit_core.query.time.hours import hour_start
from audit_core.unusual.spike import MIN_COUNT, Band, band_of
from audit_core.unusual.spikes_sql import PeakRow, Series, UsualRow, series_of

MIN_ACTIVITY = 100
"""A person who works quickly is no news below this many entries in an hour."""

OWN_SHARE = 0.8
"""Errors of which so many are one actor's are that actor's, not the organization's."""

Key = tuple[int, str, str, int]
"""What tells a series from all others."""

_TELLING = (Series.FAILURES, Series.ACTION, Series.ACTIVITY)
"""Which of several peaks of one actor says most, first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Hours of a series that follow each other, each above its band."""

    series: Series
    actor_id: str
    """Empty for the whole organization."""
    action: str
    """Empty for all."""
    hundred: int
    """4 or 5; 0 for all entries."""
    since: datetime
    until: datetime
    """Exclusive."""
    count: int
    band: Band
    times: int = 1
    """How many such peaks of the series the week has; this is the largest."""


def key_of(row: PeakRow | UsualRow) -> Key:
    """The series of a row."""
    return row.bits, row.actor_id or "", row.action or "", row.hundred or 0


def largest_peak(key: Key, counts: Mapping[int, int], usual: Mapping[int, int]) -> Peak | None:
    """The largest peak of a series, `None` if nothing is above its band.

    `counts`: entries by hour (whole ones since 1970) of the week; `usual`: how many hours of the
    time before had each count.
    """
    series, band = series_of(key[0]), band_of(usual)
    least = MIN_ACTIVITY if series is Series.ACTIVITY else MIN_COUNT
    above = sorted(
        hour for hour, count in counts.items() if count >= least and band.is_exceeded(count)
    )
    runs = list(_runs(above))
    if not runs:
        return None
    largest = max(runs, key=lambda run: (sum(counts[hour] for hour in run), run))
    _, actor_id, action, hundred = key
    return Peak(
        series=series,
        actor_id=actor_id,
        action=action,
        hundred=hundred,
        since=hour_start(largest[0]),
        until=hour_start(largest[-1] + 1),
        count=sum(counts[hour] for hour in largest),
        band=band,
        times=len(runs),
    )


def distinct(found: Iterable[Peak]) -> tuple[Peak, ...]:
    """Without those that say of the same hours what another says better: all that an actor did
    beside what of it failed, and the organization's errors beside those of one actor."""
    kept: list[Peak] = []
    listed = list(found)
    for series in _TELLING:
        kept += [
            peak
            for peak in listed
            if peak.series is series
            and not any(_meet(peak, other) and peak.actor_id == other.actor_id for other in kept)
        ]
    return (
        *kept,
        *(
            peak
            for peak in listed
            if peak.series is Series.ERRORS
            and not any(
                _meet(peak, other)
                and other.hundred == peak.hundred
                and other.count >= OWN_SHARE * peak.count
                for other in kept
            )
        ),
    )


def _meet(one: Peak, other: Peak) -> bool:
    return one.since < other.until and other.since < one.until


def _runs(hours: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The numbers in order, parted wherever one is missing."""
    run: list[int] = []
    for hour in hours:
        if run and hour != run[-1] + 1:
            yield tuple(run)
            run = []
        run.append(hour)
    if run:
        yield tuple(run)
