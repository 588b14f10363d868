"""One entry in full, in a drawer at the side."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.entry_values import particulars
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact
from audit_core.domain.sentences import sentence
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.explore.comparison import MAX_PICKS, Pick
from audit_core.explore.results import Row
from audit_core.query.time.windows import UTC_NAME, ago, format_instant, parse_instant
from pages.parts.entries import (
    comparison,
    entry_value_table,
    erased_note,
    related_entries,
    reveal_secrets,
)
from pages.parts.entries.entry_table import outcome_text
from pages.parts.filters import filter_bar
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.safe_text import visible

DRAWER = "entry_drawer"


def draw(entry_id: str, zone: str) -> None:
    """Open the drawer; closing it takes the entry out of the address."""
    drawer = st.dialog(
        "Entry", width="medium", position="right", on_dismiss=close, icon=":material/article:"
    )
    drawer(_draw)(entry_id, zone)


def close() -> None:
    """Take the entry out of the address."""
    for name in ("entry", "entry_at"):
        if name in st.query_params:
            del st.query_params[name]


def _time_in_address() -> datetime | None:
    """Where to look for the entry; what cannot be read only makes the search longer."""
    try:
        return parse_instant(st.query_params.get("entry_at", ""))
    except ValueError:
        return None


def _draw(entry_id: str, zone: str) -> None:
    # By its key the list of entries knows that it is an entry that is open.
    with st.container(key=DRAWER), error_boundary.boundary():
        # A run of this drawer alone runs neither the page nor its gate. It opens on People too,
        # for those who see only what they did themselves: the scope is then no wider.
        _, scope = viewer.require(Permission.READ_OWN)
        row = cached.row(entry_id, scope, _time_in_address())
        if row is None:
            st.info(
                "There is no entry with this id in your organization:", icon=":material/search_off:"
            )
            st.code(visible(entry_id), language=None)
            return
        shown = row if scope.secrets else replace(row, entry=redact(row.entry))
        _draw_row(shown, row.entry, scope, zone)


def _draw_row(row: Row, unredacted: AuditEntry, scope: Scope, zone: str) -> None:
    entry = row.entry
    st.text(visible(sentence(entry)))
    st.caption(f"{outcome_text(entry)} · {ago(entry.created_at, cached.utc_now())}")
    times = [entry_value_table.value_text(entry.created_at, name) for name in (zone, UTC_NAME)]
    st.caption(" · ".join(dict.fromkeys(times)))
    erased_note.draw((entry.actor_id, entry.target_id), scope, zone)
    _draw_actions(entry)
    if entry.error_message:
        _draw_message(entry.error_message)
    _draw_particulars(row, scope, zone)
    reveal_secrets.draw(unredacted, scope)
    st.markdown("**Before and after**")
    head = cached.installation().log.head(scope.organization_id)
    if picked := related_entries.draw(row, scope, zone, head):
        _go_to(picked.entry)
    st.markdown("**Link to this entry**")
    st.code(link(entry, st.context.url), language=None, wrap_lines=True)
    st.markdown("**As JSON**")
    text = json.dumps(json_object(entry), indent=2, ensure_ascii=False)
    st.code(visible(text), language="json", height=220)


def _draw_actions(entry: AuditEntry) -> None:
    with st.container(horizontal=True):
        if st.button("All entries by this user", icon=":material/person:"):
            _show_all(actors=(entry.actor,))
        if entry.target_id and st.button(
            "All entries about this target", icon=":material/deployed_code:"
        ):
            _show_all(targets=(entry.target_id,))
        _draw_picking(Pick(entry_id=entry.id, created_at=entry.created_at))


def _draw_picking(pick: Pick) -> None:
    picks = comparison.picked()
    if pick in picks:
        label, icon, change = "Remove from comparison", ":material/remove:", comparison.remove
    else:
        label, icon, change = "Add to comparison", ":material/add:", comparison.add
    full = pick not in picks and len(picks) >= MAX_PICKS
    if st.button(
        label,
        icon=icon,
        disabled=full,
        help=f"At most {MAX_PICKS} entries can be compared" if full else None,
    ):
        change(pick)
        st.rerun()
    if (
        pick in picks
        and len(picks) > 1
        and st.button(f"Compare {len(picks)} entries", icon=":material/compare_arrows:")
    ):
        comparison.open_comparison()
        st.rerun()


def _draw_message(message: str) -> None:
    st.markdown("**Error message**")
    st.code(visible(message), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        for exclude, label, icon in (
            (False, "Messages like this", ":material/filter_alt:"),
            (True, "Exclude these", ":material/filter_alt_off:"),
        ):
            if st.button(label, icon=icon, type="tertiary"):
                filter_bar.ask_for("pattern", template_of(message), exclude=exclude)
                _show_list()


def _draw_particulars(row: Row, scope: Scope, zone: str) -> None:
    found = particulars(row.entry, secrets=scope.secrets)
    fields = [item for item in found if not item.of_metadata and item.path != ("errorMessage",)]
    st.markdown("**Fields**")
    if entry_value_table.draw(
        fields, zone, key=f"entry_field_{row.seq}", alt="The fields of this entry"
    ):
        _show_list()
    of_request = [item for item in found if item.of_metadata]
    st.markdown("**Metadata**")
    if not of_request:
        st.caption("No metadata was recorded.")
        return
    if any(item.redacted for item in of_request):
        st.caption(":material/lock: Secrets are redacted. Redacted values cannot be searched for.")
    if entry_value_table.draw(
        of_request, zone, key=f"entry_metadata_{row.seq}", alt="The metadata of this entry"
    ):
        _show_list()


def link(entry: AuditEntry, page: str | None) -> str:
    """The address that opens this entry, whatever the filter of who follows it.

    `page` is the address of the page as the browser has it; without it the link has no host.
    """
    where = {"entry": entry.id, "entry_at": format_instant(entry.created_at)}
    return urlunsplit(urlsplit(page or "/")._replace(query=urlencode(where), fragment=""))


def _go_to(entry: AuditEntry) -> None:
    st.query_params["entry"] = entry.id
    st.query_params["entry_at"] = format_instant(entry.created_at)
    st.rerun()


def _show_list() -> None:
    """The list with its new filter, or with the reason why the filter is as it was."""
    close()
    st.rerun()


def _show_all(**changes: Any) -> None:
    """Only this actor or target, whatever else was asked, in the same window."""
    filter_bar.narrow(**(filter_bar.NOTHING | changes))
    st.rerun()
