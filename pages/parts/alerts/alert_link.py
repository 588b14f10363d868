"""From a person, or a sandbox, to their alerts."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.alerts.reading import alerts_naming
from audit_core.domain.access import Scope
from audit_core.domain.alerts.alert_state import AlertState
from pages.parts.alerts import alert_place
from pages.parts.shell import cached

MAX_COUNTED = 99


def draw(value: str, scope: Scope) -> None:
    """How many alerts name it, and the way to them; nothing where none does."""
    with cached.installation().state.read() as connection:
        found = alerts_naming(connection, scope.organization_id or "", value, limit=MAX_COUNTED)
    if not found.items:
        return
    number = f"{len(found.items)}{'+' if found.truncated else ''}"
    waiting = sum(one.is_open for one in found.items)
    noun = "alert" if number == "1" else "alerts"
    st.page_link(
        alert_place.PAGE,
        label=f"{number} {noun}{f', {waiting} open' if waiting else ''}",
        icon=":material/notification_important:",
        query_params={"text": [value], "state": [one.value for one in AlertState]},
    )
