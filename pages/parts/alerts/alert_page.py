"""One alert: what happened, the entries, what is usual, the rule, and what persons did about it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.reading import alert_detail
from audit_core.domain.access import Scope
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from pages.parts.alerts import (
    alert_actions,
    alert_entries,
    alert_place,
    alert_rule,
    alert_trail,
    alert_words,
)
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible


def draw(alert_id: str, person: Viewer, scope: Scope) -> None:
    """The alert with this id."""
    st.button("All alerts", icon=":material/arrow_back:", on_click=_close)
    with cached.installation().state.read() as connection:
        found = alert_detail(connection, scope.organization_id or "", alert_id)
    if found is None:
        st.info("Your organization has no alert with this id:", icon=":material/search_off:")
        st.code(visible(alert_id), language=None)
        return
    one, rule = found.alert, alert_place.rule_of(found.alert)
    names = alert_place.names_of([one], scope)
    zone = alert_place.zone(scope)
    _draw_head(one, names, scope)
    alert_actions.draw_said()
    if one.withdrawn_at is None:
        alert_actions.draw(f"alert_{one.id}", [one], scope)
    left, right = st.columns([3, 2], gap="large")
    with left:
        alert_entries.draw(found, rule, names, scope, zone)
        alert_rule.draw(one, rule)
    with right:
        alert_trail.draw(found, person, scope, zone)


def _close() -> None:
    if "entry" in st.query_params:
        # Whoever came back from an entry has the filter of Explore in the address.
        st.query_params.clear()
    st.query_params.pop(alert_place.PARAM, None)


def _draw_head(one: Alert, names: Mapping[str, str], scope: Scope) -> None:
    zone, now = alert_place.zone(scope), cached.utc_now()
    st.title(plain(one.rule_title), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", key="alert_head"):
        st.badge(one.level.label, color=LOOK_OF_LEVEL[one.level].badge)
        if one.withdrawn_at is not None:
            st.badge("Withdrawn", icon=":material/undo:", color="gray")
        else:
            label = one.state.label
            if one.resolution is not None:
                label = f"{label}: {one.resolution.label.lower()}"
            closed = one.state is AlertState.CLOSED
            st.badge(
                label,
                icon=alert_words.ICON_OF_STATE[one.state],
                color="green" if closed else "gray",
            )
        st.caption(f"#{one.number:,} · raised {ago(one.raised_at, now)}", width="content")
        assignee = _assignee(one, scope)
        st.text(f"Assigned to {visible(assignee)}" if assignee else "Not assigned", width="content")
    st.text(alert_words.sentence(one, names))
    waits = f"{'open' if one.is_open else 'was open'} for {alert_words.waits(one, now)}"
    st.caption(f"Happened {alert_words.span(one, zone)} · {waits}")
    if one.withdrawn_at is not None:
        st.info(
            "Entries that were finished later, or a change of the rule, made this untrue. There is "
            "nothing left to work off.",
            icon=":material/undo:",
        )


def _assignee(one: Alert, scope: Scope) -> str:
    if one.assignee_id is None:
        return ""
    people = {each.account_id: each.email for each in alert_actions.people(scope)}
    return people.get(one.assignee_id, "a former member")
