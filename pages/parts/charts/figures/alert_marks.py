"""Marks that say where alerts lie, above bars of time and above the lanes of a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.domain.alerts.level import Level
from audit_core.explore.presentation import text
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.query.time.windows import Window, written
from pages.parts.charts.figures.chart import Changes, Chart, Place
from pages.parts.charts.figures.timeline import Axis, bucket_start

ROOM = 0.14
"""The share of a chart's height that marks have above bars."""
MORE_PX = 24
"""By how much a chart with marks is taller, for them and for their names in the legend."""
_EDGE = "#5B6673"
"""Around each mark, so that light ones can be seen on a light page."""
_NAMED = 3
"""How many alerts of a mark are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMark:
    """An alert as charts show it."""

    at: datetime
    """When the first of it happened (aware)."""
    level: Level
    title: str
    """Of its rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """The alerts that one mark stands for."""

    at: datetime
    """Where it stands, as the axis shows it: without a zone."""
    when: str
    alerts: Sequence[AlertMark]
    changes: Changes

    @property
    def level(self) -> Level:
        """The highest of them."""
        return max((one.level for one in self.alerts), key=lambda level: level.rank)


def above_bars(chart: Chart, marks: Sequence[AlertMark], axis: Axis, window: Window) -> Chart:
    """The chart with a mark above each bar's time in which alerts lie, and a sentence more. A click
    on a mark asks for that time. What began before the chart stands at its beginning."""
    first, last = axis.edges
    half = timedelta(microseconds=axis.buckets.width_us) / 2
    by_start: dict[datetime, list[AlertMark]] = defaultdict(list)
    for one in marks:
        if (at := max(one.at.astimezone(UTC), first)) < last:
            by_start[bucket_start(at, axis.buckets)].append(one)
    spots = [
        _Spot(
            at=axis.clocks.position(start) + half,
            when=axis.hover(start),
            alerts=alerts,
            changes={"window": axis.bucket_window(window, start)},
        )
        for start, alerts in sorted(by_start.items())
    ]
    if not spots:
        return chart
    chart.figure.update_layout(
        height=chart.figure.layout.height + MORE_PX,
        yaxis={"domain": [0, 1 - ROOM]},
        yaxis2={"domain": [1 - ROOM, 1], "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return _with_spots(chart, spots, 0.5, axis="y2")


def above_lanes(
    chart: Chart, marks: Sequence[AlertMark], first: datetime, window: Window, *, y: float
) -> Chart:
    """The chart with a mark for each moment of alerts at a height of its axis. `first`: where the
    chart begins. A click means nothing there."""
    by_time: dict[datetime, list[AlertMark]] = defaultdict(list)
    for one in marks:
        by_time[max(one.at, first)].append(one)
    spots = [
        _Spot(
            at=at.astimezone(window.zone_info).replace(tzinfo=None),
            when=f"{written(at, window.zone)} {window.zone}",
            alerts=alerts,
            changes={},
        )
        for at, alerts in sorted(by_time.items())
    ]
    return _with_spots(chart, spots, y, axis="y") if spots else chart


def _with_spots(chart: Chart, spots: Sequence[_Spot], y: float, *, axis: str) -> Chart:
    clicks: dict[Place, Changes] = dict(chart.clicks)
    traces: list[Mapping[str, Any]] = []
    for level in Level:
        own = [spot for spot in spots if spot.level is level]
        if not own:
            continue
        trace = len(chart.figure.data) + len(traces)
        clicks |= {(trace, number): spot.changes for number, spot in enumerate(own) if spot.changes}
        traces.append(_trace(level, own, y, axis))
    chart.figure.add_traces(traces)
    counts = Counter(one.level for spot in spots for one in spot.alerts)
    listed = text.joined(
        f"{counts[level]:,} {level.value}" for level in reversed(Level) if counts[level]
    )
    return replace(chart, alt=f"{chart.alt} Alerts: {listed}.", clicks=clicks)


def _trace(level: Level, spots: Sequence[_Spot], y: float, axis: str) -> Mapping[str, Any]:
    look = LOOK_OF_LEVEL[level]
    same = {"marker": {"opacity": 1}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{level.label} alert",
        "meta": f"alert {level.value}",
        "x": [spot.at for spot in spots],
        "y": [y] * len(spots),
        "yaxis": axis,
        "cliponaxis": False,
        "marker": {
            "color": look.color,
            "symbol": look.symbol,
            "size": 10,
            "line": {"width": 1, "color": _EDGE},
        },
        "selected": same,
        "unselected": same,
        "customdata": [(_named(spot.alerts), spot.when) for spot in spots],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    }


def _named(alerts: Sequence[AlertMark]) -> str:
    """The alerts, highest level first; text that Plotly may read."""
    ordered = sorted(alerts, key=lambda one: -one.level.rank)
    lines = [
        f"<b>{one.level.label} alert:</b> {text.label(one.title, text.MAX_HOVER_CHARACTERS)}"
        for one in ordered[:_NAMED]
    ]
    more = len(ordered) - _NAMED
    return "<br>".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])
