"""From sheets into the log: large batches, read while the one before is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.rejections import Rejection
from audit_core.ingest.pipeline import FOREIGN, IngestReport, RejectionKeeper, sentence
from audit_core.ingest.records.batches import Places, Sheet
from audit_core.ingest.records.located import reject
from audit_core.log.merge import AppendReport

BATCH = 245_760
"""How many entries are stored at once: twice what DuckDB keeps in a row group. What fills one is
written once; what is left over goes through the write-ahead log and is written again with the
next batch, which half as large a batch would do with nearly all of it."""


def ingest_sheets(
    sheets: Iterator[Sheet],
    *,
    append: Callable[[pa.Table], AppendReport],
    keep: Callable[[Sequence[Rejection]], None],
    organization_id: str | None,
    batch: int = BATCH,
    progress: Callable[[IngestReport], None] | None = None,
) -> IngestReport:
    """Store what was read, as `pipeline.ingest` does and with the same report in the end.

    `append` is called in a thread of its own, one batch after the other, while `sheets` is read
    on; `keep` and `progress` in the caller's. At most two batches are held. When anything raises,
    what is being stored is waited for and reported first; when it was `sheets`, what was read by
    then is stored as well.
    """
    with ThreadPoolExecutor(1, "ingest") as thread:
        run = _Run(append, keep, progress, thread)
        try:
            for sheet in sheets:
                run.take(sheet, organization_id)
                if run.held >= batch:
                    run.store()
        except Exception:
            if not run.failed:
                run.finish()
            raise
        except BaseException:
            run.settle()
            raise
        run.finish()
    return run.report


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows of one sheet, without their values."""

    count: int
    places: Places
    kept: list[int] | None
    """Which of the sheet's rows they are; `None` for all."""

    def placed(self, row: int) -> tuple[str, str]:
        return self.places.of(row if self.kept is None else self.kept[row])


def _joined(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables)
    tables.clear()
    return table.combine_chunks()


def _append_all(append: Callable[[pa.Table], AppendReport], tables: list[pa.Table]) -> AppendReport:
    # In one piece: engines take it in faster than in hundreds. The pieces need not stay.
    try:
        return append(_joined(tables))
    finally:
        # The next batch is as large, but the engine's own memory is not Arrow's.
        pa.default_memory_pool().release_unused()


class _Run:
    """The batches and the report of one ingest."""

    def __init__(
        self,
        append: Callable[[pa.Table], AppendReport],
        keep: Callable[[Sequence[Rejection]], None],
        progress: Callable[[IngestReport], None] | None,
        thread: ThreadPoolExecutor,
    ) -> None:
        self._append = append
        self._progress = progress
        self._thread = thread
        self._tables: list[pa.Table] = []
        self._pieces: list[_Piece] = []
        self._rejections = RejectionKeeper(keep)
        self._storing: tuple[Future[AppendReport], list[_Piece]] | None = None
        self.held = 0
        """How many entries wait for the next batch."""
        self.report = IngestReport()
        self.failed = False
        """Whether storing or keeping raised."""

    def take(self, sheet: Sheet, organization_id: str | None) -> None:
        """Hold what the sheet holds."""
        self._rejections.add(sheet.rejections)
        self.report += IngestReport(kept_fields=sheet.kept_fields, lost_fields=sheet.lost_fields)
        rows = sheet.table
        kept: list[int] | None = None
        if organization_id is not None and rows.num_rows:
            own = pc.equal(rows.column("organization_id"), organization_id or None)
            own = pc.fill_null(own, False)
            if not pc.all(own).as_py():
                kept = pc.indices_nonzero(own).to_pylist()
                rows = rows.filter(own)
                for row in pc.indices_nonzero(pc.invert(own)).to_pylist():
                    place, raw = sheet.places.of(row)
                    self._rejections.add([reject(place, FOREIGN, raw)])
        if rows.num_rows:
            self._tables.append(rows)
            self._pieces.append(_Piece(rows.num_rows, sheet.places, kept))
            self.held += rows.num_rows
        if self._rejections.full:
            self._keep_rejections()

    def store(self) -> None:
        """Begin to store what is held, once the batch before is stored."""
        self.settle()
        if self._pieces:
            future = self._thread.submit(_append_all, self._append, self._tables)
            self._storing = (future, self._pieces)
            self._tables, self._pieces, self.held = [], [], 0

    def settle(self) -> None:
        """Wait for the batch that is being stored, and report it."""
        if self._storing is None:
            return
        (future, pieces), self._storing = self._storing, None
        try:
            appended = future.result()
        except BaseException:
            self.failed = True
            raise
        self.report += IngestReport(
            accepted=appended.accepted, known=appended.known, finished=appended.finished
        )
        at, start = 0, 0
        for index, reason in appended.refused:
            while index - start >= pieces[at].count:
                start += pieces[at].count
                at += 1
            place, raw = pieces[at].placed(index - start)
            self._rejections.add([reject(place, sentence(reason), raw)])
            if self._rejections.full:
                self._keep_rejections()
        self._note()

    def finish(self) -> None:
        """Store and keep all that is held."""
        self.store()
        self.settle()
        self._keep_rejections()
        try:
            self._rejections.finish()
        except BaseException:
            self.failed = True
            raise

    def _keep_rejections(self) -> None:
        try:
            self.report += self._rejections.flush()
        except BaseException:
            self.failed = True
            raise
        self._note()

    def _note(self) -> None:
        if self._progress:
            self._progress(self.report)
