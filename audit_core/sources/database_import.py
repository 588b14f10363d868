"""Brings in the audit log of a self-hosted Daytona from its database, once or for as long as asked.

The way is that of a source (`daytona.sync`): windows of time, a checkpoint after each commit,
minutes compared for what came late, entries in flight asked for by their ids.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from audit_core.domain.access import Scope
from audit_core.ingest.pipeline import IngestReport
from audit_core.installation.opened import Installation
from audit_core.sources.daytona.checkpoint import (
    Checkpoint,
)
from audit_core.sources.daytona.database import PAGE_SIZE, DaytonaDatabase
from audit_core.sources.daytona.sync import DaytonaSync
from audit_core.sources.destination import Destination
from audit_core.sources.problems import SourceUnavailable
from audit_core.state.import_checkpoints import forget_import, read_import, save_import

LOGGER = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""How long it waits after one problem, and after many in a row."""
SHORTEST_IDLE_S = 0.05


@dataclass(slots=True, kw_only=True)
class DatabaseImport:
    """One import. Not to be used by two threads at once.

    `scope` is what is compared with the database: one organization, or everything, where the
    database is read whole; then organizations are made as they appear, with nobody in them. `wait`
    waits so many seconds and says whether to stop; `progress` is told what has come so far.
    """

    installation: Installation
    database: DaytonaDatabase
    scope: Scope
    wait: Callable[[float], bool]
    progress: Callable[[IngestReport], None] = lambda report: None
    elapsed: Callable[[], float] = time.monotonic
    page_size: int = PAGE_SIZE
    report: IngestReport = field(default_factory=IngestReport)
    late: int = 0
    """Of the accepted those that were found by comparing, after newer ones."""

    @property
    def id(self) -> str:
        """Tells it from imports of other databases and organizations; from nothing else."""
        named = [self.database.name, self.scope.organization_id or ""]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def begin_again(self) -> None:
        """Read everything anew. What is stored is known, and stays."""
        with self.installation.state.begin() as connection:
            forget_import(connection, self.id)

    def run(self, *, follow: bool) -> None:
        """Read until nothing is left; with `follow` go on with what is new, until `wait` says so.

        What cannot be read at the beginning is raised, and later too unless it follows and the
        problem may pass by itself. Whenever it ends, the next run goes on from there.
        """
        sync = self._open()
        failures = 0
        while True:
            try:
                step = sync.step()
            except SourceUnavailable as error:
                if not follow or not (failures or self.report.acknowledged or sync.caught_up):
                    raise
                pause = min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
                failures += 1
                LOGGER.warning("%s %s", error.message, error.hint)
                if self.wait(pause):
                    return
                continue
            failures = 0
            if step is not None:
                self.report += step.report
                self.late += step.late
                self.progress(self.report)
            elif not follow and sync.caught_up:
                return
            if self.wait(max(sync.due_in_s, SHORTEST_IDLE_S) if step is None else 0.0):
                return

    def _open(self) -> DaytonaSync:
        """Go on where the checkpoint says."""
        installation = self.installation
        with installation.state.read() as connection:
            kept = read_import(connection, self.id)
        origin = f"database {self.database.name}"
        destination = Destination(
            installation=installation,
            scope=self.scope,
            remote_organization_id=self.scope.organization_id,
            name=origin,
            origin=origin,
        )
        return destination.sync(
            checkpoint=kept,
            ask=self.database.ask,
            save=self._save,
            elapsed=self.elapsed,
            page_size=self.page_size,
        )

    def _save(self, text: str, _: Checkpoint) -> None:
        with self.installation.state.begin() as connection:
            save_import(connection, self.id, text, self.installation.clock())
