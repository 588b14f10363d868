"""Runs full verifications: those that somebody asked for, and each night one of every tree."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from audit_core.integrity.tree import Trees
from audit_core.integrity.verification.findings import Result
from audit_core.integrity.verification.standing import verified_of
from audit_core.log.retention import Retention
from audit_core.log.store import AuditLog
from audit_core.runtime.background import Told, repeat
from audit_core.state.database import State
from audit_core.state.tree.leases import WorkLease
from audit_core.state.tree.status import (
    clear_running,
    last_verified,
    next_requested,
    read_status,
    set_status,
)

LOGGER = logging.getLogger("sandtrail.integrity")

LOOK_EVERY_S = 1.0
"""How often it is looked whether somebody asked."""

LIST_EVERY = timedelta(minutes=1)
"""How often it is looked which trees are due by themselves: that reads something of each."""

NIGHT_HOUR = 2
"""The hour (UTC) from which on every tree is verified by itself, once a day."""

LEASE = timedelta(minutes=5)
"""For how long a process that verifies a shared log has that for itself; renewed while it does."""

AFTER_FAULT_S = 60.0
"""How long it rests after a fault of ours."""

WORK = "verifying"


class Cancelled(Exception):
    """Somebody wants this verification no more, or the app stops."""


def last_night(now: datetime) -> datetime:
    """The newest moment at which a verification by itself was due."""
    due = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return due if due <= now else due - timedelta(days=1)


def verify(
    trees: Trees,
    state: State,
    organization_id: str,
    *,
    retention: Retention,
    clock: Callable[[], datetime],
    going_on: Callable[[], None] = lambda: None,
    pause_s: float = 0.0,
) -> Result | None:
    """Verify one tree, and keep how far it is and what it found; `None` if it was cancelled.

    `going_on` is called between batches, each followed by a pause, and ends it by raising
    `Cancelled`. Raises `AuditError` if the log or the state does not answer.
    """

    def progress(checked: int, to_check: int) -> None:
        going_on()
        with state.begin() as connection:
            if read_status(connection, organization_id).cancelled:
                raise Cancelled
            set_status(connection, organization_id, checked=checked, to_check=to_check)
        if checked:
            time.sleep(pause_s)

    with state.begin() as connection:
        begun = {"requested_at": None, "running_since": clock(), "checked": 0, "to_check": None}
        set_status(connection, organization_id, **begun)
    over: dict[str, object] = {"running_since": None, "checked": None, "to_check": None}
    result: Result | None = None
    try:
        result = trees.verify(
            organization_id, earliest=retention.earliest(clock()), progress=progress
        )
    except Cancelled:
        return None
    finally:
        with state.begin() as connection:
            if result is not None:
                result = _with_acknowledged(connection, organization_id, result)
                over |= {"verified_at": clock(), "result": result.as_json()}
            set_status(connection, organization_id, cancelled=False, **over)
    if result.alarming:
        LOGGER.error(
            "The log of %s is not as it was sealed: %s",
            f"the organization {organization_id}" if organization_id else "no organization",
            " ".join(finding.sentence for finding in result.alarming[:5]),
        )
    return result


def _with_acknowledged(connection: Connection, organization_id: str, result: Result) -> Result:
    """As it is at the end: somebody may have acknowledged something while it ran."""
    earlier = verified_of(read_status(connection, organization_id))
    return result if earlier is None else result.with_acknowledged(earlier.result.acknowledged)


class Verifier:
    """Verifies from construction until `stop()`. Where several processes share the log, one of
    them does."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        trees: Trees,
        clock: Callable[[], datetime],
        retention: Retention,
        look_every_s: float = LOOK_EVERY_S,
        pause_s: float = 0.2,
    ) -> None:
        self._state = state
        self._trees = trees
        self._clock = clock
        self._retention = retention
        self._pause_s = pause_s
        self._began_at = clock()
        self._overdue: set[str] = set()
        """Trees that are due by themselves, as of `_listed_at`."""
        self._listed_at = datetime.min.replace(tzinfo=UTC)
        self._lease = WorkLease(state, WORK, shared_log=log.shared, lasts=LEASE, clock=clock)
        self._alone = False
        """Whether what other processes left under way is cleared, since this one has the work."""
        self._stopped = threading.Event()
        self._thread = repeat(
            self._step,
            name="verifier",
            told=Told(
                logger=LOGGER,
                refused="The log is not verified",
                failed="Verifying failed, and is tried again in a minute",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
            first_after_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once nothing is verified any more; what was under way is not asked for again."""
        self._stopped.set()
        self._thread.join()
        self._lease.let_go()

    def _step(self) -> None:
        due = self._next()
        if due is not None and self._holds():
            organization_id, pause_s = due
            self._verify(organization_id, pause_s)
            self._overdue.discard(organization_id)

    def _next(self) -> tuple[str, float] | None:
        """The tree to be verified next, and how long to pause between batches: what people wait for
        first, and without a pause."""
        with self._state.read() as connection:
            requested = next_requested(connection)
        if requested is not None:
            return requested, 0.0
        now = self._clock()
        if now - self._listed_at >= LIST_EVERY:
            self._overdue = set(self._not_since(last_night(now)))
            self._listed_at = now
        return (min(self._overdue), self._pause_s) if self._overdue else None

    def _not_since(self, night: datetime) -> list[str]:
        """The trees that are to be verified by themselves, and were not since that night."""
        with self._state.read() as connection:
            verified = last_verified(connection)
        if night <= self._began_at:
            # It was due before this process began: so are trees that were verified at all.
            return [name for name, at in verified.items() if at < night]
        return [name for name in self._trees.sealed() if verified.get(name, self._began_at) < night]

    def _holds(self) -> bool:
        if not self._lease.held():
            self._alone = False
            return False
        if not self._alone:
            # Whoever verified before is gone.
            with self._state.begin() as connection:
                clear_running(connection)
            self._alone = True
        return True

    def _verify(self, organization_id: str, pause_s: float) -> None:
        def going_on() -> None:
            if self._stopped.is_set() or not self._holds():
                raise Cancelled

        verify(
            self._trees,
            self._state,
            organization_id,
            retention=self._retention,
            clock=self._clock,
            going_on=going_on,
            pause_s=pause_s,
        )
