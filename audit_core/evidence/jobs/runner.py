"""Makes exports for as long as the app runs: takes them from the line, keeps how far they are,
and removes files whose time is over."""

from __future__ import annotations

import logging
import threading
import time

from audit_core.domain.errors import AuditError
from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.job import ExportJob
from audit_core.evidence.jobs.limits import MAX_RUNNING
from audit_core.evidence.jobs.making import Making, Workshop
from audit_core.runtime.background import Told, repeat
from audit_core.state.secrets import new_id

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
"""How often the line is looked at, and how far each export is kept."""
SWEEP_EVERY_S = 60.0
STOPPED_WITHIN_S = 5.0


class RunningExports:
    """Makes exports from construction until `stop()`.

    Of several processes that share a state each makes some: whoever takes one holds it, and one
    whose process is gone is made by another.
    """

    def __init__(
        self, workshop: Workshop, *, shared_log: bool, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._workshop = workshop
        self._shared_log = shared_log
        self._holder = new_id()
        self._stopped = threading.Event()
        self._begun = False
        self._swept_at = float("-inf")
        self._makings: dict[str, tuple[Making, threading.Thread]] = {}
        self._thread = repeat(
            self._step,
            name="exports",
            told=Told(
                logger=LOGGER,
                refused="Exports cannot be made",
                failed="Exports: looking for the next one failed, and is tried again",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once nothing more is read or written, or after `STOPPED_WITHIN_S`. What is under
        way is marked as interrupted, and made when the app runs again."""
        self._stopped.set()
        self._thread.join()
        for making, _ in self._makings.values():
            making.stop()
        ends_at = time.monotonic() + STOPPED_WITHIN_S
        for _, thread in self._makings.values():
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _step(self) -> None:
        self._makings = {
            id_: (making, thread)
            for id_, (making, thread) in self._makings.items()
            if thread.is_alive()
        }
        self._keep_progress()
        if time.monotonic() - self._swept_at >= SWEEP_EVERY_S:
            self._sweep()
            self._swept_at = time.monotonic()
        while len(self._makings) < MAX_RUNNING and (job := self._next()) is not None:
            self._begin(job)

    def _keep_progress(self) -> None:
        """Keep how far each is, and end those that are not wanted any more."""
        for making, _ in self._makings.values():
            progress = making.progress
            try:
                with self._workshop.state.begin() as connection:
                    wanted = store.note_progress(
                        connection,
                        making.job,
                        now=self._workshop.clock(),
                        entries=progress.entries,
                        size=progress.size,
                    )
            except store.ExportLost:
                # It has just ended, or another process has it.
                making.stop()
                continue
            if not wanted:
                making.stop(unwanted=True)

    def _next(self) -> ExportJob | None:
        now = self._workshop.clock()
        with self._workshop.state.read() as connection:
            waits = bool(store.open_jobs(connection))
        if not waits:
            return None
        with self._workshop.state.begin() as connection:
            return store.take_next(connection, holder=self._holder, now=now)

    def _sweep(self) -> None:
        now = self._workshop.clock()
        with self._workshop.state.begin() as connection:
            store.let_go_abandoned(
                connection, now=now, at_once=not (self._begun or self._shared_log)
            )
            expired = store.expire(connection, now=now)
            kept = store.ids_with_files(connection)
        self._begun = True
        for export_id in expired:
            self._workshop.files.remove(export_id)
        self._workshop.files.sweep(kept)

    def _begin(self, job: ExportJob) -> None:
        making = Making(self._workshop, job)
        thread = threading.Thread(
            target=self._make, args=(making,), name=f"export {job.id}", daemon=True
        )
        self._makings[job.id] = (making, thread)
        thread.start()

    def _make(self, making: Making) -> None:
        try:
            making.run()
        except AuditError as error:
            LOGGER.warning("The export %s: %s %s", making.job.id, error.message, error.hint)
        except Exception:
            if self._stopped.is_set():
                # The log or the state was closed under it: it is found abandoned, and made again.
                LOGGER.debug("The export %s: stopped.", making.job.id, exc_info=True)
                return
            LOGGER.exception("The export %s failed.", making.job.id)
