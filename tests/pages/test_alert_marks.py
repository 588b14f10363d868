"""Marks of alerts on charts: where they lie, what they say, and what a click on one asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.alerts.level import Level
from audit_core.domain.entries import Outcome
from audit_core.explore.histogram import Histogram
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.windows import Window
from pages.parts.charts.figures import outcomes
from pages.parts.charts.figures.alert_marks import AlertMark, above_bars, above_lanes
from pages.parts.charts.figures.chart import Chart
from pages.parts.charts.figures.timeline import Axis
from tests.support.laws import law

BEGIN = datetime(2026, 3, 28, tzinfo=UTC)
END = datetime(2026, 3, 30, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")
HOSTILE = '<a href="javascript:alert(1)">x</a>'


def histogram(zone: str) -> Histogram[Outcome]:
    return Histogram(
        buckets=buckets_for(BEGIN, END, zone),
        counts=((BEGIN.astimezone(Window(zone=zone).zone_info), Outcome.SUCCESS, 3),),
        since=BEGIN,
        until=END,
    )


def drawn(zone: str, marks: list[AlertMark]) -> tuple[Chart, Chart]:
    """The chart without and with marks."""
    window = Window(preset=None, since=BEGIN, until=END, zone=zone)
    held = histogram(zone)
    plain, other = (outcomes.over_time(held, window, height=140) for _ in range(2))
    return plain, above_bars(other, marks, Axis.of(held), window)


def marks_of(chart: Chart) -> list[Any]:
    return [trace for trace in chart.figure.data if trace.type == "scatter"]


marks = st.lists(
    st.builds(
        AlertMark,
        at=st.integers(-60, 60 * 47).map(lambda minutes: BEGIN + timedelta(minutes=minutes)),
        level=st.sampled_from([*Level]),
        title=st.just("Any"),
    ),
    max_size=8,
)


@law(60)
@given(found=marks, zone=st.sampled_from(ZONES))
def test_every_alert_has_a_mark_at_its_time_by_the_highest_level(
    found: list[AlertMark], zone: str
) -> None:
    plain, chart = drawn(zone, found)
    if not found:
        assert chart.alt == plain.alt and not marks_of(chart)
        return
    shown = 0
    for number, trace in enumerate(chart.figure.data):
        if trace.type != "scatter":
            continue
        level = next(one for one in Level if trace.meta == f"alert {one.value}")
        look = LOOK_OF_LEVEL[level]
        assert (trace.marker.color, trace.marker.symbol) == (look.color, look.symbol)
        for point in range(len(trace.x)):
            window = chart.clicks[number, point]["window"]
            within = [one for one in found if window.since <= max(one.at, BEGIN) < window.until]
            assert max(one.level.rank for one in within) == level.rank
            shown += len(within)
    assert shown == len(found)
    # The bars, and what a click on one means, are what they were.
    assert chart.figure.data[0].x == plain.figure.data[0].x
    assert {place: chart.clicks[place] for place in plain.clicks} == plain.clicks
    for level in Level:
        count = sum(one.level is level for one in found)
        assert (f"{count} {level.value}" in chart.alt) == (count > 0)


def test_titles_do_not_act() -> None:
    _, chart = drawn("UTC", [AlertMark(at=BEGIN, level=Level.HIGH, title=HOSTILE)])
    (trace,) = marks_of(chart)
    assert "<a" not in str(trace.customdata)


@pytest.mark.parametrize("zone", ZONES)
def test_lanes_have_them_above_at_their_moment(zone: str) -> None:
    window = Window(preset=None, since=BEGIN, until=END, zone=zone)
    plain, _ = drawn(zone, [])
    at = BEGIN + timedelta(hours=5)
    mark = AlertMark(at=at, level=Level.CRITICAL, title="Any")
    early = AlertMark(at=BEGIN - timedelta(days=2), level=Level.LOW, title="Any")
    chart = above_lanes(plain, [mark, early], BEGIN, window, y=-1)
    found = {trace.name: trace.x[0] for trace in marks_of(chart)}
    local = [one.astimezone(window.zone_info).replace(tzinfo=None) for one in (at, BEGIN)]
    assert found == {"Critical alert": local[0], "Low alert": local[1]}
    assert "Alerts: 1 critical and 1 low." in chart.alt
