"""Whether the members of an organization may see what they did themselves."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.state.organization_settings import ON, OWN_ACTIVITY, read_setting
from pages.parts.admin import organization_setting
from pages.parts.shell import cached, lost_session

_TOGGLE = "own_activity"
_CONFIRMED = "own_activity_asked"


def draw(scope: Scope) -> None:
    """The switch, with what it means."""
    # Not in the callback itself: it runs before the page has required its permission.
    if confirmed := st.session_state.pop(_CONFIRMED, None):
        page_scope, allowed = confirmed
        organization_setting.keep(
            page_scope,
            OWN_ACTIVITY,
            ON if allowed else None,
            verb="organization.own_activity",
            detail={"allowed": allowed},
        )
    organization_id = scope.organization_id or ""
    with cached.installation().state.read() as connection:
        kept = read_setting(connection, organization_id=organization_id, name=OWN_ACTIVITY)
    st.header("Own activity", anchor=False)
    # The database decides, not what this tab chose earlier.
    key = lost_session.key_of_stored(_TOGGLE, kept)
    st.session_state[key] = kept == ON
    st.toggle("Members can see their own activity", key=key, on_change=_turn, args=(scope, key))
    st.caption(
        "On People, without read:audit_logs, and nobody else's. A member is found in the "
        "log by e-mail address; if several actors share it, none of them is shown."
    )


def _turn(scope: Scope, key: str) -> None:
    st.session_state[_CONFIRMED] = (scope, bool(st.session_state[key]))
