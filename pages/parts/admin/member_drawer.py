"""One member, in a drawer at the side: role, permissions, sessions, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from audit_core.domain.access import GRANTABLE, PERMISSIONS_OF_ROLE, Permission, Role, Scope
from audit_core.domain.errors import AuditError
from audit_core.identity.administration import (
    Administrator,
    change_member,
    disable_member,
    enable_member,
    remove_member,
    sign_out_member,
)
from audit_core.identity.memberships import Member, find_member
from audit_core.query.time.windows import ago
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary
from pages.parts.tables.safe_text import visible

_SHOWN, _CLOSED, _OPENED = "member_shown", "member_closed", "member_opened"
_DONE = "member_done"

ALLOWS = {
    Permission.READ: "Read all entries",
    Permission.READ_OWN: "Read what they did themselves",
    Permission.EXPORT: "Download entries",
    Permission.REVEAL: "Reveal secrets in an entry",
    Permission.INGEST: "Send entries and upload files",
    Permission.READ_RECORD: "Read the access record",
}
"""What each permission that can be granted allows."""


def forget_click(table: str) -> None:
    """Select nothing in the table once the drawer was closed, and say what was done in it; call it
    before the table is drawn."""
    if st.session_state.pop(_CLOSED, False):
        st.session_state[table] = {"selection": {"cells": []}}
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


def _described(member: Member, now: datetime) -> str:
    seen = member.last_seen_at
    words = [f"Last seen {ago(seen, now)}" if seen else "Never seen here"]
    if member.account_disabled:
        words.append("account disabled by whoever runs this server")
    if member.disabled:
        words.append("disabled in this organization")
    return " · ".join(words)


def _draw_permissions(member: Member, scope: Scope, prefix: str) -> None:
    role = Role(
        st.segmented_control(
            "Role",
            [one.value for one in Role],
            default=member.role.value,
            format_func=str.capitalize,
            key=f"{prefix}_role",
            required=True,
        )
    )
    zone = cached.organization_zone(scope)
    grants = _draw_grants(member, role, zone, prefix)
    if st.button("Save", type="primary", icon=":material/save:"):
        ends = {one: end_of(day, zone) for one, day in grants.items() if day is not None}
        _do(
            scope,
            lambda by: _change(member, scope, by, role, list(grants), ends),
            f"Saved what {member.email} may do.",
        )


def _draw_grants(
    member: Member, role: Role, zone: str, prefix: str
) -> dict[Permission, date | None]:
    """The permissions beyond the role that are ticked, each with its last day if it has one."""
    offered = [one for one in Permission if one in GRANTABLE - PERMISSIONS_OF_ROLE[role]]
    if not offered:
        st.caption("An admin holds every permission.")
        return {}
    st.markdown("**Additional permissions**")
    chosen: dict[Permission, date | None] = {}
    for one in offered:
        with st.container(horizontal=True, vertical_alignment="center"):
            ticked = st.checkbox(
                f"{ALLOWS[one]}  \n:small[{one.value.replace(':', chr(92) + ':')}]",
                value=one in member.grants,
                key=f"{prefix}_{one.name}",
                width=260,
            )
            ends_at = member.grants.get(one)
            day = st.date_input(
                f"Last day of {one.value}",
                value=None if ends_at is None else last_day(ends_at, zone),
                key=f"{prefix}_{one.name}_end",
                format="YYYY-MM-DD",
                label_visibility="collapsed",
                disabled=not ticked,
                width=150,
            )
        if ticked:
            chosen[one] = day
    st.caption(f"A day is the last one of a permission, in {zone}; without one it does not end.")
    return chosen


def end_of(day: date, zone: str) -> datetime:
    """The moment at which a day ends in a zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def last_day(ends_at: datetime, zone: str) -> date:
    """The day in a zone on which a moment is the end, or in which it lies."""
    return (ends_at.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)).date()


def _change(
    member: Member,
    scope: Scope,
    by: Administrator,
    role: Role,
    grants: list[Permission],
    ends: dict[Permission, datetime],
) -> None:
    with cached.installation().state.begin() as connection:
        change_member(
            connection,
            by,
            organization_id=scope.organization_id or "",
            account_id=member.account_id,
            role=role,
            grants=grants,
            ends=ends,
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


def _in_state(
    deed: Callable[..., None], by: Administrator, organization_id: str, account_id: str
) -> None:
    with cached.installation().state.begin() as connection:
        deed(connection, by, organization_id=organization_id, account_id=account_id)


def _do(scope: Scope, deed: Callable[[Administrator], None], said: str) -> None:
    """Do it as the one who is signed in now, then close the drawer and say so."""
    try:
        deed(administrator(scope))
    except AuditError as error:
        error_boundary.draw(error)
        return
    st.session_state[_DONE] = said
    _close()
    st.rerun()
