"""Senders of entries that are stopped or silent, said above what the page shows."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.sources.stale import StaleSender, stale_senders
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

MAX_SHOWN = 3
"""How many are named; of more, how many there are."""
TITLE = "Entries may be missing"
SOURCES_PAGE = "admin/sources.py"


def draw(person: Viewer, scope: Scope, *, link: bool) -> None:
    """A warning that names those of the organization, and for operators those of whole
    deployments; nothing if all is well. With `link`, whoever may open Admin → Sources gets there.
    """
    found = _found(person, scope)
    if not found:
        return
    lines = [_line(one) for one in found[:MAX_SHOWN]]
    if len(found) > MAX_SHOWN:
        lines.append(f"And {len(found) - MAX_SHOWN:,} more.")
    st.warning("  \n".join(lines), title=TITLE, icon=":material/notifications_off:")
    if link and isinstance(decide(person.membership, Permission.INGEST), Allowed):
        st.page_link(SOURCES_PAGE, label="See Sources", icon=":material/arrow_forward:")


def _found(person: Viewer, scope: Scope) -> list[StaleSender]:
    installation = cached.installation()
    shown = {scope.organization_id, None} if person.operator else {scope.organization_id}
    with installation.state.read() as connection:
        known = stale_senders(
            connection, None if person.operator else scope.organization_id, installation.clock()
        )
    return [one for one in known if one.organization_id in shown]


def _line(one: StaleSender) -> str:
    name, reason = (plain(" ".join(visible(text).split())) for text in (one.name, one.reason))
    return f"**{name}**: {reason}"
