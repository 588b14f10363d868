"""Inviting somebody into the organization, and the invitations that nobody has accepted yet."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Permission, Role, Scope
from audit_core.identity.accounts import LONGEST_EMAIL
from audit_core.identity.invitations import (
    INVITATION_LIFETIME,
    invite,
    pending_invitations,
    withdraw_invitation,
)
from audit_core.identity.one_time_links import Link
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from audit_core.web.addresses import invitation_address
from pages.parts.admin import grant_picker, link_shown
from pages.parts.admin.acting import act, administrator
from pages.parts.shell import cached, error_boundary, refreshed
from pages.parts.tables.safe_text import visible

LASTS = f"{INVITATION_LIFETIME.days} days"
SHOWN = 20
"""How many invitations are listed; the search of the list finds the others."""
_SHOWN, _OPENED = "invitation_shown", "invitations_opened"


def draw_button(scope: Scope) -> None:
    """The button that opens the form, and the form while it is open."""
    if st.button("Invite", type="primary", icon=":material/person_add:"):
        st.session_state[_SHOWN] = st.session_state.get(_OPENED, 0) + 1
    shown = st.session_state.get(_SHOWN)
    if shown is not None:
        form = st.dialog("Invite somebody", icon=":material/person_add:", on_dismiss=_close)
        form(_draw_form)(scope, f"invite_{shown}")


def _close() -> None:
    st.session_state[_OPENED] = st.session_state.pop(_SHOWN, 0)


def _draw_form(scope: Scope, prefix: str) -> None:
    with error_boundary.boundary():
        # A run of this dialog alone runs neither the page nor its gate.
        administrator(scope)
        email = st.text_input("E-mail address", key=f"{prefix}_email", max_chars=LONGEST_EMAIL)
        choice = grant_picker.draw(Role.MEMBER, {}, cached.organization_zone(scope), prefix)
        if st.button("Make the link", type="primary", icon=":material/link:"):
            with error_boundary.attempt() as attempt:
                link, code = _invited(scope, email, choice)
            if attempt.succeeded:
                link_shown.draw(invitation_address(code), link.email, LASTS)
                st.caption("Whoever has an account here already keeps its password.")


def _invited(scope: Scope, email: str, choice: grant_picker.Choice) -> tuple[Link, str]:
    by = administrator(scope)
    with cached.installation().state.begin() as connection:
        return invite(
            connection,
            by,
            organization_id=scope.organization_id or "",
            email=email,
            role=choice.role,
            grants=choice.grants,
        )


def draw(scope: Scope) -> None:
    """The invitations that may still be accepted; nothing when there are none."""
    refreshed.draw(_draw_pending, Permission.MANAGE, scope)


def _draw_pending(person: Viewer, scope: Scope) -> None:
    now = cached.installation().clock()
    with cached.installation().state.read() as connection:
        links = pending_invitations(connection, scope.organization_id or "", now)
    if not links:
        return
    with st.expander(f"Open invitations ({len(links):,})", icon=":material/mail:"):
        for link in links[:SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(
                    visible(
                        f"{link.email} · {link.role.value} · invited {ago(link.created_at, now)} "
                        f"by {link.made_by_name} · ends {ago(link.expires_at, now)}"
                    ),
                    width="stretch",
                )
                if st.button("Withdraw", key=f"withdraw_{link.id}", icon=":material/undo:"):
                    _withdraw(scope, link)
        if len(links) > SHOWN:
            st.caption(f"The newest {SHOWN} of {len(links):,}.")


def _withdraw(scope: Scope, link: Link) -> None:
    act(
        scope,
        lambda connection, by: withdraw_invitation(
            connection, by, organization_id=scope.organization_id or "", link_id=link.id
        ),
    )
