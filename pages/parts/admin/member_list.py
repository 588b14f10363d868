"""Who is in an organization, and the commands that change it."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.identity.memberships import Member, members
from pages.parts.shell import cached
from pages.parts.tables import table_size

_PROGRAM = "python -m audit_core account"


def frame(found: Sequence[Member]) -> pd.DataFrame:
    """One line for each member, all of it text."""
    return pd.DataFrame(
        [
            {
                "email": member.email,
                "name": member.name,
                "role": member.role.value.capitalize(),
                "grants": ", ".join(sorted(member.grants)) or "–",
                "state": "Disabled" if member.disabled else "Can sign in",
            }
            for member in found
        ],
        columns=["email", "name", "role", "grants", "state"],
    )


def commands(organization_id: str) -> str:
    """The commands that change who is in an organization, for its operator."""
    organization = quote(organization_id)
    return "\n".join(
        (
            "# Add a person; the new password is printed once",
            f"{_PROGRAM} add --email E --name N --organization {organization} --role auditor",
            "",
            "# Change the role (admin, auditor, member), or let a member read the log",
            f"{_PROGRAM} grant --email E --organization {organization} --role admin",
            f"{_PROGRAM} grant --email E --organization {organization} --role member "
            "--grant read:audit_logs",
            "",
            "# Remove a person from this organization",
            f"{_PROGRAM} withdraw --email E --organization {organization}",
            "",
            "# Disable an account, or enable it again",
            f"{_PROGRAM} disable --email E",
            f"{_PROGRAM} enable --email E",
            "",
            "# Set a new password, printed once",
            f"{_PROGRAM} reset-password --email E",
        )
    )


def draw(scope: Scope) -> None:
    """The members, and how to change them; nothing can be changed here."""
    organization_id = scope.organization_id or ""
    with cached.installation().state.read() as connection:
        found = members(connection, organization_id)
    st.caption(f"{len(found):,} {'person' if len(found) == 1 else 'people'}")
    st.dataframe(
        frame(found),
        hide_index=True,
        column_config={
            "email": st.column_config.TextColumn("E-mail address", width=260),
            "name": st.column_config.TextColumn("Name", width=200),
            "role": st.column_config.TextColumn("Role", width=100),
            "grants": st.column_config.TextColumn(
                "Additional permissions", width=190, help="Permissions beyond those of the role"
            ),
            "state": st.column_config.TextColumn("State", width=120),
        },
        row_height=table_size.ROW,
        height=table_size.height(len(found), most=12),
        alt="The members of this organization",
    )
    st.subheader("Change members", anchor=False)
    st.caption(
        "Members are changed at the command line of the server. Changes take effect immediately."
    )
    st.code(commands(organization_id), language="shell", wrap_lines=True)
