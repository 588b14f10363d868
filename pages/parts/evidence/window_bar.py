"""A window alone, for pages that show all of the log in it. The address is the truth, as for the
filter bar; without one it is all time."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import ALL_TIME, Window
from pages.parts.filters import window_picker
from pages.parts.filters.filter_bar import View
from pages.parts.shell import cached, own_preferences

PARAMS = ("window", "from", "to", "zone")
"""The parameters of the address that say the window."""

_PROBLEM = "evidence_window_problem"


def draw(scope: Scope) -> View:
    """The window and its zone. Raises `FilterError` for an address that cannot be read."""
    window = _current(scope)
    with st.container(horizontal=True, vertical_alignment="bottom", key="evidence_window"):
        window_picker.draw(window, cached.organization_zone(scope), _take)
    if window.preset is None:
        window_picker.draw_fixed(window, _take, _refuse)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning("Window not changed", icon=":material/warning:")
        st.text(problem)
    as_of = cached.utc_now().replace(second=0, microsecond=0)
    return View(
        entry_filter=EntryFilter(window=window), time_range=window.time_range(as_of), as_of=as_of
    )


def reset() -> None:
    """Back to all time; for callbacks."""
    st.query_params.clear()


def _current(scope: Scope) -> Window:
    given = {name: st.query_params.get_all(name) for name in PARAMS if name in st.query_params}
    if not given:
        zone = own_preferences.zone() or cached.organization_zone(scope)
        return Window(preset=ALL_TIME, zone=zone)
    return EntryFilter.from_params(given).window


def _take(window: Window) -> None:
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMS}
    st.query_params.from_dict({**EntryFilter(window=window).to_params(), **others})


def _refuse(problem: str) -> None:
    st.session_state[_PROBLEM] = problem
