"""Overview: how much happened, how much of it failed, who did it, and when."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from audit_core.explore.presentation.metrics import compared_with
from pages.parts.alerts import alert_strip, alert_watch
from pages.parts.charts import drawing, metrics
from pages.parts.entries import over_time, pager
from pages.parts.evidence import integrity_note, outside_list, report_link, vanished_note
from pages.parts.filters import filter_bar, zoom
from pages.parts.live import real_time, snapshot
from pages.parts.shell import cached, viewer
from pages.parts.sources import stale_note
from pages.parts.unusual import finding_list

HEADINGS = (
    "Outcomes",
    "Errors by action and status",
    "Most failing users",
    "Most active users",
    "Top actions",
    "Weekday and hour",
)
MAX_GROUPS = 10
MAX_ERRORS = 200

person, scope = viewer.require(Permission.READ)
st.title("Overview", anchor=False)
integrity_note.draw(scope)
vanished_note.draw_note(scope)
outside_list.draw_note(scope)
stale_note.draw(person, scope, link=True)
alert_strip.draw(scope)

try:
    view = filter_bar.draw(person, scope, "Overview", stands="overview")
except FilterError as error:
    filter_bar.draw_problem(error)
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", key="overview_actions"):
    span_slot = st.container(width="stretch")
    live = real_time.draw_switch(scope, view)
    if not live.on:
        pager.draw_refresh()
    report_link.draw(view, scope, person)
    real_time.draw_lookout(live)
real_time.draw_news(view, scope, live)
if live.on:
    alert_watch.draw(scope)

query = view.query(scope)
summary = snapshot.answer(live.head, cached.reader().summary, query)
if summary.entries == 0:
    pager.draw_empty(view, scope, live.head)
    st.stop()

metric_slot = st.grid(4, min_column_width=165, key="overview_metrics")
unusual_slot = st.container(border=True, key="overview_unusual")
unusual_slot.header(finding_list.heading(view), anchor=False, help=finding_list.HELP)
time_slot = st.container(border=True, key="overview_time")
time_slot.header("Outcomes over time", anchor=False)
errors_slot = st.container(border=True, key="overview_errors")
errors_slot.header("Errors over time", anchor=False)
cards = st.grid(2, min_column_width=330, border=True, key="overview_cards")
slots = [cards.cell(column_span=span) for span in (1, 1, 1, 1, "all", "all")]
outcome_slot, error_slot, failing_slot, actor_slot, action_slot, hour_slot = slots
for slot, heading in zip(slots, HEADINGS, strict=True):
    slot.header(heading, anchor=False)

before = view.entry_filter.window.before(view.as_of)
summary_before = (
    snapshot.answer(live.head, cached.reader().summary, query.within(before)) if before else None
)
with metric_slot:
    metrics.draw(summary, summary_before)

histogram = snapshot.answer(live.head, cached.reader().outcomes_over_time, query, view.as_of)
window = view.entry_filter.window
with span_slot:
    span = over_time.instants(histogram.since, histogram.until, window.zone)
    compared = f", compared with {compared_with(window)}" if before else ""
    st.caption(f"{span}{compared}. Click a bar or a cell to filter by it.")
with time_slot:
    zoom.draw_back(view.entry_filter)
    drawing.draw_outcomes_over_time(histogram, view.entry_filter)
with errors_slot:
    drawing.draw_errors_over_time(histogram, view.entry_filter)
with outcome_slot:
    drawing.draw_outcomes(histogram, view.entry_filter)
with error_slot:
    drawing.draw_errors(
        snapshot.answer(live.head, cached.reader().errors, query, MAX_ERRORS), view.entry_filter
    )
with failing_slot:
    drawing.draw_failing_actors(
        snapshot.answer(live.head, cached.reader().failing_actors, query, MAX_GROUPS),
        view.entry_filter,
    )
with action_slot:
    drawing.draw_actions(
        snapshot.answer(live.head, cached.reader().actions, query, MAX_GROUPS), view.entry_filter
    )
with actor_slot:
    drawing.draw_actors(
        snapshot.answer(live.head, cached.reader().actors, query, MAX_GROUPS), view.entry_filter
    )
with hour_slot:
    busy = snapshot.answer(live.head, cached.reader().hours_of_week, query, view.as_of)
    drawing.draw_hours_of_week(busy, histogram, view.entry_filter)
with unusual_slot:
    finding_list.draw(view, scope, live)
