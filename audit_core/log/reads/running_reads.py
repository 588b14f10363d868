"""The running reads of one log: each has a place, a deadline, and somebody who waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from operator import attrgetter

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, BusyError
from audit_core.log.engines.engine import LogEngine
from audit_core.log.reads.admission import RETRY_AFTER_S, Admission
from audit_core.log.reads.read_context import (
    ReadContext,
    cancelled_error,
    current,
    timeout_error,
)
from audit_core.log.reads.watchdog import Watchdog
from audit_core.runtime.database_faults import Fault

_DRAIN_S = 5.0
"""How long `close` waits for interrupted reads to end, in seconds."""


class Reads:
    """Gives connections for reads. `translated` tells people of what a driver raised."""

    def __init__(
        self,
        log_engine: LogEngine,
        *,
        timeout_s: float,
        translated: Callable[[DBAPIError], AuditError],
    ) -> None:
        self.timeout_s = timeout_s
        self._log_engine = log_engine
        self._translated = translated
        self._watchdog = Watchdog()
        self._admission = Admission()
        self.begun = 0
        """How many began for which somebody waits: not those of exports, which may wait longer for
        their turn. A number that is a little low after two began at once."""

    @contextmanager
    def connection(self, engine: Engine, scope: Scope | None) -> Iterator[Connection]:
        """A connection whose work is stopped at the deadline, or when nobody waits for it any
        more, with errors translated.

        Without a scope it is the program's own work, which shows nobody an entry and takes no
        place among the reads.
        """
        # What the program does of its own accord is no part of a request.
        context = (None if scope is None else current()) or ReadContext()
        context.check()
        if scope is not None and context.wait_s is None:
            self.begun += 1
        slot = (
            nullcontext() if scope is None else self._admission.slot(scope.organization_id, context)
        )
        with slot:
            # Its own limit counts from here: waiting for a place is not the statement's fault.
            limit = min(ReadContext(timeout_s=self.timeout_s), context, key=attrgetter("ends_at"))
            statement = None
            try:
                with (
                    engine.connect() as connection,
                    self._log_engine.reading(connection, scope, timeout_s=limit.remaining_s),
                    self._watchdog.watching(
                        context, limit.ends_at, self._log_engine.interrupter(connection)
                    ) as statement,
                ):
                    yield connection
            except PoolTimeoutError as error:
                raise BusyError(
                    "The log is busy.", "Try again in a few seconds.", retry_after_s=RETRY_AFTER_S
                ) from error
            except DBAPIError as error:
                if self._log_engine.fault(error) is not Fault.STOPPED:
                    raise self._translated(error) from error
                if statement is not None and statement.cancelled:
                    raise cancelled_error() from error
                raise timeout_error(limit.limit_s) from error

    @property
    def running(self) -> int:
        """How many statements are running now."""
        return self._watchdog.running

    def interrupt_all(self) -> None:
        """See `AuditLog.interrupt_all`."""
        self._watchdog.interrupt_all()

    def close(self) -> None:
        """Interrupt what runs, and wait a little for it to end; then nothing is left running."""
        self._watchdog.interrupt_all()
        self._watchdog.wait(_DRAIN_S)
        self._watchdog.close()
