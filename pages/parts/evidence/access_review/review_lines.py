"""The lines of a review as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.query.time.windows import parse_instant, written
from audit_core.workspace.access_reviews.review import ReviewItem, SubjectKind
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


def what(item: ReviewItem) -> str:
    """What was frozen, in words."""
    frozen = item.line.frozen
    match item.line.kind:
        case SubjectKind.MEMBER:
            return f"{frozen['role']}{'' if frozen['state'] == 'active' else ', disabled'}"
        case SubjectKind.GRANT:
            return f"{frozen['permission']}{_until(frozen['endsAt'])}"
        case SubjectKind.TOKEN:
            networks = ", ".join(frozen["networks"]) or "anywhere"
            verbs = ", ".join(frozen["verbs"])
            return f"{verbs} from {networks}{_until(frozen['expiresAt'])}"
        case SubjectKind.INVITATION:
            granted = "".join(f", {name}" for name in frozen["grants"])
            return f"{frozen['role']}{granted}, by {frozen['madeBy']}{_until(frozen['expiresAt'])}"
        case SubjectKind.KEY:
            return f"used by {frozen['actor']}"


def used(item: ReviewItem) -> str:
    """How much was used in the quarter, in words."""
    line, frozen = item.line, item.line.frozen
    if line.kind is SubjectKind.MEMBER:
        return _member_use(frozen)
    if line.uses is None:
        return "–" if line.kind is SubjectKind.INVITATION else "not recorded"
    if line.kind is SubjectKind.KEY:
        return f"{line.uses:,} entries, {frozen['failed']:,} failed"
    return f"{line.uses:,} times" if line.uses else "not used"


def _member_use(frozen: Mapping[str, Any]) -> str:
    parts = []
    if frozen["deeds"]:
        as_admin = frozen["deedsAsAdmin"]
        parts.append(f"{frozen['deeds']:,} deeds{f' ({as_admin:,} as admin)' if as_admin else ''}")
    if frozen["entries"]:
        parts.append(f"{frozen['entries']:,} entries")
    return ", ".join(parts) or "nothing"


def _until(text: str | None) -> str:
    return "" if text is None else f" until {written(parse_instant(text), 'UTC', 'minutes')}"
