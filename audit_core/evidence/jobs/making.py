"""Makes one export: reads what was asked for, and writes it to its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from audit_core.domain.errors import QueryCancelledError
from audit_core.evidence.download import Progress, stream
from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.evidence.jobs.job import ExportJob, name_of_file
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.identity.memberships import organization_name
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.store import AuditLog
from audit_core.query.query import Query
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


@dataclass(slots=True)
class Making:
    """One export on its way. `run` is for one thread, the rest for any."""

    workshop: Workshop
    job: ExportJob
    progress: Progress = field(default_factory=Progress)
    unwanted: bool = False
    """Whether somebody has cancelled it."""
    _context: ReadContext = field(init=False)

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
            name = self._write()
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
            self._finish(name)

    def _write(self) -> str:
        """Write the file; what it is called."""
        workshop, request = self.workshop, self.job.request
        query, reader = request.query(self.job.organization_id), Reader(workshop.log)
        with reading_in(self._context):
            head = workshop.log.head(self.job.organization_id)
            span = reader.span(query, request.as_of)
            expected = CountReader(reader).count(query).number
        with workshop.state.begin() as connection:
            store.note_progress(connection, self.job, now=workshop.clock(), expected=expected)
            name = organization_name(connection, self.job.organization_id) or ""
        self._write_file(reader, query)
        return name_of_file(name, self.job.title, request, head, span)

    def _write_file(self, reader: Reader, query: Query) -> None:
        kind = self.job.request.kind
        pieces = stream(reader, query, kind, progress=self.progress)
        with self.workshop.files.writing(self.job.id) as file:
            while True:
                with reading_in(self._context):
                    self._context.check()
                    piece = next(pieces, None)
                if piece is None:
                    return
                file.write(piece)

    def _finish(self, name: str) -> None:
        workshop, progress = self.workshop, self.progress
        try:
            with workshop.state.begin() as connection:
                store.finish(
                    connection,
                    self.job,
                    now=workshop.clock(),
                    file=name,
                    entries=progress.entries,
                    size=progress.size,
                    sha256=progress.sha256,
                )
        except BaseException:
            workshop.files.remove(self.job.id)
            raise
