"""One member, in a drawer at the side: role, permissions, sessions, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.identity.administration import (
    Administrator,
    change_member,
    disable_member,
    enable_member,
    remove_member,
    sign_out_member,
)
from audit_core.identity.memberships import Member, find_member
from audit_core.identity.password_links import PASSWORD_LINK_LIFETIME, make_password_link
from audit_core.query.time.windows import ago
from audit_core.web.addresses import new_password_address
from pages.parts.admin import grant_picker, link_shown
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

_SHOWN, _CLOSED, _OPENED = "member_shown", "member_closed", "member_opened"
_DONE = "member_done"
LINK_LASTS = f"{PASSWORD_LINK_LIFETIME // timedelta(hours=1)} hours"


def forget_click(table: str) -> None:
    """Select nothing in the table once the drawer was closed, and say what was done in it; call it
    before the table is drawn."""
    if st.session_state.pop(_CLOSED, False):
        selection.forget(table)
    if done := st.session_state.pop(_DONE, None):
        st.toast(error_boundary.plain(done), icon=":material/check:")


def draw(clicked: Member | None, scope: Scope) -> None:
    """The drawer of the member who was clicked on, else of the one whose drawer is open."""
    if clicked is not None:
        st.session_state[_SHOWN] = clicked.account_id
    account_id = st.session_state.get(_SHOWN)
    if account_id is None:
        return
    drawer = st.dialog(
        "Member",
        width="medium",
        position="right",
        on_dismiss=_close,
        icon=":material/manage_accounts:",
    )
    # Fresh widgets each time: what was chosen and not saved the last time is not shown as if it
    # were so.
    number = st.session_state.setdefault(_OPENED, 0)
    drawer(_draw)(account_id, scope, f"member_{number}")


def _close() -> None:
    st.session_state.pop(_SHOWN, None)
    st.session_state[_CLOSED] = True
    st.session_state[_OPENED] = st.session_state.get(_OPENED, 0) + 1


def _draw(account_id: str, scope: Scope, prefix: str) -> None:
    with error_boundary.boundary():
        # A run of this drawer alone runs neither the page nor its gate.
        by = administrator(scope)
        with cached.installation().state.read() as connection:
            member = find_member(
                connection,
                account_id=account_id,
                organization_id=scope.organization_id or "",
                now=by.now,
            )
        if member is None:
            st.info("This person is no longer in the organization.", icon=":material/person_off:")
            return
        st.text(visible(member.name))
        st.text(visible(member.email))
        st.caption(_described(member, by.now))
        _draw_permissions(member, scope, prefix)
        _draw_deeds(member, scope)
        _draw_password_link(member, scope)


def _described(member: Member, now: datetime) -> str:
    seen = member.last_seen_at
    words = [f"Last seen {ago(seen, now)}" if seen else "Never seen here"]
    if member.account_disabled:
        words.append("account disabled by whoever runs this server")
    if member.disabled:
        words.append("disabled in this organization")
    return " · ".join(words)


def _draw_permissions(member: Member, scope: Scope, prefix: str) -> None:
    zone = cached.organization_zone(scope)
    choice = grant_picker.draw(member.role, member.grants, zone, prefix)
    # Of this drawer, and of no other: what was chosen would not be saved with it.
    if st.button("Save", type="primary", icon=":material/save:", key=f"{prefix}_save"):
        _do(
            scope,
            lambda by: _change(member, scope, by, choice),
            f"Saved what {member.email} may do.",
        )


def _change(member: Member, scope: Scope, by: Administrator, choice: grant_picker.Choice) -> None:
    with cached.installation().state.begin() as connection:
        change_member(
            connection,
            by,
            organization_id=scope.organization_id or "",
            account_id=member.account_id,
            role=choice.role,
            grants=choice.grants,
        )


def _draw_deeds(member: Member, scope: Scope) -> None:
    organization_id, account_id = scope.organization_id or "", member.account_id
    deeds = {
        "Sign out everywhere": (":material/logout:", sign_out_member, "is signed out everywhere"),
        "Enable": (":material/lock_open:", enable_member, "can sign in again"),
        "Disable": (":material/block:", disable_member, "can no longer get in here"),
    }
    del deeds["Disable" if member.disabled else "Enable"]
    with st.container(horizontal=True):
        for label, (icon, deed, said) in deeds.items():
            if st.button(label, icon=icon):
                _do(
                    scope,
                    lambda by, deed=deed: _in_state(  # type: ignore[misc]
                        deed, by, organization_id, account_id
                    ),
                    f"{member.email} {said}.",
                )
        with st.popover("Remove", icon=":material/person_remove:"):
            st.write("The account stays, without this organization.")
            if st.button("Remove from organization", type="primary"):
                _do(
                    scope,
                    lambda by: _in_state(remove_member, by, organization_id, account_id),
                    f"{member.email} is no longer in the organization.",
                )


def _draw_password_link(member: Member, scope: Scope) -> None:
    if not st.button("Make a link for a new password", icon=":material/key:"):
        return
    with error_boundary.attempt() as attempt:
        by = administrator(scope)
        with cached.installation().state.begin() as connection:
            _, code = make_password_link(
                connection,
                by,
                organization_id=scope.organization_id or "",
                account_id=member.account_id,
            )
    if attempt.succeeded:
        link_shown.draw(new_password_address(code), member.email, LINK_LASTS)
        st.caption("Until it is used, the present password stays.")


def _in_state(
    deed: Callable[..., None], by: Administrator, organization_id: str, account_id: str
) -> None:
    with cached.installation().state.begin() as connection:
        deed(connection, by, organization_id=organization_id, account_id=account_id)


def _do(scope: Scope, deed: Callable[[Administrator], None], said: str) -> None:
    """Do it as the one who is signed in now, then close the drawer and say so."""
    with error_boundary.attempt() as attempt:
        deed(administrator(scope))
    if attempt.succeeded:
        st.session_state[_DONE] = said
        _close()
        st.rerun()
