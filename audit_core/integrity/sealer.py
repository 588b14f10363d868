"""Seals all trees, a little behind the log, for as long as the app runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from audit_core.integrity.sealing import TreeProblem, thin_out
from audit_core.integrity.tile import TILE
from audit_core.integrity.tree import Trees
from audit_core.log.store import AuditLog
from audit_core.runtime.background import Told, repeat
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import checkpoint_times
from audit_core.state.tree.leases import WorkLease
from audit_core.state.tree.status import read_status, set_status

LOGGER = logging.getLogger("sandtrail.integrity")

LOOK_EVERY_S = 1.0
"""How often it is looked what was written."""

SEAL_AFTER = timedelta(seconds=10)
"""Fewer writes than fill a tile wait at most so long: a checkpoint is a write of the state."""

SIGN_AFTER = timedelta(minutes=4, seconds=30)
"""How old a checkpoint may be, also when nothing was written. At least every five minutes there is
one, so that an hour without entries is proven to be one."""

THIN_OUT_EVERY = timedelta(hours=1)

LEASE = timedelta(seconds=30)
"""For how long a process that seals a shared log has that for itself; renewed while it does."""

PAUSE_SHARE, PAUSE_SHARE_WHILE_WRITTEN = 0.25, 2.0
"""How long it pauses between two batches of a tree that is far behind, of the time that one takes:
others want the processor too. While entries come in they come first, and sealing catches up."""

AFTER_FAULT_S = 60.0
"""How long it rests after a fault of ours."""

RETRY_S = 60.0
"""How long after a problem it is looked at again: somebody may have mended it."""

WORK = "sealing"


class Sealer:
    """Seals from construction until `stop()`.

    Where several processes share the log, one of them does; another one goes on when it is gone.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        trees: Trees,
        clock: Callable[[], datetime],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._log = log
        self._state = state
        self._trees = trees
        self._clock = clock
        self._lease = WorkLease(state, WORK, shared_log=log.shared, lasts=LEASE, clock=clock)
        self._stopped = threading.Event()
        self._sealed: dict[str, tuple[int, datetime]] = {}
        """How far each tree is, and when its newest checkpoint was signed, as far as known."""
        self._trees_known: frozenset[str] | None = None
        """The organizations that had a tree when this process began."""
        self._retry_at: dict[str, float] = {}
        """Until when, by `time.monotonic`, a tree with a problem is left alone."""
        self._problems: dict[str, str | None] = {}
        """What was noted of each tree by this process."""
        self._thinned_at: datetime | None = None
        self._thread = repeat(
            self._step,
            name="sealer",
            told=Told(
                logger=LOGGER,
                refused="The log is not sealed",
                failed="Sealing failed, and begins again in a minute",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
            first_after_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once nothing more is sealed: what was written since is sealed after the next
        start."""
        self._stopped.set()
        self._thread.join()
        self._lease.let_go()

    def _step(self) -> float | None:
        """How long to pause where a tree is far behind, in seconds."""
        began, head = time.monotonic(), self._log.last_known()
        if not (self._lease.held() and self._seal_what_is_due()):
            return None
        written = self._log.last_known() != head
        share = PAUSE_SHARE_WHILE_WRITTEN if written else PAUSE_SHARE
        return share * (time.monotonic() - began)

    def _seal_what_is_due(self) -> bool:
        """One batch of each tree; whether there is more to be sealed at once."""
        behind = False
        heads = self._log.known_heads()
        if self._trees_known is None:
            # Also of what the log holds nothing of any more: it may have been lost.
            self._trees_known = frozenset(self._trees.sealed())
        for organization_id in heads.keys() | self._sealed.keys() | self._trees_known:
            if self._stopped.is_set() or not self._lease.held():
                return False
            head = heads.get(organization_id)
            if self._is_due(organization_id, head.organization_revision if head else 0):
                behind |= self._seal(organization_id)
        now = self._clock()
        if self._thinned_at is None or now - self._thinned_at >= THIN_OUT_EVERY:
            self._thinned_at = now
            for organization_id in list(self._sealed):
                with self._state.begin() as connection:
                    thin_out(connection, checkpoint_times(connection, organization_id), now)
        return behind

    def _is_due(self, organization_id: str, written: int) -> bool:
        if self._retry_at.get(organization_id, 0.0) > time.monotonic():
            return False
        if organization_id not in self._sealed:
            return True
        size, signed_at = self._sealed[organization_id]
        age = self._clock() - signed_at
        new = written - size
        return new >= TILE or (new != 0 and age >= SEAL_AFTER) or age >= SIGN_AFTER

    def _seal(self, organization_id: str) -> bool:
        """Seal the next batch of a tree; whether there is more than a tile left."""
        try:
            sealed = self._trees.sealing.seal(organization_id, not_older_than=SIGN_AFTER)
        except TreeProblem as problem:
            self._note(organization_id, f"{problem.message} {problem.hint}")
            self._retry_at[organization_id] = time.monotonic() + RETRY_S
            return False
        before = self._sealed.get(organization_id)
        checkpoint = sealed.checkpoint
        self._sealed[organization_id] = (checkpoint.size, checkpoint.signed_at)
        self._note(organization_id, None)
        return sealed.behind >= TILE and (before is None or before[0] != checkpoint.size)

    def _note(self, organization_id: str, problem: str | None) -> None:
        """Keep what is wrong with a tree, where that is news."""
        if organization_id not in self._problems:
            with self._state.read() as connection:
                self._problems[organization_id] = read_status(connection, organization_id).problem
        if self._problems[organization_id] == problem:
            return
        at = self._clock() if problem else None
        with self._state.begin() as connection:
            set_status(connection, organization_id, problem=problem, problem_at=at)
        self._problems[organization_id] = problem
        if problem:
            LOGGER.error(
                "The log of %s is not sealed any more: %s",
                f"the organization {organization_id}" if organization_id else "no organization",
                problem,
            )
