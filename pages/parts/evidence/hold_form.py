"""What a new legal hold is to keep, how many entries that is now, and why."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Scope
from audit_core.evidence.holds.holds import fixed
from audit_core.identity.administration import Administrator
from audit_core.query.entry_filter import EntryFilter
from audit_core.workspace.legal_holds import MAX_REASON, set_hold
from pages.parts.admin.acting import act
from pages.parts.entries import over_time
from pages.parts.filters import filter_bar
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible


def draw(view: filter_bar.View, scope: Scope) -> None:
    """The sentence of what is in the filter bar, the reason, and the button."""
    meant = fixed(view.entry_filter, view.as_of)
    with st.form("legal_hold", clear_on_submit=True):
        found = over_time.count(
            view.query(scope), cached.installation().log.head(scope.organization_id)
        )
        counted = "Not counted yet" if found is None else f"{found} entries now"
        # As text: what was asked for is in it.
        st.text(visible(f"{counted}: {meant.describe()}"))
        if meant.window.until is None:
            st.caption("And what comes later, as long as the hold is in force.")
        reason = st.text_area(
            "Reason",
            max_chars=MAX_REASON,
            height=80,
            placeholder="Such as a case number, and who asked for it",
            help="It stands in the list below and in the access record.",
        )
        submitted = st.form_submit_button("Set legal hold", type="primary", icon=":material/gavel:")
    if submitted:
        act(scope, lambda connection, by: _set(connection, by, scope, meant, reason))


def _set(
    connection: Connection,
    by: Administrator,
    scope: Scope,
    entry_filter: EntryFilter,
    reason: str,
) -> None:
    set_hold(
        connection,
        by,
        organization_id=scope.organization_id or "",
        params=entry_filter.to_params(),
        sentence=entry_filter.describe(),
        reason=reason,
    )
