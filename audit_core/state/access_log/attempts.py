"""Refused attempts on their way to the access record.

A sign-in is written in its own transaction anyway. What else is refused is not: one write for each
request would let anybody keep the state database busy. The first attempt is written at once, and
what comes within a second of a write waits for the next one, counted. What is refused on the
event loop is written by a thread, never there.
"""

from __future__ import annotations

import json
import logging
import threading
import weakref
from datetime import UTC, datetime
from typing import Any

from audit_core.domain.errors import AuditError
from audit_core.state.access_log.joining import MANY, REST, network_of
from audit_core.state.access_log.record import record
from audit_core.state.database import State

LOGGER = logging.getLogger(__name__)

PAUSE_S = 1.0
"""How long attempts wait at most; a process that is killed loses the counts of that time."""

MAX_WAITING = 500
"""How many attempts that are not alike wait; whoever comes with one more writes them, or, on the
event loop, is counted among the rest."""


class _Attempt:
    """One attempt, or several that are alike."""

    def __init__(
        self,
        at: datetime,
        verb: str,
        actor: str,
        organization_id: str | None,
        address: str | None,
        detail: dict[str, Any],
    ) -> None:
        self.at, self.verb, self.actor = at, verb, actor
        self.organization_id, self.address, self.detail = organization_id, address, detail
        self.times, self.until = 1, at
        minute = at.astimezone(UTC).strftime("%Y%m%d%H%M")
        content = json.dumps([organization_id, detail], sort_keys=True)
        self.key = (minute, verb, actor, network_of(address), content)
        """What is alike has the same."""


class Attempts:
    """Those of one process. Safe to use from many threads; made by `attempts_of`."""

    def __init__(self, state: State) -> None:
        self._state = weakref.ref(state)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[tuple[str, ...], _Attempt] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    def add(
        self,
        *,
        at: datetime,
        verb: str,
        actor: str,
        organization_id: str | None = None,
        address: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Put one attempt on record, now or within `PAUSE_S`.

        `verb` is one that `access_verbs` joins. Raises `StoreUnavailableError` if it is this
        caller who writes, and cannot; the attempts then wait for the next time.
        """
        attempt = _Attempt(at, verb, actor, organization_id, address, detail or {})
        with self._lock:
            if self._counted(attempt):
                return
            self._waiting[attempt.key] = attempt
            if self._timer is not None and len(self._waiting) < MAX_WAITING:
                return
            self._start_timer()
        self.write()

    def note(
        self,
        *,
        at: datetime,
        verb: str,
        actor: str,
        organization_id: str | None = None,
        address: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """As `add`, but a thread writes it within `PAUSE_S`: for the event loop, which this never
        keeps waiting. Where `MAX_WAITING` others wait it is counted in one row with the rest of
        its verb. What cannot be written waits, and the terminal says so."""
        attempt = _Attempt(at, verb, actor, organization_id, address, detail or {})
        with self._lock:
            if self._counted(attempt):
                return
            if len(self._waiting) >= MAX_WAITING:
                attempt = _Attempt(at, verb, MANY, organization_id, None, REST)
                if self._counted(attempt):
                    return
            self._waiting[attempt.key] = attempt
            self._start_timer()

    def _counted(self, attempt: _Attempt) -> bool:
        """Whether one that is alike waits already; it then stands for this one too."""
        known = self._waiting.get(attempt.key)
        if known is None:
            return False
        known.times += 1
        known.until = max(known.until, attempt.at)
        return True

    def write(self) -> None:
        """Write what waits, after what is being written. Raises `StoreUnavailableError`; it then
        still waits."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        state = self._state()
        with self._lock:
            taken, self._waiting = self._waiting, {}
        if not taken or state is None:
            return
        try:
            with state.begin() as connection:
                for attempt in taken.values():
                    record(
                        connection,
                        at=attempt.at,
                        verb=attempt.verb,
                        actor=attempt.actor,
                        organization_id=attempt.organization_id,
                        address=attempt.address,
                        detail=attempt.detail,
                        times=attempt.times,
                        until=attempt.until,
                    )
        except AuditError:
            self._put_back(taken)
            raise

    def close(self) -> None:
        """Write what waits, for the last time."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._write_late()

    def _put_back(self, taken: dict[tuple[str, ...], _Attempt]) -> None:
        with self._lock:
            for key, attempt in taken.items():
                later = self._waiting.get(key)
                if later is not None:
                    attempt.times += later.times
                    attempt.until = later.until
                self._waiting[key] = attempt

    def _start_timer(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(PAUSE_S, self._after_pause)
            self._timer.daemon = True
            self._timer.start()

    def _after_pause(self) -> None:
        with self._lock:
            self._timer = None
            if not self._waiting:
                return
            self._start_timer()
        self._write_late()

    def _write_late(self) -> None:
        """Write where nobody waits for it: what cannot be written is told at the terminal."""
        try:
            self.write()
        except AuditError as error:
            LOGGER.warning("Refused attempts wait to be put on record: %s", error.message)


_OF_STATE: weakref.WeakKeyDictionary[State, Attempts] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def attempts_of(state: State) -> Attempts:
    """The attempts on the way to this state; they are written before it closes."""
    with _LOCK:
        found = _OF_STATE.get(state)
        if found is None:
            _OF_STATE[state] = found = Attempts(state)
            state.before_close.append(found.close)
        return found
