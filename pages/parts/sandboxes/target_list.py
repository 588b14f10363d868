"""The list of sandboxes, and of any other kind of target."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import SANDBOX
from audit_core.query.time.windows import written
from audit_core.starts.suspicion import SUSPECTED_BRIEFLY
from audit_core.starts.traces.state_timeline import BandState
from audit_core.starts.traces.targets_sql import TargetPlace
from audit_core.starts.traces.trace_reader import Target
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import start_list
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

ROWS = 50
_PLACES, _TYPE, _SEARCH = "target_places", "target_type", "target_search"


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """A page of the list."""
    types = tuple(dict.fromkeys((SANDBOX, *cached.values("target_type", scope))))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target_type = st.selectbox(
            "Kind of target", types, key=_TYPE, format_func=visible, width=200
        )
        searched = st.text_input(
            "Id, start of an id, or name",
            key=_SEARCH,
            placeholder="Search",
            width=340,
        ).strip()
    query = view.query(scope)
    asked = (query, target_type, searched)
    kept = st.session_state.get(_PLACES)
    places: list[TargetPlace | None] = kept[1] if kept and kept[0] == asked else [None]
    st.session_state[_PLACES] = (asked, places)
    page = cached.answer(
        head,
        cached.traces_reader().targets,
        query,
        target_type=target_type,
        searched=searched,
        after=places[-1],
        rows=ROWS,
    )
    if not page.targets:
        st.info("No targets match.", icon=":material/search_off:")
        return
    _table(page.targets, target_type, view.entry_filter.window.zone)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        first = (len(places) - 1) * ROWS
        st.caption(f"{first + 1} to {first + len(page.targets)}")
        st.button(
            "Back",
            icon=":material/chevron_left:",
            disabled=len(places) == 1,
            on_click=places.__delitem__,
            args=(-1,),
        )
        st.button(
            "More",
            icon=":material/chevron_right:",
            disabled=page.following is None,
            on_click=places.append,
            args=(page.following,),
        )


def _table(targets: tuple[Target, ...], target_type: str, zone: str) -> None:
    of_sandboxes = target_type == SANDBOX
    column = st.column_config
    found = pd.DataFrame(
        {
            "target": [visible(item.target) for item in targets],
            "name": [visible(item.name or "–") for item in targets],
            "state": [_state(item) for item in targets],
            "failed": [item.failing - item.suspected for item in targets],
            "suspected": [item.suspected for item in targets],
            "entries": [item.entries for item in targets],
            "last": [written(item.last, zone) for item in targets],
        }
    )
    if not of_sandboxes:
        found = found.drop(columns=["name", "state", "failed", "suspected"])
    selection.draw(
        found,
        "targets",
        targets,
        identify=lambda item: (target_type, item.target),
        take=lambda item: start_list.open_sandbox(item.target if of_sandboxes else None, item.last),
        height=min(38 + 35 * len(targets), 38 + 35 * 20),
        row_height=35,
        column_config={
            "target": column.TextColumn("Id", width=300),
            "name": column.TextColumn("Name", width=180),
            "state": column.TextColumn(
                "State", width=130, help="At the end of the window, as far as the log shows"
            ),
            "failed": column.NumberColumn("Failed starts", format="localized", width=110),
            "suspected": column.NumberColumn(
                "Suspected", format="localized", width=140, help=SUSPECTED_BRIEFLY
            ),
            "entries": column.NumberColumn("Entries", format="localized", width=90),
            "last": column.TextColumn(f"Last activity ({zone})", width=190),
        },
        alt=f"Targets, those with most failed starts first, {len(targets)} on this page"
        + ("; select a cell to open the sandbox." if of_sandboxes else "."),
    )


def _state(target: Target) -> str:
    state = target.state or BandState.UNKNOWN
    return BandState(state).label if state in set(BandState) else state.capitalize()
