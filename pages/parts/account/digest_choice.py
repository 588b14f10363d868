"""The digest of alerts that a member gets by e-mail each day, if they want one."""

from __future__ import annotations

from datetime import time

import streamlit as st

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.identity.sessions import Viewer
from audit_core.notify.digests.subscription import (
    Subscription,
    subscribe,
    subscription_of,
    unsubscribe,
)
from audit_core.query.time.windows import UTC_NAME, written, zone_names
from pages.parts.shell import cached, error_boundary, own_preferences, viewer
from pages.parts.tables.safe_text import visible

_MORNING = 7 * 60


def draw(person: Viewer) -> None:
    """Whether and when; nothing for who may not see alerts, or while no mail server is named."""
    organization_id = person.organization_id
    allowed = isinstance(decide(person.membership, Permission.READ), Allowed)
    if organization_id is None or not allowed or not cached.installation().settings.smtp_host:
        return
    with cached.installation().state.read() as connection:
        present = subscription_of(connection, person.account_id, organization_id)
    st.subheader("Morning digest", anchor=False)
    with st.form("digest", border=False):
        wanted = st.toggle(
            "Send me the alerts of this organization by e-mail each day", present is not None
        )
        minute = _MORNING if present is None else present.minute
        with st.container(horizontal=True, vertical_alignment="bottom"):
            at = st.time_input("At", time(minute // 60, minute % 60), step=900, width=150)
            zone = st.selectbox("In the zone", zone_names(_zone(present)), width=250)
        st.text(visible(f"To {person.email}: what is open, and what is new since yesterday."))
        saved = st.form_submit_button("Save", icon=":material/save:")
    _draw_state(present)
    if not saved:
        return
    with error_boundary.attempt() as attempt:
        keep(organization_id, at.hour * 60 + at.minute if wanted else None, zone)
    if attempt.succeeded:
        st.rerun()


def keep(organization_id: str, minute: int | None, zone: str) -> None:
    """Set it for who is signed in now; `None`: no digest. Raises `AuditError`."""
    person = viewer.require_person()
    if person.organization_id != organization_id:
        st.rerun()
    installation = cached.installation()
    now, address = installation.clock(), viewer.address()
    with installation.state.begin() as connection:
        if minute is None:
            unsubscribe(
                connection,
                account_id=person.account_id,
                organization_id=organization_id,
                actor=person.email,
                now=now,
                address=address,
            )
            return
        subscribe(
            connection,
            account_id=person.account_id,
            organization_id=organization_id,
            minute=minute,
            zone=zone,
            actor=person.email,
            now=now,
            address=address,
        )


def _zone(present: Subscription | None) -> str:
    if present is not None:
        return present.zone
    return own_preferences.zone() or st.context.timezone or UTC_NAME


def _draw_state(present: Subscription | None) -> None:
    if present is None:
        return
    st.caption(f"Next {written(present.next_at, present.zone, 'minutes')} ({present.zone})")
    if present.problem is not None:
        # As text: what a mail server answered is in it.
        st.text(visible(f"The last one was not sent: {present.problem}"))
