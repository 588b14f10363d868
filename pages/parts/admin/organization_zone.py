"""The time zone of an organization, as its admins set it."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.query.time.windows import UTC_NAME, zone_names
from audit_core.state.organization_settings import read_setting
from pages.parts.admin import organization_setting
from pages.parts.shell import cached, lost_session

SETTING = "zone"
_CHOICE = "organization_zone"
_CONFIRMED = "organization_zone_asked"


def draw(scope: Scope) -> None:
    """The zone, to be changed."""
    # Not in the callback itself: it runs before the page has required its permission.
    if confirmed := st.session_state.pop(_CONFIRMED, None):
        page_scope, zone = confirmed
        organization_setting.keep(
            page_scope, SETTING, zone, verb="organization.zone_set", detail={"zone": zone}
        )
        cached.organization_zone.clear()
    organization_id = scope.organization_id or ""
    with cached.installation().state.read() as connection:
        kept = read_setting(connection, organization_id=organization_id, name=SETTING)
    # What is stored decides: another admin may have changed it.
    key = lost_session.key_of_stored(_CHOICE, kept)
    st.session_state[key] = kept or UTC_NAME
    st.selectbox(
        "Time zone of the organization",
        zone_names(st.context.timezone),
        key=key,
        on_change=_choose,
        args=(scope, key),
        help="Pages open in this zone. Everyone can switch to another one.",
        width=320,
    )


def _choose(scope: Scope, key: str) -> None:
    st.session_state[_CONFIRMED] = (scope, st.session_state[key])
