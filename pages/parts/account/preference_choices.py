"""The choices that follow a person through pages and browsers."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import zone_names
from audit_core.web.routes.theme import Theme, theme_address
from pages.parts.shell import own_preferences, sign_in
from pages.parts.shell.app_address import PATHS, own_address
from pages.parts.shell.own_preferences import PAGES, START_PAGE, ZONE

_ORGANIZATION = ""
UNSET = "As the organization"
_ZONE, _PAGE, _THEME = "own_zone", "own_start_page", "own_theme"


def draw(person: Viewer) -> None:
    """Zone, first page, and where the theme is chosen."""
    browser = st.context.timezone
    names = [_ORGANIZATION, *zone_names(browser)]
    kept = own_preferences.zone() or _ORGANIZATION
    chosen = st.selectbox(
        "Time zone",
        names,
        index=names.index(kept) if kept in names else 0,
        format_func=lambda name: f"{name} (browser)" if name == browser else name or UNSET,
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
    _draw_theme()


def _draw_theme() -> None:
    """The server does not know what was chosen before: the browser keeps it."""
    theme = st.segmented_control(
        "Theme of this browser",
        list(Theme),
        format_func={
            Theme.SYSTEM: "As the system",
            Theme.LIGHT: "Light",
            Theme.DARK: "Dark",
        }.__getitem__,
        key=_THEME,
    )
    if theme is not None:
        # Each page's path has its own: the first one is also found without a name.
        sign_in.send_to(own_address(theme_address(Theme(theme), PATHS, "profile")))
