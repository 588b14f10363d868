"""Whatever instant an entry carries, every window in every zone can be read and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.log.store import AuditLog, open_log
from audit_core.people.actors import ActorReader
from audit_core.people.actors_sql import ActorList
from audit_core.people.person import PersonReader
from audit_core.people.timeline import TimelineReader
from audit_core.people.timeline_sql import LaneKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.presets import PRESETS
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import Window
from audit_core.starts.attempts_sql import SilentRule
from audit_core.starts.reader import StartsReader
from audit_core.starts.traces.trace_reader import TracesReader
from audit_core.unusual.reader import UnusualReader
from pages.parts.charts.figures import hours, lanes, outcomes, stacked_histogram
from tests.support.cases import case_entries
from tests.support.laws import law
from tests.support.strategies import NOW, entry, windows

TINY = timedelta(microseconds=1)
INSTANTS = (
    *(EARLIEST, EARLIEST + TINY, EARLIEST + timedelta(hours=13)),
    *(NOW - timedelta(hours=1), NOW + timedelta(days=2)),
    *(LATEST - timedelta(days=200), LATEST - timedelta(hours=11), LATEST - timedelta(seconds=1)),
    LATEST - TINY,
)
ENDS = st.sampled_from((*INSTANTS, LATEST))
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Niue", "Australia/Lord_Howe", "Asia/Kolkata")
EVERYBODY = Scope(organization_id="org-alpha")
OWN = Scope(organization_id="org-alpha", actor_id="user-1")


@pytest.fixture(scope="module")
def extreme_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    folder = tmp_path_factory.mktemp("extreme")
    log = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: NOW)
    log.append([entry(f"id-{number}", created_at=time) for number, time in enumerate(INSTANTS)])
    log.append(case_entries("clock-2199", "clock-2199"))
    yield log
    log.close()


def draw_everything(log: AuditLog, window: Window, now: datetime, scope: Scope) -> int:
    """Read and draw all that pages do of a window; how many entries the charts hold."""
    reader = Reader(log)
    query = Query(EntryFilter(window=window), scope, window.time_range(now))
    histogram = reader.outcomes_over_time(query, now)
    outcomes.over_time(histogram, window)
    stacked = CountReader(reader).stacked_over_time("actor", query, now)
    names = [str(value) for value in stacked.values]
    stacked_histogram.over_time(
        stacked, window, called="user", names=names, changes=[{} for _ in names]
    )
    busy = reader.hours_of_week(query, now)
    hours.hours_of_week(busy, window, histogram.since, histogram.until)
    assert stacked.total == histogram.total == sum(item.count for item in busy)
    if (before := query.time_range.before(now)) is not None:
        reader.summary(query.within(before))
    reader.patterns(query, now, 5)
    assert sum(found.num_rows for found in reader.export(query)) == histogram.total
    ActorReader(reader).actors(query, now, ActorList(), 10)
    UnusualReader(reader).findings(scope, query.time_range.until or now, window.zone, 10)
    return histogram.total


def read_starts(log: AuditLog, window: Window, scope: Scope) -> None:
    """The same of failed starts, which look beyond both ends of the window."""
    query = Query(EntryFilter(window=window), scope, window.time_range(NOW))
    starts = StartsReader(log, SilentRule())
    starts.page(query)
    starts.groups(query, Spans(since=EARLIEST, until=LATEST), 5)
    starts.retries(query, 5)


def draw_person(log: AuditLog, window: Window, now: datetime) -> None:
    """The same of one actor's page."""
    reader = Reader(log)
    query = Query(EntryFilter(window=window), OWN, window.time_range(now))
    lanes.over_time(TimelineReader(reader).timeline(query, now, LaneKind.TARGET, 5), window)
    person = PersonReader(reader)
    person.sessions(query, 0, 5)
    person.news(query, 5)
    person.used_keys(OWN, query.time_range, 5)


@law(20)
@given(windows(ENDS, ZONES), st.sampled_from((NOW, EARLIEST + TINY, LATEST - TINY)))
def test_every_window_of_every_zone_can_be_drawn(
    extreme_log: AuditLog, window: Window, now: datetime
) -> None:
    time_range = window.time_range(now)
    held = [
        instant
        for instant in INSTANTS
        if (time_range.since is None or time_range.since <= instant)
        and (time_range.until is None or instant < time_range.until)
    ]
    assert draw_everything(extreme_log, window, now, EVERYBODY) == len(held)
    draw_person(extreme_log, window, now)


@pytest.mark.parametrize("now", [EARLIEST + TINY, LATEST - TINY], ids=["first", "last"])
def test_every_preset_can_be_drawn_of_a_person_at_either_end_of_time(
    extreme_log: AuditLog, now: datetime
) -> None:
    """The day before the first one is empty."""
    for preset in PRESETS:
        draw_person(extreme_log, Window(preset=preset), now)


def test_one_entry_at_the_end_of_2199_leaves_the_pages_alone(extreme_log: AuditLog) -> None:
    scope = Scope(organization_id="clock-2199")
    for preset in ("7d", "1y", "all"):
        assert draw_everything(extreme_log, Window(preset=preset), NOW, scope) == 2
    read_starts(extreme_log, Window(preset=None, since=EARLIEST, until=LATEST), scope)


def test_a_sandbox_is_traced_at_either_end_of_time(extreme_log: AuditLog) -> None:
    traces = TracesReader(extreme_log, SilentRule())
    for near in (EARLIEST, NOW, LATEST - TINY):
        trace = traces.trace("sb-1", EVERYBODY, near=near.astimezone(UTC))
        assert trace is not None
