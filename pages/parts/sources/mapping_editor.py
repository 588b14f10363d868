"""Mappings of the organization: which there are, and writing one beside samples and results."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import AuditError
from audit_core.domain.redaction import redact
from audit_core.ingest.files import first_records
from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.parse import LONGEST_NAME, MAX_CHARACTERS, parse_mapping
from audit_core.ingest.mappings.saved import save_mapping
from audit_core.ingest.pipeline import Preview, preview
from audit_core.ingest.records.record import write_record
from audit_core.ingest.uploads import StoredFile
from audit_core.query.time.windows import written
from audit_core.workspace.mappings import SavedMapping, delete_mapping, saved_mappings
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.sources import field_report, file_preview, rejection_list
from pages.parts.sources.uploaded_files import RefusedFile
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

SAMPLES = 10
"""How many records a mapping is tried with."""
MAX_SAMPLE = 200_000
"""In characters."""
_HEIGHT = 430

_NEW = "A new mapping"
_START = """\
title: My system
detect: id && time
fields:
  id: id
  createdAt: time
  action: action
  actorId: user || 'unknown'
  statusCode: {from: result, table: {ok: 200}, default: 400}
"""


def draw(scope: Scope, files: Sequence[StoredFile | RefusedFile]) -> None:
    """The saved mappings, and the editor; samples are taken from the first file that has some."""
    organization_id = scope.organization_id or ""
    with cached.installation().state.read() as connection:
        saved = saved_mappings(connection, organization_id)
    shipped = ", ".join(mapping.title for mapping in shipped_mappings())
    st.caption(
        "Audit logs of other systems become entries by a mapping; files and requests are "
        f"recognized by their content. Shipped: {shipped}."
    )
    for one in saved:
        _draw_saved(one, scope)
    editor = st.expander(
        "Write a mapping", icon=":material/edit_note:", key="mapping_editor", on_change="rerun"
    )
    if editor.open:
        with editor:
            _draw_editor(scope, saved, files)


def _draw_saved(saved: SavedMapping, scope: Scope) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(saved.name, width="content")
        st.caption(
            f"saved by {visible(saved.saved_by)}, {written(saved.saved_at, 'UTC')} UTC",
            width="content",
        )
        st.space("stretch")
        with st.popover("Delete", icon=":material/delete:", key=f"mapping_delete_{saved.name}"):
            st.write("Entries that it made stay. Files are no longer recognized by it.")
            if st.button("Delete this mapping", key=f"mapping_deleted_{saved.name}"):
                _delete(saved, scope)


def _draw_editor(
    scope: Scope, saved: Sequence[SavedMapping], files: Sequence[StoredFile | RefusedFile]
) -> None:
    texts = {_NEW: _START}
    texts |= {one.name: one.text for one in saved}
    texts |= {mapping.name: mapping.text for mapping in shipped_mappings()}
    left, right = st.columns(2)
    with left:
        start = st.selectbox("Begin with", list(texts), key="mapping_start")
        text = st.text_area(
            "Mapping",
            texts[start],
            height=_HEIGHT,
            max_chars=MAX_CHARACTERS,
            key=f"mapping_text_{start}",
        )
    with right:
        own = start in {one.name for one in saved}
        name = st.text_input(
            "Name of the mapping",
            start if own else "",
            max_chars=LONGEST_NAME,
            placeholder="my-gateway",
            key=f"mapping_name_{start}",
        )
        receipt, samples = _samples(files)
        sample = st.text_area(
            f"Samples: up to {SAMPLES} records in JSON",
            samples,
            height=_HEIGHT,
            max_chars=MAX_SAMPLE,
            key=f"mapping_sample_{receipt}",
        )
    with st.container(horizontal=True):
        st.button("Test mapping", icon=":material/play_arrow:", key="mapping_test")
        saves = st.button("Save mapping", icon=":material/save:", type="primary")
    mapping = None
    with error_boundary.attempt():
        mapping = parse_mapping(text, name.strip() or "draft", file="mapping")
    if mapping is None:
        return
    if saves:
        _save(name, text, scope)
    if sample.strip():
        _draw_result(sample, mapping, scope)
    else:
        st.caption("Paste records, or choose a file above, to see what becomes of them.")


def _samples(files: Sequence[StoredFile | RefusedFile]) -> tuple[str, str]:
    """The receipt of the first file that has records, and its first ones, without secrets."""
    for file in files:
        if isinstance(file, StoredFile):
            try:
                with file.open() as stream:
                    records = first_records(stream, file.name, SAMPLES)
            except AuditError:
                continue  # told where the file is shown
            text = "\n".join(map(_shown, records))
            if text:
                return file.receipt, text[:MAX_SAMPLE]
    return "", ""


def _shown(record: dict[str, Any]) -> str:
    """A record over several lines, without secrets."""
    redacted = rejection_list.redact_record(json.dumps(record, ensure_ascii=False))
    return json.dumps(json.loads(redacted), ensure_ascii=False, indent=1)


def _draw_result(sample: str, mapping: Mapping, scope: Scope) -> None:
    found: Preview | None = None
    with error_boundary.attempt():
        found = preview(
            io.BytesIO(sample.encode(errors="replace")),
            "sample",
            organization_id=scope.organization_id,
            limit=SAMPLES,
            mapping=mapping,
        )
    if found is None:
        return
    st.caption(file_preview.summary(found))
    if found.entries:
        st.dataframe(
            file_preview.frame(found.entries),
            hide_index=True,
            row_height=table_size.ROW,
            height=table_size.height(len(found.entries)),
            alt="The entries that the mapping makes of the samples",
        )
    if found.rejections:
        rejection_list.draw_table(found.rejections, "The samples that would be rejected")
    field_report.draw(found)
    if found.entries:
        st.caption("The first entry in full")
        st.json(json.loads(write_record(redact(found.entries[0]))))


def _save(name: str, text: str, scope: Scope) -> None:
    person, present = viewer.require(Permission.INGEST)
    if present.organization_id != scope.organization_id:
        st.rerun()
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        save_mapping(
            connection,
            organization_id=scope.organization_id or "",
            name=name.strip(),
            text=text,
            actor=person.email,
            now=installation.clock(),
            address=viewer.address(),
        )
    if attempt.succeeded:
        st.toast(f"Saved the mapping {name.strip()}.", icon=":material/check:")
        st.rerun()


def _delete(saved: SavedMapping, scope: Scope) -> None:
    person, present = viewer.require(Permission.INGEST)
    if present.organization_id != scope.organization_id:
        st.rerun()
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        delete_mapping(
            connection,
            organization_id=scope.organization_id or "",
            name=saved.name,
            actor=person.email,
            now=installation.clock(),
            address=viewer.address(),
        )
    if attempt.succeeded:
        st.rerun()
