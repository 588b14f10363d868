"""The list of actors: people, services and API keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.people.actors import ActorLine, ActorPage
from audit_core.people.actors_sql import MAX_LISTED, ActorKind, ActorList, ActorOrder
from audit_core.query.time.windows import written
from pages.parts.entries import pager
from pages.parts.filters import filter_bar
from pages.parts.people import list_offset
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

ROWS = 25
_TABLE = "people_table"
_CHOSEN = "people_chosen"
_KIND, _SEARCH = "people_kind", "people_search"
_ORDER, _ASCENDING = "people_order", "people_ascending"

OFFSET = "offset"
"""Where the list begins, in the address."""

PARAMS = ("kind", "search", "sort", "ascending")
"""The choices of the list in the address."""

MAX_SEARCHED = 200
"""How many characters can be searched for."""

KINDS = {
    ActorKind.ALL: "People and services",
    ActorKind.PEOPLE: "People",
    ActorKind.SERVICES: "Services",
    ActorKind.KEYS: "API keys",
}
ORDERS = {
    ActorOrder.ENTRIES: "Entries",
    ActorOrder.FAILED: "Failure rate",
    ActorOrder.LAST: "Last seen",
    ActorOrder.FIRST: "First seen",
    ActorOrder.ADDRESSES: "Addresses",
    ActorOrder.KEYS: "API keys",
    ActorOrder.CLIENTS: "Clients",
    ActorOrder.ACTOR: "Name",
}


def frame(lines: Sequence[ActorLine], zone: str, *, by_key: bool) -> pd.DataFrame:
    """One line for each actor, in their order."""
    table = pd.DataFrame(
        [
            {
                "key": visible(line.api_key or ""),
                "actor": visible(line.name),
                "entries": line.entries,
                "failed": line.failed / line.entries,
                "activity": list(line.activity),
                "last": written(line.last, zone),
                "first": written(line.first, zone),
                "addresses": line.addresses,
                "keys": line.api_keys,
                "clients": line.clients,
            }
            for line in lines
        ]
    )
    return table.drop(columns="keys" if by_key else "key")


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """The list with its choices; a click on a line opens the actor's page."""
    actor_list = _draw_choices(view)
    page = cached.answer(
        head, cached.actor_reader().actors, view.query(scope), view.as_of, actor_list, ROWS
    )
    if not page.lines and actor_list.offset:
        st.info("The list is shorter now.", icon=":material/last_page:")
        st.button(
            "To its beginning",
            icon=":material/first_page:",
            on_click=list_offset.go,
            args=(OFFSET, 0),
        )
        return
    if not page.lines:
        if actor_list.search or actor_list.kind is not ActorKind.ALL:
            st.info("Nobody matches the search.", icon=":material/search_off:")
        else:
            pager.draw_empty(view, scope, head)
        return
    by_key = actor_list.kind is ActorKind.KEYS
    zone = view.entry_filter.window.zone
    selection.draw(
        frame(page.lines, zone, by_key=by_key),
        _TABLE,
        page.lines,
        identify=lambda line: (line.actor_id, line.api_key),
        take=_open,
        column_config=_columns(zone),
        row_height=table_size.ROW,
        height=table_size.height(len(page.lines), most=ROWS),
        alt=f"{KINDS[actor_list.kind]}, sorted by {ORDERS[actor_list.order].lower()}, "
        f"{len(page.lines)} of them; select a cell to open one.",
    )
    _draw_steps(page, actor_list)


def _draw_choices(view: filter_bar.View) -> ActorList:
    actor_list = _chosen()
    _keep(actor_list)
    st.session_state[_KIND], st.session_state[_ORDER] = actor_list.kind, actor_list.order
    st.session_state[_ASCENDING] = not actor_list.descending
    # Set only where it differs: it would wipe out what a person is typing while the page runs.
    if st.session_state.get(_SEARCH) != actor_list.search:
        st.session_state[_SEARCH] = actor_list.search
    with st.container(horizontal=True, vertical_alignment="bottom", key="people_choices"):
        st.segmented_control(
            "Kind",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key=_KIND,
            required=True,
            on_change=_choose,
        )
        st.text_input(
            "Search",
            key=_SEARCH,
            max_chars=MAX_SEARCHED,
            icon=":material/search:",
            placeholder="Address, id or key",
            on_change=_choose,
            width=220,
        )
        st.selectbox(
            "Sort by",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key=_ORDER,
            on_change=_choose,
            width=180,
        )
        st.toggle("Ascending", key=_ASCENDING, on_change=_choose)
    about = (urlencode(view.entry_filter.to_params(), doseq=True), actor_list)
    return ActorList(
        kind=actor_list.kind,
        search=actor_list.search,
        order=actor_list.order,
        descending=actor_list.descending,
        offset=list_offset.shown(OFFSET, about),
    )


def _chosen() -> ActorList:
    """The choices of the address, bad ones left out; where it has none, those of before."""
    given = {name: st.query_params[name] for name in PARAMS if name in st.query_params}
    if not given:
        before: ActorList | None = st.session_state.get(_CHOSEN)
        return before or ActorList()
    kind, order = given.get("kind"), given.get("sort")
    return ActorList(
        kind=ActorKind(kind) if kind in KINDS else ActorKind.ALL,
        search=given.get("search", "")[:MAX_SEARCHED].strip(),
        order=ActorOrder(order) if order in ORDERS else ActorOrder.ENTRIES,
        descending=given.get("ascending") != "1",
    )


def _choose() -> None:
    state = st.session_state
    st.query_params.pop(OFFSET, None)
    _keep(
        ActorList(
            kind=state[_KIND],
            search=state[_SEARCH].strip(),
            order=state[_ORDER],
            descending=not state[_ASCENDING],
        )
    )


def _keep(actor_list: ActorList) -> None:
    """Write what is not as usual into the address, and remember it for the way back."""
    st.session_state[_CHOSEN] = actor_list
    usual = ActorList()
    params = {
        "kind": actor_list.kind.value if actor_list.kind is not usual.kind else None,
        "search": actor_list.search or None,
        "sort": actor_list.order.value if actor_list.order is not usual.order else None,
        "ascending": None if actor_list.descending else "1",
    }
    for name, value in params.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def _columns(zone: str) -> dict[str, Any]:
    column = st.column_config
    time = max(150, 64 + 8 * len(zone))
    return {
        "key": column.TextColumn("API key", width=150),
        "actor": column.TextColumn("Who", width=240),
        "entries": column.NumberColumn("Entries", format="localized", width=90),
        "failed": column.NumberColumn("Failed", format="percent", width=80),
        "activity": column.BarChartColumn("Over the window", width=170, y_min=0),
        "last": column.TextColumn(f"Last seen ({zone})", width=time),
        "first": column.TextColumn(f"First seen ({zone})", width=time),
        "addresses": column.NumberColumn("Addresses", width=90),
        "keys": column.NumberColumn("API keys", width=85),
        "clients": column.NumberColumn(
            "Clients", width=80, help="Distinct combinations of source and user agent"
        ),
    }


def _draw_steps(page: ActorPage, actor_list: ActorList) -> None:
    first, last = actor_list.offset + 1, actor_list.offset + len(page.lines)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{first:,}–{last:,} of {page.total:,}. Click a row to open it.")
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            disabled=actor_list.offset == 0,
            on_click=list_offset.go,
            args=(OFFSET, max(0, actor_list.offset - ROWS)),
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=last >= page.total or last > MAX_LISTED,
            on_click=list_offset.go,
            args=(OFFSET, last),
        )
    if page.total > last > MAX_LISTED:
        st.caption(f"The list ends after {MAX_LISTED:,}. Search, or sort differently.")


def _open(line: ActorLine) -> None:
    st.query_params["person"] = line.actor_id
