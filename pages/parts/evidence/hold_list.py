"""The legal holds of an organization: what each keeps, why, by whom, and lifting it."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Scope
from audit_core.evidence.holds.holds import (
    held_count,
    hold_in_words,
    kept_beyond,
    kept_in_words,
    query_of,
)
from audit_core.explore.presentation import text
from audit_core.identity.administration import Administrator
from audit_core.log.retention import Retention
from audit_core.query.query import Query
from audit_core.query.time.windows import written
from audit_core.workspace.legal_holds import MAX_REASON, LegalHold, lift_hold, list_holds
from pages.parts.admin.acting import act
from pages.parts.shell import cached, error_boundary
from pages.parts.tables.safe_text import visible

MAX_LIFTED = 50
"""How many that were lifted are listed, the newest first."""


def draw(scope: Scope) -> None:
    """Those in force first."""
    with cached.installation().state.read() as connection:
        holds = list_holds(connection, scope.organization_id)
    in_force = [hold for hold in holds if hold.lifted_at is None]
    lifted = [hold for hold in holds if hold.lifted_at is not None]
    if not in_force:
        st.caption("None is in force.")
    else:
        _draw_kept(in_force)
    for hold in in_force:
        with st.container(border=True):
            _draw_hold(hold, scope)
    if lifted:
        with st.expander(f"Lifted ({len(lifted):,})", icon=":material/history:"):
            for hold in lifted[:MAX_LIFTED]:
                _draw_lifted(hold, scope)
            if len(lifted) > MAX_LIFTED:
                st.caption(f"The newest {MAX_LIFTED} of {len(lifted):,}.")


def _draw_kept(in_force: list[LegalHold]) -> None:
    """What they keep that would be gone."""
    installation = cached.installation()
    retention = Retention(days=installation.settings.retention_days)
    earliest = retention.earliest(installation.clock())
    with error_boundary.attempt():
        kept = kept_beyond(installation.log, in_force, earliest)
        st.caption(kept_in_words(kept, has_retention=earliest is not None))


def _draw_hold(hold: LegalHold, scope: Scope) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("In force", icon=":material/gavel:", color="orange")
        st.text(f"since {_at(hold, scope)} by {visible(hold.set_by)}", width="content")
        st.space("stretch")
        _draw_lifting(hold, scope)
    with error_boundary.attempt():
        st.text(visible(f"{_count(hold)}: {hold_in_words(hold)}"))
    st.text(visible(hold.reason))


def _count(hold: LegalHold) -> str:
    log = cached.installation().log
    query = query_of(hold)
    return text.entries(cached.answer(log.head(hold.organization_id), _held, query))


def _held(query: Query) -> int:
    return held_count(cached.installation().log, query)


def _at(hold: LegalHold, scope: Scope) -> str:
    zone = cached.organization_zone(scope)
    return f"{written(hold.set_at, zone)} ({zone})"


def _draw_lifting(hold: LegalHold, scope: Scope) -> None:
    with st.popover("Lift", icon=":material/lock_open:", key=f"hold_{hold.id}"):
        st.write(
            "Months that only this hold keeps beyond the retention are dropped when the log is "
            "next opened, or with the first entries of the next month."
        )
        reason = st.text_area(
            "Reason", max_chars=MAX_REASON, height=80, key=f"hold_{hold.id}_reason"
        )
        if st.button("Lift legal hold", type="primary", key=f"hold_{hold.id}_lift"):
            act(scope, lambda connection, by: _lift(connection, by, hold, scope, reason))


def _lift(
    connection: Connection, by: Administrator, hold: LegalHold, scope: Scope, reason: str
) -> None:
    lift_hold(
        connection,
        by,
        organization_id=scope.organization_id or "",
        hold_id=hold.id,
        sentence=hold_in_words(hold),
        reason=reason,
    )


def _draw_lifted(hold: LegalHold, scope: Scope) -> None:
    zone = cached.organization_zone(scope)
    lifted = "" if hold.lifted_at is None else written(hold.lifted_at, zone)
    st.text(
        visible(
            f"{hold_in_words(hold)}\nSet {_at(hold, scope)} by {hold.set_by}: {hold.reason}\n"
            f"Lifted {lifted} ({zone}) by {hold.lifted_by}: {hold.lifting_reason}"
        )
    )
