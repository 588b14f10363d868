"""The list of the access record: count, download, one page of events, and the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit_core.domain.entries import Outcome
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log.reader import EventCount, EventCursor, EventPage, RecordReader
from audit_core.evidence.download import FileKind
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME, chip_color
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ALL_TIME, format_instant, written
from audit_core.state.access_log.joining import MAX_NETWORKS
from audit_core.state.access_log.record import AccessEvent
from audit_core.state.access_log.verbs import AccessOutcome
from audit_core.web.routes.access_record import ACCESS_RECORD_PATH
from pages.parts.access_log import record_bar
from pages.parts.entries import pager
from pages.parts.evidence import download_menu
from pages.parts.shell import cached
from pages.parts.shell.app_address import own_address
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

MAX_COUNTED = 10_000
"""How far a page counts unasked."""

ABSENT = "–"
_KEY = "record_table"
_FORGET = "record_table_forget"
_EXACT = "record_exact"
_LONGEST = 300
_COLORS = {
    AccessOutcome.DONE: COLOR_OF_OUTCOME[Outcome.SUCCESS],
    AccessOutcome.REFUSED: COLOR_OF_OUTCOME[Outcome.CLIENT_ERROR],
    AccessOutcome.BROKEN: COLOR_OF_OUTCOME[Outcome.SERVER_ERROR],
}


def cursor() -> EventCursor | None:
    """The place in the list that the address says; `None` for the newest page.

    Raises `FilterError`.
    """
    text = st.query_params.get("at")
    try:
        return None if text is None else EventCursor.from_param(text)
    except ValueError as error:
        raise FilterError((f"The parameter at cannot be read: {error}.",)) from error


def draw(view: record_bar.View, at: EventCursor | None, rows: int, person: Viewer) -> None:
    """Everything below the bar."""
    reader = RecordReader(cached.installation().state)
    page = reader.page(view.record_filter, view.scope, view.time_range, at, rows)
    with st.container(horizontal=True, vertical_alignment="center", key="record_head"):
        with st.container(width="stretch"):
            _draw_count(reader, view)
        st.button("Refresh", icon=":material/refresh:", key="refresh", help="Reload (R)")
        _draw_download(view)
    if not page.events:
        _draw_empty(view, at)
        return
    # Between the head and the table also because the table's toolbar opens above it, over what is
    # there.
    st.caption("Click a row to open it.")
    _draw_table(page, view.record_filter.window.zone)
    pager.draw_steps(page, rows, person)


def detail_text(detail: Mapping[str, Any]) -> str:
    """A detail in one line: `file: a.jsonl · accepted: 3`; empty for none."""
    return " · ".join(f"{name}: {_value_text(value)}" for name, value in detail.items())


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return ", ".join(_value_text(item) for item in value)
    if isinstance(value, dict):
        return f"({detail_text(value)})"
    return f"{value:,}" if isinstance(value, int) else str(value)


def times_text(event: AccessEvent) -> str:
    """How many deeds a row stands for: nothing for one, `12 times`, `80 times, 40 networks`."""
    if event.count == 1 and event.networks is None:
        return ""
    text = f"{event.count:,} times" if event.count > 1 else "once"
    if event.networks is None:
        return text
    more = " or more" if event.networks >= MAX_NETWORKS else ""
    return f"{text}, {event.networks:,}{more} networks"


def frame(events: Sequence[AccessEvent], zone: str) -> pd.DataFrame:
    """One line for each event in their order; all but the outcome is text."""
    return pd.DataFrame(
        {
            "time": [written(event.at, zone) for event in events],
            "user": [_cut(event.actor) for event in events],
            "action": [visible(event.verb) for event in events],
            "outcome": [[event.outcome.value.capitalize()] for event in events],
            "target": [_cut(event.target or ABSENT) for event in events],
            "ip": [_cut(event.address or ABSENT) for event in events],
            "times": [times_text(event) for event in events],
            "detail": [_cut(detail_text(event.detail)) for event in events],
        }
    )


def forget_selection() -> None:
    """Select nothing from the next run on, so that a click on the same cell counts again."""
    st.session_state[_FORGET] = True


def _cut(text: str) -> str:
    shown = visible(" ".join(text.split()))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _draw_count(reader: RecordReader, view: record_bar.View) -> None:
    exact = st.session_state.get(_EXACT) == (view.record_filter, view.scope)
    limit = None if exact else MAX_COUNTED
    found = reader.count(view.record_filter, view.scope, view.time_range, limit=limit)
    st.markdown(f"**{count_text(found)}**")
    if not found.complete:
        st.button(
            "Count exactly",
            icon=":material/tag:",
            type="tertiary",
            on_click=_count_exactly,
            args=(view,),
        )


def count_text(found: EventCount) -> str:
    """How many rows match, and what they stand for where that is more."""
    if not found.complete:
        return f"{found.rows:,}+ events"
    noun = "event" if found.rows == 1 else "events"
    if found.deeds == found.rows:
        return f"{found.rows:,} {noun}"
    return f"{found.rows:,} {noun}, standing for {found.deeds:,}"


def _count_exactly(view: record_bar.View) -> None:
    st.session_state[_EXACT] = (view.record_filter, view.scope)


def _draw_download(view: record_bar.View) -> None:
    download_menu.draw(
        "record",
        "All matches, not just this page: oldest first, times in UTC. Each download is recorded "
        "here too.",
        lambda kind: download_path(view, kind),
        view.scope,
    )


def download_path(view: record_bar.View, kind: FileKind) -> str:
    """Where everything that matches is handed out as a file."""
    params = {
        **view.record_filter.to_params(),
        **kind.params(),
        "part": [view.scope.part.value],
        "as_of": [format_instant(view.as_of)],
    }
    if view.scope.organization_id:
        params["organization"] = [view.scope.organization_id]
    return own_address(f"{ACCESS_RECORD_PATH}?{urlencode(params, doseq=True)}")


def _draw_empty(view: record_bar.View, at: EventCursor | None) -> None:
    if at is not None:
        st.info("There are no more events.", icon=":material/last_page:")
        st.button("Newest", icon=":material/first_page:", on_click=_go_to_newest)
        return
    st.info("No events match.", icon=":material/search_off:")
    narrowed = bool(view.record_filter.narrowed_by)
    st.text(
        "Remove a filter, or choose a longer time window."
        if narrowed
        else "Nothing was recorded in this time window."
    )
    if view.record_filter.window.preset != ALL_TIME:
        st.button("All time", icon=":material/date_range:", on_click=record_bar.all_time)


def _go_to_newest() -> None:
    st.query_params.pop("at", None)


def _draw_table(page: EventPage, zone: str) -> None:
    column = st.column_config
    if st.session_state.pop(_FORGET, False):
        selection.forget(_KEY)
    selection.draw(
        frame(page.events, zone),
        _KEY,
        page.events,
        identify=lambda event: event.uid,
        take=_open,
        keep=True,
        column_config={
            "time": column.TextColumn(f"Time ({zone})", width=max(150, 64 + 8 * len(zone))),
            "user": column.TextColumn("User", width=165),
            "action": column.TextColumn("Action", width=150),
            "outcome": column.MultiselectColumn(
                "Outcome",
                options=[outcome.value.capitalize() for outcome in _COLORS],
                color=list(map(chip_color, _COLORS.values())),
                width=90,
            ),
            "target": column.TextColumn("Target", width=150),
            "ip": column.TextColumn("IP address", width=110),
            "times": column.TextColumn("Times", width=80),
            "detail": column.TextColumn("Detail", width=320),
        },
        row_height=table_size.ROW,
        height=table_size.height(len(page.events), most=25),
        alt=f"The access record, newest first, {len(page.events)} on this page; "
        "select a cell to open its event.",
    )


def _open(event: AccessEvent) -> None:
    st.query_params["event"] = event.uid


def time_text(instant: datetime, zone: str) -> str:
    """An instant with its microseconds and its zone."""
    return f"{written(instant, zone, 'microseconds')} {zone}"
