"""The table of entries: one page, newest first; a click on a row opens the entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.answers import Row
from audit_core.entries import AuditEntry, Outcome
from audit_core.query.windows import ago, format_instant, written
from audit_core.redaction import redact_text
from pages.parts.outcome_colors import COLOR_OF_OUTCOME
from pages.parts.visible import visible

_KEY = "entry_table"
_FORGET = "entry_table_forget"
NEW = "new"
MESSAGE_LENGTH = 300
"""How much of a message the table shows; the entry itself has all of it."""


def outcome_text(entry: AuditEntry) -> str:
    """The outcome with its status code: `Success · 200`, `In flight`."""
    label = entry.outcome.label
    if entry.outcome in (Outcome.IN_FLIGHT, Outcome.UNANSWERED):
        return label
    return f"{label} · {entry.status_code}"


def target_text(entry: AuditEntry) -> str:
    """The target as type and id; either may be missing."""
    return visible(" ".join(part for part in (entry.target_type, entry.target_id) if part)) or "–"


def message_text(entry: AuditEntry) -> str:
    """The error message in one line, without secrets."""
    text = visible(redact_text(" ".join((entry.error_message or "").split())))
    return text if len(text) <= MESSAGE_LENGTH else f"{text[:MESSAGE_LENGTH]}…"


def frame(rows: tuple[Row, ...], zone: str, now: datetime, after_seq: int | None) -> pd.DataFrame:
    """What the table shows: one line for each entry, in their order, all of it text.

    `after_seq` marks entries with a higher seq as new; `None` leaves the column out.
    """
    lines = [
        {
            "new": [NEW] if after_seq is not None and row.seq > after_seq else [],
            "ago": ago(row.entry.created_at, now),
            "time": written(row.entry.created_at, zone),
            "user": visible(row.entry.actor),
            "action": visible(row.entry.action),
            "target": target_text(row.entry),
            "outcome": [outcome_text(row.entry)],
            "message": message_text(row.entry),
        }
        for row in rows
    ]
    table = pd.DataFrame(
        lines, columns=["new", "ago", "time", "user", "action", "target", "outcome", "message"]
    )
    return table.drop(columns="new") if after_seq is None else table


def _columns(rows: tuple[Row, ...], zone: str) -> dict[str, Any]:
    colors = {outcome_text(row.entry): COLOR_OF_OUTCOME[row.entry.outcome] for row in rows}
    column = st.column_config
    return {
        "new": column.MultiselectColumn("", options=[NEW], color="primary", width=55),
        "ago": column.TextColumn("Age", width=80),
        # Wide enough for the zone's name: it says what the times mean.
        "time": column.TextColumn(f"Time ({zone})", width=max(150, 64 + 8 * len(zone))),
        "user": column.TextColumn("User", width=185),
        "action": column.TextColumn("Action", width=165),
        "target": column.TextColumn("Target", width=215),
        "outcome": column.MultiselectColumn(
            "Outcome", options=list(colors), color=list(colors.values()) or None, width=150
        ),
        "message": column.TextColumn("Message", width=320),
    }


def draw(rows: tuple[Row, ...], zone: str, now: datetime, after_seq: int | None) -> None:
    """Draw the page; the entry that is clicked on goes into the address as `entry`, and
    its time as `entry_at`."""
    entries = [row.entry for row in rows]
    if st.session_state.pop(_FORGET, False) and _KEY in st.session_state:
        st.session_state[_KEY] = {"selection": {"cells": []}}
    st.dataframe(
        frame(rows, zone, now, after_seq),
        key=_KEY,
        hide_index=True,
        column_config=_columns(rows, zone),
        on_select=lambda: _open(entries),
        selection_mode="single-cell",
        height=min(38 + 35 * len(rows), 38 + 35 * 25),
        row_height=35,
        alt=f"Audit entries, newest first, {len(rows)} on this page; "
        "select a cell to open its entry.",
    )


def forget_selection() -> None:
    """Select nothing from the next run on, so that a click on the same cell opens its entry
    again."""
    st.session_state[_FORGET] = True


def _open(entries: list[AuditEntry]) -> None:
    cells = st.session_state[_KEY].selection.cells
    if cells:
        entry = entries[cells[0][0]]
        st.query_params["entry"] = entry.id
        st.query_params["entry_at"] = format_instant(entry.created_at)
