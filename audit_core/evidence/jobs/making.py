"""Makes one export: reads what was asked for, and writes it to its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from audit_core.domain.errors import QueryCancelledError
from audit_core.evidence.download import FileLimit, Format, Progress, stream
from audit_core.evidence.erasures.store import erased_since
from audit_core.evidence.jobs import held, store
from audit_core.evidence.jobs.deeds import no_longer_known
from audit_core.evidence.jobs.export_cap import read_cap
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.evidence.jobs.held import Changes, ErasedSince, Held
from audit_core.evidence.jobs.job import ExportJob, JobState, name_of_file
from audit_core.evidence.jobs.resting import Resting
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.evidence.pack.making.stream import PackMaker
from audit_core.explore.export.cut import Cut
from audit_core.explore.reader import Reader
from audit_core.identity.memberships import organization_name
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.retention import Retention
from audit_core.log.store import AuditLog
from audit_core.query.query import Query
from audit_core.query.time.windows import format_instant
from audit_core.state.database import State

STEP_WAIT_S = 300.0
"""How long a step waits for its turn among the reads, in seconds: nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What exports are made with."""

    log: AuditLog
    state: State
    files: ExportFiles
    clock: Callable[[], datetime]
    limit: FileLimit = field(default_factory=FileLimit)
    """Where each file ends."""
    retention: Retention = field(default_factory=Retention)
    packs: PackMaker | None = None
    """Makes packs; without it none are made."""


@dataclass(slots=True)
class Making:
    """One export on its way. `run` is for one thread, the rest for any."""

    workshop: Workshop
    job: ExportJob
    progress: Progress = field(default_factory=Progress)
    unwanted: bool = False
    """Whether somebody has cancelled it."""
    _context: ReadContext = field(init=False)
    _last: datetime | None = None
    """When the last entry was made that was written."""

    def __post_init__(self) -> None:
        # Its own person: it takes no place from who asked for it.
        self._context = ReadContext(person=f"export:{self.job.person}", wait_s=STEP_WAIT_S)

    def stop(self, *, unwanted: bool = False) -> None:
        """Let it end at the next step; `unwanted`: for good, because somebody cancelled it."""
        self.unwanted = self.unwanted or unwanted
        self._context.cancel()

    def run(self) -> None:
        """Make it, from its beginning to its end, however that is.

        An interrupted one is made again from its beginning: then it is of one moment of the log,
        as every other one, and no format has to be one that can be gone on with.
        """
        workshop, job = self.workshop, self.job
        try:
            made = self._write()
        except QueryCancelledError:
            with workshop.state.begin() as connection:
                if self.unwanted:
                    store.give_up_cancelled(connection, job, now=workshop.clock())
                else:
                    store.interrupt(connection, job)
        except store.ExportLost:
            return
        except Exception as problem:
            with workshop.state.begin() as connection:
                if self._context.cancelled and not self.unwanted:
                    # The log was closed under it.
                    store.interrupt(connection, job)
                else:
                    store.fail(connection, job, problem, now=workshop.clock())
            raise
        else:
            self._finish(made)

    def _write(self) -> dict[str, Any]:
        """Write the file; what is to be kept of it."""
        workshop, request = self.workshop, self.job.request
        query, reader = request.query(self.job.organization_id), Reader(workshop.log)
        with reading_in(self._context):
            cut = reader.cut(query)
            window, unfinished = held.look(workshop.log, query, cut, at=workshop.clock())
            changes = self._changes(query)
            expected = window.total
            if changes is not None:
                cut = cut.since(changes.since.head, query.scope)
                expected = held.count_since(workshop.log, query, cut)
            span = reader.span(query, request.as_of)
        with workshop.state.begin() as connection:
            store.note_progress(
                connection,
                self.job,
                now=workshop.clock(),
                expected=expected,
                held=window.as_params(),
                unfinished=unfinished,
            )
            name = organization_name(connection, self.job.organization_id) or ""
            cap = read_cap(connection, self.job.organization_id)
        pieces = self._pieces(reader, query, cut, changes, workshop.limit.narrowed(cap))
        self._write_file(pieces)
        # A pack is of a moment of its own, and whole.
        left_out = 0 if self._is_pack else expected - self.progress.entries
        title = self.job.title
        if changes is not None:
            title = f"{title or 'all'} since head {changes.since.head}"
        return {
            "file": name_of_file(name, title, request, window.head, span),
            "held": window.as_params()
            | ({} if changes is None else {"changes": changes.counts()})
            | (self._end() if left_out else {}),
            "left_out": left_out,
        }

    def _changes(self, query: Query) -> Changes | None:
        """What is gone of what the export had held that this one goes on from, if it does."""
        if self.job.since_export_id is None:
            return None
        workshop, organization_id = self.workshop, self.job.organization_id
        with workshop.state.read() as connection:
            earlier = store.find_job(connection, self.job.since_export_id, organization_id)
            unfinished = store.unfinished_of(connection, self.job.since_export_id)
            if earlier is None or earlier.held is None:
                raise no_longer_known()
            since = Held.from_params(earlier.held)
            erasures = erased_since(connection, organization_id, since.at)
        return held.compare(
            workshop.log,
            query,
            since,
            unfinished,
            kept_from=workshop.retention.earliest(workshop.clock()),
            erased=ErasedSince(
                pseudonyms=tuple(one.pseudonym for one in erasures),
                mentions=sum(one.mentions + one.late for one in erasures),
            ),
        )

    @property
    def _is_pack(self) -> bool:
        return self.job.request.kind.format is Format.PACK

    def _end(self) -> dict[str, str]:
        """Where one ends that leaves something out."""
        return {} if self._last is None else {"ends_at": format_instant(self._last)}

    def _pieces(
        self, reader: Reader, query: Query, cut: Cut, changes: Changes | None, limit: FileLimit
    ) -> Iterator[bytes]:
        packs = self.workshop.packs
        if self._is_pack and packs is not None:
            if changes is not None:
                raise PackProblem(
                    "A pack proves all that a window holds, and not what is new since another one.",
                    "Repeat it as it is, or export another format.",
                )
            return packs.stream(
                query, progress=self.progress, made_by=self.job.requested_by, limit=limit
            )

        rest = Resting(self.workshop.log)

        def see(rows: pa.Table) -> None:
            rest()
            self._last = rows.column("created_at")[-1].as_py().replace(tzinfo=UTC)
            if changes is not None:
                changes.see(rows)

        return stream(
            reader,
            query,
            self.job.request.kind,
            progress=self.progress,
            as_of=cut,
            limit=limit,
            seen=see,
        )

    def _write_file(self, pieces: Iterator[bytes]) -> None:
        with self.workshop.files.writing(self.job.id) as file:
            while True:
                with reading_in(self._context):
                    self._context.check()
                    piece = next(pieces, None)
                if piece is None:
                    return
                file.write(piece)

    def _finish(self, made: dict[str, Any]) -> None:
        workshop, progress = self.workshop, self.progress
        try:
            with workshop.state.begin() as connection:
                ended = store.finish(
                    connection,
                    self.job,
                    now=workshop.clock(),
                    entries=progress.entries,
                    size=progress.size,
                    sha256=progress.sha256,
                    **made,
                )
        except BaseException:
            workshop.files.remove(self.job.id)
            raise
        if ended.state is not JobState.DONE:
            workshop.files.remove(self.job.id)
