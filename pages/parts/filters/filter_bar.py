"""The filter bar: widgets and address both stand for one `EntryFilter`.

The address is the truth: callbacks write it, every run reads it and sets the widgets from it.
So a link, the back button and a click on a chart all work alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category
from audit_core.domain.errors import FilterError
from audit_core.explore.autocomplete.completion import examples
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import PARAMS, VALUE_FIELDS, EntryFilter
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.fields import FIELD_WORDS
from audit_core.query.language.parser import parse
from audit_core.query.language.printer import conjoin
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from audit_core.query.value_filter import NONE, ValueField
from audit_core.query.visibility import require_visible
from pages.parts.filters import (
    condition_builder,
    filter_chips,
    query_box,
    suggestion_list,
    window_picker,
    zone_switch,
)
from pages.parts.filters.query_box import QueryBox
from pages.parts.filters.value_picker import ValuePicker
from pages.parts.live import snapshot
from pages.parts.shell import brand, cached, own_preferences
from pages.parts.tables.safe_text import visible

BAR = "filter"
"""Begins the keys of its widgets."""

_FILTER = "filter"
_AS_OF = "filter_as_of"
_PAGE = "filter_page"
_PROBLEM = "filter_problem"

AS_OF_LASTS = timedelta(seconds=60)
"""How long the moment that a relative window counts from stays the same, so that a click on a
row does not read everything anew."""

PLACE_PARAMS = ("at", "entry", "entry_at", "comparing", "offset", "sessions", "after")
"""Parameters that point into a result and mean nothing once the filter changes."""


@dataclass(frozen=True, slots=True)
class View:
    """What the bar asks for."""

    entry_filter: EntryFilter
    time_range: TimeRange
    """What the window means."""
    as_of: datetime
    """The moment that a relative window counts from."""

    def query(self, scope: Scope) -> Query:
        """What is asked within the scope."""
        return Query(self.entry_filter, scope, self.time_range)


def draw(viewer: Viewer, scope: Scope, title: str, *, stands: str | None = None) -> View:
    """Draw the bar. Raises `FilterError` for an address that cannot be read.

    `title` is the page's, which the browser's tab shows with the window.

    `stands` names a page that shows one moment of the log until it is refreshed, and begins with
    the present one whenever it is entered; on others relative windows go on by themselves.
    """
    if st.session_state.get(_PAGE) != stands:
        refresh()
    st.session_state[_PAGE] = stands
    if _FILTER not in st.session_state and not st.query_params:
        st.session_state[_FILTER] = EntryFilter(window=Window(zone=zone(scope)))
    entry_filter = current()
    require_visible(entry_filter.expression, entry_filter.query, scope)
    st.session_state[_FILTER] = entry_filter
    _write_address(entry_filter)
    with st.container(horizontal=True, vertical_alignment="bottom", key="filter_bar"):
        _draw_window(entry_filter, scope)
        box = _query_box(scope, entry_filter.window.zone)
        box.draw(entry_filter.query)
        suggestion_list.draw(box.key, scope)
        box.draw_help(lambda: condition_builder.draw(scope, ask_for), _draw_grammar)
        _value_picker(scope).draw(entry_filter)
    box.draw_problem()
    if entry_filter.window.preset is None:
        window_picker.draw_fixed(entry_filter.window, _choose_window, _refuse)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning("Filter not changed", icon=":material/warning:")
        st.text(problem)
    if entry_filter.narrowed_by:
        with st.container(horizontal=True, vertical_alignment="center", key="filter_chips_row"):
            st.text("Filtered by", width="content")
            filter_chips.draw(entry_filter, _keep)
            st.button("Clear filters", icon=":material/filter_alt_off:", on_click=clear)
    as_of = _as_of(entry_filter, stands=stands is not None)
    st.set_page_config(page_title=brand.tab_title(title, entry_filter.window.short()))
    return View(
        entry_filter=entry_filter, time_range=entry_filter.window.time_range(as_of), as_of=as_of
    )


def current() -> EntryFilter:
    """The filter of the address; where it has none, that of the page before, or the default.

    Raises `FilterError`.
    """
    given = {
        name: st.query_params.get_all(name)
        for name in st.query_params
        if name not in KNOWN_ELSEWHERE
    }
    if given:
        return EntryFilter.from_params(given)
    before: EntryFilter | None = st.session_state.get(_FILTER)
    return before or EntryFilter()


def zone(scope: Scope) -> str:
    """The zone in which times are written: of the filter, else the person's, else the
    organization's.

    Raises `FilterError`.
    """
    if _FILTER in st.session_state or any(name in PARAMS for name in st.query_params):
        return current().window.zone
    return own_preferences.zone() or cached.organization_zone(scope)


KNOWN_ELSEWHERE = (
    *(*PLACE_PARAMS, "compare"),
    *("person", "list", "group", "starts", "sandbox", "sandbox_at"),
    *("kind", "search", "sort", "ascending"),
    *("rows", "stack", "columns", "density", "view", "embed", "embed_options"),
    *("review", "alert"),
    zone_switch.PARAM,
)
"""Parameters of the address that are not the filter's."""


def narrow(**changes: Any) -> None:
    """Change fields of the filter; for callbacks, so the next run shows it."""
    try:
        entry_filter = current().changed(**changes)
    except FilterError as error:
        _refuse(" ".join(error.problems))
        return
    replace_by(entry_filter)


def replace_by(entry_filter: EntryFilter) -> None:
    """Ask for something else altogether; for callbacks."""
    query_box.forget_draft(BAR)
    st.session_state[_FILTER] = entry_filter
    for name in PLACE_PARAMS:
        if name in st.query_params:
            del st.query_params[name]
    _write_address(entry_filter)
    refresh()


def ask_for(field: str, value: str | int | datetime | None, *, exclude: bool = False) -> None:
    """Add `field:value` to the query, or `-field:value`; for callbacks.

    `field` is a name of the query language, or a path into the metadata; `None` asks for
    entries without a value.
    """
    try:
        before = current()
        zone = before.window.zone
        query = conjoin(before.query, field, value, exclude=exclude, zone=zone)
    except FilterError as error:
        _refuse(" ".join(error.problems))
        return
    narrow(query=query)


NOTHING: dict[str, Any] = {**{item.name: () for item in VALUE_FIELDS}, "text": "", "query": ""}
"""Every field of the filter but the window, asking nothing."""


def clear() -> None:
    """Keep the window, ask nothing else."""
    narrow(**NOTHING)


def _keep(entry_filter: EntryFilter) -> None:
    narrow(**{name: getattr(entry_filter, name) for name in NOTHING})


def reset() -> None:
    """Back to the default filter, whatever the address says; for callbacks."""
    st.session_state.pop(_FILTER, None)
    query_box.forget_draft(BAR)
    st.query_params.clear()
    refresh()


def refresh() -> None:
    """Show the log as it is now, and let relative windows count from now on."""
    st.session_state.pop(_AS_OF, None)
    snapshot.forget()


def draw_problem(error: FilterError, reset: Callable[[], None] = reset) -> None:
    """The error of an address that cannot be read, with a way out."""
    st.error("The address of this page is not valid.", icon=":material/link_off:")
    if isinstance(error, QueryError):
        query_box.draw_problems(st.query_params.get("query", ""), error)
    else:
        st.text(visible("\n".join(error.problems)))
    st.button("Reset filters", icon=":material/restart_alt:", on_click=reset)


def _write_address(entry_filter: EntryFilter) -> None:
    params = entry_filter.to_params()
    elsewhere = {
        name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMS
    }
    present = {name: st.query_params.get_all(name) for name in st.query_params if name in PARAMS}
    if present != params:
        st.query_params.from_dict({**params, **elsewhere})


def _as_of(entry_filter: EntryFilter, *, stands: bool) -> datetime:
    now = cached.utc_now().replace(microsecond=0)
    kept: tuple[EntryFilter, datetime] | None = st.session_state.get(_AS_OF)
    held = _held() if stands else _paused()
    fresh = kept is not None and (now - AS_OF_LASTS < kept[1] <= now or held)
    if kept is None or kept[0] != entry_filter or not fresh:
        st.session_state[_AS_OF] = kept = (entry_filter, now)
    return kept[1]


def _draw_window(entry_filter: EntryFilter, scope: Scope) -> None:
    window_picker.draw(entry_filter.window, cached.organization_zone(scope), _choose_window)


def _choose_window(window: Window) -> None:
    narrow(window=window)


def _refuse(problem: str) -> None:
    st.session_state[_PROBLEM] = problem


def _query_box(scope: Scope, zone: str) -> QueryBox:
    return QueryBox(
        BAR,
        'actor:jane@acme.com action:start -outcome:success "no space left"',
        examples(),
        FIELD_WORDS,
        partial(problem_of, scope=scope, zone=zone),
        lambda text: narrow(query=text),
    )


def problem_of(text: str, scope: Scope, zone: str) -> QueryError | None:
    """Why the text cannot be asked within the scope, with days of `zone`; `None` if it can."""
    try:
        require_visible(parse(text, zone=zone), text, scope)
    except QueryError as error:
        return error
    return None


def _draw_grammar() -> None:
    st.caption(
        "A space means AND. Combine with OR, NOT and parentheses; * and ? are wildcards; "
        "quotation marks keep words together. Words without a field are searched for in "
        "message, user, target, action and user agent, ignoring case."
    )


_CATEGORIES = (
    "\n".join(f"- **{category.label}**: {category.description}" for category in Category)
    + "\n\nFor all that changes who may do what, open the view *Access changes*."
)


def _value_picker(scope: Scope) -> ValuePicker:
    helps = {"categories": _CATEGORIES}
    return ValuePicker(BAR, partial(_options, scope=scope), narrow, _refuse, helps)


def _options(item: ValueField, scope: Scope) -> list[str]:
    if item.name == "targets":
        return []
    found = list(cached.values(item.param, scope))
    absent = item.name in ("sources", "ip_addresses", "target_types")
    return [*found, NONE] if absent else found


def is_reading() -> bool:
    """Whether something is open that must not be moved or drawn anew by itself."""
    return any(name in st.query_params for name in ("entry", "comparing"))


def _held() -> bool:
    """Whether a page stands: without Real-time, while it is paused, and while somebody reads."""
    return not st.session_state.get("live_on") or _paused() or is_reading()


def _paused() -> bool:
    """Whether Real-time holds the page still."""
    return bool(st.session_state.get("live_paused"))
