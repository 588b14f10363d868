"""The button that shows the secrets of an entry, for those who may see them."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Allowed, Denied, Permission, Scope, decide
from audit_core.domain.entries import AuditEntry
from audit_core.domain.entry_values import hidden_particulars
from audit_core.evidence.reveal import LONGEST_REASON, reveal
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.safe_text import visible


def draw(entry: AuditEntry, scope: Scope) -> None:
    """Draw it where there is something to reveal and the viewer may; else nothing. `entry` is the
    unredacted one, as it was read in `scope`."""
    person = viewer.find()
    if person is None or not isinstance(decide(person.membership, Permission.REVEAL), Allowed):
        return
    if not hidden_particulars(entry):
        return
    with st.popover("Reveal secrets", icon=":material/visibility:", width="content"):
        with st.form(f"reveal_{entry.id}", border=False, clear_on_submit=True):
            reason = st.text_input("Reason", max_chars=LONGEST_REASON)
            st.caption("Your name, the reason and the names of the fields go on record.")
            sent = st.form_submit_button("Reveal", type="primary")
        if sent:
            _reveal(entry, scope, reason)


def _reveal(entry: AuditEntry, scope: Scope, reason: str) -> None:
    """Show the values in this run only: they are kept nowhere."""
    person, present = viewer.require(Permission.REVEAL)
    if present.organization_id != scope.organization_id:
        st.rerun()
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        found = reveal(
            connection,
            person,
            entry,
            reason=reason,
            address=viewer.address(),
            now=installation.clock(),
        )
    if not attempt.succeeded:
        return
    if isinstance(found, Denied):
        viewer.refuse(person, found)
    for item in found:
        st.text(visible(item.name))
        st.code(visible(str(item.value)), language=None, wrap_lines=True)
