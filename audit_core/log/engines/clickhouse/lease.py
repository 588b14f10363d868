"""Whose turn it is to write to ClickHouse, which has no transactions and no locks: a lease.

Each process that has the log open has a row in a small table that says whether it holds the lease,
waits for it, or neither, and until when that is true, by the server's clock. Who wants the lease
writes that it holds it and then looks at the others: if another says the same, it takes that back
and tries again after a random moment. Of two processes at least the one that looks last sees the
other, so never both go on.

The holder keeps the lease from one append to the next. It lets go when another waits, and when it
is idle; if it is killed, the lease ends by itself.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.engines.clickhouse.tables import everywhere

LEASE_S = 20.0
"""How long a lease lasts after the holder last said so: longer than any append takes."""

RENEWED_S = LEASE_S / 4
"""How old a lease may be at the beginning of an append; then it is made longer."""

IDLE_S = 1.0
"""After how long without an append the lease is let go."""

PATIENCE_S = 3 * LEASE_S
"""How long an append waits for its turn."""

TABLE = "writer_lease"

_GONE, _WAITS, _HOLDS = 0, 1, 2
_LASTS_S = {_GONE: 0, _WAITS: 2, _HOLDS: int(LEASE_S)}

_LOOKS_S = (0.05, 0.25)
"""After what time who waits looks again."""


def table(cluster: str | None = None) -> str:
    """Makes the table."""
    columns = "holder String, state UInt8, until DateTime64(6, 'UTC'), version Int64"
    return everywhere(TABLE, columns, "ORDER BY holder", cluster, version="version")


class WriterLease:
    """The lease as one open log has it. Used by the one thread that writes."""

    def __init__(self) -> None:
        self._holder = secrets.token_hex(16)
        self._held_since: float | None = None
        self._wanted = False
        """Whether another waited at the beginning of the append."""
        self._yielded = False
        self._lock = threading.Lock()
        """Held while the state is written: the idle timer is a thread of its own."""
        self._timer: threading.Timer | None = None

    def hold(self, connection: Connection) -> bool:
        """Wait for the lease, or make it longer; whether this process had it all the time since
        its last append. Raises `StoreUnavailableError` if others do not let go of it."""
        with self._lock:
            self._stop_timer()
            if self._yielded:
                # Who waits looks a few times a second.
                self._yielded = False
                time.sleep(_LOOKS_S[1])
            now = time.monotonic()
            if self._held_since is None or now - self._held_since > LEASE_S / 2:
                self._wait(connection)
                return False
            if now - self._held_since > RENEWED_S:
                self._say(connection, _HOLDS)
                self._held_since = now
            self._wanted = self._others(connection)[1] > 0
            return True

    def done(self, connection: Connection) -> None:
        """An append is over: let go of the lease if another waits, else soon."""
        with self._lock:
            if self._wanted:
                self._say(connection, _GONE)
                self._held_since, self._yielded = None, True
                return
            self._timer = threading.Timer(IDLE_S, self.release, [connection.engine])
            self._timer.daemon = True
            self._timer.start()

    def release(self, engine: Engine) -> None:
        """Let go of the lease, if this process has it."""
        with self._lock:
            self._stop_timer()
            if self._held_since is None:
                return
            self._held_since = None
            try:
                with engine.connect() as connection:
                    self._say(connection, _GONE)
            except DBAPIError:
                # It ends by itself; what is wrong, the next append is told.
                return

    def left_behind(self, connection: Connection) -> bool:
        """Whether a holder before did not let go of the lease, but came to an end within it."""
        found = _rows(
            connection,
            f"SELECT count() FROM {TABLE} "  # noqa: S608 - our own names
            f"WHERE holder != '{self._holder}' AND state = {_HOLDS}",
        )
        return bool(found[0][0])

    def forget_left_behind(self, connection: Connection) -> None:
        """What a holder before may have left is in order now."""
        connection.execute(
            text(
                f"INSERT INTO {TABLE} "  # noqa: S608 - our own names
                f"SELECT holder, {_GONE}, until, {_VERSION} FROM {TABLE} "
                f"WHERE holder != '{self._holder}' AND state = {_HOLDS} AND until < now64(6)"
            )
        )

    def _wait(self, connection: Connection) -> None:
        """Come to hold the lease."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            said = time.monotonic()
            self._say(connection, _HOLDS)
            holding, waiting = self._others(connection)
            if not holding:
                self._held_since, self._wanted = said, waiting > 0
                return
            self._held_since = None
            self._say(connection, _WAITS)
            if time.monotonic() > deadline:
                self._say(connection, _GONE)
                raise StoreUnavailableError(
                    "Another process writes to the log and does not let others.",
                    "Try again in a moment.",
                )
            time.sleep(random.uniform(*_LOOKS_S))  # noqa: S311 - to come apart from others

    def _say(self, connection: Connection, state: int) -> None:
        connection.execute(
            text(
                f"INSERT INTO {TABLE} SELECT '{self._holder}', {state}, "
                f"now64(6) + INTERVAL {_LASTS_S[state]} SECOND, {_VERSION}"
            )
        )

    def _others(self, connection: Connection) -> tuple[int, int]:
        """How many others hold the lease, and how many wait for it."""
        found = _rows(
            connection,
            f"SELECT countIf(state = {_HOLDS}), countIf(state = {_WAITS}) "  # noqa: S608
            f"FROM {TABLE} WHERE holder != '{self._holder}' AND until > now64(6) "
            # On a cluster: as the last insert left it, whichever replica is asked.
            "SETTINGS select_sequential_consistency = 1",
        )
        return int(found[0][0]), int(found[0][1])

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_VERSION = "toUnixTimestamp64Micro(now64(6))"


def _rows(connection: Connection, statement: str) -> list[Any]:
    return list(connection.exec_driver_sql(statement))
