"""What happened before and after an entry, by the same user or on the same target."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.explore.related import Relation, related_filter
from audit_core.explore.results import RelatedEntries, Row
from audit_core.query.time.windows import ago, written
from pages.parts.entries.entry_table import message_text, outcome_text, target_text
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.highlight import EMPHASIS
from pages.parts.tables.safe_text import visible

MOST = 10
"""How many are shown before, and after."""

THIS = "This entry"
_ROW_HEIGHT = 28
_LABELS = {Relation.ACTOR: "Same user", Relation.TARGET: "Same target"}


def apart(instant: datetime, other: datetime) -> str:
    """How long an instant lies before or after another: `5s before`, `3m after`."""
    text = ago(instant, other)
    if text == "now":
        return "same second"
    if text.endswith(" ago"):
        return f"{text.removesuffix(' ago')} before"
    return f"{text.removeprefix('in ')} after"


def frame(rows: tuple[Row, ...], here: Row, relation: Relation, zone: str) -> pd.DataFrame:
    """One line for each entry, newest first, all of it text."""
    who = relation is Relation.TARGET
    return pd.DataFrame(
        [
            {
                "when": THIS
                if row.seq == here.seq
                else apart(row.entry.created_at, here.entry.created_at),
                "action": visible(row.entry.action),
                "other": visible(row.entry.actor) if who else target_text(row.entry),
                "outcome": outcome_text(row.entry),
                "message": message_text(row.entry),
                "time": written(row.entry.created_at, zone),
            }
            for row in rows
        ]
    )


def draw(here: Row, scope: Scope, zone: str, head: int) -> Row | None:
    """Draw the list; the entry that was clicked on, if one was."""
    kinds = [relation for relation in Relation if related_filter(here.entry, relation)]
    chosen = st.segmented_control(
        "Before and after, by",
        kinds,
        default=kinds[0],
        format_func=lambda relation: _LABELS[relation],
        key=f"neighbours_kinship_{here.seq}",
        required=True,
        label_visibility="collapsed",
    )
    relation = Relation(chosen or kinds[0])
    found = cached.answer(head, cached.reader().related, here, relation, scope, MOST)
    if not found.newer and not found.older:
        st.caption("The log holds nothing else.")
        return None
    rows = (*found.newer, here, *found.older)
    picked = selection.draw_kept(
        frame(rows, here, relation, zone).style.apply(
            lambda line: [EMPHASIS if line["when"] == THIS else ""] * len(line), axis=1
        ),
        f"neighbours_{relation.value}_{here.seq}",
        rows,
        identify=lambda row: row.seq,
        height="content",
        row_height=_ROW_HEIGHT,
        column_config={
            "when": st.column_config.TextColumn("When", width=90),
            "action": st.column_config.TextColumn("Action", width=165),
            "other": st.column_config.TextColumn(
                "User" if relation is Relation.TARGET else "Target", width=210
            ),
            "outcome": st.column_config.TextColumn("Outcome", width=140),
            "message": st.column_config.TextColumn("Message", width=220),
            "time": st.column_config.TextColumn(f"Time ({zone})", width=150),
        },
        alt="The entries before and after this one, newest first; select a cell to open one.",
    )
    st.caption(told(found))
    return None if picked is None or picked.seq == here.seq else picked


def told(found: RelatedEntries) -> str:
    """How many there are before and after, and whether there are more."""

    def side(count: int, more: bool, where: str) -> str:
        return f"the nearest {count} {where}" if more else f"{count or 'none'} {where}"

    newer = side(len(found.newer), found.more_newer, "after")
    older = side(len(found.older), found.more_older, "before")
    text = f"{newer}, {older}"
    return f"{text[0].upper()}{text[1:]}. Select one to open it."
