"""In which browsers a person is signed in, and the way out of each."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from audit_core.identity.own_account import (
    OwnSession,
    end_other_sessions,
    end_own_session,
    own_sessions,
)
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.safe_text import visible

SHOWN = 25
"""How many sessions are listed, those used last."""


def draw(person: Viewer) -> None:
    """The sessions, the one used last first."""
    installation = cached.installation()
    now = installation.clock()
    idle = timedelta(minutes=installation.settings.session_idle_minutes)
    with installation.state.read() as connection:
        found = own_sessions(connection, person, now=now, idle=idle)
    for one in found[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            seen = "this browser" if one.is_this else f"last used {ago(one.last_seen_at, now)}"
            st.text(
                visible(
                    f"{one.device} · {seen} · signed in {ago(one.created_at, now)}"
                    f" from {one.address or 'an unknown address'}"
                ),
                width="stretch",
            )
            if not one.is_this and st.button("Sign out", key=f"end_{one.id}"):
                _end(one)
    if len(found) > SHOWN:
        st.caption(f"The {SHOWN} that were used last, of {len(found):,}.")
    if len(found) > 1 and st.button("Sign out everywhere else", icon=":material/logout:"):
        person = viewer.require_person()
        with installation.state.begin() as connection:
            end_other_sessions(connection, person, address=viewer.address(), now=now)
        st.rerun()


def _end(one: OwnSession) -> None:
    person = viewer.require_person()
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        end_own_session(
            connection,
            person,
            session_id=one.id,
            address=viewer.address(),
            now=installation.clock(),
        )
    if attempt.succeeded:
        st.rerun()
