"""The lines of a review as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.evidence.access_review.words import used, what
from audit_core.query.time.windows import written
from audit_core.workspace.access_reviews.review import ReviewItem
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

LINES = 16
"""How many lines are seen at once; the table scrolls."""

_KEY = "review_lines"
_COLUMNS = {
    "kind": st.column_config.TextColumn("Kind", width=85),
    "subject": st.column_config.TextColumn("Whose", width=190),
    "what": st.column_config.TextColumn("What", width=205),
    "used": st.column_config.TextColumn(
        "Used",
        width=190,
        help="In the quarter: deeds in Sandtrail's access record, and entries in the log. What "
        "only reads is not recorded.",
    ),
    "decision": st.column_config.TextColumn("Decision", width=130),
    "last": st.column_config.TextColumn("Last used (UTC)", width=140),
    "note": st.column_config.TextColumn("Note", width=230),
    "by": st.column_config.TextColumn("Decided by", width=230),
}


def draw(items: Sequence[ReviewItem], *, editable: bool) -> tuple[ReviewItem, ...]:
    """The table; the lines that are selected, if they may be."""
    if not items:
        st.info("No lines are like this.", icon=":material/filter_alt_off:")
        return ()
    table = frame(items)
    options: dict[str, Any] = {
        "column_config": _COLUMNS,
        "row_height": table_size.ROW,
        "height": table_size.height(len(items), most=LINES),
        "alt": "The lines of the review: kind, whose, what, used, decision and note",
    }
    if not editable:
        st.dataframe(table, hide_index=True, **options)
        return ()
    return selection.draw_many(
        table,
        _KEY,
        items,
        # A line that somebody decides meanwhile is another one: it is selected no longer.
        identify=lambda item: (item.number, item.decision, item.decided_at),
        **options,
    )


def frame(items: Sequence[ReviewItem]) -> pd.DataFrame:
    """One line for each, in their order, all of it text."""
    return pd.DataFrame(
        [
            {
                "kind": item.line.kind.label,
                "subject": visible(item.line.subject),
                "what": visible(what(item)),
                "used": used(item),
                "decision": "" if item.decision is None else item.decision.label,
                "last": ""
                if item.line.last_used_at is None
                else written(item.line.last_used_at, "UTC", "minutes"),
                "note": visible(item.note),
                "by": visible(
                    f"{item.decided_by or ''}{' (own access)' if item.decided_by_subject else ''}"
                ),
            }
            for item in items
        ],
        columns=list(_COLUMNS),
    )
