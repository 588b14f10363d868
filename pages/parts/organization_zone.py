"""The time zone of an organization, as its admins set it."""

from __future__ import annotations

import streamlit as st

from audit_core.access import Permission, Scope
from audit_core.query.windows import UTC_NAME, zone_names
from audit_core.state.organization_settings import keep_setting, read_setting
from pages.parts import cached, viewer

SETTING = "zone"
_CHOICE = "organization_zone"
_ASKED = "organization_zone_asked"


def draw(scope: Scope) -> None:
    """The zone, to be changed."""
    # Not in the callback itself: it runs before the page has required its permission.
    if asked := st.session_state.pop(_ASKED, None):
        keep(*asked)
    organization_id = scope.organization_id or ""
    with cached.product().state.read() as connection:
        kept = read_setting(connection, organization_id=organization_id, name=SETTING)
    # What is stored decides: another admin may have changed it.
    st.session_state[_CHOICE] = kept or UTC_NAME
    st.selectbox(
        "Time zone of the organization",
        zone_names(),
        key=_CHOICE,
        on_change=_choose,
        args=(scope,),
        help="Everybody can switch to it on Overview and Explore, and begins with it.",
        width=320,
    )


def _choose(scope: Scope) -> None:
    st.session_state[_ASKED] = (scope, st.session_state[_CHOICE])


def keep(scope: Scope, zone: str) -> None:
    """Make it the zone of this organization, unless another one is looked at by now."""
    person, present = viewer.require(Permission.MANAGE)
    if present != scope:
        st.rerun()
    with cached.product().state.begin() as connection:
        keep_setting(
            connection, organization_id=present.organization_id or "", name=SETTING, value=zone
        )
        viewer.record_deed(connection, person, "organization.zone_set", {"zone": zone})
    cached.organization_zone.clear()
