"""The popover in which an admin acknowledges what alarms, with a reason."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from audit_core.integrity.verification.acknowledging import MAX_REASON
from pages.parts.admin.acting import act

Deed = Callable[[Connection, Administrator, str], object]


def draw(key: str, person: Viewer, scope: Scope, deed: Deed) -> None:
    """Nothing for who does not manage the organization; `deed` gets the reason."""
    if not isinstance(decide(person.membership, Permission.MANAGE), Allowed):
        return
    with st.popover("Acknowledge", icon=":material/done_all:", key=key), st.container(width=380):
        st.write("It stays a finding, on record with your reason, and is no alarm any more.")
        reason = st.text_area("Reason", max_chars=MAX_REASON, height=80, key=f"{key}_reason")
        if st.button("Acknowledge all of it", type="primary", key=f"{key}_do"):
            act(scope, lambda connection, by: deed(connection, by, reason))
