"""The list of alerts: open ones first, by level and by how long they wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import list_alerts, open_by_level
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.explore.presentation.outcome_colors import chip_color
from audit_core.query.time.windows import written
from pages.parts.alerts import alert_actions, alert_bar, alert_place, alert_words
from pages.parts.people import list_offset
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size

ROWS = 50
_TABLE = "alert_table"


def draw(asked: AlertFilter, scope: Scope) -> None:
    """How many wait, the list, and what is done to those that are picked."""
    offset = list_offset.shown(alert_place.OFFSET, asked)
    with cached.installation().state.read() as connection:
        organization_id = scope.organization_id or ""
        counts = open_by_level(connection, organization_id)
        found = list_alerts(connection, organization_id, asked, limit=ROWS, offset=offset)
    _draw_counts(counts)
    alert_actions.draw_said()
    if not found.items:
        _draw_empty(asked, offset)
        return
    actions_slot = st.container()
    names = alert_place.names_of(found.items, scope)
    picked = selection.draw_pickable(
        frame(found.items, names, alert_place.zone(scope), cached.utc_now(), scope),
        _TABLE,
        found.items,
        identify=lambda one: one.id,
        take=alert_place.open_alert,
        column_config=_columns(alert_place.zone(scope)),
        row_height=table_size.ROW,
        height=table_size.height(len(found.items), most=18),
        alt=f"Alerts, those that wait first, {len(found.items)} on this page; select a cell to "
        "open its alert, or boxes to change several.",
    )
    with actions_slot:
        if picked:
            st.caption(f"{len(picked):,} picked.")
            alert_actions.draw("picked", picked, scope)
        else:
            st.caption("Click a line to open it, tick some to change them.")
            alert_actions.draw_disabled("picked")
    _draw_steps(len(found.items), offset, more=found.truncated)


def frame(
    alerts: Sequence[Alert], names: Mapping[str, str], zone: str, now: datetime, scope: Scope
) -> pd.DataFrame:
    """One line for each alert in their order."""
    people = {one.account_id: one.email for one in alert_actions.people(scope)}
    return pd.DataFrame(
        {
            "level": [[one.level.label] for one in alerts],
            "what": [alert_words.cut(one.rule_title) for one in alerts],
            "who": [alert_words.who(one, names) or "–" for one in alerts],
            "where": [alert_words.where(one) or "–" for one in alerts],
            "last": [written(one.last_at, zone, "minutes") for one in alerts],
            "state": [_state(one) for one in alerts],
            "assigned": [_assigned(one, people) for one in alerts],
            "entries": [one.count for one in alerts],
            "waits": [alert_words.waits(one, now) for one in alerts],
            "number": [f"#{one.number}" for one in alerts],
        }
    )


def _state(one: Alert) -> str:
    if one.withdrawn_at is not None:
        return "Withdrawn"
    return one.state.label if one.resolution is None else one.resolution.label


def _assigned(one: Alert, people: Mapping[str, str]) -> str:
    if one.assignee_id is None:
        return "–"
    return alert_words.cut(people.get(one.assignee_id, "a former member"))


def _columns(zone: str) -> dict[str, object]:
    column = st.column_config
    return {
        "level": column.MultiselectColumn(
            "Level",
            options=[level.label for level in Level],
            color=[chip_color(LOOK_OF_LEVEL[level].color) for level in Level],
            width=92,
        ),
        "what": column.TextColumn("What happened", width=240),
        "who": column.TextColumn("Who", width=175),
        "where": column.TextColumn("Where", width=95),
        "last": column.TextColumn(f"Last ({zone})", width=128),
        "state": column.TextColumn("State", width=115),
        "assigned": column.TextColumn("Assigned to", width=140),
        "entries": column.NumberColumn("Entries", format="localized", width=70),
        "waits": column.TextColumn("Open for", width=85),
        "number": column.TextColumn("Number", width=70),
    }


def _draw_counts(counts: Mapping[Level, int]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="alert_counts"):
        total = sum(counts.values())
        st.markdown(f"**{total:,} open**" if total else "**None open**", width="content")
        for level, count in counts.items():
            st.badge(f"{count:,} {level.value}", color=LOOK_OF_LEVEL[level].badge)


def _draw_empty(asked: AlertFilter, offset: int) -> None:
    if offset:
        st.button(
            "Back to the first ones",
            icon=":material/first_page:",
            on_click=list_offset.go,
            args=(alert_place.OFFSET, 0),
        )
        return
    narrowed = AlertFilter(states=asked.states) != asked or asked.states != alert_bar.SHOWN["Open"]
    if narrowed:
        st.info("No alert fits these filters.", icon=":material/filter_alt:")
        st.button("Reset filters", icon=":material/filter_alt_off:", on_click=alert_bar.reset)
        return
    st.info("No alert waits for anybody.", icon=":material/notifications_off:")


def _draw_steps(shown: int, offset: int, *, more: bool) -> None:
    if not (offset or more):
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{offset + 1:,}–{offset + shown:,}{', and more' if more else ''}")
        for label, icon, to, able in (
            ("Before", ":material/chevron_left:", max(0, offset - ROWS), offset > 0),
            ("Next", ":material/chevron_right:", offset + ROWS, more),
        ):
            st.button(
                label,
                icon=icon,
                disabled=not able,
                on_click=list_offset.go,
                args=(alert_place.OFFSET, to),
                key=f"alerts_{label.lower()}",
            )
