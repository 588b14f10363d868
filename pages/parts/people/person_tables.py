"""What the tables on one actor's page show, and what clicks on them ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import FilterError
from audit_core.domain.redaction import redact
from audit_core.people.keys_sql import UsedKey
from audit_core.people.person import WorkSession
from audit_core.query.language.printer import conjoin
from audit_core.query.time.windows import ALL_TIME, UTC_NAME, Window, written
from audit_core.query.value_filter import NONE
from audit_core.unusual.first_seen import FirstSeen, Novelty
from pages.parts.charts.figures.chart import Changes
from pages.parts.entries.entry_table import outcome_text
from pages.parts.tables.safe_text import visible

_column = st.column_config

KINDS = {
    Novelty.ADDRESS: "Address",
    Novelty.KEY: "API key",
    Novelty.CLIENT: "Client",
    Novelty.ACTION: "Action",
}

NEW_COLUMNS = {
    "kind": _column.TextColumn("New", width=80),
    "thing": _column.TextColumn("What", width=210),
    "first": _column.TextColumn("First", width=130),
    "count": _column.NumberColumn("Entries", format="localized", width=75),
}

KEY_COLUMNS = {
    "key": _column.TextColumn("API key", width=150),
    "count": _column.NumberColumn("Entries", format="localized", width=90),
    "failed": _column.NumberColumn("Failed", format="percent", width=80),
    "first": _column.TextColumn("First use", width=160),
    "last": _column.TextColumn("Last use", width=160),
    "addresses": _column.NumberColumn("Addresses", width=90),
    "actions": _column.NumberColumn("Actions", width=80),
}


def text_of(thing: FirstSeen) -> str:
    """The new thing in one line."""
    if thing.kind is Novelty.KEY:
        return visible("…".join(part or "" for part in thing.parts))
    return visible(" · ".join(part for part in thing.parts if part)) or "(empty)"


def news_frame(things: Sequence[FirstSeen], zone: str) -> pd.DataFrame:
    """One line for each, in their order."""
    return pd.DataFrame(
        [
            {
                "kind": KINDS[thing.kind],
                "thing": text_of(thing),
                "first": written(thing.hour, zone, "minutes"),
                "count": thing.count,
            }
            for thing in things
        ]
    )


def changes_of_new(thing: FirstSeen) -> Changes:
    """What the filter must ask for to match the new thing, as far as it can be asked for."""
    first = thing.parts[0]
    if thing.kind is Novelty.ADDRESS:
        return {"ip_addresses": (first,)}
    if thing.kind is Novelty.ACTION:
        return {"actions": (first,)}
    if thing.kind is Novelty.KEY:
        return _asked("key", "…".join(part or "" for part in thing.parts))
    agent = thing.parts[1]
    source: Changes = {} if first == "" else {"sources": (NONE if first is None else first,)}
    return {**source, **(_asked("agent", agent) if agent != "" else {})}


def key_changes(key: UsedKey, zone: str) -> Changes:
    """What the filter must ask for to match all that was done with the key."""
    return {"window": Window(preset=ALL_TIME, zone=zone), **_asked("key", key.api_key)}


def _asked(field: str, value: str | None) -> Changes:
    try:
        return {"query": conjoin("", field, value, exclude=False, zone=UTC_NAME)}
    except FilterError:
        # Too long to be asked for: then the rest of the filter has to do.
        return {}


def duration(first: datetime, last: datetime) -> str:
    """How long a session lasted: `2 h 5 min`, `40 s`, or `a moment`."""
    seconds = int((last - first) / timedelta(seconds=1))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours:,} h {minutes} min"
    if minutes:
        return f"{minutes} min"
    return f"{seconds} s" if seconds else "a moment"


def touched_text(session: WorkSession) -> str:
    """The targets in one line, most frequent first, and how many more there are."""
    named = ", ".join(
        f"{visible(item.target_type or '')} {visible(item.target_id)} ({item.count:,})".strip()
        for item in session.touched
    )
    more = session.targets - len(session.touched)
    return (f"{named} and {more:,} more" if more > 0 else named) or "–"


def sessions_frame(sessions: Sequence[WorkSession], zone: str) -> pd.DataFrame:
    """One line for each, in their order."""
    return pd.DataFrame(
        [
            {
                "began": written(session.first, zone),
                "lasted": duration(session.first, session.last),
                "count": session.count,
                "failed": session.failed / session.count,
                "addresses": session.addresses,
                "clients": session.clients,
                "targets": session.targets,
                "touched": touched_text(session),
            }
            for session in sessions
        ]
    )


def session_columns(zone: str) -> dict[str, Any]:
    """How the columns of `sessions_frame` are shown."""
    return {
        "began": _column.TextColumn(f"Began ({zone})", width=max(150, 64 + 8 * len(zone))),
        "lasted": _column.TextColumn("Lasted", width=100),
        "count": _column.NumberColumn("Entries", format="localized", width=80),
        "failed": _column.NumberColumn("Failed", format="percent", width=75),
        "addresses": _column.NumberColumn("Addresses", width=85),
        "clients": _column.NumberColumn("Clients", width=75),
        "targets": _column.NumberColumn("Targets", width=75),
        "touched": _column.TextColumn("Touched", width=420),
    }


def keys_frame(keys: Sequence[UsedKey], zone: str) -> pd.DataFrame:
    """One line for each, in their order."""
    return pd.DataFrame(
        [
            {
                "key": visible(key.api_key),
                "count": key.count,
                "failed": key.failed / key.count,
                "first": written(key.first, zone),
                "last": written(key.last, zone),
                "addresses": key.addresses,
                "actions": key.actions,
            }
            for key in keys
        ]
    )


def created_frame(entries: Sequence[AuditEntry], zone: str) -> pd.DataFrame:
    """One line for each entry that created or deleted a key, in their order, all of it text."""
    return pd.DataFrame(
        [
            {
                f"When ({zone})": written(entry.created_at, zone),
                "What": visible(entry.action),
                "Name": _name_of(redact(entry)),
                "Key id": visible(entry.target_id or "–"),
                "Outcome": outcome_text(entry),
            }
            for entry in entries
        ]
    )


def _name_of(entry: AuditEntry) -> str:
    """The name that the key was given, as the request had it."""
    try:
        name = json.loads(entry.metadata or "{}")["body"]["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "–"
    return visible(name) if isinstance(name, str) and name else "–"
