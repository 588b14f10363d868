"""The time zone of an organization, as its admins set it."""

from __future__ import annotations

import streamlit as st

from audit_core.access import Permission
from audit_core.query.windows import UTC_NAME, zone_names
from audit_core.state.organization_settings import keep_setting, read_setting
from audit_core.state.sessions import Viewer
from pages.parts import cached, viewer

SETTING = "zone"
_CHOICE = "organization_zone"


def draw(person: Viewer) -> None:
    """The zone, to be changed."""
    organization_id = person.organization_id or ""
    with cached.product().state.read() as connection:
        kept = read_setting(connection, organization_id=organization_id, name=SETTING)
    # What is stored decides: another admin may have changed it.
    st.session_state[_CHOICE] = kept or UTC_NAME
    st.selectbox(
        "Time zone of the organization",
        zone_names(),
        key=_CHOICE,
        on_change=_choose,
        help="Everybody can switch to it on Overview and Explore, and begins with it.",
        width=320,
    )


def _choose() -> None:
    # A callback runs before the page and its gate.
    person, _ = viewer.require(Permission.MANAGE)
    organization_id = person.organization_id or ""
    zone: str = st.session_state[_CHOICE]
    with cached.product().state.begin() as connection:
        keep_setting(connection, organization_id=organization_id, name=SETTING, value=zone)
        viewer.record_deed(connection, person, "organization.zone_set", {"zone": zone})
    cached.organization_zone.clear()
