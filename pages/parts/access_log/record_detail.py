"""One event of the access record in full, in a drawer at the side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pandas as pd
import streamlit as st

from audit_core.evidence.access_log.download import json_object
from audit_core.evidence.access_log.reader import RecordReader, is_uid
from audit_core.query.language.printer import metadata_name
from audit_core.query.time.windows import ago
from audit_core.state.access_log.record import AccessEvent
from audit_core.state.access_log.verbs import verb_named
from pages.parts.access_log import record_bar, record_list, record_scope
from pages.parts.entries import entry_value_table
from pages.parts.shell import cached, error_boundary
from pages.parts.tables.safe_text import visible


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that an event says."""

    label: str
    value: str
    field: str | None
    """Its name in the query language; `None` where it cannot be asked for."""


def draw(uid: str, view: record_bar.View) -> None:
    """Open the drawer; closing it takes the event out of the address."""
    drawer = st.dialog(
        "Event", width="medium", position="right", on_dismiss=close, icon=":material/policy:"
    )
    drawer(_draw)(uid, view.record_filter.window.zone)


def close() -> None:
    """Take the event out of the address."""
    st.query_params.pop("event", None)
    record_list.forget_selection()


def lines(event: AccessEvent) -> list[Line]:
    """What an event says, one line for each field and each detail; without the times."""
    found = [
        Line("User", event.actor, "actor"),
        Line("Action", event.verb, "action"),
        Line("Outcome", event.outcome.value, "outcome"),
        Line("Target", event.target or "", "target"),
        Line("IP address", event.address or "", "ip"),
        Line("Organization", event.organization_id or "", "organization"),
        Line("Id", event.uid, "id"),
    ]
    return [line for line in found if line.value] + _details(event.detail, ())


def _details(detail: dict[str, Any], path: tuple[str, ...]) -> list[Line]:
    found: list[Line] = []
    for name, value in detail.items():
        here = (*path, name)
        if isinstance(value, dict):
            found += _details(value, here)
        elif isinstance(value, bool):
            found.append(Line(".".join(here), str(value).lower(), metadata_name(here)))
        elif isinstance(value, str | int | float):
            found.append(Line(".".join(here), str(value), metadata_name(here)))
        else:
            found.append(Line(".".join(here), json.dumps(value, ensure_ascii=False), None))
    return found


def _draw(uid: str, zone: str) -> None:
    with error_boundary.boundary():
        # A run of this drawer alone runs neither the page nor its gate.
        _, parts = record_scope.require()
        scope = record_scope.chosen(parts)
        event = RecordReader(cached.installation().state).event(uid, scope) if is_uid(uid) else None
        if event is None:
            st.info("There is no event with this id here:", icon=":material/search_off:")
            st.code(visible(uid), language=None)
            return
        _draw_event(event, zone)


def _draw_event(event: AccessEvent, zone: str) -> None:
    st.text(visible(f"{event.actor}: {verb_named(event.verb).sentence}"))
    st.caption(f"{event.outcome.value.capitalize()} · {ago(event.at, cached.utc_now())}")
    times = [record_list.time_text(event.at, name) for name in (zone, "UTC")]
    st.caption(" · ".join(dict.fromkeys(times)))
    if event.last_at is not None and (event.count > 1 or event.networks is not None):
        st.text(
            f"{record_list.times_text(event).capitalize()}, the last one at "
            f"{record_list.time_text(event.last_at, zone)}. Identical refusals within a "
            "minute are combined."
        )
    found = lines(event)
    key = f"record_event_{event.uid}"
    st.dataframe(
        pd.DataFrame(
            {
                "field": [visible(line.label) for line in found],
                "value": [visible(line.value) for line in found],
                "keep": [entry_value_table.KEEP if line.field else None for line in found],
                "leave_out": [
                    entry_value_table.LEAVE_OUT if line.field else None for line in found
                ],
            }
        ),
        key=f"{key}_table",
        hide_index=True,
        height="content",
        column_config={
            "field": st.column_config.TextColumn("Field", width=140),
            "value": st.column_config.TextColumn("Value", width=340),
            **entry_value_table.ask_columns(key, found),
        },
        alt="The fields of this event",
    )
    for exclude in (False, True):
        row = entry_value_table.clicked(key, found, exclude=exclude)
        line = None if row is None else found[row]
        if line is not None and line.field is not None:
            record_bar.ask_for(line.field, line.value, exclude=exclude)
            close()
            st.rerun()
    st.markdown("**Link to this event**")
    st.code(link(event, st.context.url), language=None, wrap_lines=True)
    st.markdown("**As JSON**")
    text = json.dumps(json_object(event), indent=2, ensure_ascii=False)
    st.code(visible(text), language="json", height=220)


def link(event: AccessEvent, page: str | None) -> str:
    """The address that opens this event, whatever the filter of who follows it.

    `page` is the address of the page as the browser has it; without it the link has no host.
    """
    where = {"event": event.uid}
    if event.organization_id is None:
        where[record_scope.PARAM] = "installation"
    return urlunsplit(urlsplit(page or "/")._replace(query=urlencode(where), fragment=""))
