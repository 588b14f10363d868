"""From what is clicked on to the entries it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from audit_core.domain.errors import FilterError
from audit_core.query.entry_filter import EntryFilter
from pages.parts.filters import filter_bar

EXPLORE = "activity/explore.py"
_LINKED = "explore_asked"


@dataclass(frozen=True, slots=True)
class Click:
    """What clicks on a page about one actor do."""

    actor_id: str
    leave: bool
    """Whether they lead to Explore. Who sees only what they did themselves may not open it: for
    them the page itself is narrowed, which lists their entries too."""

    def ask(self, **changes: Any) -> None:
        """Show the entries that the changed filter asks for; for callbacks."""
        if not self.leave:
            filter_bar.narrow(**changes)
            return
        try:
            entry_filter = replace(filter_bar.current(), actors=(self.actor_id,), **changes)
            ask(EntryFilter.from_params(entry_filter.to_params()).to_params())
        except (FilterError, ValueError):
            # What no address can hold is left to the filter bar to explain.
            filter_bar.narrow(actors=(self.actor_id,), **changes)


def ask(params: Mapping[str, Sequence[str]]) -> None:
    """Go to Explore with these parameters; for callbacks of pages that call `follow`."""
    st.session_state[_LINKED] = params


def follow() -> None:
    """Go to Explore if a click asked for it; early on a page."""
    params: Mapping[str, Sequence[str]] | None = st.session_state.pop(_LINKED, None)
    if params is not None:
        st.switch_page(EXPLORE, query_params=params)
