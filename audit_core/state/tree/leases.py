"""Who does what one process does for all that share a log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, update

from audit_core.domain.errors import AuditError
from audit_core.state.database import State, insert_into
from audit_core.state.secrets import new_id
from audit_core.state.tree.tables import work_lease

LOGGER = logging.getLogger("sandtrail.state")


class WorkLease:
    """The work of a name, which this process has for itself as long as it asks again in time. Not
    for several threads at once."""

    def __init__(
        self,
        state: State,
        name: str,
        *,
        shared_log: bool,
        lasts: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._name = name
        self._shared_log = shared_log
        self._lasts = lasts
        self._clock = clock
        self._holder = new_id()
        self._renew_at = float("-inf")
        """By `time.monotonic`."""
        self._held = False

    def held(self) -> bool:
        """Take it, or go on having it; renewed once half of its time is over. An embedded log (not
        `shared_log`) has one owner, who always has it. Raises `StoreUnavailableError`."""
        now = time.monotonic()
        if not self._shared_log or (self._held and now < self._renew_at):
            return True
        with self._state.begin() as connection:
            self._held = hold(
                connection,
                self._name,
                holder=self._holder,
                now=self._clock(),
                lasts=self._lasts,
            )
        self._renew_at = now + self._lasts.total_seconds() / 2
        return self._held

    def let_go(self) -> None:
        """Let others have it at once. Where the state does not answer, it runs out by itself."""
        if not self._held:
            return
        try:
            with self._state.begin() as connection:
                let_go(connection, self._name, holder=self._holder)
        except AuditError:
            LOGGER.debug("The lease of %s runs out by itself.", self._name, exc_info=True)


def hold(
    connection: Connection, name: str, *, holder: str, now: datetime, lasts: timedelta
) -> bool:
    """Take the work of a name, or go on having it: whether `holder` has it until `now + lasts`."""
    values = {"holder": holder, "held_until": now + lasts}
    connection.execute(
        insert_into(connection, work_lease).values(name=name, **values).on_conflict_do_nothing()
    )
    column = work_lease.c
    free = or_(column.holder == holder, column.held_until < now)
    result = connection.execute(update(work_lease).where(column.name == name, free).values(values))
    return result.rowcount == 1


def let_go(connection: Connection, name: str, *, holder: str) -> None:
    """Let others have it at once."""
    connection.execute(
        delete(work_lease).where(work_lease.c.name == name, work_lease.c.holder == holder)
    )
