"""Facets: what values the matches have and how often, each to keep only or to leave out."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category, Outcome
from audit_core.explore.facets import Facet
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import VALUE_FIELDS, EntryFilter
from audit_core.query.value_filter import NONE, ValueField
from pages.parts.filters import filter_bar
from pages.parts.live import snapshot
from pages.parts.shell import cached, kept_switch
from pages.parts.tables.safe_text import visible
from sandtrail import FACET_LIST

MAX_VALUES = 500
"""How many values of a field are listed."""

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

_FIELD_OF = {item.param: item for item in VALUE_FIELDS}
"""The fields of the filter that list values, by the parameter."""

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
    found = snapshot.answer(head, cached.reader().open_facets, view.query(scope), MAX_VALUES)
    for facet in found:
        label, _ = FIELDS[facet.param]
        block = st.expander(
            f"{label} :small[{facet.distinct:,}{'' if facet.complete else '+'}]",
            expanded=facet.param in OPEN_AT_FIRST,
            key=f"facet_{facet.param}",
            type="compact",
            on_change="rerun",
        )
        if block.open:
            with block:
                _draw_values(facet, view.entry_filter)


class Line(TypedDict):
    """One value, as the browser is given it."""

    value: str
    text: str
    count: int
    checked: bool | None
    """Whether the filter lists it; `None` for what only a query asks for."""


def lines(facet: Facet, entry_filter: EntryFilter) -> list[Line]:
    """The values of a facet, and after them those that the filter lists and no match has."""
    field = _FIELD_OF.get(facet.param)
    listed = [] if field is None else [str(item) for item in getattr(entry_filter, field.name)]
    counts = {item.value: item.count for item in facet.values}
    return [
        {
            "value": value,
            "text": shown(facet.param, value),
            "count": counts.get(value, 0),
            "checked": value in listed if _can_list(field, value) else None,
        }
        for value in dict.fromkeys([*counts, *listed])
    ]


def shown(param: str, value: str) -> str:
    """A value for people."""
    if param == "outcome":
        return Outcome(value).label
    if param == "category":
        return Category(value).label
    if value == NONE:
        return "In flight" if param == "status" else "(none)"
    return visible(value)


def _can_list(field: ValueField | None, value: str) -> bool:
    """Whether a filter can list the value: API keys and no status at all it cannot."""
    if field is None:
        return False
    try:
        field.read(value)
    except ValueError:
        return False
    return True


def _draw_values(facet: Facet, entry_filter: EntryFilter) -> None:
    label, _ = FIELDS[facet.param]
    key = f"facet_{facet.param}_values"
    found = lines(facet, entry_filter)
    known = {line["value"] for line in found}
    st.components.v2.component(
        FACET_LIST, js="facet_list.js", css="facet_list.css", isolate_styles=False
    )(
        key=key,
        data={"label": f"{label}: values and how many entries have each", "values": found},
        on_toggled_change=partial(_changed, facet.param, key, "toggled", known),
        on_only_change=partial(_changed, facet.param, key, "only", known),
        on_excluded_change=partial(_changed, facet.param, key, "excluded", known),
    )
    if facet.distinct > len(facet.values):
        st.caption(
            f"The {len(facet.values):,} most frequent of {facet.distinct:,}. "
            "Use a query to find the others."
        )
    if not facet.complete:
        st.caption("There are too many combinations to count: the true counts may be higher.")


def _changed(param: str, key: str, event: str, known: set[str]) -> None:
    """Take what the browser says was done to a value; it may say anything."""
    told = st.session_state[key].get(event)
    value = told.get("value") if isinstance(told, dict) else None
    if not isinstance(value, str) or value not in known:
        return
    field = _FIELD_OF.get(param)
    if event == "excluded" or field is None or not _can_list(field, value):
        asked = None if value == NONE else value
        filter_bar.ask_for(FIELDS[param][1], asked, exclude=event == "excluded")
        return
    listed = {str(item) for item in getattr(filter_bar.current(), field.name)}
    if event == "only":
        listed = {value}
    elif told.get("on"):
        listed |= {value}
    else:
        listed -= {value}
    filter_bar.narrow(**{field.name: tuple(map(field.read, listed))})
