"""Asking the admins for a permission where it is missing, and telling admins that somebody asks."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import GRANTABLE, Allowed, Permission, Scope, decide
from audit_core.identity.access_requests import (
    ASK_AGAIN_AFTER,
    LONGEST_REASON,
    AccessRequest,
    ask_for_access,
    open_requests,
    request_of,
)
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from pages.parts.shell import cached, error_boundary

_WAITING = "access_requests_waiting"
"""What this run has read, with its organization: the page of members lists it."""


def draw(viewer: Viewer, permission: Permission, address: str) -> None:
    """What became of the last request for a permission, and the form for a new one."""
    if permission not in GRANTABLE or viewer.organization_id is None:
        return
    with cached.installation().state.read() as connection:
        known = request_of(
            connection,
            account_id=viewer.account_id,
            organization_id=viewer.organization_id,
            permission=permission,
        )
    if known is not None and not _draw_answer(known):
        return
    with st.form(f"ask_for_{permission.name}", width=560):
        reason = st.text_input(
            "Why do you need it?",
            max_chars=LONGEST_REASON,
            placeholder="A sentence for the admins",
        )
        asked = st.form_submit_button("Ask for access", icon=":material/send:", type="primary")
    if asked:
        _ask(viewer, permission, reason, address)


def draw_waiting(viewer: Viewer) -> None:
    """For admins: how many people ask for access, with the way there; else nothing."""
    membership = viewer.membership
    if membership is None or not isinstance(decide(membership, Permission.MANAGE), Allowed):
        return
    with cached.installation().state.read() as connection:
        waiting = open_requests(connection, membership.organization_id)
    st.session_state[_WAITING] = (membership.organization_id, waiting)
    if number := len(waiting):
        label = "1 person asks for access" if number == 1 else f"{number:,} ask for access"
        st.page_link("admin/access.py", label=label, icon=":material/how_to_reg:")


def waiting(scope: Scope) -> tuple[AccessRequest, ...]:
    """The requests that this run has told an admin of the organization about."""
    organization_id, found = st.session_state.get(_WAITING, (None, ()))
    return found if organization_id == scope.organization_id else ()


def _draw_answer(known: AccessRequest) -> bool:
    """Say where the last request stands; whether a new one may be made."""
    now = cached.installation().clock()
    if known.answered_at is None:
        st.info(
            f"You asked for it {ago(known.asked_at, now)}. The admins see your request.",
            icon=":material/hourglass:",
        )
        return False
    if known.granted:
        return True  # It has ended, or was withdrawn since.
    st.info(f"Your request was declined {ago(known.answered_at, now)}.", icon=":material/block:")
    return now >= known.answered_at + ASK_AGAIN_AFTER


def _ask(viewer: Viewer, permission: Permission, reason: str, address: str) -> None:
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        ask_for_access(
            connection,
            viewer,
            permission=permission,
            reason=reason,
            address=address,
            now=installation.clock(),
        )
    if attempt.succeeded:
        st.rerun()
