"""What a click on the timeline asks for is what is drawn there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.log.store import AuditLog
from audit_core.people.timeline import TimelineReader
from audit_core.people.timeline_sql import LaneKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from pages.parts.charts.figures.lanes import over_time
from pages.parts.people.person_page import told
from tests.support.peopled import worked_entries
from tests.support.strategies import NOW, entry

OWN = Scope(organization_id="org-alpha", actor_id="user-1")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("kind", LaneKind)
def test_every_mark_and_bar_asks_for_the_entries_that_it_stands_for(
    log: AuditLog, kind: LaneKind, zone: str
) -> None:
    log.append(worked_entries(400))
    window = Window(preset="30d", zone=zone)
    entry_filter = EntryFilter(window=window)
    timeline = TimelineReader(Reader(log)).timeline(
        Query(entry_filter, OWN, window.time_range(NOW)), NOW, kind, 12
    )
    chart = over_time(timeline, window)
    sizes = {(0, number): lane.count for number, lane in enumerate(timeline.lanes)}
    for curve, trace in enumerate(chart.figure.data[1:], 1):
        for number, (_, size, _, _) in enumerate(trace.customdata):
            sizes[curve, number] = int(size.split()[0])
    assert sizes.keys() == chart.clicks.keys()
    assert sum(count for (curve, _), count in sizes.items() if curve) == timeline.entries
    for place, count in sizes.items():
        asked = replace(entry_filter, **chart.clicks[place])
        time_range = asked.window.time_range(NOW)
        assert CountReader(Reader(log)).count(Query(asked, OWN, time_range)).number == count
        assert EntryFilter.from_params(asked.to_params()) == asked


def test_what_is_merged_and_left_out_is_told(log: AuditLog) -> None:
    log.append(
        [
            entry(
                f"id-{number}",
                target_id=f"sb-{number % 5}",
                created_at=NOW - timedelta(seconds=number),
            )
            for number in range(100)
        ]
    )
    entry_filter = EntryFilter()
    time_range = entry_filter.window.time_range(NOW)
    found = TimelineReader(Reader(log)).timeline(
        Query(entry_filter, OWN, time_range), NOW, LaneKind.TARGET, 3
    )
    words = told(found, LaneKind.TARGET)
    assert "The 3 busiest targets and 2 more. They contain 60 entries." in words
    assert "60 of 60 entries share a mark" in words
    assert "on 3 of 5 lanes" in over_time(found, entry_filter.window).alt
