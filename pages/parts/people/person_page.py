"""One actor: head figures, timeline, what is new, hours, sessions, keys, entries."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.explore.presentation import text
from audit_core.identity.sessions import Viewer
from audit_core.people.actors import ActorLine
from audit_core.people.keys_sql import UsedKey
from audit_core.people.sessions_sql import QUIET
from audit_core.people.timeline import Timeline
from audit_core.people.timeline_sql import LaneKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor
from audit_core.query.query import Query
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window, written
from audit_core.unusual.first_seen import KNOWN_FOR, LOOK_BACK, MIN_ENTRIES, FirstSeen
from pages.parts.alerts import alert_link, marked_alerts
from pages.parts.charts.figures import hours, lanes
from pages.parts.entries import entry_detail, entry_table, erased_note, pager
from pages.parts.filters import filter_bar
from pages.parts.filters.explore_link import Click
from pages.parts.people import list_offset, people_list, person_charts
from pages.parts.people.person_tables import (
    KEY_COLUMNS,
    NEW_COLUMNS,
    changes_of_new,
    created_frame,
    key_changes,
    keys_frame,
    news_frame,
    session_columns,
    sessions_frame,
)
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

MAX_LANES = 12
MAX_NEW = 100
MAX_KEYS = 50
SESSION_ROWS = 10

LANES = {LaneKind.TARGET: "Targets", LaneKind.CATEGORY: "Categories"}
_OFFSET = "sessions"


def draw_head(view: filter_bar.View, scope: Scope, head: int, *, alone: bool) -> ActorLine | None:
    """Who it is, in numbers; `None` if nothing matches. `alone`: nobody else may be seen."""
    found = cached.answer(head, cached.actor_reader().actor, view.query(scope))
    with st.container(horizontal=True, vertical_alignment="center", key="person_head"):
        if not alone:
            st.button("Everybody", icon=":material/arrow_back:", on_click=_back)
        st.text(visible(found.name if found else scope.actor_id or ""), width="content")
        if found and found.email:
            st.caption("id", width="content")
            st.text(visible(found.actor_id), width="content")
        if alone:
            st.caption("You see only your own activity.", width="content")
        elif scope.actor_id is not None:
            alert_link.draw(scope.actor_id, scope)
    zone = view.entry_filter.window.zone
    erased_note.draw((scope.actor_id,), scope, zone)
    if found is None:
        return None
    with st.grid(4, min_column_width=165, key="person_metrics"):
        st.metric("Entries", f"{found.entries:,}")
        st.metric("Failed", text.percent(found.failed, found.entries))
        st.metric("Addresses", f"{found.addresses:,}")
        st.metric("API keys · clients", f"{found.api_keys:,} · {found.clients:,}")
    st.caption(
        f"First seen {written(found.first, zone)}, last seen {written(found.last, zone)} {zone} "
        "in this window."
    )
    return found


def _back() -> None:
    for name in {"person", *filter_bar.PLACE_PARAMS} - {people_list.OFFSET}:
        st.query_params.pop(name, None)


def draw_timeline(view: filter_bar.View, scope: Scope, head: int, click: Click) -> None:
    """Lanes and marks, and what was merged or left out."""
    st.header("Timeline", anchor=False)
    kind = (
        st.segmented_control(
            "A lane for each of the",
            list(LANES),
            default=LaneKind.TARGET,
            format_func=LANES.__getitem__,
            key="person_lanes",
            required=True,
            persist_state="session",
        )
        or LaneKind.TARGET
    )
    found = cached.answer(
        head, cached.timeline_reader().timeline, view.query(scope), view.as_of, kind, MAX_LANES
    )
    window = view.entry_filter.window
    # Whoever sees only what they did themselves sees no alerts, as on other pages.
    alerts = marked_alerts.of_actor(view, scope) if click.leave else marked_alerts.NONE
    chart = lanes.over_time(found, window, alerts.items)
    name = f"person_timeline_{kind.value}"
    person_charts.draw(chart, name, view.entry_filter, click, person_charts.ZOOMING)
    st.caption(told(found, kind))
    marked_alerts.draw_limit(alerts)


def told(found: Timeline, kind: LaneKind) -> str:
    """What the timeline leaves out or merges, and how to look closer."""
    parts = []
    if found.all_lanes > len(found.lanes):
        more = found.all_lanes - len(found.lanes)
        parts.append(
            f"The {len(found.lanes)} busiest {LANES[kind].lower()} and {more:,} more. They "
            f"contain {text.entries(found.entries)}."
        )
    if found.merged:
        seconds = found.width_us / 1_000_000
        parts.append(
            f"{found.merged:,} of {found.entries:,} entries share a mark with others of the same "
            f"outcome within {_length(seconds)}: choose a shorter window to separate them."
        )
    parts.append("Drag to zoom, double-click to see all, click to show the entries.")
    return " ".join(parts)


def _length(seconds: float) -> str:
    for unit_s, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.1f} seconds"


def draw_news(view: filter_bar.View, scope: Scope, head: int, click: Click) -> None:
    """What this actor did for the first time."""
    st.header("New for this actor", anchor=False)
    found = cached.answer(head, cached.person_reader().news, view.query(scope), MAX_NEW)
    days = LOOK_BACK.days
    if found is None:
        st.caption("Choose a window with a start: what is new is compared with the time before it.")
        return
    if not found.known:
        history, zone = found.history, view.entry_filter.window.zone
        began = (
            "" if history.since is None else f", the first on {written(history.since, zone)[:10]}"
        )
        st.caption(
            f"Too little is known of this actor to call anything new: "
            f"{text.entries(history.entries)} in the {days} days before this window{began}. It "
            f"takes {MIN_ENTRIES}, and a first one at least {KNOWN_FOR.days} days before it."
        )
        return
    if not found.things:
        st.caption(f"Nothing new compared with the {days} days before this window.")
        return
    zone = view.entry_filter.window.zone
    things = found.things
    selection.draw(
        news_frame(things, zone),
        "person_news",
        things,
        identify=lambda thing: (scope.actor_id, thing.kind, thing.parts),
        take=lambda thing: _ask_new(thing, click),
        column_config=NEW_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(things), most=8),
        alt=f"What is new for this actor, latest first, {len(things)} things",
    )
    cut = f"The latest {MAX_NEW}; there are more. " if found.truncated else ""
    st.caption(
        f"{cut}Seen in this window but not in the {days} days before it, whatever the filters. "
        f"Times are {zone}, to the hour."
    )


def _ask_new(thing: FirstSeen, click: Click) -> None:
    click.ask(**(filter_bar.NOTHING | dict(changes_of_new(thing))))


def draw_hours(view: filter_bar.View, scope: Scope, head: int, click: Click) -> None:
    """When in the week."""
    st.header("Weekday and hour", anchor=False)
    query = view.query(scope)
    counts = cached.answer(head, cached.reader().hours_of_week, query, view.as_of)
    since, until = cached.reader().span(query, view.as_of)
    chart = hours.hours_of_week(counts, view.entry_filter.window, since, until)
    person_charts.draw(chart, "person_hours", view.entry_filter, click, person_charts.STILL)
    st.caption("Click a cell to show the entries of the latest such hour.")


def draw_sessions(view: filter_bar.View, scope: Scope, head: int, click: Click) -> None:
    """Stretches of work, latest first."""
    st.header("Sessions", anchor=False)
    about = (view.entry_filter, scope)
    offset = list_offset.shown(_OFFSET, about)
    page = cached.answer(
        head, cached.person_reader().sessions, view.query(scope), offset, SESSION_ROWS
    )
    if not page.sessions:
        st.caption("No sessions here.")
        return
    window = view.entry_filter.window
    selection.draw(
        sessions_frame(page.sessions, window.zone),
        "person_sessions",
        page.sessions,
        identify=lambda item: (scope.actor_id, item.first),
        take=lambda item: click.ask(window=lanes.span_window(item.first, item.last, window)),
        column_config=session_columns(window.zone),
        row_height=table_size.ROW,
        height=table_size.height(len(page.sessions), most=SESSION_ROWS),
        alt=f"Work sessions, latest first, {len(page.sessions)} of {page.total:,}",
    )
    last = offset + len(page.sessions)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(
            f"{offset + 1:,}–{last:,} of {page.total:,}, separated by more than "
            f"{QUIET.seconds // 60} minutes without an entry; the window may cut both ends."
        )
        st.button(
            "Later sessions",
            icon=":material/chevron_left:",
            disabled=offset == 0,
            on_click=list_offset.go,
            args=(_OFFSET, max(0, offset - SESSION_ROWS)),
        )
        st.button(
            "Earlier sessions",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=last >= page.total,
            on_click=list_offset.go,
            args=(_OFFSET, last),
        )


def draw_keys(view: filter_bar.View, scope: Scope, head: int, click: Click) -> None:
    """The API keys that were used, and those that were created or deleted, in all time."""
    st.header("API keys", anchor=False)
    always = TimeRange(since=None, until=None)
    zone = view.entry_filter.window.zone
    used = cached.answer(head, cached.person_reader().used_keys, scope, always, MAX_KEYS)
    if used.items:
        _draw_used(used.items, zone, click)
        if used.truncated:
            st.caption(f"The {MAX_KEYS} used most recently; there are more.")
    else:
        st.caption("No API key was used.")
    made = EntryFilter(
        window=Window(preset=ALL_TIME, zone=zone),
        actions=("create", "delete"),
        target_types=("api_key",),
    )
    page = cached.answer(head, cached.reader().page, Query(made, scope, always), None, MAX_KEYS)
    if page.rows:
        st.dataframe(
            created_frame([row.entry for row in page.rows], zone),
            hide_index=True,
            row_height=table_size.ROW,
            height=table_size.height(len(page.rows), most=8),
            alt="API keys that this actor created or deleted, newest first",
        )
    cut = f" The newest {MAX_KEYS} are listed; there are more." if page.older else ""
    st.caption(
        "Over all time. The log records the name and id of a created key, but only the ends of a "
        f"used one, so the two cannot be matched.{cut}"
    )


def _draw_used(keys: Sequence[UsedKey], zone: str, click: Click) -> None:
    selection.draw(
        keys_frame(keys, zone),
        "person_keys",
        keys,
        identify=lambda key: (click.actor_id, key.api_key),
        take=lambda key: click.ask(**(filter_bar.NOTHING | dict(key_changes(key, zone)))),
        column_config=KEY_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(keys), most=8),
        alt=f"API keys that this actor used, latest use first, {len(keys)} of them",
    )


def draw_entries(
    view: filter_bar.View,
    scope: Scope,
    head: int,
    cursor: Cursor | None,
    rows: int,
    person: Viewer,
) -> None:
    """The entries themselves, as on Explore."""
    st.header("Entries", anchor=False)
    page = cached.answer(head, cached.reader().page, view.query(scope), cursor, rows)
    zone = view.entry_filter.window.zone
    entry_table.draw(page.rows, zone, cached.utc_now(), None)
    pager.draw_steps(page, rows, person)
    if entry_id := st.query_params.get("entry"):
        entry_detail.draw(entry_id, zone)
