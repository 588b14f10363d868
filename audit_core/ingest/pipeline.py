"""From batches of records into the log: the organization's border, the rejections, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_records
from audit_core.ingest.formats.streams import Readable
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.recognize import Choice
from audit_core.ingest.records.batches import Batch, Locations, gather
from audit_core.ingest.records.extra_fields import (
    NO_FIELDS,
    NOT_MAPPED,
    FieldCounts,
    MappingUse,
)
from audit_core.ingest.records.located import OtherLine, Reading, reject
from audit_core.ingest.tally import TALLY
from audit_core.log.merge import AppendReport
from audit_core.log.schema import from_arrow

BATCH = 245_760
"""How many entries are stored at once: twice what DuckDB keeps in a row group. What fills one is
written once; what is left over goes through the write-ahead log and is written again with the
next batch, which half as large a batch would do with nearly all of it."""

REJECTIONS_AT_ONCE = 1_000
"""How many rejections wait before they are kept."""

MAX_KEPT = 10_000
"""How many rejections of one source are kept. That many lines are enough to see what is wrong with
a file, and take some 20 MB at most; beyond it they are counted, and the last one says how many."""


MAX_PASSED = 100_000
"""How many lines of a log a preview looks through for audit entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of the records so far. Only what is stored or kept is counted."""

    accepted: int = 0
    """Stored as new."""
    known: int = 0
    """Stored before, with nothing to add."""
    finished: int = 0
    """Gave a stored entry the status that it lacked."""
    rejected: int = 0
    """Refused; kept as rejections but for those that were only counted."""
    not_kept: int = 0
    """Of the rejected those that were only counted (see `MAX_KEPT`)."""
    kept_fields: FieldCounts = NO_FIELDS
    """Fields that no entry has, kept in the metadata of the entries that were read."""
    lost_fields: FieldCounts = NO_FIELDS
    """Those that could not be kept."""
    mapping: MappingUse = NOT_MAPPED
    """What the mapping did by which the records were read."""
    other_lines: int = 0
    """Lines of a log that were no audit entries, and not meant as some."""

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(
            accepted=self.accepted + other.accepted,
            known=self.known + other.known,
            finished=self.finished + other.finished,
            rejected=self.rejected + other.rejected,
            not_kept=self.not_kept + other.not_kept,
            kept_fields=self.kept_fields + other.kept_fields,
            lost_fields=self.lost_fields + other.lost_fields,
            mapping=self.mapping + other.mapping,
            other_lines=self.other_lines + other.other_lines,
        )

    def detail(self) -> dict[str, object]:
        """What the access record says of it: numbers, and the names of extra fields if any."""
        detail: dict[str, object] = {
            "accepted": self.accepted,
            "known": self.known,
            "finished": self.finished,
            "rejected": self.rejected,
        }
        if self.not_kept:
            detail["rejections_not_kept"] = self.not_kept
        if self.mapping.name:
            detail |= self.mapping.detail()
        if self.kept_fields:
            name = "unmapped_fields" if self.mapping.name else "extra_fields"
            detail[name] = dict(self.kept_fields.counts)
        if self.lost_fields:
            detail["extra_fields_not_kept"] = dict(self.lost_fields.counts)
        if self.other_lines:
            detail["other_lines"] = self.other_lines
        return detail

    @property
    def acknowledged(self) -> int:
        """How many entries are in the log now, be it by this run or before."""
        return self.accepted + self.known + self.finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The first records of a source, before anything is stored."""

    entries: tuple[AuditEntry, ...]
    rejections: tuple[Rejection, ...]
    more: bool
    """Whether the source holds more records than were looked at."""
    kept_fields: FieldCounts = NO_FIELDS
    """Fields that no entry has, kept in the metadata of `entries`."""
    lost_fields: FieldCounts = NO_FIELDS
    """Those that could not be kept."""
    mapping: MappingUse = NOT_MAPPED
    """What the mapping did by which they were read."""
    other_lines: int = 0
    """Lines of a log that were no audit entries, among those that were looked at."""


def ingest(
    batches: Iterable[Batch],
    *,
    append: Callable[[pa.Table], AppendReport],
    keep: Callable[[Sequence[Rejection]], None],
    organization_id: str | None,
    batch: int = BATCH,
    progress: Callable[[IngestReport], None] | None = None,
    executor: Executor | None = None,
    due: Callable[[], bool] | None = None,
) -> IngestReport:
    """Store what was read: entries by `append`, about `batch` at once, rejections by `keep`.

    With `organization_id`, what belongs to another organization or to none is rejected; `None`
    accepts all. What the log refuses becomes a rejection with the location of the record. What a
    report counts is stored: `progress` is called after each append with the report so far.

    With an `executor`, which runs one call after the other, `append` is called in it while
    `batches` is read on, and at most two batches are in memory; `keep` and `progress` are called
    in the caller's thread.

    `due` is asked after each of `batches` where something waits to be stored or kept, and says
    whether to do so at once, however little it is.

    When `batches` raises (see `read_batches`), what was read by then is stored first, reported
    to `progress`, and then it is raised on. What `append` or `keep` raise comes through as it
    is: the batch that raised counts as not stored, and sending it again is safe.
    """
    run = _Run(append, keep, progress, executor)
    try:
        for item in batches:
            run.take(item.of_organization(organization_id))
            if run.waiting >= batch:
                run.store()
            elif due is not None and run.unreported and due():
                run.flush()
    except Exception:
        if not run.failed:
            run.finish()
        raise
    except BaseException:
        run.settle()
        raise
    run.finish()
    return run.report


class RejectionKeeper:
    """Keeps the first `MAX_KEPT` rejections of a source, and counts the others."""

    def __init__(self, keep: Callable[[Sequence[Rejection]], None]) -> None:
        self._keep = keep
        self._room = MAX_KEPT
        self._pending: list[Rejection] = []
        self._last = ""
        """The location of the last one that is kept."""
        self._rejected = 0
        """Since the last flush."""
        self._not_kept = 0
        """Since the beginning."""

    @property
    def waiting(self) -> bool:
        """Whether rejections wait to be kept, or counted."""
        return self._rejected > 0

    @property
    def full(self) -> bool:
        """Whether there are so many that they should be kept, or reported, now."""
        return self._rejected >= REJECTIONS_AT_ONCE

    def add(self, rejections: Iterable[Rejection]) -> None:
        """Take rejections, as far as they are to be kept."""
        for rejection in rejections:
            self._rejected += 1
            if self._room:
                self._room -= 1
                self._pending.append(rejection)
                self._last = rejection.place

    def flush(self) -> IngestReport:
        """Keep what is pending. What was added since the last time, for the report."""
        if self._pending:
            self._keep(self._pending)
        not_kept = self._rejected - len(self._pending)
        report = IngestReport(rejected=self._rejected, not_kept=not_kept)
        self._not_kept += not_kept
        self._pending, self._rejected = [], 0
        return report

    def finish(self) -> None:
        """Say how many were only counted, if any were; to be called once, behind the last flush."""
        if self._not_kept:
            reason = (
                f"{self._not_kept:,} more records were rejected behind this one and only counted; "
                f"the first {MAX_KEPT:,} are kept."
            )
            self._keep([reject(self._last, reason, "")])


def _append_all(append: Callable[[pa.Table], AppendReport], tables: list[pa.Table]) -> AppendReport:
    # In one piece: engines take it in faster than in hundreds. The pieces need not stay.
    try:
        return append(_joined(tables))
    finally:
        # The next batch is as large, but the engine's own memory is not Arrow's.
        pa.default_memory_pool().release_unused()


def _joined(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables)
    tables.clear()
    return table.combine_chunks()


class _Run:
    """The batches and the report of one ingest."""

    def __init__(
        self,
        append: Callable[[pa.Table], AppendReport],
        keep: Callable[[Sequence[Rejection]], None],
        progress: Callable[[IngestReport], None] | None,
        executor: Executor | None,
    ) -> None:
        self._append = append
        self._progress = progress
        self._executor = executor
        self._tables: list[pa.Table] = []
        self._locations: list[tuple[int, Locations]] = []
        """How many rows each of the tables has, and where they were read."""
        self._rejections = RejectionKeeper(keep)
        self._storing: tuple[Future[AppendReport], list[tuple[int, Locations]]] | None = None
        self.waiting = 0
        """How many entries wait for the next append."""
        self.report = IngestReport()
        self.failed = False
        """Whether storing or keeping raised."""

    def take(self, batch: Batch) -> None:
        """Have the entries of the batch wait for the next append."""
        self._rejections.add(batch.rejections)
        self.report += IngestReport(
            kept_fields=batch.kept_fields,
            lost_fields=batch.lost_fields,
            mapping=batch.mapping,
            other_lines=batch.other_lines,
        )
        if batch.table.num_rows:
            self._tables.append(batch.table)
            self._locations.append((batch.table.num_rows, batch.locations))
            self.waiting += batch.table.num_rows
        if self._rejections.full:
            self._keep_rejections()

    def store(self) -> None:
        """Store what waits, once the append before has ended; with an executor, begin to."""
        self.settle()
        if not self._tables:
            return
        work = partial(_append_all, self._append, self._tables)
        locations = self._locations
        self._tables, self._locations, self.waiting = [], [], 0
        if self._executor is None:
            self._take_report(work, locations)
        else:
            self._storing = (self._executor.submit(work), locations)

    def settle(self) -> None:
        """Wait for the append that is under way, and report it."""
        if self._storing is not None:
            (future, locations), self._storing = self._storing, None
            self._take_report(future.result, locations)

    def _take_report(
        self, result: Callable[[], AppendReport], locations: list[tuple[int, Locations]]
    ) -> None:
        try:
            appended = result()
        except BaseException:
            self.failed = True
            raise
        self.report += IngestReport(
            accepted=appended.accepted, known=appended.known, finished=appended.finished
        )
        TALLY.add_stored(appended)
        at, start = 0, 0
        for index, reason in appended.refused:
            while index - start >= locations[at][0]:
                start += locations[at][0]
                at += 1
            location, raw = locations[at][1].of(index - start)
            self._rejections.add([reject(location, reason, raw)])
            if self._rejections.full:
                self._keep_rejections()
        self._note()

    @property
    def unreported(self) -> bool:
        """Whether anything waits to be stored, kept or reported."""
        return bool(self.waiting or self._rejections.waiting or self._storing)

    def flush(self) -> None:
        """Store and keep all that waits, and report it."""
        self.store()
        self.settle()
        self._keep_rejections()

    def finish(self) -> None:
        """Store and keep all that waits; nothing comes any more."""
        self.flush()
        try:
            self._rejections.finish()
        except BaseException:
            self.failed = True
            raise

    def _keep_rejections(self) -> None:
        try:
            kept = self._rejections.flush()
            self.report += kept
            TALLY.add_rejected(kept.rejected)
        except BaseException:
            self.failed = True
            raise
        self._note()

    def _note(self) -> None:
        if self._progress:
            self._progress(self.report)


def preview(
    stream: Readable,
    name: str,
    *,
    organization_id: str | None,
    limit: int = 50,
    mapping: Mapping | None = None,
) -> Preview:
    """What `ingest` would make of the first `limit` records, read by a mapping or without one;
    nothing is stored.

    Other lines of a log are passed over, up to `MAX_PASSED`. Raises `SourceError` as `read_records`
    does. `entries` may hold records that the log knows.
    """
    mappings = Choice(chosen=mapping, organization_id=organization_id or "")
    readings = read_records(stream, name, mappings=mappings)
    used = mapping.name if mapping else ""
    first = list(_first_records(readings, limit))
    batches = [
        batch.of_organization(organization_id)
        for batch in gather(first, rows=len(first) or 1, mapping=used)
    ]
    return Preview(
        entries=tuple(entry for batch in batches for entry in from_arrow(batch.table)),
        rejections=tuple(rejection for batch in batches for rejection in batch.rejections),
        more=next(readings, None) is not None,
        kept_fields=sum((batch.kept_fields for batch in batches), NO_FIELDS),
        lost_fields=sum((batch.lost_fields for batch in batches), NO_FIELDS),
        mapping=sum((batch.mapping for batch in batches), NOT_MAPPED),
        other_lines=sum(batch.other_lines for batch in batches),
    )


def _first_records(readings: Iterator[Reading], limit: int) -> Iterator[Reading]:
    passed = 0
    while limit and passed < MAX_PASSED and (reading := next(readings, None)) is not None:
        yield reading
        if isinstance(reading, OtherLine):
            passed += 1
        else:
            limit -= 1
