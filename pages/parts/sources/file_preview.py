"""What storing a file would do, told from its first records before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.redaction import redact
from audit_core.domain.rejections import Rejection
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME, chip_color
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.pipeline import Preview, preview
from audit_core.ingest.records.batches import FOREIGN
from audit_core.ingest.uploads import StoredFile
from audit_core.query.time.windows import written
from pages.parts.entries.entry_table import message_text, outcome_text, target_text
from pages.parts.evidence.download_menu import size_text
from pages.parts.shell import error_boundary
from pages.parts.sources import field_report, mapping_choice, rejection_list
from pages.parts.sources.file_storing import FileToStore
from pages.parts.sources.uploaded_files import RefusedFile
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

FIRST = 50
"""How many records of a file are looked at."""


def draw(
    file: StoredFile | RefusedFile, scope: Scope, known: Sequence[Mapping]
) -> FileToStore | None:
    """Draw the preview of a file, read by one of the known mappings or by none; what is to be
    stored, if it holds anything to store.

    What keeps one file from being read is told in place, and leaves the others alone.
    """
    with st.container(border=True):
        if isinstance(file, RefusedFile):
            st.text(visible(file.name))
            error_boundary.draw(file.error)
            return None
        st.text(f"{visible(file.name)} · {size_text(file.size)}")
        with error_boundary.boundary() as reading:
            mapping = mapping_choice.draw(file, scope, known)
            with file.open() as stream:
                found = preview(
                    stream,
                    file.name,
                    organization_id=scope.organization_id,
                    limit=FIRST,
                    mapping=mapping,
                )
        if not reading.succeeded:
            return None
        if not found.entries and not found.rejections:
            _draw_nothing(found)
            return FileToStore(file, mapping) if found.more else None
        _draw_found(found)
        return FileToStore(file, mapping)


def _draw_nothing(found: Preview) -> None:
    if found.other_lines:
        text = f"None of the first {found.other_lines:,} lines is an audit entry."
        st.info(text, icon=":material/draft:")
    else:
        st.info("This file is empty: it holds no records.", icon=":material/draft:")


def summary(found: Preview) -> str:
    """How many records were looked at, and what would become of them."""
    looked = len(found.entries) + len(found.rejections)
    records = "record" if looked == 1 else "records"
    which = f"The first {looked} {records}" if found.more else f"All {looked} {records}"
    if looked == 1 and not found.more:
        which = "One record"
    return f"{which}: {len(found.entries)} to store, {len(found.rejections)} to reject."


def frame(entries: Sequence[AuditEntry]) -> pd.DataFrame:
    """Entries as they would be stored, in their order; all of it text, without secrets."""
    shown = [redact(entry) for entry in entries]
    lines = [
        {
            "time": written(entry.created_at, "UTC"),
            "user": visible(entry.actor),
            "action": visible(entry.action),
            "target": target_text(entry),
            "outcome": [outcome_text(entry)],
            "message": message_text(entry),
        }
        for entry in shown
    ]
    return pd.DataFrame(lines, columns=["time", "user", "action", "target", "outcome", "message"])


def foreign(rejections: Sequence[Rejection]) -> int:
    """How many of them are refused for their organization only."""
    return sum(rejection.reason == FOREIGN for rejection in rejections)


def foreign_text(strangers: int, found: Preview) -> str:
    """What is said of records that the organization's border keeps out."""
    if strangers == len(found.entries) + len(found.rejections):
        return (
            "All of these records belong to another organization, or to none, and will be "
            "rejected. Is the right organization selected?"
        )
    records = "record belongs" if strangers == 1 else "records belong"
    return f"{strangers} {records} to another organization, or to none, and will be rejected."


def _draw_found(found: Preview) -> None:
    st.caption(summary(found))
    if strangers := foreign(found.rejections):
        st.warning(foreign_text(strangers, found), icon=":material/domain_disabled:")
    if found.entries:
        st.dataframe(
            frame(found.entries),
            hide_index=True,
            column_config=_columns(found.entries),
            row_height=table_size.ROW,
            height=table_size.height(len(found.entries)),
            alt="The first entries of this file as they would be stored",
        )
    if found.rejections:
        st.caption("To be rejected")
        rejection_list.draw_table(found.rejections, "The records among these that will be rejected")
    field_report.draw(found)


def _columns(entries: Sequence[AuditEntry]) -> dict[str, Any]:
    colors = {outcome_text(entry): chip_color(COLOR_OF_OUTCOME[entry.outcome]) for entry in entries}
    column = st.column_config
    return {
        "time": column.TextColumn("Time (UTC)", width=160),
        "user": column.TextColumn("User", width=185),
        "action": column.TextColumn("Action", width=165),
        "target": column.TextColumn("Target", width=215),
        "outcome": column.MultiselectColumn(
            "Outcome", options=list(colors), color=list(colors.values()), width=150
        ),
        "message": column.TextColumn("Message", width=320),
    }
