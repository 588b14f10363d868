"""From readings into the log: batches, the organization's border, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_records
from audit_core.ingest.formats.streams import Readable
from audit_core.ingest.records.extra_fields import NO_FIELDS, FieldCounts, count_fields
from audit_core.ingest.records.located import PlacedEntry, Reading, reject
from audit_core.log.merge import AppendReport

REJECTIONS_AT_ONCE = 1_000
"""How many rejections are held before they are kept."""

MOST_KEPT = 10_000
"""How many rejections of one source are kept. That many lines are enough to see what is wrong with
a file, and take some 20 MB at most; beyond it they are counted, and the last one says how many."""

FOREIGN = "The record does not belong to the organization whose entries are accepted here."
"""The reason for a record of another organization, or of none. It tells nothing of either."""


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
    """Of the rejected those that were only counted (see `MOST_KEPT`)."""
    kept_fields: FieldCounts = NO_FIELDS
    """Fields that no entry has, kept in the metadata of the entries that were read."""
    lost_fields: FieldCounts = NO_FIELDS
    """Those that could not be kept."""

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(
            accepted=self.accepted + other.accepted,
            known=self.known + other.known,
            finished=self.finished + other.finished,
            rejected=self.rejected + other.rejected,
            not_kept=self.not_kept + other.not_kept,
            kept_fields=self.kept_fields + other.kept_fields,
            lost_fields=self.lost_fields + other.lost_fields,
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
        if self.kept_fields:
            detail["extra_fields"] = dict(self.kept_fields.counts)
        if self.lost_fields:
            detail["extra_fields_not_kept"] = dict(self.lost_fields.counts)
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


def ingest(
    items: Iterator[Reading],
    *,
    append: Callable[[Sequence[AuditEntry]], AppendReport],
    keep: Callable[[Sequence[Rejection]], None],
    organization_id: str | None,
    batch: int = 10_000,
    progress: Callable[[IngestReport], None] | None = None,
) -> IngestReport:
    """Store what was read: entries by `append` in batches, rejections by `keep`.

    With `organization_id`, what belongs to another organization or to none is rejected; `None`
    accepts all. What the log refuses becomes a rejection with the place of the record. What a
    report counts is stored: `progress` is called after each batch with the report so far.

    When `items` raises (see `read_records`), what was read by then is stored first, reported
    to `progress`, and then it is raised on. What `append` or `keep` raise comes through as it
    is: the batch that raised counts as not stored, and sending it again is safe.
    """
    run = _Run(append, keep, progress)
    try:
        for item in items:
            if isinstance(item, Rejection):
                run.rejections.add([item])
            elif organization_id not in (None, item.entry.organization_id):
                run.rejections.add([reject(item.place, FOREIGN, item.raw)])
            else:
                run.entries.append(item)
            if len(run.entries) >= batch or run.rejections.full:
                run.flush()
    except Exception:
        if not run.flushing:
            run.finish()
        raise
    run.finish()
    return run.report


class RejectionKeeper:
    """Keeps the first `MOST_KEPT` rejections of a source, and counts the others."""

    def __init__(self, keep: Callable[[Sequence[Rejection]], None]) -> None:
        self._keep = keep
        self._left = MOST_KEPT
        self._held: list[Rejection] = []
        self._last = ""
        """The place of the last one that is kept."""
        self._rejected = 0
        """Since the last flush."""
        self._not_kept = 0
        """Since the beginning."""

    @property
    def full(self) -> bool:
        """Whether there are so many that they should be kept, or reported, now."""
        return self._rejected >= REJECTIONS_AT_ONCE

    def add(self, rejections: Iterable[Rejection]) -> None:
        """Hold rejections, as far as they are to be kept."""
        for rejection in rejections:
            self._rejected += 1
            if self._left:
                self._left -= 1
                self._held.append(rejection)
                self._last = rejection.place

    def flush(self) -> IngestReport:
        """Keep what is held. What was added since the last time, for the report."""
        if self._held:
            self._keep(self._held)
        not_kept = self._rejected - len(self._held)
        report = IngestReport(rejected=self._rejected, not_kept=not_kept)
        self._not_kept += not_kept
        self._held, self._rejected = [], 0
        return report

    def finish(self) -> None:
        """Say how many were only counted, if any were; to be called once, behind the last flush."""
        if self._not_kept:
            reason = (
                f"{self._not_kept:,} more records were rejected behind this one and only counted; "
                f"the first {MOST_KEPT:,} are kept."
            )
            self._keep([reject(self._last, reason, "")])


class _Run:
    """The batches and the report of one ingest."""

    def __init__(
        self,
        append: Callable[[Sequence[AuditEntry]], AppendReport],
        keep: Callable[[Sequence[Rejection]], None],
        progress: Callable[[IngestReport], None] | None,
    ) -> None:
        self._append = append
        self._progress = progress
        self.entries: list[PlacedEntry] = []
        self.rejections = RejectionKeeper(keep)
        self.report = IngestReport()
        self.flushing = False
        """Whether a flush was begun and has not succeeded."""

    def flush(self) -> None:
        """Store and keep what is held."""
        self.flushing = True
        appended = self._append([item.entry for item in self.entries]) if self.entries else None
        if appended:
            for index, reason in appended.refused:
                refused = self.entries[index]
                self.rejections.add([reject(refused.place, sentence(reason), refused.raw)])
            self.report += IngestReport(
                accepted=appended.accepted,
                known=appended.known,
                finished=appended.finished,
                kept_fields=count_fields(item.extra.kept for item in self.entries),
                lost_fields=count_fields(item.extra.lost for item in self.entries),
            )
            self.entries = []
        self.report += self.rejections.flush()
        self.flushing = False
        if self._progress:
            self._progress(self.report)

    def finish(self) -> None:
        """Store and keep what is held, and say what was only counted."""
        self.flush()
        self.flushing = True
        self.rejections.finish()
        self.flushing = False


def sentence(reason: str) -> str:
    """The reason of a refusal as a rejection gives it."""
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}"


def preview(
    stream: Readable, name: str, *, organization_id: str | None, limit: int = 50
) -> Preview:
    """What `ingest` would make of the first `limit` records; nothing is stored.

    Raises `SourceError` as `read_records` does. `entries` may hold records that the log knows.
    """
    found: list[PlacedEntry] = []
    rejections: list[Rejection] = []
    readings = read_records(stream, name)
    for item in islice(readings, limit):
        if isinstance(item, Rejection):
            rejections.append(item)
        elif organization_id not in (None, item.entry.organization_id):
            rejections.append(reject(item.place, FOREIGN, item.raw))
        else:
            found.append(item)
    return Preview(
        entries=tuple(item.entry for item in found),
        rejections=tuple(rejections),
        more=next(readings, None) is not None,
        kept_fields=count_fields(item.extra.kept for item in found),
        lost_fields=count_fields(item.extra.lost for item in found),
    )
