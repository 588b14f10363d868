import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.explore.results import HourOfWeek
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import MOST
from audit_core.query.time.windows import Window
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import bucket_start
from tests.support.strategies import (
    CLOCK_CHANGES,
    STATUS_CODES,
    ZONES,
    entry,
    windows_around_changes,
)

ALPHA = Scope(organization_id="org-alpha")


def entries_around_changes():
    chance = random.Random(3)  # noqa: S311
    instants = [
        change + timedelta(seconds=int(chance.gauss(0, spread)))
        for change in CLOCK_CHANGES
        for spread in (120, 3600, 9000, 86400, 20 * 86400)
        for _ in range(40)
    ]
    instants += [
        change + timedelta(minutes=minutes, microseconds=microseconds)
        for change in CLOCK_CHANGES
        for minutes in (-60, -30, 0, 30, 60)
        for microseconds in (-1, 0, 1)
    ]
    return [
        entry(f"entry-{number}", created_at=instant, status_code=chance.choice(STATUS_CODES))
        for number, instant in enumerate(instants)
    ]


ENTRIES = entries_around_changes()


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return Reader(log)


@law(150)
@given(windows_around_changes())
@example(
    Window(
        preset=None,
        since=datetime(2026, 10, 2, tzinfo=UTC),
        until=datetime(2026, 10, 6, tzinfo=UTC),
        zone="Australia/Lord_Howe",
    )
)
@example(
    Window(
        preset=None,
        since=datetime(2006, 3, 31, tzinfo=UTC),
        until=datetime(2006, 4, 4, tzinfo=UTC),
        zone="America/St_Johns",
    )
)
def test_the_histogram_agrees_with_the_clocks_on_the_wall(reader, window):
    time_range = window.time_range(CLOCK_CHANGES[0])
    histogram = reader.outcomes_over_time(
        Query(EntryFilter(window=window), ALPHA, time_range), now=CLOCK_CHANGES[0]
    )
    width = timedelta(microseconds=histogram.buckets.width_us)
    expected = Counter(
        (bucket_start(item.created_at, window.zone, width), item.outcome)
        for item in ENTRIES
        if window.since <= item.created_at < window.until
    )
    found = {(start.astimezone(UTC), outcome): count for start, outcome, count in histogram.counts}
    assert found == expected
    assert histogram.total == expected.total()
    starts = [start.astimezone(UTC) for start, _, _ in histogram.counts]
    assert starts == sorted(starts)
    assert len(set(starts)) <= MOST + 3


@law(50)
@given(windows_around_changes())
def test_hours_of_the_week_are_those_of_the_clocks_on_the_wall(reader, window):
    hours = reader.hours_of_week(
        Query(EntryFilter(window=window), ALPHA, window.time_range(CLOCK_CHANGES[0])),
        now=CLOCK_CHANGES[0],
    )
    walls = [
        (item.created_at.astimezone(ZoneInfo(window.zone)), 400 <= (item.status_code or 0) <= 599)
        for item in ENTRIES
        if window.since <= item.created_at < window.until
    ]
    counts = Counter(wall.weekday() * 24 + wall.hour for wall, _ in walls)
    failed = Counter(wall.weekday() * 24 + wall.hour for wall, failure in walls if failure)
    assert hours == tuple(HourOfWeek(hour, counts[hour], failed[hour]) for hour in sorted(counts))


@law(50)
@given(
    st.sampled_from(CLOCK_CHANGES),
    st.sampled_from(ZONES),
    st.sampled_from(("5m", "1d", "1y", "all")),
)
def test_every_match_is_counted_also_what_is_dated_ahead(reader, now, zone, preset):
    window = Window(preset=preset, zone=zone)
    time_range = window.time_range(now)
    histogram = reader.outcomes_over_time(
        Query(EntryFilter(window=window), ALPHA, time_range), now=now
    )
    assert histogram.total == sum(
        1 for item in ENTRIES if time_range.since is None or item.created_at >= time_range.since
    )


def test_the_hour_that_happens_twice_has_two_buckets(reader):
    window = Window(
        preset=None,
        since=datetime(2026, 10, 24, 22, tzinfo=UTC),
        until=datetime(2026, 10, 25, 22, tzinfo=UTC),
        zone="Europe/Berlin",
    )
    histogram = reader.outcomes_over_time(
        Query(EntryFilter(window=window), ALPHA, window.time_range(CLOCK_CHANGES[0])),
        now=CLOCK_CHANGES[0],
    )
    shown = {start.isoformat() for start, _, _ in histogram.counts}
    assert "2026-10-25T02:00:00+02:00" in shown
    assert "2026-10-25T02:00:00+01:00" in shown
