"""Charts on a page: the figure, its sentence for screen readers, and clicks that narrow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from audit_core.domain.entries import FAILURES, Outcome
from audit_core.domain.errors import FilterError
from audit_core.domain.listing import Listing
from audit_core.explore.histogram import Histogram
from audit_core.explore.results import ErrorCount, HourOfWeek, Share
from audit_core.explore.stacked_histogram import StackedHistogram
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.printer import conjoin
from audit_core.query.value_filter import NONE
from pages.parts.charts import chart_key, hidden_series
from pages.parts.charts.figures import (
    alert_marks,
    failures,
    hours,
    outcomes,
    ranking,
    stacked_histogram,
)
from pages.parts.charts.figures.alert_marks import AlertMark
from pages.parts.charts.figures.chart import Changes, Chart, Place, changes_of
from pages.parts.charts.figures.timeline import Axis
from pages.parts.filters import facet_panel, filter_bar, zoom

CONFIG = {"displayModeBar": False, "typesetMath": False, "doubleClick": False}

MAX_FAILING = 8
"""How many actions the chart of errors has."""

LEGEND_LINE_PX = 17

DRAGGED = "drag_"
"""Begins the keys of what holds a chart that can be dragged over; its name ends them."""

NAMED = "chart_"
"""The same for other charts."""

_CLICKS = "chart_clicks"
_DRAWN = "chart_drawn"
"""What clicks and drags on the charts mean that are on the page, by their names."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What of a chart is needed when somebody clicks on it; see `Chart`."""

    clicks: Mapping[Place, Changes]
    drag: Callable[[Sequence[object]], Changes] | None


def draw(chart: Chart, name: str, entry_filter: EntryFilter) -> None:
    """Draw a chart of what `entry_filter` matches. `name` is unique on the page."""
    turn = st.session_state.setdefault(_CLICKS, 0)
    key = chart_key.key_of(chart, f"{name}_{_fingerprint(entry_filter)}", turn)
    if chart.drag is not None and by_finger():
        # Each name of the legend has a line of its own there.
        taller = LEGEND_LINE_PX * len(chart.figure.data)
        chart.figure.update_layout(height=chart.figure.layout.height + taller)
    hidden_series.apply(chart.figure, name)
    # Not held by the callback: Streamlit keeps those of charts that are long gone.
    st.session_state.setdefault(_DRAWN, {})[name] = Meaning(chart.clicks, chart.drag)
    with st.container(key=f"{NAMED if chart.drag is None else DRAGGED}{name}"):
        st.plotly_chart(
            chart.figure,
            key=key,
            on_select=partial(_select, key, name),
            selection_mode="points",
            config=CONFIG,
            alt=chart.alt,
        )


def draw_stacked_over_time(
    histogram: StackedHistogram,
    label: str,
    word: str,
    entry_filter: EntryFilter,
    *,
    height: int,
    marks: Sequence[AlertMark] = (),
) -> None:
    """Entries over time by the values of a field: `label` for people, `word` for queries."""
    names = [
        facet_panel.shown(histogram.by, NONE if value is None else value)
        for value in histogram.values
    ]
    chart = stacked_histogram.over_time(
        histogram,
        entry_filter.window,
        called=label if label[1].isupper() else label.lower(),
        names=names,
        changes=[_asked(entry_filter, word, value) for value in histogram.values],
        height=height,
    )
    chart = alert_marks.above_bars(chart, marks, Axis.of(histogram), entry_filter.window)
    draw(chart, f"{histogram.by}_over_time", entry_filter)


def _asked(entry_filter: EntryFilter, word: str, value: str | None) -> Changes:
    """The query that asks for the value too; nothing if it would be too long."""
    try:
        return {
            "query": conjoin(
                entry_filter.query, word, value, exclude=False, zone=entry_filter.window.zone
            )
        }
    except FilterError:
        return {}


def draw_outcomes_over_time(
    histogram: Histogram[Outcome],
    entry_filter: EntryFilter,
    *,
    height: int = 270,
    marks: Sequence[AlertMark] = (),
) -> None:
    """Entries over time by outcome, with marks where alerts lie."""
    chart = outcomes.over_time(histogram, entry_filter.window, height=height)
    chart = alert_marks.above_bars(chart, marks, Axis.of(histogram), entry_filter.window)
    draw(chart, "outcomes_over_time", entry_filter)


def draw_outcomes(histogram: Histogram[Outcome], entry_filter: EntryFilter) -> None:
    """The share of each outcome."""
    draw(outcomes.shares(histogram.totals()), "outcomes", entry_filter)


def draw_actions(shares: Listing[Share], entry_filter: EntryFilter) -> None:
    """The most frequent actions and how much of each failed."""
    draw(ranking.ranked(shares, "actions", "Most frequent actions"), "actions", entry_filter)
    _draw_limit(len(shares.items), "most frequent", shares.truncated)


def draw_actors(shares: Listing[Share], entry_filter: EntryFilter) -> None:
    """Who did most, people and services alike."""
    draw(ranking.ranked(shares, "actors", "Most active users"), "actors", entry_filter)
    _draw_limit(len(shares.items), "most active", shares.truncated)


def draw_errors_over_time(histogram: Histogram[Outcome], entry_filter: EntryFilter) -> None:
    """Failed and unanswered entries by outcome: beside all others they can hardly be seen."""
    errors = histogram.only((*FAILURES, Outcome.UNANSWERED))
    if not errors.counts:
        st.caption("No errors here.")
        return
    chart = outcomes.over_time(errors, entry_filter.window, title="Errors over time", height=200)
    draw(chart, "errors_over_time", entry_filter)


def draw_failing_actors(shares: Listing[Share], entry_filter: EntryFilter) -> None:
    """Who failed most."""
    if not shares.items:
        st.caption("Nobody failed here.")
        return
    draw(ranking.failing(shares), "failing_actors", entry_filter)
    _draw_limit(len(shares.items), "most failing", shares.truncated)


def draw_errors(errors: Listing[ErrorCount], entry_filter: EntryFilter) -> None:
    """Errors by action and status code."""
    if not errors.items:
        st.caption("No errors here.")
        return
    chart = failures.failures(errors, limit=MAX_FAILING)
    draw(chart, "errors", entry_filter)
    found = len({error.action for error in errors.items})
    _draw_limit(min(MAX_FAILING, found), "most failing", found > MAX_FAILING or errors.truncated)


def draw_hours_of_week(
    counts: Sequence[HourOfWeek], histogram: Histogram[Outcome], entry_filter: EntryFilter
) -> None:
    """When in the week; `histogram` says from when to when."""
    chart = hours.hours_of_week(counts, entry_filter.window, histogram.since, histogram.until)
    draw(chart, "hours_of_week", entry_filter)
    st.caption("Click a cell to zoom in to the latest such hour.")


def _draw_limit(shown: int, which: str, more: bool) -> None:
    """No limit is silent."""
    if more:
        st.caption(f"The {shown} {which}; there are more.")


def _fingerprint(entry_filter: EntryFilter) -> str:
    params = urlencode(entry_filter.to_params(), doseq=True)
    return hashlib.sha256(params.encode()).hexdigest()[:12]


def _select(key: str, name: str) -> None:
    selection = st.session_state[key].selection
    chart: Meaning = st.session_state[_DRAWN][name]
    # The next chart gets a new key, so that it begins without a selection: the same bar
    # can be clicked again after the filter was loosened.
    st.session_state[_CLICKS] += 1
    _narrow(changes_of(selection.get("points") or [], chart.clicks))


def drag(dragged: object) -> None:
    """Narrow to the range that was dragged over a chart; for callbacks.

    `dragged` is what the browser says, which may be anything: the chart's name as `chart`, and as
    `edges` the two places on its time axis.
    """
    if not isinstance(dragged, dict):
        return
    name, edges = dragged.get("chart"), dragged.get("edges")
    drawn: dict[str, Meaning] = st.session_state.get(_DRAWN, {})
    chart = drawn.get(name) if isinstance(name, str) else None
    if chart is not None and chart.drag is not None and isinstance(edges, list):
        _narrow(chart.drag(edges))


def _narrow(changes: Changes) -> None:
    if changes:
        before = filter_bar.current()
        filter_bar.narrow(**changes)
        zoom.remember(before)


def by_finger() -> bool:
    """Whether this is a phone, where a drag over the chart has to scroll the page."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")
