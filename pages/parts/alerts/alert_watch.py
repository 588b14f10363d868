"""Draws the page anew when an alert of the organization has changed, and only then."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.alerts.reading import alert_revision
from audit_core.domain.access import Permission, Scope
from audit_core.identity.sessions import Viewer
from pages.parts.shell import cached, refreshed, session

EVERY = "5s"


def draw(scope: Scope) -> None:
    """Draw nothing, and watch; call it on a page that shows alerts."""
    shown = _revision(scope)

    def look(_: Viewer, present: Scope) -> None:
        if _revision(present) != shown:
            session.mark_run_by_itself()
            st.rerun()

    refreshed.draw(look, Permission.READ, scope, every=EVERY)


def _revision(scope: Scope) -> int:
    with cached.installation().state.read() as connection:
        return alert_revision(connection, scope.organization_id or "")
