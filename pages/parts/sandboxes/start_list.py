"""Attempts to start: how many had which outcome, and each of them with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Outcome
from audit_core.explore.presentation.outcome_colors import (
    COLOR_OF_OUTCOME,
    NOT_FAILED_COLOR,
    chip_color,
)
from audit_core.query.keyset import Cursor
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import ago, format_instant, written
from audit_core.starts.attempt import StartAttempt
from audit_core.starts.attempts_sql import FAILING, StartOutcome
from audit_core.starts.suspicion import SUSPECTED_BRIEFLY
from pages.parts.entries.entry_table import message_text
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import suspicion_help
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

ROWS = 50
WITHOUT_BEGINNING = timedelta(days=90)
"""What small charts show of a window that begins with the first entry: what lies before counts in
their first bar."""
COLORS: dict[StartOutcome, str] = {
    StartOutcome.STARTED: COLOR_OF_OUTCOME[Outcome.SUCCESS],
    StartOutcome.FAILED: COLOR_OF_OUTCOME[Outcome.SERVER_ERROR],
    StartOutcome.SUSPECTED: COLOR_OF_OUTCOME[Outcome.CLIENT_ERROR],
    StartOutcome.UNKNOWN: NOT_FAILED_COLOR,
}
MATCHED_BY_NAME = "matched by name"
_OUTCOMES = "start_outcomes"
_PARAM, _EVERY = "starts", "all"
"""The outcomes in the address, where they are not the failing ones; a word for all of them."""


def spans_of(view: filter_bar.View) -> Spans:
    """The window in equal parts; of one without a beginning, its last `WITHOUT_BEGINNING`."""
    until = view.entry_filter.window.shown_until(view.time_range, view.as_of)
    return Spans(since=view.time_range.since or until - WITHOUT_BEGINNING, until=until)


def draw(view: filter_bar.View, scope: Scope, cursor: Cursor | None, head: int) -> None:
    """The counts, and the page of attempts at the cursor."""
    counts = cached.answer(head, cached.starts_reader().counts, view.query(scope), spans_of(view))
    with st.grid(4, min_column_width=165, key="start_metrics"):
        for outcome in (*FAILING, StartOutcome.STARTED, StartOutcome.UNKNOWN):
            st.metric(
                outcome.label,
                f"{sum(counts[outcome]):,}",
                border=True,
                help=SUSPECTED_BRIEFLY if outcome is StartOutcome.SUSPECTED else None,
                chart_data=list(counts[outcome]),
                # Drawn otherwise than what the log states.
                chart_type="line" if outcome is StartOutcome.SUSPECTED else "bar",
            )
    if not any(map(sum, counts.values())):
        st.info("No attempts to start a sandbox match.", icon=":material/search_off:")
        st.text("Choose a longer time window, or remove a filter.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.session_state[_OUTCOMES] = _chosen()
        chosen = st.pills(
            "Outcomes",
            list(StartOutcome),
            selection_mode="multi",
            format_func=lambda item: item.label,
            key=_OUTCOMES,
            on_change=_choose,
            label_visibility="collapsed",
            width="content",
        )
        suspicion_help.draw(scope)
    outcomes = tuple(StartOutcome(item) for item in chosen) or tuple(StartOutcome)
    page = cached.answer(
        head,
        cached.starts_reader().page,
        view.query(scope),
        outcomes=outcomes,
        cursor=cursor,
        rows=ROWS,
    )
    if not page.attempts:
        st.success("No attempt had one of these outcomes.", icon=":material/check_circle:")
        return
    table(page.attempts, view.entry_filter.window.zone, "start_table")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{len(page.attempts)} on this page · read in {page.elapsed_s * 1000:.0f} ms")
        for label, icon, destination in (
            ("Newer", ":material/chevron_left:", page.newer),
            ("Older", ":material/chevron_right:", page.older),
        ):
            st.button(
                label, icon=icon, disabled=destination is None, on_click=_go, args=(destination,)
            )


def frame(attempts: Sequence[StartAttempt], zone: str) -> pd.DataFrame:
    """What the table shows, all of it text: one line for each attempt, in their order."""
    now = cached.utc_now()
    return pd.DataFrame(
        {
            "ago": [ago(item.entry.created_at, now) for item in attempts],
            "time": [written(item.entry.created_at, zone) for item in attempts],
            "action": [visible(item.entry.action) for item in attempts],
            "sandbox": [visible(item.sandbox or "–") for item in attempts],
            "outcome": [[item.outcome.label] for item in attempts],
            "evidence": [item.evidence() for item in attempts],
            "message": [message_text(item.entry) for item in attempts],
            "user": [visible(item.entry.actor) for item in attempts],
            "client": [visible(item.entry.user_agent or "–") for item in attempts],
            "matched": [MATCHED_BY_NAME if item.by_name else "" for item in attempts],
        }
    )


def table(attempts: Sequence[StartAttempt], zone: str, name: str) -> None:
    """The attempts; a click opens the sandbox. `name` is unique on the page."""
    column = st.column_config
    selection.draw(
        frame(attempts, zone),
        name,
        attempts,
        identify=lambda item: item.entry.id,
        take=lambda item: open_sandbox(item.sandbox, item.entry.created_at),
        height=min(38 + 35 * len(attempts), 38 + 35 * 20),
        row_height=35,
        column_config={
            "ago": column.TextColumn("Age", width=75),
            "time": column.TextColumn(f"Time ({zone})", width=max(150, 64 + 8 * len(zone))),
            "action": column.TextColumn("Action", width=80),
            "sandbox": column.TextColumn("Sandbox", width=170),
            "outcome": column.MultiselectColumn(
                "Outcome",
                options=[item.label for item in COLORS],
                color=list(map(chip_color, COLORS.values())),
                width=145,
                help=f"{StartOutcome.SUSPECTED.label}: {SUSPECTED_BRIEFLY[0].lower()}"
                f"{SUSPECTED_BRIEFLY[1:]}",
            ),
            "evidence": column.TextColumn(
                "Evidence", width=375, help="Why the attempt is taken for what it is"
            ),
            "message": column.TextColumn("Message", width=300),
            "user": column.TextColumn("User", width=170),
            "client": column.TextColumn("Client", width=150),
            "matched": column.TextColumn("Joined", width=120),
        },
        alt=f"Attempts to start a sandbox, newest first, {len(attempts)} on this page; "
        "select a cell to open the sandbox.",
    )


def open_sandbox(sandbox: str | None, at: datetime) -> None:
    """Open a sandbox, if it is known, as of a time; for callbacks."""
    if sandbox:
        st.query_params["sandbox"] = sandbox
        st.query_params["sandbox_at"] = format_instant(at)


def _go(destination: Cursor | None) -> None:
    if destination is not None:
        st.query_params["at"] = destination.to_param()


def _chosen() -> list[StartOutcome]:
    """The outcomes of the address, what is none left out; without any, the failing ones."""
    given = st.query_params.get_all(_PARAM)
    if given == [_EVERY]:
        return []
    return [item for item in StartOutcome if item.value in given] or list(FAILING)


def _choose() -> None:
    chosen = set(st.session_state[_OUTCOMES])
    st.query_params.pop("at", None)
    if chosen == set(FAILING):
        st.query_params.pop(_PARAM, None)
    else:
        names = [item.value for item in StartOutcome if item in chosen]
        st.query_params[_PARAM] = names or [_EVERY]
