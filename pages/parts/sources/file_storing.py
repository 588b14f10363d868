"""Uploaded files into the log, with a progress bar, a report, and a line in the access record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import AuditError, SourceError
from audit_core.domain.rejections import Rejection
from audit_core.identity.sessions import Viewer
from audit_core.ingest.files import read_batches
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.recognize import Choice
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.ingest.uploads import StoredFile
from audit_core.log.merge import AppendReport
from audit_core.state.rejections import keep_rejections
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.sources import field_report, rejection_list, uploaded_files

MAX_CONTENT = 2_000_000_000
"""The decompressed bytes that one uploaded file may hold; beyond it is the command line."""

BATCH = 10_000
"""How many entries are stored at once: few enough for the bar to move, and for whoever loses the
permission meanwhile to be stopped soon."""

_RESULTS = "stored_files"
_ROUND = "upload_round"


@dataclass(frozen=True, slots=True)
class FileToStore:
    """A file, and how it is to be read."""

    file: StoredFile
    mapping: Mapping | None
    """`None` for Daytona's entries."""


@dataclass(slots=True, kw_only=True)
class FileResult:
    """What became of one file so far."""

    name: str
    report: IngestReport = field(default_factory=IngestReport)
    begun: bool = False
    ended: bool = False
    """Whether it was read and stored to its end."""
    problem: AuditError | None = None
    """Why not, if that is known."""

    @property
    def state(self) -> str:
        """How far it came, for people."""
        return "Complete" if self.ended else "Stopped" if self.begun else "Not started"


def uploader_key() -> str:
    """The key of the uploader: another one after each storing, which empties it."""
    return f"upload_{st.session_state.get(_ROUND, 0)}"


def store(
    chosen: Sequence[FileToStore], scope: Scope, *, let_go: Sequence[StoredFile] = ()
) -> None:
    """Store the files one after the other, then run the page anew with the report.

    The uploader is empty then: what it held (`let_go`, beside the files) is removed.

    What goes wrong with a file ends that file and is told in the report; what was stored by
    then stays stored. Whoever loses the permission meanwhile is stopped before the next batch.
    """
    files = [item.file for item in chosen]
    results = [FileResult(name=file.name) for file in files]
    # Kept from the beginning: should the run be cut off by a click, the report is still there.
    st.session_state[_RESULTS] = results
    bar = _Bar(files)
    for item, result in zip(chosen, results, strict=True):
        result.begun = True
        try:
            with item.file.open() as stream:
                bar.begin(item.file, stream, result)
                _store_file(item, stream, scope, result, bar.note)
        except AuditError as error:
            result.problem = error  # drawn with the report, in the run that follows
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    uploaded_files.discard((*files, *let_go))
    rejection_list.show_newest()
    st.rerun()


class _Bar:
    """The progress bar over all files, by the bytes that were read of them."""

    def __init__(self, files: Sequence[StoredFile]) -> None:
        self._files = files
        self._bar = st.progress(0.0, text="Storing")

    def begin(self, file: StoredFile, stream: BinaryIO, result: FileResult) -> None:
        self._stream, self._result = stream, result
        self._number = self._files.index(file)
        self._read_before = sum(file.size for file in self._files[: self._number])

    def note(self, report: IngestReport) -> None:
        """Take the report so far, and show it."""
        self._result.report = report
        whole = sum(file.size for file in self._files) or 1
        records = report.acknowledged + report.rejected
        self._bar.progress(
            min(1.0, (self._read_before + self._stream.tell()) / whole),
            text=f"File {self._number + 1} of {len(self._files)}: {records:,} records",
        )


def _store_file(
    item: FileToStore,
    stream: BinaryIO,
    scope: Scope,
    result: FileResult,
    note: Callable[[IngestReport], None],
) -> None:
    installation = cached.installation()
    person = _still_allowed(scope)
    file = item.file
    mappings = Choice(chosen=item.mapping, organization_id=scope.organization_id)

    def append(arriving: pa.Table) -> AppendReport:
        _still_allowed(scope)
        return installation.log.append_table(arriving)

    def keep(rejections: Sequence[Rejection]) -> None:
        with installation.state.begin() as connection:
            keep_rejections(
                connection,
                rejections=rejections,
                organization_id=scope.organization_id,
                origin=f"upload: {person.email}",
                now=installation.clock(),
            )

    try:
        ingest(
            read_batches(stream, file.name, max_bytes=MAX_CONTENT, mappings=mappings),
            append=append,
            keep=keep,
            organization_id=scope.organization_id,
            batch=BATCH,
            progress=note,
        )
        result.ended = True
    finally:
        with installation.state.begin() as connection:
            detail = {
                "file": file.name,
                "bytes": file.size,
                **result.report.detail(),
                "ended": result.ended,
            }
            viewer.record_deed(connection, person, "ingest", detail)


def _still_allowed(scope: Scope) -> Viewer:
    """The viewer, who may store into this organization at this moment; else the run ends."""
    person, present = viewer.require(Permission.INGEST)
    if present.organization_id != scope.organization_id:
        st.rerun()
    return person


def draw_report() -> None:
    """What became of the files that were stored last, until it is put away."""
    results: list[FileResult] | None = st.session_state.get(_RESULTS)
    if not results:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_heading(results)}**", width="stretch")
            st.button("Close", icon=":material/close:", type="tertiary", on_click=forget_report)
        st.dataframe(
            frame(results),
            hide_index=True,
            column_config=_COLUMNS,
            height="content" if len(results) <= 10 else 38 + 35 * 10,
            alt="The result for each file",
        )
        for result in results:
            field_report.draw(result.report, name=result.name)
        # A full disk is the same news for every file, though with other numbers.
        problems = {
            problem.message if isinstance(problem, SourceError) else problem.hint: problem
            for result in results
            if (problem := result.problem)
        }
        for problem in problems.values():
            error_boundary.draw(problem)
        if not all(result.ended for result in results):
            st.caption(
                "Storing a file again is safe: entries that are already stored are recognized."
            )


def frame(results: Sequence[FileResult]) -> pd.DataFrame:
    """One line for each file, in their order."""
    return pd.DataFrame(
        [
            {
                "file": result.name,
                "accepted": result.report.accepted,
                "known": result.report.known,
                "finished": result.report.finished,
                "rejected": result.report.rejected,
                "end": result.state,
            }
            for result in results
        ]
    )


def forget_report() -> None:
    """Put the report away."""
    st.session_state.pop(_RESULTS, None)


def _heading(results: Sequence[FileResult]) -> str:
    report = sum((result.report for result in results), IngestReport())
    files = "1 file" if len(results) == 1 else f"{len(results)} files"
    return (
        f"{files}: {report.accepted:,} accepted, {report.known:,} already known, "
        f"{report.finished:,} finished, {report.rejected:,} rejected"
        + (f", of which {report.not_kept:,} were counted but not kept" if report.not_kept else "")
    )


_COLUMNS: dict[str, Any] = {
    "file": st.column_config.TextColumn("File", width=300),
    "accepted": st.column_config.NumberColumn(
        "Accepted", format="localized", help="Stored as new entries"
    ),
    "known": st.column_config.NumberColumn(
        "Already known", format="localized", help="Already stored, nothing new"
    ),
    "finished": st.column_config.NumberColumn(
        "Finished", format="localized", help="Completed an entry that was stored without a status"
    ),
    "rejected": st.column_config.NumberColumn(
        "Rejected",
        format="localized",
        help="Listed below with place and reason; the first 10,000 of a file",
    ),
    "end": st.column_config.TextColumn("Read", help="Whether the whole file was read"),
}
