"""Who is in an organization: found, sorted, and opened to be changed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit_core.domain.access import Role, Scope
from audit_core.identity.memberships import Member, members
from audit_core.query.time.windows import written
from pages.parts.admin import invitation_list, member_drawer, request_list
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

LINES = 14
"""How many members are seen at once; the table scrolls."""

ANY, ABLE, DISABLED, NEVER = "Any state", "Can sign in", "Disabled", "Never seen"
_ANY_ROLE = "Any role"
_TABLE, _SEARCH, _ROLE, _STATE = "members", "members_search", "members_role", "members_state"
_COLUMNS = {
    "email": st.column_config.TextColumn("E-mail address", width=250),
    "name": st.column_config.TextColumn("Name", width=170),
    "role": st.column_config.TextColumn("Role", width=80),
    "grants": st.column_config.TextColumn(
        "Additional permissions", width=230, help="Permissions beyond those of the role"
    ),
    "state": st.column_config.TextColumn("State", width=100),
    "seen": st.column_config.TextColumn("Last seen (UTC)", width=150),
}


def state_of(member: Member) -> str:
    """Whether the person can get into the organization."""
    return ABLE if member.is_able else DISABLED


def frame(found: Sequence[Member]) -> pd.DataFrame:
    """One line for each member, all of it text that sorts as it reads."""
    return pd.DataFrame(
        [
            {
                "email": visible(member.email),
                "name": visible(member.name),
                "role": member.role.value.capitalize(),
                "grants": ", ".join(
                    name
                    if ends_at is None
                    else f"{name} until {written(ends_at, 'UTC', 'minutes')}"
                    for name, ends_at in sorted(member.grants.items())
                )
                or "–",
                "state": state_of(member),
                "seen": "never"
                if member.last_seen_at is None
                else written(member.last_seen_at, "UTC", "minutes"),
            }
            for member in found
        ],
        columns=list(_COLUMNS),
    )


def matching(found: Sequence[Member], search: str, role: str, state: str) -> list[Member]:
    """Those whose name or address holds every word of the search, of that role and state."""
    words = search.casefold().split()
    return [
        member
        for member in found
        if all(word in f"{member.email}\n{member.name}".casefold() for word in words)
        and role in (_ANY_ROLE, member.role.value)
        and (state in (ANY, state_of(member)) or (state == NEVER and member.last_seen_at is None))
    ]


def draw(scope: Scope) -> None:
    """The members, those found by the choices above the table; a click opens one."""
    now = cached.installation().clock()
    with cached.installation().state.read() as connection:
        everybody = members(connection, scope.organization_id or "", now)
    request_list.draw(scope)
    found = _draw_choices(everybody, scope)
    of_all = "" if len(found) == len(everybody) else f" of {len(everybody):,}"
    st.caption(
        f"{len(found):,}{of_all} {'person' if len(everybody) == 1 else 'people'}. "
        "Click a line to change what somebody may do; click a column's head to sort."
    )
    member_drawer.forget_click(_TABLE)
    chosen = selection.draw_kept(
        frame(found),
        _TABLE,
        found,
        identify=lambda member: member.account_id,
        column_config=_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(found), most=LINES),
        alt="The members of this organization; select a cell to change one.",
    )
    member_drawer.draw(chosen, scope)


def _draw_choices(everybody: Sequence[Member], scope: Scope) -> list[Member]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Find",
            key=_SEARCH,
            max_chars=200,
            icon=":material/search:",
            placeholder="Name or e-mail address",
            width=260,
        )
        role = st.selectbox(
            "Role",
            [_ANY_ROLE, *(role.value for role in Role)],
            format_func=lambda value: value if value == _ANY_ROLE else value.capitalize(),
            key=_ROLE,
            width=140,
        )
        state = st.selectbox("State", [ANY, ABLE, DISABLED, NEVER], key=_STATE, width=140)
        invitation_list.draw_button(scope)
    invitation_list.draw(scope)
    return matching(everybody, search, role, state)
