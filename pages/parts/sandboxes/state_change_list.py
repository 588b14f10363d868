"""The state changes of one sandbox beside the audit log, and what only one of the two tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from audit_core.domain.entries import AuditEntry
from audit_core.query.time.windows import written
from audit_core.starts.attempt import length_of
from audit_core.starts.traces.second_witness import (
    LASTS,
    LATE,
    ComparedChange,
    SecondWitness,
    SeenChange,
    compare,
)
from audit_core.starts.traces.trace import Trace
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

NO_ENTRY, NOT_JUDGED = "no audit entry", "too early to say"


def draw(trace: Trace, witness: SecondWitness, zone: str) -> None:
    """What only one of the two tells, and each change with the entry that goes with it."""
    entries = [row.entry for row in trace.rows]
    found = compare(entries, witness, cached.utc_now(), truncated=trace.truncated)
    st.header("State changes", anchor=False)
    lacking = [item.change for item in found.changes if item.lacks_entry]
    changes = _counted(len(lacking), "state change")
    lone = _counted(len(found.lone_entries), "audit entry", "audit entries")
    st.caption(
        "As Daytona's webhooks tell them, beside the audit log. "
        f"{changes} without an audit entry, {lone} without a state change."
    )
    if lacking or found.lone_entries:
        st.subheader("Told by one of the two only", anchor=False)
        _draw_lone(lone_rows(lacking, found.lone_entries), zone)
        st.caption(
            f"A change is expected within {length_of(LASTS)} after its entry. Both may be up to "
            f"{length_of(LATE)} late: what is younger is not listed."
        )
        st.subheader("All state changes", anchor=False)
    if found.changes:
        _draw_changes(found.changes[::-1], zone)
    if witness.truncated:
        st.caption(f"Only the newest {len(witness.changes):,} are shown; there are older ones.")


@dataclass(frozen=True, slots=True, order=True)
class LoneRow:
    """Something that only one of the two tells; by its time."""

    at: datetime
    told_by: str
    what: str
    user: str
    id: str


def lone_rows(changes: Sequence[SeenChange], entries: Sequence[AuditEntry]) -> list[LoneRow]:
    """All of them, the newest first."""
    told = [
        LoneRow(item.at, "webhook", f"{item.old_state or '–'} → {item.new_state}", "–", item.id)
        for item in changes
    ]
    told += [
        LoneRow(entry.created_at, "audit log", entry.action, entry.actor, entry.id)
        for entry in entries
    ]
    return sorted(told, reverse=True)


def _draw_lone(rows: list[LoneRow], zone: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "time": [written(row.at, zone) for row in rows],
                "only": [row.told_by for row in rows],
                "what": [visible(row.what) for row in rows],
                "user": [visible(row.user) for row in rows],
                "id": [visible(row.id) for row in rows],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(rows), 38 + 35 * 10),
        column_config={
            "time": f"Time ({zone})",
            "only": "Only told by",
            "what": "What",
            "user": "User",
            "id": "Id",
        },
        alt=f"What only webhooks or only the audit log tell, newest first, {len(rows)} of them",
    )


def entry_text(compared: ComparedChange) -> str:
    """The entry that goes with a change, or that there is none."""
    if compared.entry is not None:
        before = compared.change.at - compared.entry.created_at
        return f"{compared.entry.action}, {length_of(max(before, before * 0))} before"
    return NO_ENTRY if compared.judged else NOT_JUDGED


def _draw_changes(changes: tuple[ComparedChange, ...], zone: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "time": [written(item.change.at, zone) for item in changes],
                "old": [visible(item.change.old_state or "–") for item in changes],
                "new": [visible(item.change.new_state) for item in changes],
                "entry": [visible(entry_text(item)) for item in changes],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(changes), 38 + 35 * 10),
        column_config={
            "time": f"Time ({zone})",
            "old": "From",
            "new": "To",
            "entry": "Audit entry",
        },
        alt=f"State changes of the sandbox, newest first, {len(changes)} of them",
    )


def _counted(number: int, noun: str, nouns: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
