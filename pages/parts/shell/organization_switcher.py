"""Which of several organizations a viewer looks at."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.sessions import Viewer, choose_organization
from audit_core.installation.opened import Installation
from pages.parts.shell import lost_session, session

_SHOWN = "organization_shown"
_CHOICE = "organization_choice"


def forget_former(viewer: Viewer) -> None:
    """Drop all filters and other state of a page when the organization has changed.

    The organization stands in the session row, so another tab may have changed it.
    """
    shown = st.session_state.get(_SHOWN)
    if shown is not None and shown != viewer.organization_id:
        session.forget()
        st.query_params.clear()
    st.session_state[_SHOWN] = viewer.organization_id


def draw_switcher(installation: Installation, viewer: Viewer) -> None:
    """The name of the organization; a choice for those who are in several."""
    names = {item.organization_id: item.organization_name for item in viewer.memberships}
    if len(names) < 2:
        for name in names.values():
            st.caption("Organization")
            st.text(name)
        return
    ids = list(names)
    # The session row decides, not what this tab chose earlier.
    key = lost_session.key_of_stored(_CHOICE, viewer.organization_id)
    st.session_state[key] = viewer.organization_id if viewer.organization_id in names else None
    st.selectbox(
        "Organization",
        ids,
        format_func=lambda organization_id: names[organization_id],
        key=key,
        on_change=_choose,
        args=(installation, viewer, key),
    )


def _choose(installation: Installation, viewer: Viewer, key: str) -> None:
    chosen = st.session_state.get(key)
    if chosen is None:
        return
    with installation.state.begin() as connection:
        choose_organization(connection, session_id=viewer.session_id, organization_id=chosen)
