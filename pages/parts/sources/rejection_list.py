"""Records that were rejected, or would be: where they stand, why, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.redaction import redact_metadata, redact_text
from audit_core.domain.rejections import Rejection
from audit_core.query.time.windows import written
from audit_core.state.rejections import (
    KeptRejection,
    count_dropped,
    describe_dropped,
    list_rejections,
)
from pages.parts.shell import cached
from pages.parts.tables import table_size

SHOWN = 200
"""How many of the kept rejections are listed at once."""

_BEFORE, _PAGE = "rejections_before", "rejections_page"

_COLUMNS = {
    "at": st.column_config.TextColumn("When (UTC)", width=160),
    "place": st.column_config.TextColumn("Place", width=190),
    "reason": st.column_config.TextColumn("Reason", width=520),
    "raw": st.column_config.TextColumn("Record as read", width=420),
    "origin": st.column_config.TextColumn("Source", width=200),
}


def frame(rejections: Sequence[Rejection | KeptRejection]) -> pd.DataFrame:
    """Rejections in their order, all of it text, without secrets.

    Only those that were kept have the columns `at` and `origin`.
    """
    kept = [rejection for rejection in rejections if isinstance(rejection, KeptRejection)]
    columns = {
        "place": [rejection.place for rejection in rejections],
        "reason": [redact_text(rejection.reason) for rejection in rejections],
        "raw": [redact_record(rejection.raw) for rejection in rejections],
    }
    if kept:
        columns = {
            "at": [written(rejection.at, "UTC") for rejection in kept],
            **columns,
            "origin": [rejection.origin for rejection in kept],
        }
    return pd.DataFrame(columns)


def redact_record(raw: str) -> str:
    """A record as it was read, without secrets: JSON by its names, any other text by its shape.

    In a record that cannot be read, or was cut, only what looks like a secret is found.
    """
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return _redact_row(raw)
    return redact_metadata(raw) or ""


def _redact_row(raw: str) -> str:
    """Text that may hold one JSON object whose quotes are doubled, as a row of CSV has it."""
    start, end = raw.find("{"), raw.rfind("}") + 1
    embedded = raw[start:end].replace('""', '"')
    try:
        json.loads(embedded)
    except (ValueError, RecursionError):
        return redact_text(raw.replace('""', '"'))
    redacted = (redact_metadata(embedded) or "").replace('"', '""')
    return redact_text(raw[:start]) + redacted + redact_text(raw[end:])


def draw_table(rejections: Sequence[Rejection | KeptRejection], alt: str) -> None:
    """Draw rejections, which there must be; `alt` names the table for screen readers."""
    st.dataframe(
        frame(rejections),
        hide_index=True,
        column_config=_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(rejections)),
        alt=alt,
    )


def draw(scope: Scope) -> None:
    """The rejections kept for the organization, newest first, and the way to older ones."""
    before: int | None = st.session_state.get(_BEFORE)
    with cached.installation().state.read() as connection:
        found = list_rejections(
            connection,
            organization_id=scope.organization_id,
            limit=SHOWN + 1,
            before_id=before,
        )
        dropped = count_dropped(connection, organization_id=scope.organization_id)
    shown, more = found[:SHOWN], len(found) > SHOWN
    if not shown and before is None:
        st.caption("Nothing was rejected.")
        return
    if shown:
        draw_table(shown, "Rejected records of this organization, newest first")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_told(len(shown), newest=before is None, more=more), width="stretch")
        if before is not None:
            st.button("Newest", icon=":material/first_page:", on_click=show_newest)
        if more:
            st.button(
                "Older",
                icon=":material/chevron_right:",
                icon_position="right",
                # In a session that begins anew the list does too: a click on a later page's button
                # would lead to a page that was read already.
                key=f"rejections_older_{st.session_state.get(_PAGE, 0)}",
                on_click=_show_before,
                args=(shown[-1].id,),
            )
    if gone := describe_dropped(dropped):
        st.caption(gone)


def _told(shown: int, *, newest: bool, more: bool) -> str:
    if not shown:
        return "There are no older ones."
    if not newest:
        return f"{shown:,} older ones{'; there are more' if more else ', and no more'}."
    return f"The newest {shown:,}; there are more." if more else f"All {shown:,}, newest first."


def show_newest() -> None:
    """Let the list begin with the newest again."""
    for key in (_BEFORE, _PAGE):
        st.session_state.pop(key, None)


def _show_before(rejection_id: int) -> None:
    st.session_state[_BEFORE] = rejection_id
    st.session_state[_PAGE] = st.session_state.get(_PAGE, 0) + 1
