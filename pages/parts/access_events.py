"""The access record of an organization: who was refused, exported, stored or changed what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.access import Scope
from audit_core.query.windows import written
from audit_core.state.access_record import AccessEvent, list_events
from pages.parts import cached, table_size

SHOWN = 200
"""How many events are listed."""


def detail_text(detail: Mapping[str, Any]) -> str:
    """A detail in one line: `file: a.jsonl · accepted: 3`; empty for none."""
    return " · ".join(f"{name}: {_value_text(value)}" for name, value in detail.items())


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(_value_text(each) for each in value)
    if isinstance(value, dict):
        return f"({detail_text(value)})"
    return f"{value:,}" if isinstance(value, int) else str(value)


def frame(events: Sequence[AccessEvent]) -> pd.DataFrame:
    """One line for each event in their order, all of it text."""
    return pd.DataFrame(
        [
            {
                "at": written(event.at, "UTC"),
                "verb": event.verb,
                "actor": event.actor,
                "address": event.address or "–",
                "detail": detail_text(event.detail),
            }
            for event in events
        ],
        columns=["at", "verb", "actor", "address", "detail"],
    )


def draw(scope: Scope) -> None:
    """The newest events, and whether there are more."""
    with cached.product().state.read() as connection:
        found = list_events(connection, organization_id=scope.organization_id, limit=SHOWN + 1)
    shown, more = found[:SHOWN], len(found) > SHOWN
    st.caption(
        (f"The newest {SHOWN:,} of more. " if more else f"All {len(shown):,}, newest first. ")
        + "What belongs to no single organization, such as a sign-in, is not listed here."
    )
    if not shown:
        return
    st.dataframe(
        frame(shown),
        hide_index=True,
        column_config={
            "at": st.column_config.TextColumn("When (UTC)", width=160),
            "verb": st.column_config.TextColumn("What", width=150),
            "actor": st.column_config.TextColumn("Who", width=200),
            "address": st.column_config.TextColumn("Address", width=130),
            "detail": st.column_config.TextColumn("Detail", width=520),
        },
        row_height=table_size.ROW,
        height=table_size.height(len(shown), most=16),
        alt="The access record of this organization, newest first",
    )
