"""What somebody is and may do, to be chosen: a role, and permissions beyond it until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from audit_core.domain.access import GRANTABLE, PERMISSIONS_OF_ROLE, Permission, Role
from audit_core.identity.memberships import Grants
from pages.parts.shell.error_boundary import plain

ALLOWS = {
    Permission.READ: "Read all entries",
    Permission.READ_OWN: "Read what they did themselves",
    Permission.EXPORT: "Download entries",
    Permission.REVEAL: "Reveal secrets in an entry",
    Permission.INGEST: "Send entries and upload files",
    Permission.READ_RECORD: "Read the access record",
}
"""What each permission that can be granted allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen, and not done yet."""

    role: Role
    grants: Grants


def draw(role: Role, grants: Grants, zone: str, prefix: str) -> Choice:
    """The choice, as which the given one stands at first. `prefix` begins the keys of widgets."""
    chosen = Role(
        st.segmented_control(
            "Role",
            [one.value for one in Role],
            default=role.value,
            format_func=str.capitalize,
            key=f"{prefix}_role",
            required=True,
        )
    )
    days = _draw_grants(chosen, grants, zone, prefix)
    return Choice(
        role=chosen,
        grants={one: None if day is None else end_of(day, zone) for one, day in days.items()},
    )


def _draw_grants(
    role: Role, grants: Grants, zone: str, prefix: str
) -> dict[Permission, date | None]:
    """The permissions that are ticked, each with its last day if it has one."""
    offered = [one for one in Permission if one in GRANTABLE - PERMISSIONS_OF_ROLE[role]]
    if not offered:
        st.caption("An admin holds every permission.")
        return {}
    st.markdown("**Additional permissions**")
    chosen: dict[Permission, date | None] = {}
    for one in offered:
        with st.container(horizontal=True, vertical_alignment="center"):
            ticked = st.checkbox(
                ALLOWS[one],
                value=one in grants,
                key=f"{prefix}_{one.name}",
                help=plain(one.value),
                width=250,
            )
            if not ticked:
                continue
            ends_at = grants.get(one)
            chosen[one] = st.date_input(
                f"Last day of {one.value}",
                value=None if ends_at is None else last_day(ends_at, zone),
                key=f"{prefix}_{one.name}_end",
                format="YYYY-MM-DD",
                label_visibility="collapsed",
                width=150,
            )
    if chosen:
        st.caption(
            f"The day is the last one that a permission holds, in {plain(zone)}. Without a day it "
            "holds until it is withdrawn."
        )
    return chosen


def end_of(day: date, zone: str) -> datetime:
    """The moment at which a day ends in a zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def last_day(ends_at: datetime, zone: str) -> date:
    """The day in a zone on which a moment is the end, or in which it lies."""
    return (ends_at.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)).date()
