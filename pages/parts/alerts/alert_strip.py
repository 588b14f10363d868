"""The alerts that wait, on Overview."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.alerts.alert_filter import OPEN_STATES, AlertFilter
from audit_core.detect.alerts.reading import alerts_raised_last, open_by_level
from audit_core.domain.access import Scope
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.query.time.windows import ago
from pages.parts.alerts import alert_place, alert_words
from pages.parts.charts import drawing
from pages.parts.shell import cached

SHOWN, SHOWN_ON_PHONES = 3, 1
"""How many are named."""


def draw(scope: Scope) -> None:
    """How many wait by level, and the newest; nothing where none does."""
    organization_id = scope.organization_id or ""
    with cached.installation().state.read() as connection:
        counts = open_by_level(connection, organization_id)
        newest = alerts_raised_last(
            connection,
            organization_id,
            AlertFilter(states=OPEN_STATES),
            limit=SHOWN_ON_PHONES if drawing.by_finger() else SHOWN,
        )
    if not counts:
        return
    names, now = alert_place.names_of(newest, scope), cached.utc_now()
    with st.container(border=True, key="overview_alerts"):
        with st.container(horizontal=True, vertical_alignment="center"):
            total = sum(counts.values())
            named = "alert" if total == 1 else "alerts"
            st.markdown(f"**{total:,} open {named}**", width="content")
            for level, count in counts.items():
                st.badge(f"{count:,} {level.value}", color=LOOK_OF_LEVEL[level].badge)
            st.space("stretch")
            st.page_link(
                alert_place.PAGE, label="All alerts", icon=":material/notification_important:"
            )
        for one in newest:
            badge, said, link = st.columns([1.3, 8, 1], vertical_alignment="center", gap="small")
            badge.badge(one.level.label, color=LOOK_OF_LEVEL[one.level].badge)
            said.text(f"{alert_words.sentence(one, names)} {ago(one.last_at, now)}")
            with link.container(horizontal=True, horizontal_alignment="right"):
                st.page_link(
                    alert_place.PAGE,
                    label="Open",
                    icon=":material/arrow_forward:",
                    query_params=alert_place.params_of(one),
                )
