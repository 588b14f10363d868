"""One sandbox: its states, the attempts to start it, its configuration, and all its entries."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import format_instant, parse_instant, written
from audit_core.starts.attempt import length_of
from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.suspicion import SUSPECTED_BRIEFLY
from audit_core.starts.traces.configuration import configuration_at
from audit_core.starts.traces.state_timeline import BandState
from audit_core.starts.traces.trace import Trace, TraceRow
from audit_core.starts.traces.trace_reader import NEAR
from audit_core.web.routes.bundles import BUNDLE_PATH
from pages.parts.alerts import alert_link
from pages.parts.charts import drawing
from pages.parts.charts.figures import state_timeline
from pages.parts.entries.entry_table import message_text, outcome_text
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import start_list, state_change_list, suspicion_help
from pages.parts.shell import cached
from pages.parts.shell.app_address import own_address
from pages.parts.tables.safe_text import visible

MAX_ROWS = 2_000


def draw(key: str, person: Viewer, scope: Scope, head: int) -> None:
    """The sandbox with this id or name."""
    st.button("Back to the list", icon=":material/arrow_back:", on_click=_close)
    near = _near()
    trace = cached.answer(head, cached.traces_reader().trace, key, scope, near=near, rows=MAX_ROWS)
    if trace is None:
        st.info(
            "Your organization's log has nothing about this sandbox:", icon=":material/search_off:"
        )
        st.code(visible(key), language=None)
        return
    zone = filter_bar.current().window.zone
    with st.container(horizontal=True, vertical_alignment="center"):
        st.code(visible(trace.sandbox), language=None, width="content")
        st.text(visible(trace.name or _only_by_name(trace, near)), width="stretch")
        alert_link.draw(trace.sandbox, scope)
        _draw_bundle(trace, person, near)
    with st.grid(5, min_column_width=165, key="trace_metrics"):
        worked = trace.to_first_success
        st.metric("State", _state(trace), border=True, height="stretch")
        st.metric("Attempts to start", len(trace.attempts), border=True, height="stretch")
        st.metric("Failed", trace.number_of(StartOutcome.FAILED), border=True, height="stretch")
        st.metric(
            StartOutcome.SUSPECTED.label,
            trace.number_of(StartOutcome.SUSPECTED),
            help=SUSPECTED_BRIEFLY,
            border=True,
            height="stretch",
        )
        st.metric(
            "Time to first success",
            "–" if worked is None else length_of(worked),
            border=True,
            height="stretch",
        )
    drawing.draw(state_timeline.life(trace, zone, cached.utc_now()), "sandbox_life", EntryFilter())
    if trace.truncated:
        st.caption(f"Only the newest {MAX_ROWS:,} entries are shown; there are older ones.")
    if trace.attempts:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header("Attempts to start", anchor=False, width="content")
            if trace.number_of(StartOutcome.SUSPECTED):
                suspicion_help.draw(scope)
        start_list.table(trace.attempts[::-1], zone, "trace_attempts")
    if trace.witness is not None:
        state_change_list.draw(trace, trace.witness, zone)
    _draw_configuration(trace, zone)
    st.header("Who acted on it", anchor=False)
    _draw_touchers(trace, zone)
    st.header("All its entries", anchor=False)
    _draw_rows(trace.rows[::-1], zone)


def _near() -> datetime | None:
    """Where to look for it; what cannot be read only makes the search longer."""
    try:
        return parse_instant(st.query_params.get("sandbox_at", ""))
    except ValueError:
        return None


def _only_by_name(trace: Trace, near: datetime | None) -> str:
    if trace.bands and trace.bands[-1].state is BandState.NEVER_CREATED:
        return "No create of this name succeeded."
    if trace.name is not None or trace.changes or near is None:
        return ""
    return f"The log has no create of it within {length_of(NEAR)}."


def _close() -> None:
    for name in ("sandbox", "sandbox_at"):
        st.query_params.pop(name, None)


def _state(trace: Trace) -> str:
    if not trace.bands:
        return "Unknown"
    last = trace.bands[-1]
    return last.state.label if last.until is None else "Deleted"


def _draw_bundle(trace: Trace, person: Viewer, near: datetime | None) -> None:
    if not trace.failing or not isinstance(decide(person.membership, Permission.EXPORT), Allowed):
        return
    where = {"sandbox": trace.sandbox, "entry": trace.failing[-1].entry.id}
    if near is not None:
        where["near"] = format_instant(near)
    st.link_button(
        "Support bundle",
        own_address(f"{BUNDLE_PATH}?{urlencode(where)}"),
        icon=":material/support:",
        help="The last failed attempt in one Markdown file, secrets redacted",
    )


def _draw_configuration(trace: Trace, zone: str) -> None:
    if not trace.changes:
        return
    st.header("Configuration", anchor=False)
    times = list(dict.fromkeys(change.at for change in trace.changes))
    at = times[-1]
    if len(times) > 1:
        at = st.select_slider(
            "As of",
            times,
            value=times[-1],
            format_func=lambda when: f"{written(when, zone)} {zone}",
            key="configuration_at",
        )
    present = configuration_at(trace.changes, at)
    left, right = st.columns([2, 3])
    left.dataframe(
        pd.DataFrame(
            {
                "setting": [visible(name) for name in present],
                "value": [visible(value) for value in present.values()],
            }
        ),
        hide_index=True,
        height=300,
        column_config={"setting": "Setting", "value": "Value"},
        alt="The settings at that time",
    )
    right.dataframe(
        pd.DataFrame(
            {
                "time": [written(item.at, zone) for item in trace.changes[::-1]],
                "setting": [visible(item.setting) for item in trace.changes[::-1]],
                "old": [
                    visible("–" if item.old is None else item.old) for item in trace.changes[::-1]
                ],
                "new": [visible(item.new) for item in trace.changes[::-1]],
                "by": [visible(item.actor) for item in trace.changes[::-1]],
            }
        ),
        hide_index=True,
        height=300,
        column_config={
            "time": f"Time ({zone})",
            "setting": "Setting",
            "old": "Old",
            "new": "New",
            "by": "By",
        },
        alt="Changes to settings, latest first",
    )


def _draw_touchers(trace: Trace, zone: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "actor": [visible(item.actor) for item in trace.touchers],
                "entries": [item.entries for item in trace.touchers],
                "first": [written(item.first, zone) for item in trace.touchers],
                "last": [written(item.last, zone) for item in trace.touchers],
            }
        ),
        hide_index=True,
        column_config={
            "actor": "User",
            "entries": st.column_config.NumberColumn("Entries", format="localized"),
            "first": f"First ({zone})",
            "last": f"Last ({zone})",
        },
        alt="Who acted on the sandbox, most active first",
    )


def _draw_rows(rows: tuple[TraceRow, ...], zone: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "time": [written(row.entry.created_at, zone) for row in rows],
                "action": [visible(row.entry.action) for row in rows],
                "outcome": [outcome_text(row.entry) for row in rows],
                "user": [visible(row.entry.actor) for row in rows],
                "message": [message_text(row.entry) for row in rows],
                "matched": [start_list.MATCHED_BY_NAME if row.by_name else "" for row in rows],
                "id": [visible(row.entry.id) for row in rows],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(rows), 38 + 35 * 15),
        column_config={
            "time": f"Time ({zone})",
            "action": "Action",
            "outcome": "Outcome",
            "user": "User",
            "message": "Message",
            "matched": "Joined",
            "id": "Entry",
        },
        alt=f"All entries about the sandbox, newest first, {len(rows)} of them",
    )
