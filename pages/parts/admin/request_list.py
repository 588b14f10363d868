"""What members have asked for, to be granted or declined."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.identity.access_requests import AccessRequest, answer_request
from audit_core.query.time.windows import ago
from pages.parts.admin import grant_picker
from pages.parts.admin.acting import act
from pages.parts.shell import access_request, cached
from pages.parts.tables.safe_text import visible

SHOWN = 10
"""How many requests are listed at once, the oldest first."""


def draw(scope: Scope) -> None:
    """The requests that wait for an answer; nothing when there are none."""
    waiting = access_request.waiting(scope)
    if not waiting:
        return
    st.header(f"Requests for access ({len(waiting):,})", anchor=False)
    for request in waiting[:SHOWN]:
        with st.container(border=True):
            _draw_request(request, scope)
    if len(waiting) > SHOWN:
        st.caption(f"The oldest {SHOWN} of {len(waiting):,}.")


def _draw_request(request: AccessRequest, scope: Scope) -> None:
    key = f"request_{request.account_id}_{request.permission.name}"
    asked = ago(request.asked_at, cached.installation().clock())
    st.text(visible(f"{request.email} asks for {request.permission.value} · {asked}"))
    st.text(visible(request.reason))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        zone = cached.organization_zone(scope)
        day = st.date_input(
            "Last day (optional)",
            value=None,
            key=f"{key}_end",
            format="YYYY-MM-DD",
            help="In the organization's time zone. Without a day it holds until it is withdrawn.",
            width=170,
        )
        end = None if day is None else grant_picker.end_of(day, zone)
        granted = st.button("Grant", key=f"{key}_yes", type="primary", icon=":material/check:")
        declined = st.button("Decline", key=f"{key}_no", icon=":material/close:")
    if not (granted or declined):
        return
    act(
        scope,
        lambda connection, by: answer_request(
            connection,
            by,
            organization_id=scope.organization_id or "",
            account_id=request.account_id,
            permission=request.permission,
            granted=granted,
            ends_at=end,
        ),
    )
