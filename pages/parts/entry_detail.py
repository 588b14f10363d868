"""One entry in full, in a drawer at the side."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.access import Scope
from audit_core.entries import FIELDS, AuditEntry
from audit_core.export.json_lines import json_object
from audit_core.query.windows import ago, parse_instant, written
from audit_core.redaction import MARK, redact
from pages.parts import cached, filter_bar
from pages.parts.entry_table import forget_selection, outcome_text, target_text
from pages.parts.visible import visible, visible_values

_APART = ("error_message", "metadata")
"""Fields that are shown in blocks of their own."""


def draw(entry_id: str, scope: Scope, zone: str) -> None:
    """Open the drawer; closing it takes the entry out of the address."""
    found = cached.entry(entry_id, scope, _time_in_address())
    entry = found if found is None or scope.secrets else redact(found)
    drawer = st.dialog(
        "Entry", width="medium", position="right", on_dismiss=close, icon=":material/article:"
    )
    drawer(_draw)(entry, entry_id, zone)


def close() -> None:
    """Take the entry out of the address."""
    for name in ("entry", "entry_at"):
        if name in st.query_params:
            del st.query_params[name]
    forget_selection()


def _time_in_address() -> datetime | None:
    """Where to look for the entry; what cannot be read only makes the search longer."""
    try:
        return parse_instant(st.query_params.get("entry_at", ""))
    except ValueError:
        return None


def fields(entry: AuditEntry, zone: str) -> pd.DataFrame:
    """Every field that fits on a line, with its name and value as text; absent ones as a dash."""

    def shown(attribute: str) -> str:
        value: Any = getattr(entry, attribute)
        if attribute == "created_at":
            return f"{written(value, zone)}.{value.microsecond:06d} {zone}"
        return "–" if value is None or value == "" else visible(str(value))

    names = [(name, attribute) for name, attribute in FIELDS if attribute not in _APART]
    return pd.DataFrame(
        {
            "field": [name for name, _ in names],
            "value": [shown(attribute) for _, attribute in names],
        }
    )


def _draw(entry: AuditEntry | None, entry_id: str, zone: str) -> None:
    if entry is None:
        st.info("No entry with this id in your organization:", icon=":material/search_off:")
        st.code(visible(entry_id), language=None)
        return
    st.text(f"{visible(entry.actor)} · {visible(entry.action)} · {target_text(entry)}")
    st.text(
        f"{outcome_text(entry)} · {ago(entry.created_at, cached.utc_now())} · "
        f"{written(entry.created_at, zone)} {zone}"
    )
    with st.container(horizontal=True):
        if st.button("All of this user", icon=":material/person:"):
            _show_all(actors=(entry.actor,))
        if entry.target_id and st.button("All of this target", icon=":material/deployed_code:"):
            _show_all(targets=(entry.target_id,))
    if entry.error_message:
        st.markdown("**Error message**")
        st.code(visible(entry.error_message), language=None, wrap_lines=True)
    st.markdown("**Fields**")
    table = fields(entry, zone)
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            "field": st.column_config.TextColumn("Field", width=150),
            "value": st.column_config.TextColumn("Value"),
        },
        alt="The fields of this entry",
    )
    st.markdown("**Metadata**")
    if entry.metadata is None:
        st.caption("None was recorded.")
    else:
        if MARK in entry.metadata:
            st.caption(":material/lock: Secrets are redacted.")
        st.json(visible_values(json.loads(entry.metadata)), expanded=True)
    st.markdown("**As JSON**")
    text = json.dumps(json_object(entry), indent=2, ensure_ascii=False)
    st.code(visible(text), language="json", height=220)


def _show_all(**changes: Any) -> None:
    """Only this actor or target, whatever else was asked, in the same window."""
    filter_bar.narrow(**(filter_bar.NOTHING | changes))
    st.rerun()
