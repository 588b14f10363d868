"""An admin looks at an erasure that another one asked for, and confirms or refuses it."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Scope
from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures import deeds
from audit_core.evidence.erasures.erasure import Erasure
from audit_core.evidence.erasures.preview import Preview, preview_of
from audit_core.identity.administration import Administrator
from pages.parts.admin.acting import act
from pages.parts.evidence.erasures.erasure_form import draw_preview
from pages.parts.shell import cached, error_boundary


def draw(found: Erasure, scope: Scope) -> None:
    """What would go, and the two ways to answer."""
    subject = cached.installation().erasures.identities.opened(found.subject or "")
    preview = _draw_preview(scope, subject)
    with st.form(f"erasure_{found.id}_confirmation", border=False):
        typed = st.text_input(
            "To confirm, type one of these names",
            key=f"erasure_{found.id}_typed",
            autocomplete="off",
            width=420,
        )
        st.caption(":material/warning: It cannot be undone.")
        confirmed = st.form_submit_button(
            "Erase the data",
            type="primary",
            icon=":material/person_remove:",
            disabled=preview is None or preview.held is not None,
        )
    if confirmed:
        _confirm(found, scope, subject, typed)
    with st.form(f"erasure_{found.id}_refusal", border=False):
        reason = st.text_area(
            "Or refuse it, with a reason",
            max_chars=deeds.MAX_REASON,
            height=80,
            key=f"erasure_{found.id}_reason",
            help="It stands in the list and in the access record: do not name the person.",
        )
        refused = st.form_submit_button("Refuse", icon=":material/block:")
    if refused:
        act(scope, lambda connection, by: _refuse(connection, by, found, reason))


def _draw_preview(scope: Scope, subject: Subject) -> Preview | None:
    """`None` where it cannot be told, which is said."""
    preview = None
    with error_boundary.attempt():
        preview = cached.answer(
            cached.installation().log.head(scope.organization_id), _preview, scope, subject
        )
        draw_preview(preview, scope)
    return preview


def _preview(scope: Scope, subject: Subject) -> Preview:
    return preview_of(cached.installation().erasures, subject)


def _confirm(found: Erasure, scope: Scope, subject: Subject, typed: str) -> None:
    tools = cached.installation().erasures

    def confirm(connection: Connection, by: Administrator) -> None:
        deeds.confirm(
            connection,
            by,
            tools.identities,
            organization_id=found.organization_id,
            erasure_id=found.id,
            typed=typed,
        )

    with error_boundary.attempt() as attempt:
        tools.require_not_held(subject, tools.clock())
    if attempt.succeeded:
        act(scope, confirm)


def _refuse(connection: Connection, by: Administrator, found: Erasure, reason: str) -> None:
    deeds.refuse(
        connection,
        by,
        organization_id=found.organization_id,
        erasure_id=found.id,
        reason=reason,
    )
