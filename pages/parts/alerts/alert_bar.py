"""The filter bar of alerts: widgets and address both stand for one `AlertFilter`.

The address is the truth: callbacks write it, every run reads it and sets the widgets from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import streamlit as st

from audit_core.detect.alerts.alert_filter import NOBODY, OPEN_STATES, AlertFilter
from audit_core.detect.alerts.reading import alert_rules
from audit_core.domain.access import Scope
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import FilterError
from audit_core.identity.sessions import Viewer
from audit_core.query.limits import MAX_TEXT
from pages.parts.alerts import alert_actions, alert_place
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

SHOWN: Mapping[str, tuple[AlertState, ...]] = {
    "Open": OPEN_STATES,
    "Closed": (AlertState.CLOSED,),
    "All": tuple(AlertState),
}
SPANS = {"": "Any time", "1": "Last 24 hours", "7": "Last 7 days", "30": "Last 30 days"}
"""How many days back, as the address has it."""
_STATE, _LEVEL, _RULE = "alert_bar_state", "alert_bar_level", "alert_bar_rule"
_ASSIGNEE, _TEXT, _WITHIN = "alert_bar_assignee", "alert_bar_text", "alert_bar_within"


def current() -> AlertFilter:
    """The filter of the address: what is open where it names no state. Raises `FilterError`."""
    params = st.query_params
    asked = AlertFilter.from_params({name: params.get_all(name) for name in params})
    days = params.get(alert_place.WITHIN, "")
    if days not in SPANS:
        raise FilterError((f"The parameter {alert_place.WITHIN} is {days!r}, which is unknown.",))
    if days:
        asked = replace(asked, since=cached.utc_now() - timedelta(days=int(days)))
    return asked if asked.states else replace(asked, states=OPEN_STATES)


def draw(person: Viewer, scope: Scope) -> AlertFilter:
    """Draw the bar. Raises `FilterError` for an address that cannot be read."""
    asked = current()
    with st.container(horizontal=True, vertical_alignment="bottom", key="alert_bar"):
        shown = next((name for name, states in SHOWN.items() if states == asked.states), None)
        _set(_STATE, shown)
        st.segmented_control("State", list(SHOWN), key=_STATE, on_change=_choose_state)
        _set(_LEVEL, list(asked.levels))
        st.multiselect(
            "Level",
            list(reversed(Level)),
            format_func=lambda level: level.label,
            key=_LEVEL,
            on_change=_choose_many,
            args=(_LEVEL, "level"),
            placeholder="Any",
            width=130,
        )
        _draw_rules(asked, scope)
        _draw_assignee(asked, person, scope)
        _draw_time(asked)
        _set(_TEXT, asked.text)
        st.text_input(
            "Find",
            key=_TEXT,
            max_chars=MAX_TEXT,
            icon=":material/search:",
            placeholder="Rule, person, target",
            on_change=_choose_text,
            width=165,
        )
    return asked


def reset() -> None:
    """Ask for what is open, and nothing else; for callbacks."""
    st.query_params.clear()


def _draw_rules(asked: AlertFilter, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        titles: dict[str, str] = dict(alert_rules(connection, scope.organization_id or ""))
    titles |= {rule_id: rule_id for rule_id in asked.rule_ids if rule_id not in titles}
    _set(_RULE, list(asked.rule_ids))
    st.multiselect(
        "Rule",
        list(titles),
        format_func=lambda rule_id: visible(titles[rule_id]),
        key=_RULE,
        on_change=_choose_many,
        args=(_RULE, "rule"),
        placeholder="Any",
        width=165,
    )


def _draw_assignee(asked: AlertFilter, person: Viewer, scope: Scope) -> None:
    people = alert_actions.people(scope)
    names: dict[str, str] = {
        "": "Anybody",
        NOBODY: "Nobody",
        person.account_id: f"Me ({person.email})",
    }
    names |= {one.account_id: one.email for one in people if one.account_id != person.account_id}
    chosen = asked.assignees[0] if len(asked.assignees) == 1 else ""
    names.setdefault(chosen, "a former member")
    _set(_ASSIGNEE, chosen)
    st.selectbox(
        "Assigned to",
        list(names),
        format_func=lambda account: visible(names[account]),
        key=_ASSIGNEE,
        on_change=_choose_one,
        args=(_ASSIGNEE, "assignee"),
        width=140,
    )


def _draw_time(asked: AlertFilter) -> None:
    options = dict(SPANS)
    days = st.query_params.get(alert_place.WITHIN, "")
    if not days and (asked.since or asked.until):
        options = {"link": "As in the link", **SPANS}
        days = "link"
    _set(_WITHIN, days)
    st.selectbox(
        "Time",
        list(options),
        format_func=options.__getitem__,
        key=_WITHIN,
        on_change=_choose_time,
        width=130,
    )


def _set(key: str, value: Any) -> None:
    st.session_state[key] = value


def _from_start(name: str, values: list[str]) -> None:
    st.query_params.pop(alert_place.OFFSET, None)
    if values:
        st.query_params[name] = values
    else:
        st.query_params.pop(name, None)


def _choose_state() -> None:
    chosen = st.session_state[_STATE] or "Open"
    states = [] if chosen == "Open" else [one.value for one in SHOWN[chosen]]
    _from_start("state", states)


def _choose_many(key: str, name: str) -> None:
    _from_start(name, [str(value) for value in st.session_state[key]])


def _choose_one(key: str, name: str) -> None:
    value: str = st.session_state[key]
    _from_start(name, [value] if value else [])


def _choose_text() -> None:
    text: str = st.session_state[_TEXT].strip()
    _from_start("text", [text] if text else [])


def _choose_time() -> None:
    days: str = st.session_state[_WITHIN]
    if days == "link":
        return
    for name in ("from", "to"):
        st.query_params.pop(name, None)
    _from_start(alert_place.WITHIN, [days] if days else [])
