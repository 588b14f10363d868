"""The choices that follow a person through pages and browsers."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import zone_names
from pages.parts.shell import own_preferences
from pages.parts.shell.own_preferences import PAGES, START_PAGE, ZONE

_ORGANIZATION = ""
_ZONE, _PAGE = "own_zone", "own_start_page"


def draw(person: Viewer) -> None:
    """Zone, first page, and where the theme is chosen."""
    names = [_ORGANIZATION, *zone_names()]
    kept = own_preferences.zone() or _ORGANIZATION
    chosen = st.selectbox(
        "Time zone",
        names,
        index=names.index(kept) if kept in names else 0,
        format_func=lambda name: name or "As the organization",
        key=_ZONE,
        help="Pages open in this zone. Each page can be switched to another one.",
        width=320,
    )
    if chosen != kept:
        own_preferences.keep(person, ZONE, chosen)
    first = own_preferences.start_page()
    page = st.selectbox(
        "First page",
        list(PAGES),
        index=list(PAGES).index(first),
        format_func=lambda name: PAGES[name][1],
        key=_PAGE,
        help="What opens after signing in when no other page is asked for.",
        width=320,
    )
    if page != first:
        own_preferences.keep(person, START_PAGE, page)
