"""What happened to an alert, and who did it: comments, changes, growth."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from audit_core.detect.alerts.alert import AlertEvent, AlertEventKind
from audit_core.detect.alerts.reading import AlertDetail
from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.evidence.download import FileKind
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import written
from audit_core.web.routes.evidence.alert_trail import ALERT_TRAIL_PATH
from pages.parts.alerts import alert_actions
from pages.parts.evidence import download_menu
from pages.parts.shell.app_address import own_address
from pages.parts.tables.safe_text import visible

SHOWN = 50
"""How many events are listed unasked, the newest."""


def draw(found: AlertDetail, person: Viewer, scope: Scope, zone: str) -> None:
    """The newest first, below the place for a comment."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("History", anchor=False)
        if isinstance(decide(person.membership, Permission.EXPORT), Allowed):
            _draw_download(found, scope)
    alert_actions.draw_comment(f"alert_{found.alert.id}", [found.alert], scope)
    events = found.events[::-1]
    for event in events[:SHOWN]:
        _draw_event(event, zone)
    if len(events) > SHOWN:
        with st.expander(f"{len(events) - SHOWN:,} earlier ones", icon=":material/history:"):
            for event in events[SHOWN:]:
                _draw_event(event, zone)


def _draw_download(found: AlertDetail, scope: Scope) -> None:
    def address(kind: FileKind) -> str:
        params = {**kind.params(), "organization": [scope.organization_id or ""]}
        path = own_address(ALERT_TRAIL_PATH).replace("{id}", found.alert.id)
        return f"{path}?{urlencode(params, doseq=True)}"

    download_menu.draw(
        "alert_history",
        "Everything that happened to this alert, oldest first, times in UTC.",
        address,
    )


def _draw_event(event: AlertEvent, zone: str) -> None:
    with st.container(border=True, gap="xsmall"):
        st.text(visible(in_words(event)))
        if comment := event.detail.get("comment"):
            st.text(visible(str(comment)))
        st.caption(f"{written(event.at, zone)} {zone}")


def in_words(event: AlertEvent) -> str:
    """What happened, as one sentence. Holds text of persons."""
    detail, who = event.detail, event.actor or "The rule"
    count = detail.get("count")
    entries = "1 entry" if count == 1 else f"{count:,} entries" if isinstance(count, int) else ""
    if event.kind is AlertEventKind.RAISED:
        return f"Raised: {entries}."
    if event.kind is AlertEventKind.GROWN:
        return f"By now {entries}."
    if event.kind is AlertEventKind.RAISED_AGAIN:
        return f"Raised again: {entries}."
    if event.kind is AlertEventKind.WITHDRAWN:
        return f"Withdrawn. {detail.get('reason') or ''}".strip()
    if event.kind is AlertEventKind.COMMENTED:
        return f"{who} commented:"
    if event.kind is AlertEventKind.ASSIGNED:
        to = detail.get("to")
        return f"{who} assigned it to {to}." if to else f"{who} assigned it to nobody."
    before, after = (AlertState(str(detail[name])).label.lower() for name in ("from", "to"))
    if resolution := detail.get("resolution"):
        return f"{who} closed it: {Resolution(str(resolution)).label.lower()}."
    return f"{who}: {before} → {after}."
