"""What a person does to alerts at the screen: one that is open, or those that are picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.triage import (
    MAX_COMMENT,
    Triaged,
    assign,
    assignable,
    change_state,
    comment_on,
)
from audit_core.domain.access import Permission, Scope
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.identity.administration import Administrator
from audit_core.identity.memberships import Member
from pages.parts.admin.acting import act
from pages.parts.alerts.alert_words import ICON_OF_STATE
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

_SAID = "alerts_said"
_SEEN = "alerts_seen"
_NOBODY = "Nobody"
_ASSIGN_ICON = ":material/person_add:"
_STATES = {"Acknowledge": AlertState.ACKNOWLEDGED, "Start work": AlertState.IN_PROGRESS}
"""What brings an open alert to which state."""
_MEANING = {
    Resolution.TRUE_POSITIVE: "It was what the rule is for.",
    Resolution.FALSE_POSITIVE: "The rule was wrong.",
    Resolution.BENIGN: "The rule was right, and it was meant to happen.",
    Resolution.DUPLICATE: "Another alert tells the same.",
}

Deed = Callable[[Connection, Administrator], Triaged]


def people(scope: Scope) -> tuple[Member, ...]:
    """To whom alerts can be assigned."""
    now = cached.installation().clock()
    with cached.installation().state.read() as connection:
        return assignable(connection, scope.organization_id or "", now)


def draw_said() -> None:
    """What came of what was asked for last."""
    said: tuple[str, bool] | None = st.session_state.pop(_SAID, None)
    if said is None:
        return
    text, done = said
    if done:
        st.toast(plain(text), icon=":material/check:")
    else:
        st.warning(plain(text), icon=":material/sync_problem:")


def draw(prefix: str, alerts: Sequence[Alert], scope: Scope) -> None:
    """The buttons, for all of the alerts together; `prefix` tells their keys apart."""
    seen = _seen(prefix, alerts)
    states = {one.state for one in alerts}
    open_ones = states - {AlertState.CLOSED}
    with st.container(horizontal=True, vertical_alignment="center", key=f"{prefix}_actions"):
        for label, state in _STATES.items():
            if states != {state} and open_ones:
                _draw_state(prefix, label, state, seen, scope)
        if open_ones:
            _draw_close(prefix, "Close", seen, scope)
        else:
            _draw_state(prefix, "Open again", AlertState.OPEN, seen, scope)
            _draw_close(prefix, "Change resolution", seen, scope)
        _draw_assign(prefix, seen, scope)
        if len(alerts) > 1:
            with st.popover("Comment", icon=":material/comment:", key=f"{prefix}_comment_menu"):
                draw_comment(prefix, alerts, scope)


def draw_disabled(prefix: str) -> None:
    """As many buttons where no alert is picked: once one is, what stands below does not move from
    under the pointer."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"{prefix}_disabled"):
        for label, state in _STATES.items():
            icon = ICON_OF_STATE[state]
            st.button(label, icon=icon, disabled=True, key=f"{prefix}_no_{state.value}")
        for label, icon in (
            ("Close", ICON_OF_STATE[AlertState.CLOSED]),
            ("Assign", _ASSIGN_ICON),
        ):
            st.popover(label, icon=icon, disabled=True, key=f"{prefix}_no_{label.lower()}")


def draw_comment(prefix: str, alerts: Sequence[Alert], scope: Scope) -> None:
    """What a person says of alerts, for others to see."""
    text = st.text_area(
        "Comment", max_chars=MAX_COMMENT, height=80, key=_fresh(f"{prefix}_comment")
    )
    if not st.button("Add comment", icon=":material/comment:", key=f"{prefix}_add_comment"):
        return

    def deed(connection: Connection, by: Administrator) -> None:
        comment_on(
            connection,
            by,
            organization_id=scope.organization_id or "",
            alert_ids=[one.id for one in alerts],
            comment=text,
        )
        _forget(f"{prefix}_comment")

    act(scope, deed, Permission.READ)


def _draw_state(
    prefix: str, label: str, state: AlertState, seen: Sequence[Alert], scope: Scope
) -> None:
    if st.button(label, icon=ICON_OF_STATE[state], key=f"{prefix}_{state.value}"):
        deed = partial(
            change_state, organization_id=scope.organization_id or "", seen=seen, state=state
        )
        _do(deed, scope)


def _draw_close(prefix: str, label: str, seen: Sequence[Alert], scope: Scope) -> None:
    with st.popover(label, icon=ICON_OF_STATE[AlertState.CLOSED], key=f"{prefix}_close_menu"):
        resolution = st.radio(
            "What came of it",
            list(Resolution),
            format_func=lambda one: one.label,
            captions=[_MEANING[one] for one in Resolution],
            index=None,
            key=_fresh(f"{prefix}_resolution"),
        )
        comment = st.text_area(
            "Comment (optional)",
            max_chars=MAX_COMMENT,
            height=80,
            key=_fresh(f"{prefix}_close_comment"),
        )
        named = "Close" if len(seen) == 1 else f"Close {len(seen):,} alerts"
        if (
            st.button(named, type="primary", disabled=resolution is None, key=f"{prefix}_close")
            and resolution
        ):
            deed = partial(
                change_state,
                organization_id=scope.organization_id or "",
                seen=seen,
                state=AlertState.CLOSED,
                resolution=resolution,
                comment=comment,
            )
            _do(deed, scope, f"{prefix}_resolution", f"{prefix}_close_comment")


def _draw_assign(prefix: str, seen: Sequence[Alert], scope: Scope) -> None:
    with st.popover("Assign", icon=_ASSIGN_ICON, key=f"{prefix}_assign_menu"):
        names: dict[str | None, str] = {None: _NOBODY}
        names |= {one.account_id: one.email for one in people(scope)}
        chosen = st.selectbox(
            "To whom",
            list(names),
            format_func=lambda account: visible(names[account]),
            key=_fresh(f"{prefix}_assignee"),
        )
        if st.button("Assign", type="primary", key=f"{prefix}_assign"):
            deed = partial(
                assign, organization_id=scope.organization_id or "", seen=seen, account_id=chosen
            )
            _do(deed, scope)


def _do(deed: Deed, scope: Scope, *fields: str) -> None:
    """Do it, and say what came of it once the page is drawn anew; then the fields are empty."""

    def done(connection: Connection, by: Administrator) -> None:
        found = deed(connection, by)
        st.session_state[_SAID] = in_words(found), not found.stale
        # What was typed for nothing is there for another try.
        for name in () if found.stale else fields:
            _forget(name)

    act(scope, done, Permission.READ)


def in_words(found: Triaged) -> str:
    """What came of a deed."""
    if found.stale:
        numbers = ", ".join(f"{one.number:,}" for one in found.stale)
        what = f"Alert {numbers} has" if len(found.stale) == 1 else f"Alerts {numbers} have"
        return (
            f"{what} changed in the meantime: more was found, or somebody else decided. "
            "Look again, then decide."
        )
    if not found.changed:
        return "Nothing to change."
    if len(found.changed) == 1:
        return f"Alert {found.changed[0].number:,} was changed."
    return f"{len(found.changed):,} alerts were changed."


def _seen(prefix: str, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts as the screen showed them when the person clicked, which was the run before."""
    key = f"{_SEEN}_{prefix}"
    before: dict[str, Alert] = st.session_state.get(key, {})
    st.session_state[key] = {one.id: one for one in alerts}
    return [before.get(one.id, one) for one in alerts]


def _fresh(name: str) -> str:
    """The key of a field, another one after `_forget`."""
    return f"{name}_{st.session_state.get(f'{name}_turn', 0)}"


def _forget(name: str) -> None:
    st.session_state[f"{name}_turn"] = st.session_state.get(f"{name}_turn", 0) + 1
