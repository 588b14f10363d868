"""Who changes something of an organization at the screen, and what they do there."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Permission, Scope
from audit_core.identity.administration import Administrator
from pages.parts.shell import cached, error_boundary, viewer


def administrator(scope: Scope, permission: Permission = Permission.MANAGE) -> Administrator:
    """The viewer, who must have the permission in the organization of the page at this moment.

    Whoever does not, or no longer, sees the refusal, which is put on record. `scope` is what the
    page was drawn for: if another organization is looked at by now, the page runs anew.
    """
    person, present = viewer.require(permission)
    if present != scope:
        st.rerun()
    return Administrator(
        actor=person.email,
        account_id=person.account_id,
        address=viewer.address(),
        now=cached.installation().clock(),
    )


def act(
    scope: Scope,
    deed: Callable[[Connection, Administrator], object],
    permission: Permission = Permission.MANAGE,
) -> None:
    """Do it as the one who is signed in now, and draw the page anew; or show why it failed."""
    by = administrator(scope, permission)
    with (
        error_boundary.attempt() as attempt,
        cached.installation().state.begin() as connection,
    ):
        deed(connection, by)
    if attempt.succeeded:
        st.rerun()
