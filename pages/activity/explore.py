"""Explore: every entry that matches, over time, one by one, live, and as a file."""

import streamlit as st

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.domain.errors import FilterError
from audit_core.explore.view_params import view_of
from pages.parts.alerts import marked_alerts
from pages.parts.detections import alert_me
from pages.parts.entries import (
    comparison,
    entry_detail,
    entry_table,
    layout_picker,
    message_pattern_list,
    over_time,
    pager,
)
from pages.parts.filters import facet_panel, filter_bar, saved_views, zoom
from pages.parts.live import real_time, snapshot
from pages.parts.shell import cached, viewer

person, scope = viewer.require(Permission.READ)
with st.container(horizontal=True, vertical_alignment="center", key="explore_head"):
    st.title("Explore", anchor=False, width="content")
    views_slot = st.container(key="explore_views", width="content")
    actions_slot = st.container(
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="right",
        key="explore_actions",
    )
saved_views.open_asked(person, scope)

try:
    view = filter_bar.draw(person, scope, "Explore", stands="explore")
    cursor = pager.cursor()
    rows = pager.rows_per_page(person)
    stack = over_time.stack()
    picks = comparison.picked()
    layout = layout_picker.shown(person)
except FilterError as error:
    filter_bar.draw_problem(error)
    st.stop()
with views_slot:
    saved_views.draw(person, scope, view_of(view.entry_filter, layout, rows, stack))

with actions_slot:
    with_chart = over_time.draw_switch(person)
    with_facets = facet_panel.draw_switch(person)
    live = real_time.draw_switch(scope, view)
    if not live.on:
        pager.draw_refresh()
    layout_picker.draw(person, layout)
    if isinstance(decide(person.membership, Permission.EXPORT), Allowed):
        pager.draw_download(view, scope)
    real_time.draw_lookout(live)
count_slot = st.container(horizontal=True, vertical_alignment="center", key="explore_count")
news_slot = st.container()
chart_slot = st.container(key="explore_chart")
list_slot = st.container(key="explore_list")

# Rows first: the chart and the count look at all that matches.
page = snapshot.answer(live.head, cached.reader().page, view.query(scope), cursor, rows)
listed = bool(page.rows) or cursor is not None
if listed:
    with list_slot:
        comparison.draw_bar(picks)
    slots = list_slot.columns([4, 1]) if with_facets else [list_slot]
    with slots[0]:
        zone, now = view.entry_filter.window.zone, cached.utc_now()
        entry_table.draw(page.rows, zone, now, live.after_seq, layout)
        pager.draw_steps(page, rows, person)
        patterns_slot = st.container()
histogram = over_time.read(stack, view, scope, live.head)
with count_slot:
    over_time.draw_count(histogram, view, scope, live.head)
    if listed:
        zoom.draw_back(view.entry_filter)
    over_time.draw_span(histogram, stack, view, chart=listed and with_chart)
    if isinstance(decide(person.membership, Permission.MANAGE), Allowed):
        alert_me.draw(view.entry_filter, scope)
with news_slot:
    real_time.draw_news(view, scope, live, page)
if listed:
    if with_chart:
        with chart_slot:
            marks = marked_alerts.of_view(view, scope)
            over_time.draw(histogram, stack, view, marks.items)
            marked_alerts.draw_limit(marks)
    with patterns_slot:
        message_pattern_list.draw(view, scope, live.head)
    if with_facets:
        with slots[1]:
            facet_panel.draw(view, scope, live.head)
else:
    with list_slot:
        pager.draw_empty(view, scope, live.head)

if entry_id := st.query_params.get("entry"):
    entry_detail.draw(entry_id, view.entry_filter.window.zone)
elif comparison.is_open():
    comparison.draw(view.entry_filter.window.zone)
