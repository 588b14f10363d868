"""Whose data is to be erased: found by a name, looked at, then asked for with a reason."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Scope
from audit_core.evidence.erasures import deeds
from audit_core.evidence.erasures.preview import Preview, preview_of_name
from audit_core.evidence.erasures.words import names_of, preview_in_words
from audit_core.identity.administration import Administrator
from pages.parts.admin.acting import act, administrator
from pages.parts.shell import cached, error_boundary
from pages.parts.tables.safe_text import visible

LONGEST_NAME = 320
"""Characters of an e-mail address or id."""
_FOUND = "erasure_found"


def draw(scope: Scope) -> None:
    """The name, then who that is and how much there is of them."""
    with (
        st.form("erasure_find", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input(
            "E-mail address, or id of an actor",
            max_chars=LONGEST_NAME,
            key="erasure_name",
            placeholder="ada@example.com",
            width=420,
        )
        asked = st.form_submit_button("Find", icon=":material/person_search:")
    if asked:
        _find(scope, name)
    found = st.session_state.get(_FOUND)
    if found is None or found.subject.organization_id != scope.organization_id:
        return
    _draw_found(scope, found)


def draw_preview(preview: Preview, scope: Scope) -> None:
    """All names of the person, what goes with them, and what keeps it."""
    zone = cached.organization_zone(scope)
    # As text: names are of other people's choosing.
    st.text(visible("\n".join(names_of(preview.subject))))
    st.caption(preview_in_words(preview, zone))
    if preview.held is not None:
        st.error(visible(preview.held), icon=":material/gavel:")


def _find(scope: Scope, name: str) -> None:
    administrator(scope)
    st.session_state.pop(_FOUND, None)
    with error_boundary.attempt(), st.spinner("Looking through the log"):
        st.session_state[_FOUND] = preview_of_name(
            cached.installation().erasures, scope.organization_id or "", name
        )


def _draw_found(scope: Scope, found: Preview) -> None:
    with st.form("erasure_ask"):
        st.markdown("**The person, by all names that belong together**")
        draw_preview(found, scope)
        reason = st.text_area(
            "Reason",
            max_chars=deeds.MAX_REASON,
            height=80,
            placeholder="Such as the number of the request",
            help="It stands in the list below and in the access record, which are not erased: do "
            "not name the person.",
        )
        submitted = st.form_submit_button(
            "Ask for the erasure",
            type="primary",
            icon=":material/person_remove:",
            disabled=found.held is not None,
        )
    if submitted:
        _ask(scope, found, reason)


def _ask(scope: Scope, found: Preview, reason: str) -> None:
    administrator(scope)
    tools = cached.installation().erasures

    def ask(connection: Connection, by: Administrator) -> None:
        deeds.ask(connection, by, tools.identities, subject=found.subject, reason=reason)
        st.session_state.pop(_FOUND, None)

    with error_boundary.attempt() as attempt:
        tools.require_not_held(found.subject, tools.clock())
    if attempt.succeeded:
        act(scope, ask)
