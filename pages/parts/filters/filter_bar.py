"""The filter bar: widgets and address both stand for one `EntryFilter`.

The address is the truth: callbacks write it, every run reads it and sets the widgets from it.
So a link, the back button and a click on a chart all work alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category, Outcome
from audit_core.domain.errors import FilterError
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import NONE, PARAMS, VALUE_FIELDS, EntryFilter, ValueField
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.printer import conjoin
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from audit_core.query.visibility import require_visible
from pages.parts.filters import filter_chips, query_box, window_picker
from pages.parts.shell import brand, cached, own_preferences, snapshot
from pages.parts.tables.safe_text import visible

_FILTER = "filter"
_AS_OF = "filter_as_of"
_PAGE = "filter_page"
_PROBLEM = "filter_problem"

AS_OF_LASTS = timedelta(seconds=60)
"""How long the moment that a relative window counts from stays the same, so that a click on a
row does not read everything anew."""

PLACE_PARAMS = ("at", "entry", "entry_at", "comparing")
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
        query_box.draw(entry_filter, scope, _apply_query)
        query_box.draw_help(scope, _apply_query, ask_for)
        _draw_values(entry_filter, scope)
    query_box.draw_problem(scope, entry_filter.window.zone)
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
    *("at", "entry", "entry_at", "compare", "comparing"),
    *("person", "list", "group", "sandbox", "sandbox_at"),
    *("kind", "search", "sort", "ascending"),
    *("rows", "stack", "columns", "density", "view", "embed", "embed_options"),
)
"""Parameters of the address that are not the filter's."""


def narrow(**changes: Any) -> None:
    """Change fields of the filter; for callbacks, so the next run shows it."""
    try:
        entry_filter = replace(current(), **changes)
        # What cannot be written into the address could not be shared or restored.
        EntryFilter.from_params(entry_filter.to_params())
    except (FilterError, ValueError) as error:
        st.session_state[_PROBLEM] = " ".join(getattr(error, "problems", (str(error),)))
        return
    replace_by(entry_filter)


def replace_by(entry_filter: EntryFilter) -> None:
    """Ask for something else altogether; for callbacks."""
    query_box.forget_draft()
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
        st.session_state[_PROBLEM] = " ".join(error.problems)
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
    query_box.forget_draft()
    st.query_params.clear()
    refresh()


def refresh() -> None:
    """Show the log as it is now, and let relative windows count from now on."""
    st.session_state.pop(_AS_OF, None)
    snapshot.forget()


def draw_problem(error: FilterError) -> None:
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


def _widget(name: str, value: Any) -> str:
    """The key of a widget, which then shows `value` in this run."""
    key = f"filter_{name}"
    st.session_state[key] = value
    return key


def _draw_window(entry_filter: EntryFilter, scope: Scope) -> None:
    window_picker.draw(entry_filter.window, cached.organization_zone(scope), _choose_window)


def _choose_window(window: Window) -> None:
    narrow(window=window)


def _refuse(problem: str) -> None:
    st.session_state[_PROBLEM] = problem


def _apply_query(text: str) -> None:
    narrow(query=text)


def _draw_values(entry_filter: EntryFilter, scope: Scope) -> None:
    # Always the same words: with others it is another popover, and closes after each choice.
    popover = st.popover(
        "Filters",
        icon=":material/filter_list:",
        key="filter_popover",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        left, right = st.columns(2)
        for index, item in enumerate(VALUE_FIELDS):
            with left if index % 2 == 0 else right:
                _draw_value_field(item, entry_filter, scope)


def _draw_value_field(item: ValueField, entry_filter: EntryFilter, scope: Scope) -> None:
    chosen = [str(value) for value in getattr(entry_filter, item.name)]
    options = list(dict.fromkeys([*chosen, *_options(item, scope)]))
    closed = item.name in ("categories", "outcomes")
    show: Callable[[str], str] = (
        (lambda text: item.show(item.read(text))) if closed else _show_option
    )
    st.multiselect(
        item.label,
        options,
        key=_widget(item.name, chosen),
        format_func=show,
        accept_new_options=not closed,
        placeholder="Any",
        help=_CATEGORIES if item.name == "categories" else None,
        on_change=_choose_values,
        args=(item,),
    )


_CATEGORIES = (
    "\n".join(f"- **{category.label}**: {category.description}" for category in Category)
    + "\n\nFor all that changes who may do what, open the view *Access changes*."
)


def _show_option(text: str) -> str:
    return "(none)" if text == NONE else visible(text)


def _options(item: ValueField, scope: Scope) -> list[str]:
    if item.name == "categories":
        return [category.value for category in Category]
    if item.name == "outcomes":
        return [outcome.value for outcome in Outcome]
    if item.name == "targets":
        return []
    found = list(cached.values(item.param, scope))
    absent = item.name in ("sources", "ip_addresses", "target_types")
    return [*found, NONE] if absent else found


def _choose_values(item: ValueField) -> None:
    try:
        chosen = tuple(item.read(text) for text in st.session_state[f"filter_{item.name}"])
    except ValueError as error:
        st.session_state[_PROBLEM] = f"{item.label}: {error}."
        return
    narrow(**{item.name: chosen})


def is_reading() -> bool:
    """Whether something is open that must not be moved or drawn anew by itself."""
    return any(name in st.query_params for name in ("entry", "comparing"))


def _held() -> bool:
    """Whether a page stands: without Real-time, while it is paused, and while somebody reads."""
    return not st.session_state.get("live_on") or _paused() or is_reading()


def _paused() -> bool:
    """Whether Real-time holds the page still."""
    return bool(st.session_state.get("live_paused"))
