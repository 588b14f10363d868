"""What a person prefers for themselves: the zone, and the page that opens first."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Allowed, Denied, Permission, decide
from audit_core.identity.sessions import Viewer
from audit_core.runtime.zones import is_zone
from audit_core.state.preferences import keep_preference, read_preference
from pages.parts.shell import cached
from pages.parts.shell.app_address import page_path

ZONE, START_PAGE = "zone", "start_page"
PAGES = {
    "overview": ("activity/overview.py", "Overview"),
    "explore": ("activity/explore.py", "Explore"),
    "sandboxes": ("activity/sandboxes.py", "Sandboxes"),
    "people": ("activity/people.py", "People"),
}
"""The pages that can open first, by the name that is kept: script and title."""
DEFAULT_PAGE = "overview"
_OWN_ACTIVITY_PAGE = "people"
"""The only page that shows people what they did themselves."""
_LOADED = "own_preferences"


def load(person: Viewer) -> None:
    """Read them once in a tab, and open the page that the person wants first when no other one is
    asked for; call it before a page is drawn."""
    if _LOADED in st.session_state:
        return
    with cached.installation().state.read() as connection:
        found = {
            name: read_preference(connection, account_id=person.account_id, name=name)
            for name in (ZONE, START_PAGE)
        }
    st.session_state[_LOADED] = found
    page = found[START_PAGE]
    if isinstance(decide(person.membership, Permission.READ), Denied):
        reads_own = isinstance(decide(person.membership, Permission.READ_OWN), Allowed)
        page = _OWN_ACTIVITY_PAGE if reads_own else DEFAULT_PAGE
    if page in PAGES and page != DEFAULT_PAGE and page_path() == "/" and not st.query_params:
        st.switch_page(PAGES[page][0])


def zone() -> str | None:
    """The person's own zone; `None` when they follow the organization."""
    name = _found().get(ZONE)
    return name if name and is_zone(name) else None


def start_page() -> str:
    """The name of the page that opens first."""
    name = _found().get(START_PAGE)
    return name if name in PAGES else DEFAULT_PAGE


def keep(person: Viewer, name: str, value: str) -> None:
    """Keep a preference; an empty text is none."""
    with cached.installation().state.begin() as connection:
        keep_preference(connection, account_id=person.account_id, name=name, value=value)
    st.session_state[_LOADED] = {**_found(), name: value}


def _found() -> dict[str, str | None]:
    found: dict[str, str | None] = st.session_state.get(_LOADED, {})
    return found
