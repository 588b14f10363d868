"""The table of entries: one page, newest first; a click on a row opens the entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.domain.redaction import redact_metadata, redact_text
from audit_core.explore.layout import COLUMNS, Density, Layout
from audit_core.explore.results import Row
from audit_core.query.time.windows import ago, format_instant, written
from pages.parts.charts.outcome_colors import COLOR_OF_OUTCOME
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

_KEY = "entry_table"
_FORGET = "entry_table_forget"
NEW = "new"
MESSAGE_LENGTH = 300
"""How much of a message, or of other long text, the table shows; the entry itself has all."""

ABSENT = "–"

ROW_HEIGHTS: dict[Density, int] = {
    Density.COMPACT: 26,
    Density.NORMAL: 35,
    Density.COMFORTABLE: 48,
}
"""In pixels."""

MAX_PIXELS = 38 + 35 * 25
"""The table scrolls where it would be taller."""


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
    return _cut(redact_text(_in_one_line(entry.error_message)))


def metadata_text(entry: AuditEntry) -> str:
    """The metadata as JSON in one line, without secrets."""
    return _cut(_in_one_line(redact_metadata(entry.metadata))) or ABSENT


def _in_one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= MESSAGE_LENGTH else f"{shown[:MESSAGE_LENGTH]}…"


@dataclass(frozen=True, slots=True)
class Clock:
    """What a time is shown by."""

    zone: str
    now: datetime


def _plain(value: str | int | None) -> str:
    return ABSENT if value is None or value == "" else _cut(_in_one_line(str(value)))


_CELLS: dict[str, Callable[[Row, Clock], Any]] = {
    "age": lambda row, clock: ago(row.entry.created_at, clock.now),
    "time": lambda row, clock: written(row.entry.created_at, clock.zone),
    "user": lambda row, _: visible(row.entry.actor),
    "action": lambda row, _: visible(row.entry.action),
    "target": lambda row, _: target_text(row.entry),
    "outcome": lambda row, _: [outcome_text(row.entry)],
    "message": lambda row, _: message_text(row.entry),
    "actor_id": lambda row, _: _plain(row.entry.actor_id),
    "key": lambda row, _: _plain(row.entry.api_key),
    "category": lambda row, _: row.entry.category.label,
    "target_type": lambda row, _: _plain(row.entry.target_type),
    "target_id": lambda row, _: _plain(row.entry.target_id),
    "status": lambda row, _: _plain(row.entry.status_code),
    "ip": lambda row, _: _plain(row.entry.ip_address),
    "agent": lambda row, _: _plain(row.entry.user_agent),
    "source": lambda row, _: _plain(row.entry.source),
    "metadata": lambda row, _: metadata_text(row.entry),
    "id": lambda row, _: _plain(row.entry.id),
    "received": lambda row, clock: (
        ABSENT if row.received_at is None else written(row.received_at, clock.zone)
    ),
}
"""What each column of `COLUMNS` shows of an entry; all but the outcome is text."""

_WIDTHS: dict[str, int] = {
    "age": 80,
    "user": 170,
    "action": 155,
    "target": 215,
    "outcome": 145,
    "message": 320,
    "actor_id": 170,
    "key": 130,
    "category": 150,
    "target_type": 120,
    "target_id": 190,
    "status": 95,
    "ip": 130,
    "agent": 240,
    "source": 140,
    "metadata": 380,
    "id": 300,
}
"""In pixels; those of times depend on the zone's name."""


def frame(
    rows: tuple[Row, ...],
    zone: str,
    now: datetime,
    after_seq: int | None,
    columns: tuple[str, ...] = Layout().columns,
) -> pd.DataFrame:
    """What the table shows: one line for each entry, in their order, all of it text.

    `after_seq` marks entries with a higher seq as new; `None` leaves that column out.
    """
    clock = Clock(zone, now)
    cells = {name: [_CELLS[name](row, clock) for row in rows] for name in columns}
    if after_seq is not None:
        marks = [[NEW] if row.seq > after_seq else [] for row in rows]
        cells = {"new": marks, **cells}
    return pd.DataFrame(cells)


def _configured(rows: tuple[Row, ...], zone: str, columns: tuple[str, ...]) -> dict[str, Any]:
    column = st.column_config
    configured: dict[str, Any] = {
        "new": column.MultiselectColumn("", options=[NEW], color="primary", width=55)
    }
    for name in columns:
        label = COLUMNS[name].label
        if name == "outcome":
            colors = {outcome_text(row.entry): COLOR_OF_OUTCOME[row.entry.outcome] for row in rows}
            configured[name] = column.MultiselectColumn(
                label,
                options=list(colors),
                color=list(colors.values()) or None,
                width=_WIDTHS[name],
            )
        elif name in ("time", "received"):
            # Wide enough for the zone's name: it says what the times mean.
            width = max(150, 64 + 8 * (len(zone) + len(label) - 4))
            configured[name] = column.TextColumn(f"{label} ({zone})", width=width)
        else:
            configured[name] = column.TextColumn(label, width=_WIDTHS[name])
    return configured


def draw(
    rows: tuple[Row, ...],
    zone: str,
    now: datetime,
    after_seq: int | None,
    layout: Layout | None = None,
) -> None:
    """Draw the page; the entry that is clicked on goes into the address as `entry`, and
    its time as `entry_at`. Without a layout the usual columns are drawn."""
    entries = [row.entry for row in rows]
    if st.session_state.pop(_FORGET, False) and _KEY in st.session_state:
        st.session_state[_KEY] = {"selection": {"cells": []}}
    layout = layout or Layout()
    row_height = ROW_HEIGHTS[layout.density]
    st.dataframe(
        frame(rows, zone, now, after_seq, layout.columns),
        key=_KEY,
        hide_index=True,
        column_config=_configured(rows, zone, layout.columns),
        on_select=lambda: _open(entries),
        selection_mode="single-cell",
        height=min(38 + row_height * len(rows), MAX_PIXELS),
        row_height=row_height,
        alt=f"Audit entries, newest first, {len(rows)} on this page; "
        "select a cell to open its entry.",
    )


def forget_selection() -> None:
    """Select nothing from the next run on, so that a click on the same cell opens its entry
    again."""
    st.session_state[_FORGET] = True


def _open(entries: list[AuditEntry]) -> None:
    row = selection.row_of(_KEY)
    if row is not None:
        entry = entries[row]
        st.query_params["entry"] = entry.id
        st.query_params["entry_at"] = format_instant(entry.created_at)
