"""Facets: what values the matches have and how often, each to keep only or to leave out."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category, Outcome
from audit_core.explore.facets import Facet
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import NONE
from pages.parts.filters import filter_bar
from pages.parts.shell import cached, kept_switch, snapshot
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

MAX_VALUES = 500
"""How many values of a field are listed."""

SHOWN_ROWS = 6
"""How many of them are seen without scrolling."""

ROW_HEIGHT = 28

FIELDS: dict[str, tuple[str, str]] = {
    "actor": ("User", "actor"),
    "key": ("API key", "key"),
    "action": ("Action", "action"),
    "category": ("Category", "category"),
    "target_type": ("Target type", "type"),
    "outcome": ("Outcome", "outcome"),
    "status": ("Status code", "status"),
    "source": ("Source", "source"),
    "ip": ("IP address", "ip"),
}
"""What people call each facet, and how a query does."""

OPEN_AT_FIRST = ("actor", "action", "outcome")

_SHOWN = "explore_facets"


def draw_switch(person: Viewer) -> bool:
    """The toggle of the panel; whether it is shown, as this person last chose."""
    return kept_switch.draw(
        "Facets",
        _SHOWN,
        person,
        help="Show which values the matches have, to keep or exclude them",
    )


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """All facets under the present filter; those that are closed cost nothing in the browser."""
    for facet in snapshot.answer(head, cached.reader().facets, view.query(scope), MAX_VALUES):
        label, _ = FIELDS[facet.param]
        block = st.expander(
            f"{label} :gray[:small[{facet.distinct:,}{'' if facet.complete else '+'}]]",
            expanded=facet.param in OPEN_AT_FIRST,
            key=f"facet_{facet.param}",
            type="compact",
            on_change="rerun",
        )
        if block.open:
            with block:
                _draw_values(facet)


def frame(facet: Facet) -> pd.DataFrame:
    """What one facet shows: a line for each value, with the button that leaves it out."""
    return pd.DataFrame(
        {
            "value": [shown(facet.param, item.value) for item in facet.values],
            "count": [item.count for item in facet.values],
            "leave": [":material/filter_alt_off:"] * len(facet.values),
        }
    )


def shown(param: str, value: str) -> str:
    """A value for people."""
    if param == "outcome":
        return Outcome(value).label
    if param == "category":
        return Category(value).label
    if value == NONE:
        return "In flight" if param == "status" else "(none)"
    return visible(value)


def _draw_values(facet: Facet) -> None:
    label, _ = FIELDS[facet.param]
    column = st.column_config
    values, leave = f"facet_{facet.param}_values", f"facet_{facet.param}_leave"
    st.dataframe(
        frame(facet),
        key=values,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=38 + ROW_HEIGHT * min(len(facet.values), SHOWN_ROWS),
        on_select=partial(_keep, facet, values),
        selection_mode="single-cell",
        column_config={
            "value": column.TextColumn(
                label, width=140, help="Click a value to keep only its entries."
            ),
            "count": column.NumberColumn("Entries", format="localized", width=62),
            "leave": column.ButtonColumn(
                "",
                help="Exclude the entries with this value",
                type="tertiary",
                width=36,
                key=leave,
                on_click=partial(_leave, facet, leave),
            ),
        },
        alt=f"{label}: values and how many entries have each, most frequent first; "
        "select a value to keep only its entries.",
    )
    if facet.distinct > len(facet.values):
        st.caption(
            f"The {len(facet.values):,} most frequent of {facet.distinct:,}. "
            "Use a query to find the others."
        )
    if not facet.complete:
        st.caption("There are too many combinations to count: the true counts may be higher.")


def _keep(facet: Facet, key: str) -> None:
    row = selection.take_row(key)
    if row is not None:
        _ask(facet, row, exclude=False)


def _leave(facet: Facet, key: str) -> None:
    _ask(facet, st.session_state[key]["row"], exclude=True)


def _ask(facet: Facet, row: int, *, exclude: bool) -> None:
    value = facet.values[row].value
    filter_bar.ask_for(FIELDS[facet.param][1], None if value == NONE else value, exclude=exclude)
