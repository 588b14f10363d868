"""Reads one source for as long as this process holds it: pace, pauses after problems, progress."""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit_core.domain.errors import AuditError
from audit_core.domain.silence import read_arrivals, with_arrival, write_arrivals
from audit_core.installation.opened import Installation
from audit_core.sources.daytona.checkpoint import (
    Checkpoint,
)
from audit_core.sources.daytona.sync import DaytonaSync, Step
from audit_core.sources.deployment import scope_of
from audit_core.sources.destination import Destination
from audit_core.sources.problems import KeyRefused, RequestRefused, TooManyRequests
from audit_core.sources.source import (
    LEASE,
    Source,
    SourceLost,
    find_source,
    hold,
    let_go,
    note_progress,
    progress_of,
)
from audit_core.sources.source_client import client_of

LOGGER = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
"""How long it waits after one problem, and after many in a row; each pause is up to twice the one
before, by chance, so that many that were cut off together do not come back together."""
SHORTEST_IDLE_S = 0.05
"""How long it waits at least where no request is due."""
MINUTE_S = 60.0
LOOK_AGAIN_S = 2.0
"""How often it is looked whether somebody paused, changed or removed the source."""


@dataclass(slots=True)
class SourceWorker:
    """One source, read by this process. Not to be used by two threads at once.

    `wait` waits so many seconds and says whether to stop.
    """

    installation: Installation
    source: Source
    holder: str
    wait: Callable[[float], bool]
    elapsed: Callable[[], float] = time.monotonic
    _failures: int = 0
    """How many requests in a row have failed."""
    _looked_at: float = float("-inf")
    _lately: deque[tuple[float, int]] = field(default_factory=deque)
    """When entries came, by `elapsed`, and how many, in the last minute."""
    _has_checkpoint: bool = False
    """Whether the state held one when it was last read or written here."""

    def run(self, *, once: bool = False) -> bool:
        """Read until the source is paused, removed, stopped by a problem, held by another process,
        or `wait` says so; with `once`, until nothing is left to read. Whether it was read at all:
        not while another process holds it.

        With `once` a problem is raised, otherwise kept with the source and tried again.
        """
        if not self._hold():
            return False
        try:
            self._read(once=once)
        finally:
            with self.installation.state.begin() as connection:
                let_go(connection, self.source.id, holder=self.holder)
        return True

    def _read(self, *, once: bool) -> None:
        sync: DaytonaSync | None = None
        while self._still_wanted():
            try:
                sync = sync or self._open()
                step = sync.step()
                if step is not None:
                    self._note(sync, step)
            except SourceLost:
                return
            except AuditError as error:
                if once:
                    raise
                if self.wait(self._note_problem(error)):
                    return
                continue
            if once and step is None and sync.caught_up:
                return
            idle_s = max(sync.due_in_s, SHORTEST_IDLE_S)
            if self.wait(idle_s if step is None else 60 / self.source.requests_per_minute):
                return

    def _hold(self) -> bool:
        with self.installation.state.begin() as connection:
            now = self.installation.clock()
            return hold(connection, self.source.id, holder=self.holder, now=now)

    def _still_wanted(self) -> bool:
        """Whether it is still this process's to read; looks into the state now and then."""
        if self.elapsed() - self._looked_at < min(LOOK_AGAIN_S, LEASE.total_seconds() / 3):
            return True
        self._looked_at = self.elapsed()
        with self.installation.state.begin() as connection:
            found = find_source(connection, self.source.id)
            progress = progress_of(connection, self.source.id)
            if found != self.source or progress is None or progress.stopped:
                return False
            if self._has_checkpoint and progress.checkpoint is None:
                return False  # It is to be read from its beginning.
            now = self.installation.clock()
            return hold(connection, self.source.id, holder=self.holder, now=now)

    def _open(self) -> DaytonaSync:
        """Go on where the checkpoint says."""
        installation, source = self.installation, self.source
        with installation.state.read() as connection:
            progress = progress_of(connection, source.id)
        if progress is None:
            raise SourceLost("The source was removed.", "")
        self._has_checkpoint = progress.checkpoint is not None
        destination = Destination(
            installation=installation,
            scope=scope_of(source),
            remote_organization_id=source.remote_organization_id,
            name=source.name,
            origin=f"source: {source.name}",
        )
        return destination.sync(
            checkpoint=progress.checkpoint,
            ask=client_of(source, installation.key, installation.outgoing_policy).ask,
            save=self._save,
            elapsed=self.elapsed,
        )

    def _save(self, text: str, checkpoint: Checkpoint) -> None:
        values = {"checkpoint": text, "newest": checkpoint.newest}
        with self.installation.state.begin() as connection:
            note_progress(connection, self.source.id, holder=self.holder, **values)
        self._has_checkpoint = True

    def _note(self, sync: DaytonaSync, step: Step) -> None:
        """Keep what the step brought."""
        with self.installation.state.begin() as connection:
            progress = progress_of(connection, self.source.id)
            if progress is None:
                raise SourceLost("The source was removed.", "")
            report, now = step.report, self.installation.clock()
            came = bool(report.accepted or report.finished)
            note_progress(
                connection,
                self.source.id,
                holder=self.holder,
                accepted=progress.accepted + report.accepted,
                late=progress.late + step.late,
                finished=progress.finished + report.finished,
                rejected=progress.rejected + report.rejected,
                in_flight=len(sync.in_flight),
                last_minute=self._last_minute(report.accepted),
                arrivals=_with_arrival(progress.arrivals, now, came=came),
                last_success_at=now,
                problem=None,
                hint=None,
                next_try_at=None,
            )
        if self._failures:
            LOGGER.warning("The source %s is read again.", self.source.id)
        self._failures = 0

    def _last_minute(self, accepted: int) -> int:
        """How many entries came in the last minute, with these."""
        now_s = self.elapsed()
        self._lately.append((now_s, accepted))
        while self._lately[0][0] <= now_s - MINUTE_S:
            self._lately.popleft()
        return sum(count for _, count in self._lately)

    def _note_problem(self, error: AuditError) -> float:
        """Keep what is wrong; how long to wait, in seconds."""
        stopped = isinstance(error, KeyRefused | RequestRefused)
        pause = self._pause(error)
        if not self._failures:
            LOGGER.warning("The source %s: %s %s", self.source.id, error.message, error.hint)
        self._failures += 1
        now = self.installation.clock()
        with self.installation.state.begin() as connection:
            note_progress(
                connection,
                self.source.id,
                holder=self.holder,
                problem=error.message,
                hint=error.hint,
                stopped=stopped,
                next_try_at=None if stopped else now + timedelta(seconds=pause),
            )
        self._looked_at = float("-inf")
        return 0.0 if stopped else pause

    def _pause(self, error: AuditError) -> float:
        if isinstance(error, TooManyRequests):
            return error.wait_s
        longest = min(FIRST_PAUSE_S * 2 ** min(self._failures, 20), LONGEST_PAUSE_S)
        return random.uniform(longest / 2, longest)  # noqa: S311  # no secret


def _with_arrival(kept: str | None, now: datetime, *, came: bool) -> str | None:
    """What is kept of the arrivals of entries, with one now if some came."""
    known = read_arrivals(kept)
    arrivals = with_arrival(known, now) if came else known
    return kept if arrivals is known or arrivals is None else write_arrivals(arrivals)
