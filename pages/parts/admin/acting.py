"""Who changes members at the screen, as the core wants to know them."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.identity.administration import Administrator
from pages.parts.shell import cached, viewer


def administrator(scope: Scope) -> Administrator:
    """The viewer, who must manage access to the organization of the page at this moment.

    Whoever does not, or no longer, sees the refusal, which is put on record. `scope` is what the
    page was drawn for: if another organization is looked at by now, the page runs anew.
    """
    person, present = viewer.require(Permission.MANAGE)
    if present != scope:
        st.rerun()
    return Administrator(
        actor=person.email,
        account_id=person.account_id,
        address=viewer.address(),
        now=cached.installation().clock(),
    )
