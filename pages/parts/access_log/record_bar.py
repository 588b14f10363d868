"""The filter bar of the access record: widgets and address both stand for one `RecordFilter`.

The address is the truth: callbacks write it, every run reads it and sets the widgets from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import (
    EXAMPLES,
    VALUE_FIELDS,
    VOCABULARY,
    Part,
    RecordFilter,
    RecordScope,
)
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import NONE, ValueField
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.parser import parse
from audit_core.query.language.printer import conjoin
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window
from audit_core.state.access_log.verbs import VERBS, AccessOutcome, Category
from pages.parts.access_log import record_scope
from pages.parts.filters import query_box, suggestion_list, window_picker
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

_PROBLEM = "record_problem"
_QUERY = "record_query"
_DRAFT = "record_query_draft"
"""What was written and could not be understood."""
_EXAMPLES = "record_examples"
ELSEWHERE = ("at", "event", "rows", record_scope.PARAM, "embed", "embed_options")
"""Parameters of the address that are not the filter's."""
MAX_OPTIONS = 200
"""How many values a field offers; others can be typed."""
_COLUMNS = {"actors": "actor", "targets": "target", "ip_addresses": "address"}
_CLOSED: dict[str, list[str]] = {
    "categories": [category.value for category in Category],
    "outcomes": [outcome.value for outcome in AccessOutcome],
}


@dataclass(frozen=True, slots=True)
class View:
    """What the bar asks for."""

    record_filter: RecordFilter
    scope: RecordScope
    time_range: TimeRange
    """What the window means."""
    as_of: datetime
    """The moment that a relative window counts from."""


def draw(person: Viewer, parts: tuple[RecordScope, ...]) -> View:
    """Draw the bar. Raises `FilterError` for an address that cannot be read."""
    scope = record_scope.chosen(parts)
    record_filter = current()
    record_scope.draw_switch(person, parts, scope)
    with st.container(horizontal=True, vertical_alignment="bottom", key="record_bar"):
        window_picker.draw(record_filter.window, _organization_zone(scope), _choose_window)
        _draw_query(record_filter, scope)
        _draw_help()
        _draw_values(record_filter, scope)
    _draw_query_problem(record_filter.window.zone)
    if record_filter.window.preset is None:
        window_picker.draw_fixed(record_filter.window, _choose_window, _refuse)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning("Filter not changed", icon=":material/warning:")
        st.text(visible(problem))
    if record_filter.narrowed_by:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"Filtered by {visible(record_filter.describe())}", width="content")
            st.button("Clear filters", icon=":material/filter_alt_off:", on_click=clear)
    as_of = cached.utc_now()
    return View(record_filter, scope, record_filter.window.time_range(as_of), as_of)


def current() -> RecordFilter:
    """The filter of the address. Raises `FilterError`."""
    return RecordFilter.from_params(
        {name: st.query_params.get_all(name) for name in st.query_params if name not in ELSEWHERE}
    )


def narrow(**changes: Any) -> None:
    """Change fields of the filter; for callbacks, so the next run shows it."""
    try:
        record_filter = replace(current(), **changes)
        # What cannot be written into the address could not be shared or restored.
        RecordFilter.from_params(record_filter.to_params())
    except (FilterError, ValueError) as error:
        _refuse(" ".join(getattr(error, "problems", (str(error),))))
        return
    st.session_state.pop(_DRAFT, None)
    kept = {
        name: st.query_params.get_all(name)
        for name in st.query_params
        if name in ELSEWHERE and name not in ("at", "event")
    }
    st.query_params.from_dict({**record_filter.to_params(), **kept})


def ask_for(field: str, value: str | datetime | None, *, exclude: bool) -> None:
    """Add `field:value` to the query, or `-field:value`; for callbacks."""
    try:
        before = current()
        zone = before.window.zone
        query = conjoin(
            before.query, field, value, exclude=exclude, zone=zone, vocabulary=VOCABULARY
        )
    except FilterError as error:
        _refuse(" ".join(error.problems))
        return
    narrow(query=query)


def clear() -> None:
    """Keep the window, ask nothing else; for callbacks."""
    narrow(**{item.name: () for item in VALUE_FIELDS}, text="", query="")


def all_time() -> None:
    """The same filter without bounds in time; for callbacks."""
    narrow(window=Window(preset=ALL_TIME, zone=current().window.zone))


def draw_problem(error: FilterError) -> None:
    """The error of an address that cannot be read, with a way out."""
    st.error("The address of this page is not valid.", icon=":material/link_off:")
    if isinstance(error, QueryError):
        query_box.draw_problems(st.query_params.get("query", ""), error)
    else:
        st.text(visible("\n".join(error.problems)))
    st.button("Reset filters", icon=":material/restart_alt:", on_click=st.query_params.clear)


def _organization_zone(scope: RecordScope) -> str:
    if scope.part is not Part.ORGANIZATION:
        return "UTC"
    return cached.organization_zone(Scope(organization_id=scope.organization_id))


def _refuse(problem: str) -> None:
    st.session_state[_PROBLEM] = problem


def _choose_window(window: Window) -> None:
    narrow(window=window)


def _draw_query(record_filter: RecordFilter, scope: RecordScope) -> None:
    draft: str | None = st.session_state.get(_DRAFT)
    shown = record_filter.query if draft is None else draft
    # Set only where it differs: it would wipe out what a person is typing while the page runs.
    if st.session_state.get(_QUERY, "") != shown:
        st.session_state[_QUERY] = shown
    st.text_input(
        "Query",
        key=_QUERY,
        type="search",
        placeholder='actor:jane@acme.com action:sign_in.* outcome:refused "wrong password"',
        on_change=_take_query,
        autocomplete="off",
        width="stretch",
    )
    suggestion_list.draw_for_record(_QUERY, scope)


def _take_query() -> None:
    text = st.session_state[_QUERY].strip()
    try:
        parse(text, VOCABULARY, zone=current().window.zone)
    except QueryError:
        st.session_state[_DRAFT] = text
        return
    narrow(query=text)


def _draw_query_problem(zone: str) -> None:
    draft: str | None = st.session_state.get(_DRAFT)
    if draft is None:
        return
    try:
        parse(draft, VOCABULARY, zone=zone)
    except QueryError as error:
        st.warning("Query not applied", icon=":material/warning:")
        query_box.draw_problems(draft, error)


def _draw_help() -> None:
    popover = st.popover("Help", icon=":material/help:", key="record_help", on_change="rerun")
    if not popover.open:
        return
    with popover, st.container(width=620):
        st.markdown("**Examples** :gray[:small[Click one to use it.]]")
        _draw_two(
            {"Query": [one.text for one in EXAMPLES], "Finds": [one.meaning for one in EXAMPLES]},
            key=_EXAMPLES,
            on_select=_use_example,
            selection_mode="single-cell",
            alt="Example queries and what they find; select one to use it",
        )
        st.markdown("**Fields**")
        words = VOCABULARY.words
        _draw_two(
            {"Field": [one.written for one in words], "Matches": [one.help for one in words]},
            alt="The fields that a query can use, and what they match",
        )
        st.markdown("**Actions**")
        _draw_two(
            {
                "Action": list(VERBS),
                "What was done": [verb.sentence for verb in VERBS.values()],
            },
            alt="All recorded actions and their meaning",
        )


def _draw_two(columns: dict[str, list[str]], **options: Any) -> None:
    widths = dict(zip(columns, (240, 340), strict=True))
    st.dataframe(
        columns,
        hide_index=True,
        row_height=30,
        height=220,
        column_config={
            name: st.column_config.TextColumn(name, width=width) for name, width in widths.items()
        },
        **options,
    )


def _use_example() -> None:
    row = selection.take_row(_EXAMPLES)
    if row is not None:
        narrow(query=EXAMPLES[row].text)


def _draw_values(record_filter: RecordFilter, scope: RecordScope) -> None:
    popover = st.popover(
        "Filters", icon=":material/filter_list:", key="record_filters", on_change="rerun"
    )
    if not popover.open:
        return
    with popover:
        halves = st.columns(2)
        for index, item in enumerate(VALUE_FIELDS):
            with halves[index % 2]:
                _draw_value_field(item, record_filter, scope)


def _draw_value_field(item: ValueField, record_filter: RecordFilter, scope: RecordScope) -> None:
    given = [str(value) for value in getattr(record_filter, item.name)]
    closed = item.name in _CLOSED
    key = f"record_value_{item.name}"
    st.session_state[key] = given
    show: Callable[[str], str] = (
        (lambda text: item.show(item.read(text)).capitalize())
        if closed
        else (lambda text: "(none)" if text == NONE else visible(text))
    )
    st.multiselect(
        item.label,
        list(dict.fromkeys([*given, *_options(item, scope)])),
        key=key,
        format_func=show,
        accept_new_options=not closed,
        placeholder="Any",
        on_change=_choose_values,
        args=(item,),
    )


def _options(item: ValueField, scope: RecordScope) -> list[str]:
    if item.name in _CLOSED:
        return _CLOSED[item.name]
    if item.name == "actions":
        return list(VERBS)
    reader = RecordReader(cached.installation().state)
    found = list(reader.values(_COLUMNS[item.name], scope, MAX_OPTIONS))
    return found if item.name == "actors" else [*found, NONE]


def _choose_values(item: ValueField) -> None:
    try:
        chosen = tuple(item.read(text) for text in st.session_state[f"record_value_{item.name}"])
    except ValueError as error:
        _refuse(f"{item.label}: {error}.")
        return
    narrow(**{item.name: chosen})
