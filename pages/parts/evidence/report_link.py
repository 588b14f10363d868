"""The way to a printable report of what a page shows."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import format_instant
from audit_core.web.routes.evidence.report import REPORT_PATH
from pages.parts.filters.filter_bar import View
from pages.parts.shell.app_address import own_address


def draw(view: View, scope: Scope, person: Viewer) -> None:
    """The link, for those who may export."""
    if not isinstance(decide(person.membership, Permission.EXPORT), Allowed):
        return
    params = {
        **view.entry_filter.to_params(),
        "organization": [scope.organization_id or ""],
        "as_of": [format_instant(view.as_of)],
    }
    st.link_button(
        "Report",
        own_address(f"{REPORT_PATH}?{urlencode(params, doseq=True)}"),
        icon=":material/print:",
        help="A printable HTML file of this window and filter: figures, charts, failures, changes "
        "of access, who has access, and a fingerprint. It is recorded.",
    )
