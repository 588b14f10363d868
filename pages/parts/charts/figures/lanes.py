"""What one actor did over time: a lane for each target or category, with a mark for each action."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME, OUTCOME_ORDER
from audit_core.people.timeline import Lane, Mark, Timeline
from audit_core.people.timeline_sql import LanePlace
from audit_core.query.time.windows import Window, clamped, written
from audit_core.query.value_filter import NONE
from pages.parts.charts.figures import alert_marks
from pages.parts.charts.figures.alert_marks import AlertMark
from pages.parts.charts.figures.chart import CLEAR, Changes, Chart, Place, bars, figure

LANE_PX = 46
AROUND_PX = 130
MAX_NAME_CHARACTERS = 28
LIFE = "rgba(128,136,148,0.35)"
"""The colour of the bar from the first to the last entry on a lane."""

ALERTS_Y = -0.95
"""The height of marks of alerts, above the first lane and its name."""
ALERTS_PX = 22

SPOKEN = 3
"""How many lanes the sentence for screen readers names."""


def over_time(timeline: Timeline, window: Window, alerts: Sequence[AlertMark] = ()) -> Chart:
    """The lanes, busiest on top, and above them marks where alerts lie. A click on a bar asks for
    all on that lane, a click on a mark of entries for those that it stands for."""
    zone = window.zone
    clicks: dict[Place, Changes] = {}
    lives = bars(
        orientation="h",
        name="From first to last entry",
        y=list(range(len(timeline.lanes))),
        base=[_wall(lane.first, window) for lane in timeline.lanes],
        x=[_ms(lane) for lane in timeline.lanes],
        width=0.14,
        marker={"color": LIFE, "line": {"width": 0}},
        showlegend=False,
        customdata=[
            (
                text.label(name_of(lane.place), text.MAX_HOVER_CHARACTERS),
                _figures(lane),
                written(lane.first, zone),
                written(lane.last, zone),
            )
            for lane in timeline.lanes
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]} to "
        f"%{{customdata[3]}} {zone}<extra></extra>",
    )
    for number, lane in enumerate(timeline.lanes):
        clicks[0, number] = changes_of_lane(lane.place)
    traces: list[Any] = [lives]
    for outcome in OUTCOME_ORDER:
        marks = [mark for mark in timeline.marks if mark.outcome is outcome]
        if not marks:
            continue
        for number, mark in enumerate(marks):
            clicks[len(traces), number] = _changes_of_mark(mark, timeline, window)
        traces.append(_marks(marks, timeline, window))
    shown = figure(
        traces,
        height=LANE_PX * max(1, len(timeline.lanes)) + AROUND_PX,
        barmode="overlay",
        showlegend=True,
        dragmode="zoom",
        modebar={"bgcolor": CLEAR, "color": "#8A94A0", "activecolor": "#5B6673"},
        annotations=[_name(number, lane) for number, lane in enumerate(timeline.lanes)],
        margin={"l": 0, "r": 0, "t": 30, "b": 0},
    )
    # Above the chart stand the buttons that zoom: on a small screen there is no room for both.
    shown.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom"})
    shown.update_xaxes(
        type="date",
        fixedrange=False,
        range=[_wall(timeline.since, window), _wall(_end(timeline), window)],
        nticks=8,
        title={"text": f"Time ({zone})", "standoff": 8},
    )
    top = ALERTS_Y - 0.3 if alerts else -0.75
    shown.update_yaxes(visible=False, range=[len(timeline.lanes) - 0.5, top], zeroline=False)
    chart = Chart(shown, _alt(timeline, zone), clicks)
    if not alerts:
        return chart
    shown.update_layout(height=shown.layout.height + ALERTS_PX)
    return alert_marks.above_lanes(chart, alerts, timeline.since, window, y=ALERTS_Y)


def name_of(place: LanePlace) -> str:
    """The lane in words; log text, as it came."""
    if place.category is not None:
        return place.category.label
    if place.target_id is None:
        return f"{place.target_type or 'anything'} without an id"
    return f"{place.target_type or ''} {place.target_id}".strip()


def changes_of_lane(place: LanePlace) -> Changes:
    """What the filter must ask for to match what stands on a lane."""
    if place.category is not None:
        return {"categories": (place.category,)}
    return {
        "target_types": (NONE if place.target_type is None else place.target_type,),
        "targets": (NONE if place.target_id is None else place.target_id,),
    }


def span_window(first: datetime, last: datetime, window: Window) -> Window:
    """The fixed window that holds what lies from `first` to `last`, both inclusive."""
    until = last + timedelta(microseconds=1)
    return replace(window, preset=None, since=first.astimezone(UTC), until=clamped(until))


def _changes_of_mark(mark: Mark, timeline: Timeline, window: Window) -> Changes:
    return {
        **changes_of_lane(timeline.lanes[mark.lane].place),
        "outcomes": (mark.outcome,),
        "window": span_window(mark.first, mark.last, window),
    }


def _marks(marks: Sequence[Mark], timeline: Timeline, window: Window) -> go.Scatter:
    outcome, zone = marks[0].outcome, window.zone
    total = sum(mark.count for mark in marks)
    return go.Scatter(
        mode="markers",
        name=f"{outcome.label} {total:,}",
        x=[_wall(mark.first + (mark.last - mark.first) / 2, window) for mark in marks],
        y=[mark.lane for mark in marks],
        marker={
            "color": COLOR_OF_OUTCOME[outcome],
            "size": [min(18.0, 8 + 1.6 * math.log2(mark.count)) for mark in marks],
            "opacity": 0.9,
            "line": {"width": 0},
        },
        selected={"marker": {"opacity": 0.9}},
        unselected={"marker": {"opacity": 0.9}},
        customdata=[
            (
                text.label(mark.action or "several actions"),
                text.entries(mark.count),
                text.label(name_of(timeline.lanes[mark.lane].place), text.MAX_HOVER_CHARACTERS),
                written(mark.first, zone)
                if mark.count == 1
                else f"{written(mark.first, zone)} to {written(mark.last, zone)}",
            )
            for mark in marks
        ],
        hovertemplate=f"<b>{outcome.label}: %{{customdata[0]}}</b>, %{{customdata[1]}}<br>"
        f"%{{customdata[2]}}<br>%{{customdata[3]}} {zone}<extra></extra>",
    )


def _name(number: int, lane: Lane) -> dict[str, Any]:
    return {
        "text": f"{text.label(name_of(lane.place), MAX_NAME_CHARACTERS)} · {_figures(lane)}",
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": number - 0.42,
        "yref": "y",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 12},
        "borderpad": 0,
    }


def _figures(lane: Lane) -> str:
    if not lane.failed:
        return text.entries(lane.count)
    return f"{text.entries(lane.count)}, {text.percent(lane.failed, lane.count)} failed"


def _wall(instant: datetime, window: Window) -> datetime:
    """What the clocks of the zone show: Plotly knows no zones."""
    return instant.astimezone(window.zone_info).replace(tzinfo=None)


def _ms(lane: Lane) -> float:
    return (lane.last - lane.first) / timedelta(milliseconds=1)


def _end(timeline: Timeline) -> datetime:
    """Where the time axis ends: also what is dated ahead is drawn."""
    return max([timeline.until, *(lane.last for lane in timeline.lanes)])


def _alt(timeline: Timeline, zone: str) -> str:
    span = f"from {written(timeline.since, zone)} to {written(timeline.until, zone)} {zone}"
    named = "; ".join(
        f"{text.plain(name_of(lane.place))}, {_figures(lane)}" for lane in timeline.lanes[:SPOKEN]
    )
    return (
        f"Timeline {span}: {text.entries(timeline.entries)} on {len(timeline.lanes):,} of "
        f"{timeline.all_lanes:,} lanes, busiest {named or 'none'}."
    )
