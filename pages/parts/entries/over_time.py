"""How many entries there are, from when to when, and the chart of them over time.

The chart counts every entry, so the total comes with it. A chart that would keep people waiting
is given up, and the total is then counted only so far, until somebody asks for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Outcome
from audit_core.domain.errors import FilterError, QueryTimeoutError
from audit_core.explore.counts import Count
from audit_core.explore.histogram import Histogram
from audit_core.explore.stacked_histogram import StackedHistogram
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME, offset, written
from pages.parts.charts import drawing
from pages.parts.charts.figures.alert_marks import AlertMark
from pages.parts.charts.figures.timeline import Axis, bar_width
from pages.parts.filters import facet_panel, filter_bar
from pages.parts.live import snapshot
from pages.parts.shell import cached, kept_switch

MAX_COUNTED = 10_000
"""How far a page counts unasked."""

PATIENCE_S = 3.0
"""How long a chart or a count may take unasked, in seconds."""

HEIGHT_PX = 140
"""Of the chart above the list, 20 of them its legend: what is read there are the entries."""

BY_OUTCOME = "outcome"
_PARAM = "stack"
_CHOICE = "stack_choice"
_PATIENT = "over_time_patient"
_GIVEN_UP = "over_time_given_up"
_EXACT = "count_exact"
_UNCOUNTED = "count_given_up"

OverTime = Histogram[Outcome] | StackedHistogram


def stack() -> str:
    """What the address stacks by; the outcome if it does not say. Raises `FilterError`."""
    text = st.query_params.get(_PARAM, BY_OUTCOME)
    if text not in facet_panel.FIELDS:
        known = ", ".join(facet_panel.FIELDS)
        raise FilterError((f"The parameter {_PARAM} is {text!r}, and not one of {known}.",))
    return text


def read(by: str, view: filter_bar.View, scope: Scope, head: int) -> OverTime | None:
    """The histogram stacked by a field; `None` if it takes longer than `PATIENCE_S`, unless
    somebody wants to wait for it."""
    asked = (by, view.entry_filter)
    if st.session_state.get(_PATIENT) == asked:
        return _read(by, view, scope, head)
    if st.session_state.get(_GIVEN_UP) == asked:
        return None
    try:
        with cached.installation().log.patience(PATIENCE_S):
            return _read(by, view, scope, head)
    except QueryTimeoutError:
        st.session_state[_GIVEN_UP] = asked
        return None


def _read(by: str, view: filter_bar.View, scope: Scope, head: int) -> OverTime:
    if by == BY_OUTCOME:
        return snapshot.answer(
            head, cached.reader().outcomes_over_time, view.query(scope), view.as_of
        )
    return snapshot.answer(
        head, cached.count_reader().stacked_over_time, by, view.query(scope), view.as_of
    )


def count(query: Query, head: int, after_seq: int = 0) -> Count | None:
    """How many entries match that arrived after a seq, counted so far; `None` if even that takes
    longer than `PATIENCE_S`."""
    try:
        with cached.installation().log.patience(PATIENCE_S):
            return cached.answer(
                head, cached.count_reader().count_up_to, MAX_COUNTED, query, after_seq
            )
    except QueryTimeoutError:
        return None


def draw_count(histogram: OverTime | None, view: filter_bar.View, scope: Scope, head: int) -> None:
    """How many matched."""
    query = view.query(scope)
    if histogram is not None:
        found: Count | None = Count(number=histogram.total, more=False)
    else:
        exact = st.session_state.get(_EXACT) == view.entry_filter
        found = cached.answer(head, cached.count_reader().count, query) if exact else None
        found = found or count(query, head)
    noun = "entry" if found is not None and (found.number, found.more) == (1, False) else "entries"
    st.markdown("**Not counted**" if found is None else f"**{found} {noun}**", width="content")
    if found is None or found.more:
        _draw_exact(view.entry_filter)


def exact_count(query: Query, head: int) -> int | None:
    """How many entries match, exactly; `None` if that takes longer than `PATIENCE_S`, or where
    somebody wants to wait for it, than any read may."""
    entry_filter = query.entry_filter
    waits = st.session_state.get(_EXACT) == entry_filter
    if st.session_state.get(_UNCOUNTED) == (entry_filter, waits):
        return None
    log = cached.installation().log
    try:
        with nullcontext() if waits else log.patience(PATIENCE_S):
            return cached.answer(head, cached.count_reader().count, query).number
    except QueryTimeoutError:
        st.session_state[_UNCOUNTED] = (entry_filter, waits)
        return None


def draw_uncounted(entry_filter: EntryFilter) -> None:
    """Why `exact_count` gave no number, and the way to one."""
    if st.session_state.get(_EXACT) == entry_filter:
        st.caption(
            "Counting them takes longer than a page may read. The export itself has no such limit, "
            "and counts them first."
        )
        return
    st.caption(f"Counting them takes longer than {PATIENCE_S:g} seconds.")
    _draw_exact(entry_filter)


def _draw_exact(entry_filter: EntryFilter) -> None:
    st.button(
        "Count exactly",
        icon=":material/tag:",
        type="tertiary",
        on_click=_keep,
        args=(_EXACT, entry_filter),
    )


def instants_of(histogram: OverTime | None, view: filter_bar.View) -> str:
    """The instants between which entries were looked for."""
    zone = view.entry_filter.window.zone
    if histogram is None:
        until = view.entry_filter.window.shown_until(view.time_range, view.as_of)
        return instants(view.time_range.since, until, zone)
    return instants(histogram.since, histogram.until, zone)


def instants(since: datetime | None, until: datetime, zone: str) -> str:
    """From when to when on the zone's clocks, and outside UTC in UTC too; `None`: from the first
    entry."""
    universal = f"{_instant(since, UTC_NAME)} – {_instant(until, UTC_NAME)} UTC"
    if zone == UTC_NAME:
        return universal
    ahead = [
        offset(instant.astimezone(ZoneInfo(zone)))
        for instant in (since, until)
        if instant is not None
    ]
    both = ", then ".join(dict.fromkeys(f"UTC{item}" for item in ahead))
    return f"{_instant(since, zone)} – {_instant(until, zone)} {zone} ({both}) · {universal}"


def _instant(instant: datetime | None, zone: str) -> str:
    return "the first entry" if instant is None else written(instant, zone)


def draw_switch(person: Viewer) -> bool:
    """The toggle of the chart; whether it is shown, as this person last chose."""
    return kept_switch.draw(
        "Chart", "explore_chart_shown", person, help="Show how many entries there are over time"
    )


def draw_span(histogram: OverTime | None, by: str, view: filter_bar.View, *, chart: bool) -> None:
    """From when to when, and what the chart is stacked by, if it is shown; call it in a horizontal
    container."""
    drag = "" if drawing.by_finger() else "Drag over the chart to zoom in. "
    width = f" · {bar_width(Axis.of(histogram))}" if chart and histogram is not None else ""
    st.caption(
        f"{instants_of(histogram, view)}{width}",
        width="content",
        help=f"{drag}Click a bar to filter by it." if chart and histogram is not None else None,
    )
    if chart:
        # The address decides, also after a step back, and not what was chosen last.
        st.session_state[_CHOICE] = by
        st.selectbox(
            "Stacked by",
            list(facet_panel.FIELDS),
            key=_CHOICE,
            format_func=lambda param: f"By {_named(param)}",
            on_change=_choose,
            label_visibility="collapsed",
            width=160,
        )


def draw(
    histogram: OverTime | None,
    by: str,
    view: filter_bar.View,
    marks: Sequence[AlertMark] = (),
) -> None:
    """The chart, with marks where alerts lie."""
    entry_filter = view.entry_filter
    if histogram is None:
        _draw_given_up(by, entry_filter)
    elif isinstance(histogram, StackedHistogram):
        label, word = facet_panel.FIELDS[by]
        drawing.draw_stacked_over_time(
            histogram, label, word, entry_filter, height=HEIGHT_PX, marks=marks
        )
    else:
        drawing.draw_outcomes_over_time(histogram, entry_filter, height=HEIGHT_PX, marks=marks)


def _draw_given_up(by: str, entry_filter: EntryFilter) -> None:
    st.info(f"This chart takes longer than {PATIENCE_S:g} seconds.", icon=":material/timer:")
    st.button(
        "Draw anyway",
        icon=":material/bar_chart:",
        on_click=_keep,
        args=(_PATIENT, (by, entry_filter)),
    )


def _named(param: str) -> str:
    """A field within a sentence."""
    label = facet_panel.FIELDS[param][0]
    return label if label[1].isupper() else label.lower()


def _keep(key: str, asked: object) -> None:
    st.session_state[key] = asked


def _choose() -> None:
    by = st.session_state[_CHOICE]
    if by == BY_OUTCOME:
        st.query_params.pop(_PARAM, None)
    else:
        st.query_params[_PARAM] = by
