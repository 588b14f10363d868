"""The list of sandboxes, and of any other kind of target."""

from __future__ import annotations

import re
import zlib

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
from pages.parts.sandboxes import start_list, without_sandboxes
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

ROWS = 50
_PLACES, _TYPE, _SEARCH = "target_places", "target_type", "target_search"
_PARAM = "after"
"""Behind which target the page begins, in the address."""
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """A page of the list."""
    types = tuple(dict.fromkeys((SANDBOX, *cached.values("target_type", scope))))
    if len(types) > 1 and without_sandboxes.is_without(scope, head):
        types = types[1:]
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
    listed = f"{zlib.crc32(repr((target_type, searched)).encode()):08x}"
    places = _places((view.entry_filter, listed))
    first, after = _read(places[-1], listed)
    page = cached.answer(
        head,
        cached.traces_reader().targets,
        query,
        target_type=target_type,
        searched=searched,
        after=after,
        rows=ROWS,
    )
    if not page.targets:
        st.info("No targets match.", icon=":material/search_off:")
        return
    _table(page.targets, target_type, view.entry_filter.window.zone)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{first + 1} to {first + len(page.targets)}")
        st.button(
            "Back",
            icon=":material/chevron_left:",
            disabled=after is None,
            on_click=_go,
            args=(places[:-1] or [""],),
        )
        st.button(
            "More",
            icon=":material/chevron_right:",
            disabled=page.following is None,
            on_click=_go,
            args=([*places, _written(first + len(page.targets), page.following, listed)],),
        )


def _places(about: object) -> list[str]:
    """The places at which the pages up to the one in the address begin, as the address has them,
    the first one empty; of a page that this tab was not led to, its own only."""
    shown = st.query_params.get(_PARAM, "")
    kept: tuple[object, list[str]] | None = st.session_state.get(_PLACES)
    if kept is not None and kept[0] != about:
        st.query_params.pop(_PARAM, None)
        shown = ""
    before = kept[1] if kept is not None else []
    places = [*before[: before.index(shown)], shown] if shown in before else [shown]
    st.session_state[_PLACES] = about, places
    return places


def _go(places: list[str]) -> None:
    about, _ = st.session_state[_PLACES]
    st.session_state[_PLACES] = about, places
    if places[-1]:
        st.query_params[_PARAM] = places[-1]
    else:
        st.query_params.pop(_PARAM, None)


def _written(first: int, place: TargetPlace | None, listed: str) -> str:
    if place is None:
        return ""
    return f"{listed}~{first}~{place.failing}~{place.last_us}~{place.target}"


def _read(text: str, listed: str) -> tuple[int, TargetPlace | None]:
    """How many targets stand before the page, and behind which it begins; the first page for what
    cannot be read, or is a place in another list than this one."""
    of_list, *numbers, target = [*text.split("~", 4), *[""] * 5][:5]
    if of_list != listed or not all(_NUMBER.fullmatch(number) for number in numbers):
        return 0, None
    first, failing, last_us = map(int, numbers)
    return first, TargetPlace(failing=failing, last_us=last_us, target=target)


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
