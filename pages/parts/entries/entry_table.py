"""The list of entries: one page, a line for each; Enter or a click opens the entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

import streamlit as st

from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.domain.redaction import redact_metadata, redact_text
from audit_core.explore.layout import COLUMNS, Density, Layout
from audit_core.explore.presentation.message_cause import split_message
from audit_core.explore.results import Row
from audit_core.query.time.windows import ago, format_instant, written
from pages.parts.tables.safe_text import visible
from sandtrail import ENTRY_LIST

_KEY = "entry_list"
NEW = "new"
MESSAGE_LENGTH = 300
"""How much of a message, or of other long text, the list shows; the entry itself has all."""
WHOLE_LENGTH = 1_000
"""How much of it is seen under the pointer."""
LONG_ID, TAIL = 16, 4
"""An id with more characters is shortened in its middle where room is short, and so many of its
last characters are always shown."""

ABSENT = "–"

ROW_HEIGHTS: dict[Density, int] = {
    Density.COMPACT: 23,
    Density.NORMAL: 28,
    Density.COMFORTABLE: 40,
}
"""In pixels."""


class Cell(TypedDict):
    """One cell, as the browser is given it; all of it text that is safe to be shown as such."""

    text: str
    whole: NotRequired[str]
    """What is seen under the pointer, if it is not the text."""
    tail: NotRequired[int]
    """How many of the last characters are shown even if those before them are not."""
    after: NotRequired[str]
    """What follows the text and matters less."""
    outcome: NotRequired[str]
    """The value of the outcome that the text names."""
    instant: NotRequired[int]
    """The text says how long this is ago: milliseconds since 1970."""


class Line(TypedDict):
    """One entry."""

    id: str
    at: str
    """Its time, as addresses hold it."""
    cells: list[Cell]


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


def _cut(text: str, length: int = MESSAGE_LENGTH) -> str:
    shown = visible(text)
    return shown if len(shown) <= length else f"{shown[:length]}…"


@dataclass(frozen=True, slots=True)
class Clock:
    """What a time is shown by."""

    zone: str
    now: datetime


def _plain(value: str | int | None) -> Cell:
    text = _in_one_line("" if value is None else str(value))
    if not text:
        return {"text": ABSENT}
    shown = _cut(text)
    return {"text": shown} if shown == visible(text) else {"text": shown, "whole": _whole(text)}


def _whole(text: str) -> str:
    return _cut(text, WHOLE_LENGTH)


def _shortened(cell: Cell, identifier: str | None) -> Cell:
    """The cell, which ends with the identifier, to be shortened in the middle of it if long."""
    if identifier is None or len(identifier) <= LONG_ID or cell["text"].endswith("…"):
        return cell
    return {**cell, "tail": TAIL}


def _target(row: Row, _: Clock) -> Cell:
    return _shortened({"text": _cut(target_text(row.entry))}, row.entry.target_id)


def _message(row: Row, _: Clock) -> Cell:
    """The cause first: a narrow column shows no more than that."""
    message = redact_text(_in_one_line(row.entry.error_message))
    parts = split_message(message)
    cell: Cell = {"text": _cut(parts.cause)}
    if parts.constant:
        cell["after"] = visible(parts.constant)
    if parts.constant or len(message) > MESSAGE_LENGTH:
        cell["whole"] = _whole(message)
    return cell


def _age(row: Row, clock: Clock) -> Cell:
    created_at = row.entry.created_at
    return {
        "text": ago(created_at, clock.now),
        "whole": f"{written(created_at, clock.zone)} {clock.zone}",
        "instant": milliseconds(created_at),
    }


def milliseconds(instant: datetime) -> int:
    """Since 1970, as the browser's clock counts."""
    return int(instant.timestamp() * 1000)


def _received(row: Row, clock: Clock) -> Cell:
    return {"text": ABSENT if row.received_at is None else written(row.received_at, clock.zone)}


_CELLS: dict[str, Callable[[Row, Clock], Cell]] = {
    "age": _age,
    "time": lambda row, clock: {"text": written(row.entry.created_at, clock.zone)},
    "user": lambda row, _: _plain(row.entry.actor),
    "action": lambda row, _: _plain(row.entry.action),
    "target": _target,
    "outcome": lambda row, _: {
        "text": outcome_text(row.entry),
        "outcome": row.entry.outcome.value,
    },
    "message": _message,
    "actor_id": lambda row, _: _shortened(_plain(row.entry.actor_id), row.entry.actor_id),
    "key": lambda row, _: _plain(row.entry.api_key),
    "category": lambda row, _: {"text": row.entry.category.label},
    "target_type": lambda row, _: _plain(row.entry.target_type),
    "target_id": lambda row, _: _shortened(_plain(row.entry.target_id), row.entry.target_id),
    "status": lambda row, _: _plain(row.entry.status_code),
    "ip": lambda row, _: _plain(row.entry.ip_address),
    "agent": lambda row, _: _plain(row.entry.user_agent),
    "source": lambda row, _: _plain(row.entry.source),
    "metadata": lambda row, _: {"text": metadata_text(row.entry)},
    "id": lambda row, _: _shortened(_plain(row.entry.id), row.entry.id),
    "received": _received,
}
"""What each column of `COLUMNS` shows of an entry."""


def lines(
    rows: tuple[Row, ...],
    zone: str,
    now: datetime,
    after_seq: int | None,
    columns: tuple[str, ...] = Layout().columns,
) -> list[Line]:
    """What the list shows: one line for each entry, in their order.

    `after_seq` marks entries with a higher seq as new, in a cell before the others; `None` leaves
    that out.
    """
    clock = Clock(zone, now)
    return [
        {
            "id": row.entry.id,
            "at": format_instant(row.entry.created_at),
            "cells": [
                *([] if after_seq is None else [_new(row, after_seq)]),
                *(_CELLS[name](row, clock) for name in columns),
            ],
        }
        for row in rows
    ]


def _new(row: Row, after_seq: int) -> Cell:
    return {"text": NEW if row.seq > after_seq else ""}


def headings(
    zone: str, *, marks_new: bool, columns: tuple[str, ...] = Layout().columns
) -> list[dict[str, str]]:
    """The columns' names in addresses and for people."""
    # The zone's name says what the times mean.
    labels = {
        name: f"{COLUMNS[name].label} ({zone})"
        if name in ("time", "received")
        else COLUMNS[name].label
        for name in columns
    }
    shown = {"new": "New", **labels} if marks_new else labels
    return [{"name": name, "label": label} for name, label in shown.items()]


def draw(
    rows: tuple[Row, ...],
    zone: str,
    now: datetime,
    after_seq: int | None,
    layout: Layout | None = None,
) -> None:
    """Draw the page; the entry that is opened goes into the address as `entry`, and its time as
    `entry_at`. Without a layout the usual columns are drawn."""
    layout = layout or Layout()
    noun = "entry" if len(rows) == 1 else "entries"
    opened = st.components.v2.component(
        ENTRY_LIST,
        js="entry_list.js",
        css="entry_list.css",
        # The drawer of an open entry is styled and listened to as well.
        isolate_styles=False,
    )(
        key=_KEY,
        data={
            "label": f"Audit entries, newest first, {len(rows)} {noun} on this page",
            "height": ROW_HEIGHTS[layout.density],
            "columns": headings(zone, marks_new=after_seq is not None, columns=layout.columns),
            "rows": lines(rows, zone, now, after_seq, layout.columns),
            "open": st.query_params.get("entry"),
            "now": milliseconds(now),
        },
        on_open_change=lambda: _open(st.session_state[_KEY].get("open")),
    )
    # A session that was lost has no callback yet: its first event is only here.
    _open(opened.open)


def _open(chosen: object) -> None:
    """Put into the address what the browser says was opened; it may say anything."""
    if isinstance(chosen, dict):
        entry_id, at = chosen.get("id"), chosen.get("at")
        if isinstance(entry_id, str) and isinstance(at, str):
            st.query_params["entry"] = entry_id
            st.query_params["entry_at"] = at
