"""The filter bar of the access record: widgets and address both stand for one `RecordFilter`.

The address is the truth: callbacks write it, every run reads it and sets the widgets from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.parser import parse
from audit_core.query.language.printer import conjoin
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window
from audit_core.query.value_filter import NONE, ValueField
from audit_core.state.access_log.verbs import VERBS
from pages.parts.access_log import record_scope
from pages.parts.filters import (
    filter_bar,
    query_box,
    suggestion_list,
    window_picker,
    zone_switch,
)
from pages.parts.filters.query_box import QueryBox
from pages.parts.filters.value_picker import ValuePicker
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

_PROBLEM = "record_problem"
BAR = "record"
"""Begins the keys of its widgets."""
ELSEWHERE = (
    *("at", "event", "rows", record_scope.PARAM, zone_switch.PARAM),
    *("embed", "embed_options"),
)
"""Parameters of the address that are not the filter's."""
_PLACEHOLDER = 'actor:jane@acme.com action:sign_in.* outcome:refused "wrong password"'
MAX_OPTIONS = 200
"""How many values a field offers; others can be typed."""
_COLUMNS = {"actors": "actor", "targets": "target", "ip_addresses": "address"}


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
        problem_of = partial(_problem_of, zone=record_filter.window.zone)
        box = QueryBox(BAR, _PLACEHOLDER, EXAMPLES, VOCABULARY.words, problem_of, _apply_query)
        box.draw(record_filter.query)
        suggestion_list.draw_for_record(box.key, scope)
        box.draw_help(below=_draw_verbs)
        ValuePicker(BAR, partial(_options, scope=scope), narrow, _refuse).draw(record_filter)
    box.draw_problem()
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
        record_filter = current().changed(**changes)
    except FilterError as error:
        _refuse(" ".join(error.problems))
        return
    query_box.forget_draft(BAR)
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
    filter_bar.draw_problem(error, st.query_params.clear)


def _organization_zone(scope: RecordScope) -> str:
    if scope.part is not Part.ORGANIZATION:
        return "UTC"
    return cached.organization_zone(Scope(organization_id=scope.organization_id))


def _refuse(problem: str) -> None:
    st.session_state[_PROBLEM] = problem


def _choose_window(window: Window) -> None:
    narrow(window=window)


def _apply_query(text: str) -> None:
    narrow(query=text)


def _problem_of(text: str, zone: str) -> QueryError | None:
    try:
        parse(text, VOCABULARY, zone=zone)
    except QueryError as error:
        return error
    return None


def _draw_verbs() -> None:
    st.markdown("**Actions**")
    query_box.draw_table(
        {"Action": list(VERBS), "What was done": [verb.sentence for verb in VERBS.values()]},
        alt="All recorded actions and their meaning",
    )


def _options(item: ValueField, scope: RecordScope) -> list[str]:
    if item.name == "actions":
        return list(VERBS)
    reader = RecordReader(cached.installation().state)
    found = list(reader.values(_COLUMNS[item.name], scope, MAX_OPTIONS))
    return found if item.name == "actors" else [*found, NONE]
