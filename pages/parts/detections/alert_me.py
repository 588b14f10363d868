"""“Alert me about this”: from what Explore shows to a rule in the editor."""

from __future__ import annotations

import uuid
from datetime import timedelta

import streamlit as st

from audit_core.detect.rules.correlations import MOST
from audit_core.detect.ruleset.from_filter import GROUPS, Many, rule_from_filter
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.query.entry_filter import EntryFilter
from pages.parts.admin.acting import administrator
from pages.parts.detections import rule_editor, rule_place
from pages.parts.shell import error_boundary
from pages.parts.tables.safe_text import visible

MAX_TITLE = 100
_LEVELS: tuple[Level, ...] = tuple(Level)
_ANY, _MANY = "Any match", "Many matches"
_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
_LABELS: dict[str | None, str] = {
    None: "All together",
    "actorId": "User",
    "targetId": "Target",
    "ipAddress": "IP address",
    "action": "Action",
    "source": "Source",
}


def draw(entry_filter: EntryFilter, scope: Scope) -> None:
    """The button and its form, for who manages the organization."""
    popover = st.popover("Alert me", icon=":material/add_alert:", key="alert_me")
    with popover, st.container(width=380):
        st.markdown("**Alert me about this**")
        # As text: what was asked for is in it.
        st.text(visible(entry_filter.describe_conditions() or "Any entry"))
        st.caption("Whenever such an entry arrives; the time window is left out.")
        title = st.text_input("Name", max_chars=MAX_TITLE, key="alert_me_title")
        when = st.segmented_control(
            "When", [_ANY, _MANY], default=_ANY, required=True, key="alert_me_when"
        )
        many = _draw_many() if when == _MANY else None
        group_by = st.selectbox(
            "For each",
            [*GROUPS, None],
            format_func=lambda one: _LABELS[one],
            key="alert_me_group",
            help="Each has an alert of its own. An entry without a value there raises none.",
        )
        level: Level = st.selectbox(
            "Level",
            _LEVELS,
            index=Level.MEDIUM.rank,
            format_func=lambda level: level.label,
            key="alert_me_level",
        )
        if st.button("Open in the editor", type="primary", key="alert_me_open"):
            _open(entry_filter, scope, title, level, group_by, many)


def _draw_many() -> Many:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        least = st.number_input(
            "At least", min_value=2, max_value=MOST, value=10, key="alert_me_least", width=110
        )
        number = st.number_input(
            "Within", min_value=1, max_value=10_000, value=15, key="alert_me_within", width=110
        )
        unit = st.selectbox("Unit", list(_UNITS), key="alert_me_unit", width=120)
    return Many(least=int(least), within=int(number) * _UNITS[unit])


def _open(
    entry_filter: EntryFilter,
    scope: Scope,
    title: str,
    level: Level,
    group_by: str | None,
    many: Many | None,
) -> None:
    administrator(scope)
    with error_boundary.attempt() as attempt:
        text = rule_from_filter(
            entry_filter,
            rule_id=str(uuid.uuid4()),
            title=title,
            level=level,
            group_by=group_by,
            many=many,
        )
    if attempt.succeeded:
        rule_editor.open_with(text)
        st.switch_page(rule_place.RULES, query_params={rule_place.EDIT: rule_place.NEW})
