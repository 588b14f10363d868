"""What became of the fields of records: in sentences, and of another system's one by one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit_core.ingest.pipeline import IngestReport, Preview
from audit_core.ingest.records.extra_fields import NO_FIELDS, UNMAPPED, describe_extra
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

_AS_IT_WAS, _DERIVED, _KEPT = "as it was", "derived; kept as well", "kept as it was"


def draw(report: IngestReport | Preview, *, name: str = "") -> None:
    """Say what is to be said of a report; `name` is the file's, where there are several."""
    use = report.mapping
    begins = f"{visible(name)}: " if name else ""
    any_field = bool(use.mapped or use.derived or report.kept_fields)
    if use.name and any_field:
        mapped, derived, left = (
            len(counts.counts) for counts in (use.mapped, use.derived, report.kept_fields)
        )
        st.text(
            f"{begins}Read by the mapping {use.name}: {mapped} fields as they were, {derived} "
            f"derived, {left} kept under metadata.{UNMAPPED}."
        )
    # Of a mapping the fields stand in the table.
    kept = NO_FIELDS if use.name else report.kept_fields
    lost = NO_FIELDS if use.name else report.lost_fields
    for sentence in describe_extra(kept, lost, report.other_lines):
        st.text(f"{begins}{visible(sentence)}")
    if use.name and report.lost_fields:
        text = f"Not kept, since the metadata has no room for them: {report.lost_fields}."
        st.text(f"{begins}{visible(text)}")
    if use.name and any_field:
        with st.expander("What became of each field", icon=":material/account_tree:"):
            shown = frame(report)
            st.dataframe(
                shown,
                hide_index=True,
                column_config={
                    "place": st.column_config.TextColumn("In the record", width=300),
                    "field": st.column_config.TextColumn("In the entry", width=220),
                    "how": st.column_config.TextColumn("How", width=180),
                    "records": st.column_config.NumberColumn("Records", format="localized"),
                },
                row_height=table_size.ROW,
                height=table_size.height(len(shown)),
                alt="What became of each field of the records",
            )


def frame(report: IngestReport | Preview) -> pd.DataFrame:
    """One line for each place in the records, and for each field that came of it."""
    lines = []
    for counts, how in ((report.mapping.mapped, _AS_IT_WAS), (report.mapping.derived, _DERIVED)):
        for told, count in counts.counts:
            place, _, field = told.rpartition(" → ")
            lines.append((visible(place), visible(field), how, count))
    for place, count in report.kept_fields.counts:
        lines.append((visible(place), f"metadata.{UNMAPPED}", _KEPT, count))
    return pd.DataFrame(lines, columns=["place", "field", "how", "records"])
