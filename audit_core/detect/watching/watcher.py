"""Lets all rules watch, for as long as the app runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.feed import Feed
from audit_core.detect.watching.looking import Look
from audit_core.detect.watching.progress import read_beat
from audit_core.detect.watching.rounds import Rounds
from audit_core.detect.watching.standing import begin_with_what_is_there
from audit_core.log.store import AuditLog
from audit_core.runtime.background import Told, repeat
from audit_core.state.database import State
from audit_core.state.tree.leases import WorkLease

LOGGER = logging.getLogger("sandtrail.detect")

LOOK_EVERY_S = 1.0
"""How often it is looked what was written."""

LEASE = timedelta(seconds=30)
"""For how long a process that watches a shared log has that for itself; renewed while it does."""

PAUSE_SHARE, PAUSE_SHARE_WHILE_WRITTEN = 0.25, 1.0
"""How long it pauses after a round, of the time that the round took: others want the processor too.
Longer while entries come in: they come first, and the next round sees more of them at once."""

AFTER_FAULT_S = 60.0
"""How long it rests after a fault of ours."""

WORK = "watching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of a round."""

    held: bool
    """Whether this process has the work; else another one watches."""
    behind: bool
    """Whether there is more to be looked at, at once."""
    pause_s: float
    """How long to leave the processor to others, in seconds."""


class Watching:
    """The watching of one process; it has the work for itself where several share the log. Not for
    several threads at once.

    `report` is called with each look that found something; `stopped` ends what is under way: it is
    asked from other threads too, and must not block. `from_beginning`: where rules have never
    watched, they look at what is there, too.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        clock: Callable[[], datetime],
        lease: timedelta = LEASE,
        from_beginning: bool = False,
        feeds: Sequence[Feed] = (),
        report: Callable[[str, Rule, Look], None] = lambda organization_id, rule, seen: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._log = log
        self._state = state
        self._clock = clock
        self._from_beginning = from_beginning
        self._stopped = stopped
        self._lease = WorkLease(state, WORK, shared_log=log.shared, lasts=lease, clock=clock)
        self._rounds = Rounds(
            log=log, state=state, clock=clock, feeds=feeds, report=report, stopped=stopped
        )
        self._held = False

    def look(self) -> Looked:
        """One round, if this process has the work; it ends early once it is stopped. Raises
        `AuditError` where the log or the state does not answer."""
        if self._stopped() or not self._lease.held():
            self._held = False
            return Looked(held=False, behind=False, pause_s=0.0)
        if not self._held:
            self._begin()
        began, head = time.monotonic(), self._log.last_known()
        behind = self._rounds.round(lambda: not self._stopped() and self._lease.held())
        share = PAUSE_SHARE if self._log.last_known() == head else PAUSE_SHARE_WHILE_WRITTEN
        return Looked(held=True, behind=behind, pause_s=share * (time.monotonic() - began))

    def let_go(self) -> None:
        """Let another process watch at once."""
        self._lease.let_go()

    def _begin(self) -> None:
        """This process is the one that watches now."""
        self._rounds.forget()
        with self._state.read() as connection:
            is_first = read_beat(connection) is None
        if is_first or self._from_beginning:
            begin_with_what_is_there(
                self._log,
                self._state,
                now=self._clock(),
                from_beginning=self._from_beginning,
            )
        self._held = True


class Watcher:
    """Watches from construction until `stop()`.

    Where several processes share the log, one of them does; another one goes on when it is gone.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        clock: Callable[[], datetime],
        feeds: Sequence[Feed] = (),
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._stopped = threading.Event()
        self._watching = Watching(
            log=log, state=state, clock=clock, feeds=feeds, stopped=self._stopped.is_set
        )
        self._look_every_s = look_every_s
        self._thread = repeat(
            self._step,
            name="watcher",
            told=Told(
                logger=LOGGER,
                refused="No rule watches the log",
                failed="Watching failed, and begins again in a minute",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
            first_after_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once no rule looks any more: what was written since is looked at after the next
        start."""
        self._stopped.set()
        self._thread.join()
        self._watching.let_go()

    def _step(self) -> float:
        """How long to pause, in seconds."""
        looked = self._watching.look()
        return looked.pause_s if looked.behind else max(looked.pause_s, self._look_every_s)
